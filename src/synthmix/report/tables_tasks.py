"""Task scores and their laws as flat tables."""

from typing import Any

from synthmix.report.flat import INTERVAL, Table, cells
from synthmix.results import Results


def task_scores(results: Results) -> Table:
    """A row a run and task."""
    columns: dict[str, type] = {"run": str, "recipe": str, "share": float, "params": int, "tokens": int, "seed": int}
    columns |= {"loss": float, "task": str, "score": float}
    rows: list[tuple[Any, ...]] = [
        (r.id, r.recipe, r.share, r.params, r.tokens, r.seed, r.loss, task, score)
        for r in results.runs
        for task, score in r.tasks.items()
    ]
    return Table("task_scores", columns, rows)


def task_laws(results: Results) -> Table:
    """A row a parameter of each task's law."""
    columns: dict[str, type] = {"task": str, "metric": str, "items": int, "chance": float, "runs": int, "r2": float}
    columns |= {"parameter": str, **INTERVAL, "warnings": str}
    rows: list[tuple[Any, ...]] = [
        (t.task, t.metric, t.items, t.chance, t.runs, t.r2, name, *cells(part), _codes(t.warnings))
        for t in results.tasks
        for name, part in t.parameters.items()
    ]
    return Table("task_laws", columns, rows)


def task_answers(results: Results) -> Table:
    """A row a task and recipe: the score expected at the question."""
    columns: dict[str, type] = {"task": str, "recipe": str, "share": float, "synthetic": str}
    for part in ("score", "difference"):
        columns |= {f"{part}_{field}": kind for field, kind in INTERVAL.items()}
    rows: list[tuple[Any, ...]] = [
        (t.task, a.recipe, a.share, a.synthetic, *cells(a.score), *cells(a.difference))
        for t in results.tasks
        for a in t.answers
    ]
    return Table("task_answers", columns, rows)


def task_shares(results: Results) -> Table:
    """A row a task, source and cell: the best share by loss and by score, and whether they agree."""
    columns: dict[str, type] = {"task": str, "synthetic": str, "params": int, "tokens": int, "is_question": bool}
    for part in ("by_loss", "by_score"):
        columns |= {f"{part}_{field}": kind for field, kind in INTERVAL.items()}
    columns |= {"common_low": float, "common_high": float, "verdict": str, "reason": str}
    rows: list[tuple[Any, ...]] = [
        (
            *(t.task, s.synthetic, s.params, s.tokens, s.is_question, *cells(s.by_loss), *cells(s.by_score)),
            *(*(s.common or (None, None)), s.verdict, s.reason),
        )
        for t in results.tasks
        for s in t.shares
    ]
    return Table("task_shares", columns, rows)


def _codes(warnings: list[Any]) -> str | None:
    return " ".join(warning.code for warning in warnings) or None
