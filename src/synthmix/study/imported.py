"""From a table of another trainer's runs to the results of a study: the same laws, decision and page, without what such
a table cannot say (its text, its device, its time)."""

from collections import Counter
from importlib.metadata import version

import numpy as np

from synthmix.decisions import decide, fit_study
from synthmix.errors import BadInput
from synthmix.quantities import format_share, listed, plural
from synthmix.results import CorpusRow, Domain, Noise, Question, Recipe, Results, RunRow, Spent, Warn
from synthmix.runs import RunsTable
from synthmix.runs.table import LOSS, Kind, mixture_of, of_rows
from synthmix.study.diagnostics import curves_of, isoflops, profiles, residuals, share_curves
from synthmix.study.domain_laws import domain_results

NATURAL = "natural text"
NO_SHARE = "say which sources are synthetic, in a mapping file: synthetic: [...], or name the column of the share"


def results_of_table(
    table: RunsTable,
    question: Question | None = None,
    *,
    name: str = "runs",
    most_flops: float | None = None,
    bootstrap: int = 1000,
    level: float = 0.9,
) -> Results:
    """The results of a table of runs: what a study's are, with None for what the table cannot say.

    Args:
        question: None: decided as measured, at the largest cell. name: of the table, for the page.
        most_flops: that one of the next runs may cost; None: what all runs did.

    Raises:
        BadInput: no loss, N, D or synthetic share, or no run on natural text alone.
    """
    every, recipes, kinds, warnings = _rows(table)
    whole = of_rows(every, recipes, kinds)
    held, rows = whole.sound, [row for row in every if row.diverged is None]
    fits = fit_study(whole, bootstrap=bootstrap, level=level)
    curves, missing = share_curves(held, synthetic_sources(table), fits, bootstrap=bootstrap)
    flops = float(sum(row.flops for row in rows))
    cap = flops if most_flops is None else most_flops
    decision = decide(whole, fits, question, study=name, most_flops=cap, share_curves=curves)
    noise = fits.noise
    domains = [metric.domain for metric in table.metrics if metric.name.startswith("loss.") and metric.domain]
    return Results(
        study=name,
        version=version("synthmix"),
        averaging="as in the table",
        context=None,
        domains=[Domain(name=each, whole=False, documents=None, tokens=None, bytes=None) for each in domains],
        corpora=[
            CorpusRow(name=source, kind=kind, documents=None,
                      train_tokens=None, bytes=None, origin="not known", license="not known", removed={})
            for source, kind in kinds.items()
        ],
        recipes=recipes,
        runs=rows,
        diverged=[row for row in every if row.diverged is not None],
        noise=Noise(sd=noise.sd, cells=noise.cells, runs=noise.runs, by=dict(noise.by)),
        fits=fits.summaries,
        curves=curves_of(fits.laws, rows),
        share_curves=curves,
        decision=decision,
        statistics=[],
        residuals=residuals(rows, fits.laws),
        profiles=profiles(fits),
        isoflops=isoflops(question, rows, fits),
        by_domain=domain_results(held, fits, curves, question),
        spent=Spent(runs=len(rows), tokens=sum(row.tokens for row in rows), flops=flops, run_seconds=None,
                    stage_seconds={}, device=None),
        versions={},
        protocol={},
        warnings=[*table.warnings, *warnings, *fits.warnings, *missing],
        imported=dict(table.taken),
    )  # fmt: skip


def synthetic_sources(table: RunsTable) -> list[str]:
    """The synthetic sources that runs were trained on: by name, or one without a name where only a share is known.

    Raises:
        BadInput: the table has no synthetic share.
    """
    if "share" not in table.numbers:
        raise BadInput("has no share of synthetic text", where="runs", key="share", remedy=NO_SHARE)
    named = list(dict.fromkeys(name for name in table.text("synthetic") if name is not None))
    return named or ["synthetic"]


def _rows(table: RunsTable) -> tuple[list[RunRow], list[Recipe], dict[str, Kind], list[Warn]]:
    """Rows, recipes, kinds of sources, and what is left out: runs beside other natural text than the most common."""
    for column in ("N", "D", LOSS):
        if column not in table.numbers:
            what = (
                "no loss: a decision is made on losses; scores have fit --best share"
                if column == LOSS
                else f"no {column}"
            )
            raise BadInput(f"has {what}", where="runs", key=column, remedy="name it in --columns or a mapping file")
    synthetic_sources(table)
    if not (table.column("share") == 0).any():
        remedy = "a decision compares with it: add such runs, share 0"
        raise BadInput("no run is on natural text alone", where="runs", key="share", remedy=remedy)
    table, warnings = _one_natural(table)
    shares = [_shares(table, row) for row in range(len(table))]
    synthetic = [name or ("synthetic" if share > 0 and not table.sources else None) for name, share in
                 zip(table.text("synthetic"), table.column("share").tolist(), strict=True)]  # fmt: skip
    names = _names(table, shares)
    recipes = {
        names[row]: Recipe(name=names[row], shares=shares[row], synthetic=synthetic[row],
                           share=float(table.column("share")[row]))
        for row in range(len(table))
    }  # fmt: skip
    sources = dict.fromkeys(source for each in shares for source in each)
    kinds: dict[str, Kind] = {each: table.kinds.get(each, _kind(each, synthetic)) for each in sources}
    return _run_rows(table, names, synthetic), list(recipes.values()), kinds, warnings


def _kind(source: str, synthetic: list[str | None]) -> Kind:
    return "synthetic" if source in synthetic or source == "synthetic" else "natural"


def _one_natural(table: RunsTable) -> tuple[RunsTable, list[Warn]]:
    """The runs beside the natural text that most runs have: what a mixture is compared with must be one text."""
    natural = [name for name in table.sources if table.kinds.get(name) == "natural"]
    if len(natural) < 2:
        return table, []
    parts = np.column_stack([table.column(f"share.{name}") for name in natural])
    total = parts.sum(axis=1)
    with np.errstate(all="ignore"):
        ratios = np.where(total[:, None] > 0, parts / total[:, None], 0.0).round(4).tolist()
    beside = [mixture_of(dict(zip(natural, row, strict=True))) if sum(row) else "" for row in ratios]
    alone = {name for name, share in zip(beside, table.column("share").tolist(), strict=True) if share == 0}
    counts = Counter(name for name in beside if name in alone)
    common = counts.most_common(1)[0][0]
    keep = np.array([name in (common, "") for name in beside])
    if keep.all():
        return table, []
    message = (
        f"{plural(int((~keep).sum()), 'run')} beside other natural text are left out: mixtures are compared with "
        f"{common.removeprefix('1 ')}, which most runs have"
    )
    return table.select(keep), [Warn(code="other_natural_text", message=message)]


def _shares(table: RunsTable, row: int) -> dict[str, float]:
    if table.sources:
        found = {source: float(table.numbers[f"share.{source}"][row]) for source in table.sources}
        return {source: share for source, share in found.items() if share > 0}
    share = float(table.column("share")[row])
    source = table.text("synthetic")[row] or "synthetic"
    return {name: part for name, part in ((NATURAL, 1 - share), (source, share)) if part > 0}


def _names(table: RunsTable, shares: list[dict[str, float]]) -> list[str]:
    """A name a mixture: the table's where each has one of its own, else by its synthetic share and sources."""
    mixtures = [mixture_of(each) for each in shares]
    given = table.text("recipe")
    pairs = set(zip(given, mixtures, strict=True))
    plain = given == table.text("mixture")
    if not plain and None not in given and len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs):
        return [str(name) for name in given]
    found = []
    for row, parts in enumerate(shares):
        share = float(table.column("share")[row])
        rest = [name for name in parts if table.kinds.get(name) != "natural" and name != NATURAL]
        found.append(f"{format_share(share)} {listed(rest)}" if share > 0 else listed(list(parts)))
    return found if len(set(zip(found, mixtures, strict=True))) == len(set(mixtures)) else mixtures


def _run_rows(table: RunsTable, names: list[str], synthetic: list[str | None]) -> list[RunRow]:
    def number(column: str, row: int) -> float | None:
        value = float(table.numbers[column][row]) if column in table.numbers else float("nan")
        return value if np.isfinite(value) else None

    def metrics(prefix: str, row: int) -> dict[str, float]:
        found = {m.domain or m.task or m.name: number(m.name, row) for m in table.metrics if m.name.startswith(prefix)}
        return {name: value for name, value in found.items() if value is not None}

    seeds = table.text("seed")
    numbered = {seed: place for place, seed in enumerate(dict.fromkeys(seeds))}
    ids, codes, rows = table.text("run"), table.text("diverged"), []
    for row in range(len(table)):
        n, d, seed = float(table.column("N")[row]), float(table.column("D")[row]), seeds[row]
        total = number("N_total", row)
        rows.append(
            RunRow(
                id=ids[row] or f"row {row}",
                recipe=names[row],
                synthetic=synthetic[row],
                share=float(table.column("share")[row]),
                params=round(n),
                params_total=None if total is None else round(total),
                tokens=round(d),
                seed=int(seed) if seed is not None and seed.isascii() and seed.isdigit() else numbered[seed],
                loss=float(table.column(LOSS)[row]),
                losses=metrics("loss.", row),
                bits=metrics("bits.", row),
                flops=number("flops", row) or 6.0 * n * d,
                seconds=number("seconds", row),
                tokens_per_second=None,
                epochs={},
                tasks=metrics("task.", row),
                diverged=codes[row],
            )
        )
    return rows
