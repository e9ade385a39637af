"""``synthmix fit`` and ``compare``: scaling laws on a study's runs or on any table of runs."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import AsJson, parsed
from synthmix.cli.runs import Columns, MappingFile, SkipBad, Sources, taken

if TYPE_CHECKING:
    from synthmix.interval import Interval
    from synthmix.results import Warn
    from synthmix.runs import RunsTable
    from synthmix.scaling import Fit
    from synthmix.scaling.mixtures import MixtureFit

Metrics = Annotated[
    list[str] | None, typer.Option("--metric", help="Which metric; of a law over shares, which domains (repeatable).")
]
OneRecipe = Annotated[str | None, typer.Option("--recipe", help="Only this recipe.")]
Level = Annotated[float, typer.Option(help="Level of the intervals.", min=0.5, max=0.999)]
Delta = Annotated[str, typer.Option(help="Huber's delta on log-losses; auto: from the noise.")]
OBJECTIVE = "huber-log, squares-log or squares-loss: Huber's loss or squares, of log-losses or of losses."


def fit(
    runs: Sources,
    law: Annotated[
        str, typer.Option(help="data, model, chinchilla, ...; over all shares: effective_tokens, additive, ...")
    ] = "chinchilla",
    columns: Columns = "",
    mapping: MappingFile = None,
    recipe: OneRecipe = None,
    skip_bad: SkipBad = False,
    metrics: Metrics = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples for the intervals.", min=0)] = 1000,
    all_runs: Annotated[bool, typer.Option("--all-runs", help="Fit all rows of a large table.")] = False,
    level: Level = 0.9,
    objective: Annotated[str, typer.Option(help=OBJECTIVE)] = "huber-log",
    delta: Annotated[
        str | None, typer.Option(help="Of huber-log, on log-losses: 1e-3 if not given; auto: from the noise.")
    ] = None,
    predict: Annotated[str | None, typer.Option(help="N=1B,D=100B: the loss expected there.")] = None,
    compute: Annotated[
        str | None, typer.Option(help="FLOPs: the best N and D, by each objective and by isoFLOP minima.")
    ] = None,
    profiles: Annotated[bool, typer.Option("--profiles", help="Profile-likelihood intervals as well.")] = False,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots (HTML).")] = None,
    best_of: Annotated[
        str | None, typer.Option("--best", help="share: the best share of each synthetic source; --predict says where.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="With --best share: only this source.")] = None,
    predict_file: Annotated[
        Path | None, typer.Option("--predict-file", help="A table: its rows with predicted, low, high go --to.")
    ] = None,
    kind: Annotated[str, typer.Option(help="Interval of the predictions: mean or new-run.")] = "new-run",
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Save the fit (.json), or the predicted rows (.csv, .jsonl, .parquet)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a scaling law to training runs, with intervals and warnings.

    Example: synthmix fit runs.csv --law chinchilla --columns N=params,D=tokens,loss=val_loss --bootstrap 1000 --json

    Example: synthmix fit runs.csv --compute 3.8e25 --objective squares-loss --columns flops=budget

    Example: synthmix fit runs.csv --best share --metric task.piqa --source qa

    Example: synthmix fit runs.csv --law effective_tokens --columns "shares=mix.*" --predict-file new.csv --to out.csv

    Example: synthmix fit runs.csv --to fit.json; synthmix fit fit.json --predict-file new.csv --to out.csv
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.runs import read_runs
    from synthmix.runs.laws import fit as fit_law
    from synthmix.runs.laws import saved_fit
    from synthmix.runs.metrics import asked_metrics
    from synthmix.runs.predict import predict_file as write_predicted
    from synthmix.scaling import LAWS, profile
    from synthmix.scaling.fit import MOST_RUNS
    from synthmix.scaling.fitted import OBJECTIVES
    from synthmix.scaling.mixtures import MIXTURE_LAWS, MixtureFit

    if law not in LAWS and law not in MIXTURE_LAWS:
        raise BadInput(f"no law '{law}'", key="--law", remedy=f"choose one of {', '.join((*LAWS, *MIXTURE_LAWS))}")
    if objective not in OBJECTIVES:
        raise BadInput(
            f"no objective '{objective}'", key="--objective", remedy=f"choose one of {', '.join(OBJECTIVES)}"
        )
    if delta is not None and objective != "huber-log":
        raise BadInput(f"is not for {objective}", key="--delta", remedy="leave it out, or take --objective huber-log")
    if kind not in ("mean", "new-run"):
        raise BadInput(f"'{kind}' is no kind of interval", key="--kind", remedy="choose mean or new-run")
    if predict_file is not None and to is None:
        raise BadInput("is missing", key="--to", remedy="name a .csv, .jsonl or .parquet for the predicted rows")
    if (kept := saved_fit(runs)) is not None:
        _of_saved(kept, predict, predict_file, to, columns, mapping, kind, level, as_json=as_json)
        return
    if best_of is not None:
        if best_of != "share":
            raise BadInput(f"'{best_of}' is not what is sought", key="--best", remedy="write --best share")
        table = read_runs(runs, columns, mapping=mapping, recipe=recipe, skip_bad=skip_bad)
        at = parsed(_assignments, predict, "--predict") if predict else None
        _best_shares(table, metrics, source, at, level=level, bootstrap=bootstrap, as_json=as_json)
        return
    if source is not None:
        raise BadInput("is for --best share", key="--source", remedy="add --best share, or name a --recipe")
    rows: dict[str, Any] = {"columns": columns, "mapping": mapping, "kind": kind, "level": level}
    if law in MIXTURE_LAWS:
        _only_for_one_share(predict=predict, compute=compute, profiles=profiles, plots=plots)
        table = read_runs(runs, columns, mapping=mapping, recipe=recipe, skip_bad=skip_bad)
        saving = to is not None and predict_file is None  # what is decided of it later needs the draws
        mixtures = fit_law(law, table, metric=metrics, draws=200 if saving else 0, level=level)
        assert isinstance(mixtures, MixtureFit)
        value = mixtures.as_json()
        value["warnings"] = [{"code": w.code, "message": w.message} for w in (*table.warnings, *mixtures.warnings)]
        value["taken"] = dict(table.taken)
        lines = [
            *taken(table),
            mixtures.report(),
            *(f"  warning {w['code']}: {w['message']}" for w in value["warnings"]),
        ]
        if predict_file is not None and to is not None:
            value["predicted"] = write_predicted(mixtures, predict_file, to, **rows)
            lines.append(f"{value['predicted']} rows predicted: {to}")
        elif to is not None:
            mixtures.save(_fit_file(to))
            lines.append(f"saved: {to}")
        show(value, "\n".join(lines), as_json=as_json)
        return
    points = parsed(_assignments, predict, "--predict") if predict else {}
    flops = parsed(float, compute, "--compute") if compute else None
    table = read_runs(runs, columns, mapping=mapping, recipe=recipe, skip_bad=skip_bad)
    table, names = asked_metrics(table, metrics)
    metrics = names or None
    how: dict[str, Any] = {"bootstrap": bootstrap, "level": level, "objective": objective}
    how |= {"delta": _huber(delta or "1e-3"), "most_runs": None if all_runs else MOST_RUNS}
    if len(names) > 1:
        _only_for_one_metric(compute=compute, profiles=profiles, plots=plots, predict_file=predict_file, to=to)
        _several_metrics(law, table, names, points, how, as_json=as_json)
        return
    found = fit_law(law, table, metric=metrics, **how)
    assert not isinstance(found, MixtureFit)
    said = [*table.warnings, *_mixed(table, recipe, found.law.columns)]
    warnings = [*said, *found.warnings, *(found.warnings_at(**points) if points else [])]
    value = found.as_json()
    value["warnings"] = [{"code": w.code, "message": w.message} for w in warnings]
    value["taken"] = dict(table.taken)
    lines = [*taken(table), found.report(), *(f"  warning {w.code}: {w.message}" for w in said)]
    if predict:
        value["prediction"], line = _predicted(found, predict)
        lines.append(line)
    if flops is not None:
        said_of, more = _compute_optimal(found, table, metrics, flops)
        value |= said_of
        lines += more
    if profiles:
        ranges = {name: profile(found, name).interval for name in found.law.names}
        value["profile_intervals"] = {name: [each.low, each.high] for name, each in ranges.items()}
        lines += [f"profile {name}: {_interval(each)}" for name, each in ranges.items()]
    if predict_file is not None and to is not None:
        value["predicted"] = write_predicted(found, predict_file, to, **rows)
        lines.append(f"{value['predicted']} rows predicted: {to}")
    elif to is not None:
        found.save(_fit_file(to))
        lines.append(f"saved: {to}")
    if plots is not None:
        value["plots"] = [str(path) for path in write_plots(found, plots)]
        lines += [f"plot: {path}" for path in value["plots"]]
    show(value, "\n".join(lines), as_json=as_json)


def _fit_file(to: Path) -> Path:
    """Where a fit is saved: any name but those of tables, which hold predicted rows."""
    from synthmix.errors import BadInput

    if to.suffix.lower() in (".csv", ".jsonl", ".parquet"):
        remedy = "add --predict-file for the rows, or name a .json for the fit"
        raise BadInput("is for predicted rows, and no rows are given", key=f"--to {to}", remedy=remedy)
    return to


def _of_saved(
    found: "Fit | MixtureFit", predict: str | None, rows: Path | None, to: Path | None, columns: str,
    mapping: Path | None, kind: str, level: float, *, as_json: bool,
) -> None:  # fmt: skip
    """What a saved fit says, without the runs that it was fitted to."""
    from synthmix.cli.terminal import show
    from synthmix.runs.predict import predict_file as write_predicted
    from synthmix.scaling.mixtures import MixtureFit

    value = found.as_json()
    lines = [found.report()]
    if isinstance(found, MixtureFit):
        _only_for_one_share(predict=predict)
        lines += [f"  warning {warn.code}: {warn.message}" for warn in found.warnings]
    elif predict:
        said, line = _predicted(found, predict)
        value["prediction"] = said
        lines += [line, *(f"  warning {w.code}: {w.message}" for w in found.warnings_at(**said["at"]))]
    if rows is not None and to is not None:
        how: dict[str, Any] = {"columns": columns, "mapping": mapping, "kind": kind, "level": level}
        value["predicted"] = write_predicted(found, rows, to, **how)
        lines.append(f"{value['predicted']} rows predicted: {to}")
    show(value, "\n".join(lines), as_json=as_json)


def _predicted(found: "Fit", predict: str) -> tuple[dict[str, Any], str]:
    """The loss expected at ``--predict``, as data and in a line."""
    points = parsed(_assignments, predict, "--predict")
    mean, new = found.loss(kind="mean", **points), found.loss(kind="new_run", **points)
    distance = found.distance(**points)
    said = {"at": points, "loss": asdict(mean), "new_run": asdict(new), "decades_beyond": distance}
    far = ", ".join(f"{decades:.1f} decades in {name}" for name, decades in distance.items())
    return said, f"at {predict}: loss {_interval(mean)}; one new run {_interval(new)}; beyond the runs: {far}"


def compare(
    runs: Sources,
    columns: Columns = "",
    mapping: MappingFile = None,
    recipe: OneRecipe = None,
    skip_bad: SkipBad = False,
    laws: Annotated[list[str] | None, typer.Option("--law", help="Only these laws; may be repeated.")] = None,
    metrics: Metrics = None,
    level: Level = 0.9,
    delta: Delta = "1e-3",
    as_json: AsJson = False,
) -> None:
    """Rank all applicable laws by how well they predict the largest runs, held out of their fit.

    Runs of many mixtures are compared by held-out mixtures and by the held-out largest scale. Two or more study files
    are compared as studies, as synthmix study compare does.

    Example: synthmix compare runs.csv --columns N=params,D=tokens,loss=val_loss

    Example: synthmix compare quickstart.yaml with-more-natural-text.yaml
    """
    if len(runs) > 1 and all(Path(each).suffix in (".yaml", ".yml") for each in runs):
        from synthmix.cli.study import compare as compare_studies
        from synthmix.errors import BadInput

        given = {"--columns": columns, "--mapping": mapping, "--recipe": recipe, "--law": laws, "--metric": metrics}
        for key, asked in given.items():
            if asked:
                raise BadInput("is for runs, not for study files", key=key, remedy="leave it out")
        compare_studies([Path(each) for each in runs], as_json=as_json)
        return
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.runs import read_runs
    from synthmix.runs.laws import compare as rank
    from synthmix.runs.mixtures import ignored_shares
    from synthmix.scaling import LAWS
    from synthmix.scaling.mixtures import MIXTURE_LAWS, MixtureComparison

    for law in laws or []:
        if law not in LAWS and law not in MIXTURE_LAWS:
            raise BadInput(f"no law '{law}'", key="--law", remedy=f"choose from {', '.join((*LAWS, *MIXTURE_LAWS))}")
    table = read_runs(runs, columns, mapping=mapping, recipe=recipe, skip_bad=skip_bad)
    over_shares = any(law in MIXTURE_LAWS for law in laws or []) or (not laws and ignored_shares(table) is not None)
    how: dict[str, Any] = {} if over_shares else {"delta": _huber(delta)}
    found = rank(table, laws, metric=metrics, level=level, **how)
    if isinstance(found, MixtureComparison):
        as_said = found.as_json() | {"taken": dict(table.taken)}
        show(as_said, "\n".join([*taken(table), found.report()]), as_json=as_json)
        return
    value = {
        "winner": found.winner,
        "decided": found.decided,
        "margin": asdict(found.margin),
        "noise": found.noise,
        "laws": [vars(score) for score in found.scores],
        "skipped": found.skipped,
        "warnings": [{"code": w.code, "message": w.message} for w in (*table.warnings, *found.warnings)],
    }
    value["taken"] = dict(table.taken)
    show(value, "\n".join([*taken(table), found.report()]), as_json=as_json)


def _mixed(table: "RunsTable", recipe: str | None, columns: tuple[str, ...]) -> "list[Warn]":
    """A law without a share, fitted to several recipes at once: rarely what was meant."""
    from synthmix.results import Warn

    names = sorted({name for name in table.text("recipe") if name is not None})
    if recipe is not None or "share" in columns or len(names) < 2:
        return []
    listed = ", ".join(names)
    message = f"the runs of {len(names)} recipes are fitted as one; choose one with --recipe ({listed}), or a joint law"
    return [Warn(code="recipes_mixed", message=message)]


def _best_shares(
    table: "RunsTable", metrics: list[str] | None, source: str | None, at: dict[str, float] | None, *, level: float,
    bootstrap: int, as_json: bool,
) -> None:  # fmt: skip
    """The best share of each source, a table a metric."""
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.quantities import format_count, percent
    from synthmix.runs import Cell
    from synthmix.runs.best_share import as_json as plain
    from synthmix.runs.best_share import best_shares
    from synthmix.runs.metrics import asked_metrics
    from synthmix.table import Column, Table

    if at is not None and set(at) != {"N", "D"}:
        raise BadInput("needs N and D", key="--predict", remedy="write --predict N=1B,D=100B")
    table, names = asked_metrics(table, metrics)
    asked: list[str | None] = [*names] or [None]
    value: dict[str, Any] = {"taken": dict(table.taken), "best_shares": []}
    blocks: list[Any] = ["\n".join(taken(table))]
    warnings: dict[str, None] = {f"warning {w.code}: {w.message}": None for w in table.warnings}
    for metric in asked:
        found = best_shares(
            table, metric, source=source, at=Cell(at["N"], at["D"]) if at else None, level=level, bootstrap=bootstrap
        )
        value["best_shares"] += plain(found)
        columns = [
            *(Column("source"), Column("beside"), Column("N", form=format_count), Column("D", form=format_count)),
            *(Column("law"), Column("runs"), Column("shares"), Column("best", "best share", ".0%")),
            *(
                Column("value", "expected", ".4g"),
                Column("gain", "better than share 0 by", ".2g"),
                Column("flat", "as good"),
            ),
        ]
        rows = [
            (
                *(one.source or "synthetic", one.beside, one.cell.N, one.cell.D, one.law or "measured", one.runs),
                *(len(one.shares), one.best, one.value, one.gain),
                "not known" if one.flat is None else f"{percent(one.flat[0])} to {percent(one.flat[1])}",
            )
            for one in found
        ]
        known = found[0].metric
        unit = f"{known.unit}, {'higher' if known.higher_is_better else 'lower'} is better"
        noise = "not known" if found[0].noise is None else f"{found[0].noise:.2g}"
        title = f"Best share by {known.name} ({unit}); seed noise of one run {noise}"
        blocks.append(Table("best_shares", columns, rows, title=title))
        for one in found:
            about = f"{one.source or 'synthetic'} beside {one.beside}"
            warnings |= {f"warning {w.code}, {about}, {known.name}: {w.message}": None for w in one.warnings}
    show(value, *blocks, "\n".join(warnings), as_json=as_json)


def _compute_optimal(
    found: "Fit", table: "RunsTable", metrics: list[str] | None, flops: float
) -> tuple[dict[str, Any], list[str]]:
    """The best N and D of a compute budget, how far they move between objectives, and by isoFLOP minima."""
    from synthmix.errors import BadInput
    from synthmix.runs.laws import isoflop_minima
    from synthmix.scaling import across_objectives

    each = across_objectives(found, flops)
    best = each.optima[found.objective_name]
    value: dict[str, Any] = {"compute_optimal": asdict(best)}
    lines = [f"with {flops:g} FLOPs: N {_interval(best.N)}, D {_interval(best.D)}, loss {_interval(best.loss)}"]
    lines.append(f"  N grows as compute^a, a = {_interval(best.exponent)}")
    for name, one in each.optima.items():
        if name != found.objective_name and one.N.mid is not None and one.D.mid is not None:
            lines.append(f"  by {name}: N {one.N.mid:.4g}, D {one.D.mid:.4g}, a = {one.exponent.mid:.3f}")
    if each.size_ratio is not None and each.exponent_range is not None:
        apart = f"{each.size_ratio:.2f} times in N, {each.exponent_range:.3f} in a"
        lines.append(f"  objectives lie apart by {apart}")
    value["objectives"] = {
        "optima": {name: asdict(one) for name, one in each.optima.items()},
        "size_ratio": each.size_ratio,
        "exponent_range": each.exponent_range,
    }
    if found.law.columns != ("N", "D"):
        return value, lines
    try:
        minima = isoflop_minima(table, metric=metrics, level=found.level)
    except BadInput as error:
        value["isoflop_minima"] = {"why": error.problem}
        return value, [*lines, f"  no isoFLOP minima: {error.problem}"]
    N, D = minima.at(flops)
    value["isoflop_minima"] = {
        "N": asdict(N), "D": asdict(D), "exponent": asdict(minima.exponent),
        "budgets": [asdict(one) for one in minima.valleys],
        "warnings": [{"code": warn.code, "message": warn.message} for warn in minima.warnings],
    }  # fmt: skip
    lines.append(
        f"  by the minima of {len(minima.valleys)} isoFLOP curves: N {_interval(N)}, D {_interval(D)}, "
        f"a = {_interval(minima.exponent)}"
    )
    return value, [*lines, *(f"  warning {warn.code}: {warn.message}" for warn in minima.warnings)]


def _several_metrics(
    law: str, table: "RunsTable", names: list[str], points: dict[str, float], how: dict[str, Any], *, as_json: bool
) -> None:
    """The same law fitted to one metric after the other."""
    from synthmix.cli.terminal import show
    from synthmix.runs.laws import fit as fit_law
    from synthmix.scaling import Fit

    value: dict[str, Any] = {"taken": dict(table.taken), "fits": {}}
    lines = taken(table)
    for name in names:
        found = fit_law(law, table, metric=name, **how)
        assert isinstance(found, Fit)
        error = ", the error 1 - score" if table.metric(name).unit == "score" else ""
        value["fits"][name] = found.as_json()
        lines += [f"{name}{error}", found.report()]
        if points:
            mean, new = found.loss(kind="mean", **points), found.loss(kind="new_run", **points)
            value["fits"][name]["prediction"] = {"at": points, "loss": asdict(mean), "new_run": asdict(new)}
            lines.append(f"there: {_interval(mean)}; one new run {_interval(new)}")
    show(value, "\n".join(lines), as_json=as_json)


def _only_for_one_metric(**given: Any) -> None:
    from synthmix.errors import BadInput

    for name, value in given.items():
        if value:
            raise BadInput("takes one metric", key=f"--{name.replace('_', '-')}", remedy="name one with --metric")


def _only_for_one_share(**given: Any) -> None:
    """Options that a law over shares does not have."""
    from synthmix.errors import BadInput

    for name, value in given.items():
        if value:
            raise BadInput("is not for a law over shares", key=f"--{name}", remedy="predict rows with --predict-file")


def _huber(delta: str) -> float | None:
    return None if delta == "auto" else parsed(float, delta, "--delta")


def _assignments(text: str) -> dict[str, float]:
    from synthmix.quantities import parse_count

    found: dict[str, float] = {}
    for pair in text.split(","):
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"'{pair}' is not NAME=VALUE; write N=1B,D=100B")
        found[name.strip()] = float(value) if name.strip() in ("share", "quality") else float(parse_count(value))
    return found


def _interval(interval: "Interval") -> str:
    from synthmix.interval import format_interval

    return format_interval(interval, ".5g", level=False)


def write_plots(found: "Fit", folder: Path) -> list[Path]:
    """One HTML page a plot: the curve along each input, the residuals against it, the profile likelihood of each
    parameter, and, for a law in N and D, the loss along FLOP budgets."""
    from synthmix.files import write_text
    from synthmix.scaling import plots, profile

    figures: dict[str, Any] = {}
    columns = [name for name in ("N", "D") if name in found.law.columns]
    for column in columns:
        inputs = getattr(found.runs, column)
        figures[column] = found.plot(column)
        figures[f"residuals-{column}"] = plots.residuals(inputs, found.residuals, column, found.noise.total)
    for name in found.law.names:
        one = profile(found, name)
        figures[f"profile-{name}"] = plots.profile(one.values, one.excess, one.threshold, name)
    if found.law.columns == ("N", "D"):
        figures["isoflop"] = _isoflop(found)
    written = []
    for name, figure in figures.items():
        path = folder / f"{found.law.name}-{name}.html"
        write_text(path, figure.to_html(include_plotlyjs=True))
        written.append(path)
    return written


def _isoflop(found: "Fit") -> Any:
    """Loss against N along four FLOP budgets, from the least trained to ten times the most."""
    import numpy as np

    from synthmix.scaling import compute_optimal, plots

    trained = 6.0 * found.runs.N * found.runs.D
    budgets = np.geomspace(trained.min(), 10 * trained.max(), 4)
    optima = [compute_optimal(found, float(flops)) for flops in budgets]
    middles = [optimum.N.mid or float(found.runs.N.max()) for optimum in optima]
    sizes = [np.geomspace(middle / 30, middle * 30, 80) for middle in middles]
    losses = [found.predict(N=N, D=flops / 6.0 / N) for flops, N in zip(budgets, sizes, strict=True)]
    best = np.array([optimum.loss.mid or np.nan for optimum in optima])
    return plots.isoflop(budgets, sizes, losses, (np.array(middles), best))
