"""The runs that a task was asked of, and what they scored."""

from collections import Counter
from dataclasses import dataclass

from synthmix.results import RunRow, Warn
from synthmix.store import RunRecord


@dataclass(frozen=True)
class Scored:
    """The runs that a task was asked of, with scores (n,), and the task as all of them saw it."""

    task: str
    metric: str
    items: int
    chance: float
    rows: list[RunRow]
    scores: list[float]
    group: list[int]


def scored_on(task: str, rows: list[RunRow], records: list[RunRecord]) -> tuple[Scored, list[Warn]]:
    """Runs that answered the same questions: those of the task's most frequent id, with a warning for the others."""
    having = [(row, record.tasks[task]) for row, record in zip(rows, records, strict=True) if task in record.tasks]
    common = Counter(score.id for _, score in having).most_common(1)[0][0]
    same = [(row, score) for row, score in having if score.id == common]
    warnings = []
    if len(same) < len(having):
        message = f"{len(having) - len(same)} runs were asked other questions of this name and are left out."
        warnings.append(Warn(code="task_changed", message=message, about=task))
    if len(having) < len(rows):
        message = f"{len(rows) - len(having)} of {len(rows)} runs have no score yet."
        warnings.append(Warn(code="task_missing", message=message, about=task))
    cells = {key: i for i, key in enumerate(dict.fromkeys((r.recipe, r.params, r.tokens) for r, _ in same))}
    first = same[0][1]
    scored = Scored(
        task=task,
        metric=first.metric,
        items=first.items,
        chance=first.chance,
        rows=[row for row, _ in same],
        scores=[score.value for _, score in same],
        group=[cells[r.recipe, r.params, r.tokens] for r, _ in same],
    )
    return scored, warnings
