"""The results as tables: flat ones for anybody's own analysis, and those that the page shows."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthmix.files import write_bytes, write_text
from synthmix.interval import Interval, format_interval, undefined
from synthmix.quantities import MINUS, TIMES, fixed, format_count, format_seconds, percent, signed_text, times
from synthmix.report import sentences
from synthmix.report.choices import choice_table
from synthmix.report.figures import recipe_token
from synthmix.results import Decision, FitSummary, Option, Results, TaskFound
from synthmix.table import Cell, Column, Table


def tables(results: Results) -> list[Table]:
    """All tables of the results; those without rows too, so that a reader's code never misses a file."""
    return [
        _runs(results),
        _domains(results),
        _training_curves(results),
        _heldout_curves(results),
        _fits(results),
        _curves(results),
        _share_curves(results),
        _share_points(results),
        _best_shares(results),
        _options(results),
        _measured(results),
        _verdicts(results),
        _question_curves(results),
        _statistics(results),
        _residuals(results),
        _profiles(results),
        _isoflops(results),
        _domain_laws(results),
        _domain_shares(results),
        _task_scores(results),
        _task_laws(results),
        _task_answers(results),
        _task_shares(results),
        choice_table(results.choices),
        _warnings(results),
    ]


def write_tables(results: Results, folder: Path) -> list[Path]:
    """Write every table of the results as CSV and Parquet; the paths, in order.

    Raises:
        BadInput, Failure: the folder cannot be written to, or the disk is full.
    """
    return [path for table in tables(results) for path in write_table(table, folder)]


def write_table(table: Table, folder: Path) -> list[Path]:
    """Write ``<table>.csv`` and ``<table>.parquet`` with the same columns, each atomically."""
    write_text(folder / f"{table.name}.csv", table.csv())
    write_bytes(folder / f"{table.name}.parquet", table.parquet())
    return [folder / f"{table.name}.csv", folder / f"{table.name}.parquet"]


def _runs(results: Results) -> Table:
    columns: dict[str, type] = {"run": str, "recipe": str, "synthetic": str, "share": float, "params": int}
    columns |= {"params_total": int, "tokens": int, "seed": int, "loss": float, "flops": float, "seconds": float}
    columns |= {"tokens_per_second": float, "epochs": str}
    rows = [
        (
            *(r.id, r.recipe, r.synthetic, r.share, r.params, r.params_total, r.tokens, r.seed, r.loss, r.flops),
            *(r.seconds, r.tokens_per_second, json.dumps(r.epochs, sort_keys=True)),
        )
        for r in results.runs
    ]
    return Table.of("runs", columns, rows)


def _training_curves(results: Results) -> Table:
    columns: dict[str, type] = {"run": str, "recipe": str, "params": int, "budget": int, "seed": int}
    columns |= {"tokens": int, "training_loss": float}
    rows = [
        (r.id, r.recipe, r.params, r.tokens, r.seed, tokens, loss)
        for r in (*results.runs, *results.diverged)
        for tokens, loss in r.trace
    ]
    return Table.of("training_curves", columns, rows)


def _heldout_curves(results: Results) -> Table:
    """A row a run, domain and point along its training."""
    columns: dict[str, type] = {"run": str, "recipe": str, "params": int, "budget": int, "seed": int}
    columns |= {"tokens": int, "domain": str, "loss": float}
    rows = [
        (r.id, r.recipe, r.params, r.tokens, r.seed, tokens, domain, loss)
        for r in (*results.runs, *results.diverged)
        for tokens, losses in r.heldout
        for domain, loss in losses.items()
    ]
    return Table.of("heldout_curves", columns, rows)


def _domains(results: Results) -> Table:
    columns: dict[str, type] = {"run": str, "recipe": str, "share": float, "params": int, "tokens": int, "seed": int}
    columns |= {"domain": str, "whole": bool, "loss": float, "bits_per_byte": float}
    whole = {domain.name: domain.whole for domain in results.domains}
    rows = [
        (r.id, r.recipe, r.share, r.params, r.tokens, r.seed, domain, whole.get(domain), loss, r.bits.get(domain))
        for r in results.runs
        for domain, loss in r.losses.items()
    ]
    return Table.of("domains", columns, rows)


def _fits(results: Results) -> Table:
    columns: dict[str, type] = {"law": str, "formula": str, "recipe": str, "params": int, "tokens": int, "points": int}
    columns |= {"parameter": str, "value": Interval, "r2": float, "objective": float, "held_out": str}
    columns |= {"held_out_predicted": int, "held_out_mean_abs_relative_error": float}
    columns |= {"held_out_worst_abs_relative_error": float, "warnings": str}
    rows = []
    for f in results.fits:
        held = f.held_out
        test = (
            (held.what, held.predicted, held.mean_abs_relative_error, held.worst_abs_relative_error)
            if held
            else (None,) * 4
        )
        codes = " ".join(warning.code for warning in f.warnings) or None
        for name, interval in f.parameters.items():
            rows.append(
                (
                    *(f.law, f.formula, f.recipe, f.params, f.tokens, f.points, name, interval),
                    *(f.r2, f.objective, *test, codes),
                )
            )
    return Table.of("fits", columns, rows)


def _curves(results: Results) -> Table:
    columns: dict[str, type] = {"recipe": str, "law": str, "along": str, "fixed": int}
    columns |= {"x": float, "mean": float, "low": float, "high": float}
    rows = [
        (c.recipe, c.law, c.along, c.fixed, *point)
        for c in results.curves
        for point in zip(c.x, c.mean, c.low, c.high, strict=True)
    ]
    return Table.of("curves", columns, rows)


_CELL: dict[str, type] = {"synthetic": str, "params": int, "tokens": int}


def _share_curves(results: Results) -> Table:
    columns = {**_CELL, "share": float, "mean": float, "low": float, "high": float}
    rows = [
        (c.synthetic, c.params, c.tokens, *point)
        for c in results.share_curves
        for point in zip(c.shares, c.mean, c.low, c.high, strict=True)
    ]
    return Table.of("share_curves", columns, rows)


def _share_points(results: Results) -> Table:
    columns = {**_CELL, "share": float, "loss": float, "seed": int}
    rows = [
        (c.synthetic, c.params, c.tokens, point.share, point.loss, point.seed)
        for c in results.share_curves
        for point in c.measured
    ]
    return Table.of("share_points", columns, rows)


def _best_shares(results: Results) -> Table:
    columns = {**_CELL, "best": Interval, "flat_low": float, "flat_high": float}
    rows = [(c.synthetic, c.params, c.tokens, c.best, *(c.flat or (None, None))) for c in results.share_curves]
    return Table.of("best_shares", columns, rows)


def _options(results: Results) -> Table:
    """The decision's options; those that are not determined have no predicted numbers, and say why."""
    columns: dict[str, type] = {"params": int, "tokens": int, "basis": str, "recipe": str, "kind": str, "share": float}
    columns |= {"law": str, "undetermined": str, "sign": int, "as_good": bool, "money": float}
    parts = ("loss", "new_run", "difference", "above_best", "speedup")
    columns |= dict.fromkeys(parts, Interval)
    columns |= {"gpu_hours": float, "training_money": float, "total_money": float, "net": Interval}
    rows: list[tuple[Any, ...]] = []
    if (decision := results.decision) is not None:
        place = (decision.params, decision.tokens, decision.basis)
        for o in decision.options:
            codes = " ".join(o.undetermined) or None
            intervals = [getattr(o, part) for part in parts]
            costs = (o.gpu_hours, o.training_money, o.total_money, o.net)
            rows.append(
                (*place, o.recipe, o.kind, o.share, o.law, codes, o.sign, o.as_good, o.money, *intervals, *costs)
            )
    return Table.of("options", columns, rows)


def _measured(results: Results) -> Table:
    """Every recipe at the largest cell, no law between."""
    columns: dict[str, type] = {"params": int, "tokens": int, "recipe": str, "share": float, "runs": int}
    columns |= {"loss": Interval, "difference": Interval}
    rows = [
        (m.params, m.tokens, m.recipe, m.share, m.runs, m.loss, m.difference)
        for m in (results.decision.measured if results.decision is not None else ())
    ]
    return Table.of("measured", columns, rows)


def _verdicts(results: Results) -> Table:
    columns: dict[str, type] = {"source": str, "state": str, "confidence": str, "recipe": str, "edge": str}
    columns |= {"best_share": Interval, "caveats": str}
    rows: list[tuple[Any, ...]] = []
    if (decision := results.decision) is not None:
        for v in decision.verdicts:
            recipe = None if v.option is None else decision.options[v.option].recipe
            codes = " ".join(caveat.code for caveat in v.caveats) or None
            rows.append((v.source, v.state, v.confidence, recipe, v.edge, v.best, codes))
    return Table.of("verdicts", columns, rows)


def _question_curves(results: Results) -> Table:
    """Expected loss and difference from natural text alone by share, at the question."""
    columns: dict[str, type] = {"kind": str, "law": str, "share": float, "difference": float, "low": float}
    columns |= {"high": float, "loss": float, "loss_low": float, "loss_high": float}
    rows = [
        (c.kind, c.law, *point)
        for c in (results.decision.curves if results.decision is not None else ())
        for point in zip(c.shares, c.mean, c.low, c.high, c.loss, c.loss_low, c.loss_high, strict=True)
    ]
    return Table.of("question_curves", columns, rows)


def _statistics(results: Results) -> Table:
    columns: dict[str, type] = {"recipe": str, "domain": str, "coverage_mass": float, "coverage_types": float}
    columns |= {"kl_test_train": float, "smoothing": str, "train_tokens": int, "test_tokens": int}
    return Table.of("statistics", columns, [tuple(getattr(s, name) for name in columns) for s in results.statistics])


def _warnings(results: Results) -> Table:
    rows: list[tuple[Any, ...]] = [(w.code, w.about, w.message, None, None) for w in results.warnings]
    rows += [(w.code, w.about, w.message, f.law, f.recipe) for f in results.fits for w in f.warnings]
    return Table.of("warnings", {"code": str, "about": str, "message": str, "law": str, "recipe": str}, rows)


def _residuals(results: Results) -> Table:
    """A row a run: measured over predicted loss, in logs."""
    columns: dict[str, type] = {"recipe": str, "params": int, "tokens": int, "seed": int, "residual": float}
    rows = [(r.recipe, r.params, r.tokens, r.seed, r.residual) for r in results.residuals]
    return Table.of("residuals", columns, rows)


def _profiles(results: Results) -> Table:
    """A row a point of a profile likelihood, with the parameter's interval beside it."""
    columns: dict[str, type] = {"recipe": str, "law": str, "parameter": str, "held": float, "excess": float}
    columns |= {"threshold": float, "interval": Interval}
    rows: list[tuple[Any, ...]] = [
        (p.recipe, p.law, p.parameter, value, excess, p.threshold, p.interval)
        for p in results.profiles
        for value, excess in zip(p.values, p.excess, strict=True)
    ]
    return Table.of("profiles", columns, rows)


def _isoflops(results: Results) -> Table:
    """A row a recipe and FLOP budget: the best size, its tokens and its loss, with intervals."""
    columns: dict[str, type] = {"recipe": str, "flops": float}
    columns |= dict.fromkeys(("best_params", "best_tokens", "best_loss"), Interval)
    rows: list[tuple[Any, ...]] = [
        (i.recipe, i.flops, i.best_params, i.best_tokens, i.best_loss) for i in results.isoflops
    ]
    return Table.of("isoflops", columns, rows)


def _domain_laws(results: Results) -> Table:
    """A row a parameter of each domain's laws."""
    columns: dict[str, type] = {"domain": str, "law": str, "synthetic": str, "recipe": str, "points": int}
    columns |= {"parameter": str, "value": Interval, "r2": float, "held_out_mean_abs_relative_error": float}
    rows: list[tuple[Any, ...]] = [
        (
            *(found.domain, law.law, law.synthetic, law.recipe, law.points, name, value, law.r2),
            None if law.held_out is None else law.held_out.mean_abs_relative_error,
        )
        for found in results.by_domain
        for law in found.laws
        for name, value in law.parameters.items()
    ]
    return Table.of("domain_laws", columns, rows)


def _domain_shares(results: Results) -> Table:
    """A row a domain, source and place: the best share by the loss on that domain."""
    columns: dict[str, type] = {"domain": str, "synthetic": str, "params": int, "tokens": int, "law": str}
    columns |= {"best": Interval, "gain": Interval, "flat_low": float, "flat_high": float}
    rows: list[tuple[Any, ...]] = [
        (found.domain, s.synthetic, s.params, s.tokens, s.law, s.best, s.gain, *(s.flat or (None, None)))
        for found in results.by_domain
        for s in found.shares
    ]
    return Table.of("domain_shares", columns, rows)


def _task_scores(results: Results) -> Table:
    """A row a run and task."""
    columns: dict[str, type] = {"run": str, "recipe": str, "share": float, "params": int, "tokens": int, "seed": int}
    columns |= {"loss": float, "task": str, "score": float}
    rows: list[tuple[Any, ...]] = [
        (r.id, r.recipe, r.share, r.params, r.tokens, r.seed, r.loss, task, score)
        for r in results.runs
        for task, score in r.tasks.items()
    ]
    return Table.of("task_scores", columns, rows)


def _task_laws(results: Results) -> Table:
    """A row a parameter of each task's law."""
    columns: dict[str, type] = {"task": str, "metric": str, "items": int, "chance": float, "runs": int, "r2": float}
    columns |= {"parameter": str, "value": Interval, "warnings": str}
    rows: list[tuple[Any, ...]] = [
        (t.task, t.metric, t.items, t.chance, t.runs, t.r2, name, part, _codes(t.warnings))
        for t in results.tasks
        for name, part in t.parameters.items()
    ]
    return Table.of("task_laws", columns, rows)


def _task_answers(results: Results) -> Table:
    """A row a task and recipe: the score expected at the question."""
    columns: dict[str, type] = {"task": str, "recipe": str, "share": float, "synthetic": str}
    columns |= dict.fromkeys(("score", "difference"), Interval)
    rows: list[tuple[Any, ...]] = [
        (t.task, a.recipe, a.share, a.synthetic, a.score, a.difference) for t in results.tasks for a in t.answers
    ]
    return Table.of("task_answers", columns, rows)


def _task_shares(results: Results) -> Table:
    """A row a task, source and cell: the best share by loss and by score, and whether they agree."""
    columns: dict[str, type] = {"task": str, "synthetic": str, "params": int, "tokens": int, "is_question": bool}
    columns |= dict.fromkeys(("by_loss", "by_score"), Interval)
    columns |= {"common_low": float, "common_high": float, "verdict": str, "reason": str}
    rows: list[tuple[Any, ...]] = [
        (
            *(t.task, s.synthetic, s.params, s.tokens, s.is_question, s.by_loss, s.by_score),
            *(*(s.common or (None, None)), s.verdict, s.reason),
        )
        for t in results.tasks
        for s in t.shares
    ]
    return Table.of("task_shares", columns, rows)


def _codes(warnings: list[Any]) -> str | None:
    return " ".join(warning.code for warning in warnings) or None


def option_table(decision: Decision, results: Results | None = None) -> Table:
    """The decision's options, what was measured beside what is predicted: the report and the advice show parts of it.

    What no law determines has no predicted number, and says why.
    """
    lost = "not determined"
    columns = [
        *(Column("recipe", "Recipe"), Column("share", "Synthetic", percent)),
        Column("measured", "Measured against natural", align="right", help="as trained, at the largest cell"),
        *(
            Column("loss", "Loss", kind=Interval, missing=lost),
            Column("new_run", "One new run", kind=Interval, missing=lost),
        ),
        Column("difference", "Against natural", "+", kind=Interval, missing=lost),
        *(Column("as_good", "As good", missing=""), Column("speedup", "Speed-up", times, kind=Interval, missing=lost)),
        *(
            Column("tokens_saved", "Tokens saved", _tokens, kind=Interval, missing=lost),
            Column("money", "Money", sentences.amount),
        ),
        *(
            Column("gpu_hours", "GPU-hours", sentences.amount, kind=float, missing="", help="of its training"),
            Column("total_money", "With training", sentences.amount, kind=float, missing=""),
            Column("net", "Saves, net", sentences.amount, kind=Interval, missing="", help="training saved minus text"),
        ),
        *(
            Column("epochs", "Epochs", align="right", help="of natural and of synthetic text"),
            Column("law", "Law", missing="none"),
        ),
    ]
    rows = []
    for place, o in enumerate(decision.options):
        best = "recommended" if place == decision.recommended else ""
        recipe = Cell(o.recipe, note=best, mark="" if results is None else recipe_token(results, o.recipe))
        nearest = "" if o.measured is None or o.measured.recipe == o.recipe else f"at {o.measured.recipe}"
        nearest = "its loss" if o.is_natural and o.measured is not None else nearest
        measured = Cell(sentences.measured_text(o.measured), note=nearest)
        predicted: tuple[Any, ...] = (Cell(None, note=sentences.undetermined(o.undetermined)), *(None,) * 5)
        if o.determined:
            known = (o.difference, o.as_good, _speedup(o), o.tokens_saved)
            predicted = (o.loss, o.new_run, *(("\u2013", o.as_good, "\u2013", "\u2013") if o.is_natural else known))
        costs = (o.gpu_hours, o.total_money, o.net)
        rows.append((recipe, o.share, measured, *predicted, o.money, *costs, sentences.epochs(o), o.law))
    note = f"Losses in nats per token, {decision.level:.0%} intervals."
    return Table("options", columns, rows, note=note)


def priced(decision: Decision) -> list[str]:
    """The columns of costs that :func:`option_table` has values in."""
    listed = decision.question is not None and decision.question.prices is not None
    return ["gpu_hours", "total_money", "net"] if listed and decision.basis == "laws" else []


def _speedup(option: Option) -> Cell:
    notes = [f"generation charged: {times(option.charged.mid)}"] if option.charged else []
    notes += [f"collapse: {option.collapse.verdict}"] if option.collapse else []
    return Cell(option.speedup, note="; ".join(notes), help=option.collapse.reason if option.collapse else "")


def _tokens(value: float) -> str:
    return ("\N{MINUS SIGN}" if value < 0 else "") + format_count(abs(value))


def page_tables(results: Results) -> dict[str, Table]:
    """The tables of the page beside the answer: fitted laws, runs, corpora, held-out domains and tasks."""
    found = {"laws": _law_table(results), "runs": _run_table(results), "corpora": _corpus_table(results)}
    found["domains"] = _domain_table(results)
    if (decision := results.decision) is not None:
        keys = ["recipe", "share", "loss", "new_run", "difference"]
        if decision.basis == "laws":
            keys = ["recipe", "share", "measured", "loss", "new_run", "difference", "speedup", "law"]
            keys[-1:-1] = priced(decision)
        found["options"] = replace(option_table(decision, results).only(*keys), note="")
    if results.choices is not None:
        found["choices"] = choice_table(results.choices)
    if results.tasks:
        found |= {"task_shares": _task_share_table(results), "task_laws": _task_law_table(results)}
    return found


def _marked(results: Results, recipe: str) -> Cell:
    return Cell(recipe, mark=recipe_token(results, recipe))


def _law_table(results: Results) -> Table:
    columns = [
        *(Column("law", "Law"), Column("fitted", "Fitted to"), Column("points", "Points")),
        *(Column("parameters", "Parameters"), Column("r2", "R\u00b2", ".4f", kind=float)),
        Column("held_out", "Held out of the fit", missing="not tested"),
        *(Column("mean", "Mean error", ".2%", kind=float), Column("worst", "Worst", ".2%", kind=float)),
    ]
    rows = []
    for fit in results.fits:
        held = fit.held_out
        test = None if held is None else Cell(held.what, note=f"{held.fitted} fitted, {held.predicted} predicted")
        errors = (held.mean_abs_relative_error, held.worst_abs_relative_error) if held else (None, None)
        law = Cell(fit.law, html=_with_note(fit.law, formula(fit.formula)))
        rows.append((law, fitted_to(results, fit), fit.points, parameters_cell(fit.parameters), fit.r2, test, *errors))
    return Table("laws", columns, rows)


def fitted_to(results: Results, fit: FitSummary) -> Cell:
    """What a law was fitted to, in the colour of its recipe."""
    held = [f"{format_count(fit.params)} parameters"] if fit.params else []
    held += [f"{format_count(fit.tokens)} tokens"] if fit.tokens else []
    mark = recipe_token(results, fit.recipe) if fit.recipe else ""
    named = f"all shares of {fit.synthetic}" if fit.synthetic else "all recipes"
    return Cell(fit.recipe or named, note=", ".join(held), mark=mark)


def parameters_cell(found: dict[str, Interval], few: bool = False) -> Cell:
    """The parameters of a law with their intervals."""
    from markupsafe import Markup

    parts = Markup("").join(
        Markup("<span><i>{}</i> {}</span>").format(formula(name), parameter(value)) for name, value in found.items()
    )
    html = Markup('<div class="parameters{}">{}</div>').format(" few" if few else "", parts or "not fitted")
    return Cell("; ".join(f"{name} {parameter(value)}" for name, value in found.items()), html=html)


def _with_note(said: str, note: Any) -> Any:
    from markupsafe import Markup

    return Markup('{}<small class="wrap">{}</small>').format(said, note)


def _run_table(results: Results) -> Table:
    domains = [domain.name for domain in results.domains]
    columns = [
        *(Column("recipe", "Recipe"), Column("share", "Synthetic", percent), Column("params", "Params", format_count)),
        *(Column("tokens", "Tokens", format_count), Column("seed", "Seed"), Column("loss", "Loss", ".4f")),
        *(Column(f"loss on {name}", name, fixed, kind=float) for name in domains),
        *(Column("flops", "FLOPs", scientific), Column("seconds", "Time", format_seconds)),
        *(Column("speed", "Tokens/s", format_count), Column("epochs", "Most epochs", ".2f"), Column("run", "Run")),
    ]
    rows = [
        (
            *(_marked(results, r.recipe), r.share, r.params, r.tokens, r.seed, r.loss),
            *(r.losses.get(name) for name in domains),
            *(r.flops, r.seconds, r.tokens_per_second, max(r.epochs.values(), default=0.0), r.id),
        )
        for r in results.runs
    ]
    return Table("runs", columns, rows)


def _corpus_table(results: Results) -> Table:
    columns = [
        *(Column("corpus", "Corpus"), Column("kind", "Kind"), Column("documents", "Documents")),
        *(Column("tokens", "Training tokens", format_count), Column("bytes", "Bytes", format_count)),
        *(Column("removed", "Removed", missing="none"), Column("origin", "Origin"), Column("license", "Licence")),
    ]
    rows = [
        (
            *(c.name, c.kind, c.documents, c.train_tokens, c.bytes),
            ", ".join(f"{n:,} {why.replace('_', ' ')}" for why, n in c.removed.items() if n) or None,
            *(c.origin, c.license),
        )
        for c in results.corpora
    ]
    return Table("corpora", columns, rows)


def _domain_table(results: Results) -> Table:
    columns = [
        *(Column("domain", "Domain"), Column("trained", "Trained on?"), Column("documents", "Documents")),
        *(Column("tokens", "Tokens", format_count), Column("bytes", "Bytes", format_count)),
    ]
    rows = [
        (d.name, "never" if d.whole else "other documents of it", d.documents, d.tokens, d.bytes)
        for d in results.domains
    ]
    return Table("held_out", columns, rows, "Held-out domains")


def _task_share_table(results: Results) -> Table:
    columns = [
        *(Column("task", "Task"), Column("source", "Source"), Column("at", "At")),
        *(Column("by_loss", "Best by loss", percent), Column("by_score", "Best by score", percent)),
        *(Column("both", "Good by both", align="right", missing="none"), Column("verdict", "Verdict")),
    ]
    rows = []
    for task in results.tasks:
        for s in sorted(task.shares, key=lambda share: (share.params, share.tokens), reverse=True):
            place = f"{format_count(s.params)} on {format_count(s.tokens)} tokens"
            both = f"{percent(s.common[0])} to {percent(s.common[1])}" if s.common else None
            chance = Cell("at chance", note="the scores are noise: no verdict")
            verdict = chance if task.at_chance else Cell(s.verdict, note=s.reason)
            at = Cell(place, note="the question" if s.is_question else "")
            rows.append((task.task, s.synthetic, at, s.by_loss, s.by_score, both, verdict))
    return Table("best shares by loss and by score", columns, rows)


def _task_law_table(results: Results) -> Table:
    columns = [
        *(Column("task", "Task"), Column("runs", "Runs"), Column("items", "Questions")),
        *(
            Column("chance", "Chance", percent),
            Column("parameters", "Parameters"),
            Column("r2", "R\u00b2", ".3f", kind=float),
        ),
        *([Column("answers", "Expected at the question", missing="not asked, or no law")] if _asked(results) else []),
    ]
    rows = [
        (
            *(Cell(t.task, note=t.metric), t.runs, t.items, t.chance, parameters_cell(t.parameters, few=True), t.r2),
            *([_expected(results, t)] if _asked(results) else []),
        )
        for t in results.tasks
    ]
    return Table("task laws", columns, rows, "The law of each task")


def _expected(results: Results, task: TaskFound) -> Cell | None:
    from markupsafe import Markup

    if not task.answers:
        return None
    parts = [(a.recipe, format_interval(a.score, percent, level=False)) for a in task.answers]
    html = Markup("").join(
        Markup('<span><i class="swatch" style="--c:var(--{})"></i>{}: {}</span> ').format(
            recipe_token(results, recipe), recipe, said
        )
        for recipe, said in parts
    )
    return Cell("; ".join(f"{recipe}: {said}" for recipe, said in parts), html=html)


def _asked(results: Results) -> bool:
    return results.decision is not None and results.decision.question is not None


_GREEK = {
    "alpha": "\N{GREEK SMALL LETTER ALPHA}",
    "beta": "\N{GREEK SMALL LETTER BETA}",
    "gamma": "\N{GREEK SMALL LETTER GAMMA}",
    "delta": "\N{GREEK SMALL LETTER DELTA}",
}


def parameter(interval: Interval) -> str:
    """A law's parameter to three digits with its interval; they range from 0.1 to millions."""
    if interval.mid is None:
        return undefined(interval)
    bounds = f" ({_three(interval.low)} to {_three(interval.high)})" if interval.bounded else ""
    return f"{_three(interval.mid)}{bounds}"


def _three(value: float | None) -> str:
    """Three significant digits: 0.342, 1,230, 4.5 × 10⁷."""
    if value is None or not math.isfinite(value) or abs(value) >= 1e6 or 0 < abs(value) < 1e-3:
        return "n/a" if value is None else scientific(value)
    return f"{float(f'{abs(value):.3g}'):,g}" if value >= 0 else MINUS + _three(-value)


def formula(text: str) -> Any:
    """``E + A N^-alpha`` -> markup with a raised −α; everything else escaped."""
    from markupsafe import Markup, escape

    spelled = re.sub(r"\b(alpha|beta|gamma|delta)\b", lambda m: _GREEK[m[1]], text)
    raised = re.sub(r"\^(-?)(\w+)", lambda m: f"<sup>{MINUS if m[1] else ''}{m[2]}</sup>", str(escape(spelled)))
    return Markup(raised)


def scientific(value: float) -> str:
    """1.234e15 -> ``1.23 × 10¹⁵``."""
    if not math.isfinite(value) or value == 0:
        return fixed(value, 0)
    power = math.floor(math.log10(abs(value)))
    if -3 <= power < 4:
        return f"{value:.3g}"
    digits = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{signed_text(f'{value / 10**power:.2f}')} {TIMES} 10{digits}"
