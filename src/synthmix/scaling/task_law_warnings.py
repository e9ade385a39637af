"""Warnings of a fitted law of a task score: what the runs do not determine about it."""

import math

import numpy as np

from synthmix.results import Warn
from synthmix.scaling.inputs import Array


def above_chance(score: Array, chance: float, items: int) -> Array:
    """Which scores (n,) lie above chance by more than the luck of ``items`` questions: 5 % in all (Bonferroni)."""
    from scipy.special import ndtri

    limit = float(ndtri(1 - 0.05 / len(score))) * math.sqrt(chance * (1 - chance) / items)
    return np.asarray(score > chance + limit)


def task_warnings(
    score: Array, best: Array, draws: Array, chance: float, items: int | None, level: float, most: float
) -> list[Warn]:
    """Coded warnings of a fit: scores at chance, a slope that is not determined or at its bound."""
    found = []
    if items is not None and not above_chance(score, chance, items).any():
        message = (
            f"no run scores above chance ({chance:.1%}) by more than the luck of {items} questions: "
            "the task does not tell these models apart"
        )
        found.append(Warn(code="task_at_chance", message=message))
    low = float(np.quantile(draws[:, 1], (1 - level) / 2))
    if low <= 1e-6:
        message = "the score does not rise with falling loss beyond the noise: the law says nothing of larger models"
        found.append(Warn(code="task_slope_undetermined", message=message))
    elif float(best[1]) >= most * 0.999:
        message = f"the slope stands at its bound of {most:g} logits a nat: the score is not a smooth function of loss"
        found.append(Warn(code="task_slope_at_bound", message=message))
    return found
