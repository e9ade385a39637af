"""The results as flat tables, for anybody's own analysis."""

import json
from pathlib import Path
from typing import Any

from synthmix.files import write_bytes, write_text
from synthmix.interval import Interval
from synthmix.results import Results
from synthmix.table import Table


def tables(results: Results) -> list[Table]:
    """All tables of the results; those without rows too, so that a reader's code never misses a file."""
    return [
        _runs(results),
        _domains(results),
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
        _task_scores(results),
        _task_laws(results),
        _task_answers(results),
        _task_shares(results),
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
    rows: list[tuple[Any, ...]] = []
    if (decision := results.decision) is not None:
        place = (decision.params, decision.tokens, decision.basis)
        for o in decision.options:
            codes = " ".join(o.undetermined) or None
            intervals = [getattr(o, part) for part in parts]
            rows.append((*place, o.recipe, o.kind, o.share, o.law, codes, o.sign, o.as_good, o.money, *intervals))
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
