"""The results as flat tables, for anybody's own analysis."""

import json
from typing import Any

from synthmix.report.flat import INTERVAL, Table, cells
from synthmix.report.tables_fit import isoflops, profiles, residuals
from synthmix.report.tables_tasks import task_answers, task_laws, task_scores, task_shares
from synthmix.results import Results


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
        _answer(results),
        _statistics(results),
        residuals(results),
        profiles(results),
        isoflops(results),
        task_scores(results),
        task_laws(results),
        task_answers(results),
        task_shares(results),
        _warnings(results),
    ]


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
    return Table("runs", columns, rows)


def _domains(results: Results) -> Table:
    columns: dict[str, type] = {"run": str, "recipe": str, "share": float, "params": int, "tokens": int, "seed": int}
    columns |= {"domain": str, "whole": bool, "loss": float, "bits_per_byte": float}
    whole = {domain.name: domain.whole for domain in results.domains}
    rows = [
        (r.id, r.recipe, r.share, r.params, r.tokens, r.seed, domain, whole.get(domain), loss, r.bits.get(domain))
        for r in results.runs
        for domain, loss in r.losses.items()
    ]
    return Table("domains", columns, rows)


def _fits(results: Results) -> Table:
    columns: dict[str, type] = {"law": str, "formula": str, "recipe": str, "params": int, "tokens": int, "points": int}
    columns |= {"parameter": str, **INTERVAL, "r2": float, "objective": float, "held_out": str}
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
                    *(f.law, f.formula, f.recipe, f.params, f.tokens, f.points, name, *cells(interval)),
                    *(f.r2, f.objective, *test, codes),
                )
            )
    return Table("fits", columns, rows)


def _curves(results: Results) -> Table:
    columns: dict[str, type] = {"recipe": str, "law": str, "along": str, "fixed": int}
    columns |= {"x": float, "mean": float, "low": float, "high": float}
    rows = [
        (c.recipe, c.law, c.along, c.fixed, *point)
        for c in results.curves
        for point in zip(c.x, c.mean, c.low, c.high, strict=True)
    ]
    return Table("curves", columns, rows)


_CELL: dict[str, type] = {"synthetic": str, "params": int, "tokens": int, "is_question": bool}


def _share_curves(results: Results) -> Table:
    columns = {**_CELL, "share": float, "mean": float, "low": float, "high": float}
    rows = [
        (c.synthetic, c.params, c.tokens, c.is_question, *point)
        for c in results.share_curves
        for point in zip(c.shares, c.mean, c.low, c.high, strict=True)
    ]
    return Table("share_curves", columns, rows)


def _share_points(results: Results) -> Table:
    columns = {**_CELL, "share": float, "loss": float, "seed": int}
    rows = [
        (c.synthetic, c.params, c.tokens, c.is_question, point.share, point.loss, point.seed)
        for c in results.share_curves
        for point in c.measured
    ]
    return Table("share_points", columns, rows)


def _best_shares(results: Results) -> Table:
    columns = {**_CELL, **INTERVAL, "flat_low": float, "flat_high": float}
    rows = [
        (c.synthetic, c.params, c.tokens, c.is_question, *cells(c.best), *(c.flat or (None, None)))
        for c in results.share_curves
    ]
    return Table("best_shares", columns, rows)


def _answer(results: Results) -> Table:
    columns: dict[str, type] = {"params": int, "tokens": int, "decades_params": float, "decades_tokens": float}
    columns |= {"recipe": str, "share": float, "synthetic": str, "law": str}
    for part in ("loss", "new_run", "difference", "speedup"):
        columns |= {f"{part}_{field}": kind for field, kind in INTERVAL.items()}
    rows: list[tuple[Any, ...]] = []
    if results.answer is not None:
        a = results.answer
        cell = (a.params, a.tokens, a.decades_params, a.decades_tokens)
        for r in a.recipes:
            intervals = (*cells(r.loss), *cells(r.new_run), *cells(r.difference), *cells(r.speedup))
            rows.append((*cell, r.recipe, r.share, r.synthetic, r.law, *intervals))
    return Table("answer", columns, rows)


def _statistics(results: Results) -> Table:
    columns: dict[str, type] = {"recipe": str, "domain": str, "coverage_mass": float, "coverage_types": float}
    columns |= {"kl_test_train": float, "smoothing": str, "train_tokens": int, "test_tokens": int}
    return Table("statistics", columns, [tuple(getattr(s, name) for name in columns) for s in results.statistics])


def _warnings(results: Results) -> Table:
    rows: list[tuple[Any, ...]] = [(w.code, w.about, w.message, None, None) for w in results.warnings]
    rows += [(w.code, w.about, w.message, f.law, f.recipe) for f in results.fits for w in f.warnings]
    return Table("warnings", {"code": str, "about": str, "message": str, "law": str, "recipe": str}, rows)
