"""The second step from loss to task score: a sigmoid that starts at chance.

    score(L) = chance + (top - chance) / (1 + exp(-(a - k (L - mean L) + sum_s c_s r_s)))

The first step is the scaling law of the loss, L(N, D, recipe); together they say what a task will score at a size that
was not trained. Two steps, with a sigmoid from loss to accuracy: Bhagia et al., "Establishing Task Scaling Laws via
Compute-Efficient Model Ladders" (arXiv 2412.04403; FOUND; their loss is that of the task's answers, ours the held-out
average). Far below its middle the sigmoid is chance + (top - chance) exp(a - k (L - mean L)): a power of perplexity,
as Gadre et al. relate error to it (arXiv 2403.08540; FOUND), and the part of the curve that small models see.

CHOSEN: the floor is held at chance, which a task with choices knows, and the top at 1, which a ladder of small models
cannot tell. c_s is ours (DERIVED: a nested model): the effect of a source's share r_s on the score *at equal loss*, in
logits. Without it the score is a function of the loss alone, and the best share by score is that by loss, by
construction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.interval import Interval
from synthmix.results import Warn
from synthmix.scaling.inputs import Array
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.task_law_solver import score_at

FORMULA = "score = chance + (top - chance) / (1 + exp(k (L - L_half)))"


@dataclass(frozen=True)
class TaskFit:
    """A fitted law of one task.

    Attributes:
        chance, top: the ends of the curve, given.
        centre: mean loss of the runs, nats per token.
        offsets: names of the sources whose share has an effect of its own.
        values, draws: (a, k, c_s...), (p,) and (resamples, p).
        noise: standard deviation of one run's score around the curve.
        loss, score: what it was fitted to, (n,).
        warnings: coded.
    """

    chance: float
    top: float
    centre: float
    offsets: tuple[str, ...]
    values: Array
    draws: Array
    noise: float
    loss: Array
    score: Array
    r2: float
    level: float
    warnings: list[Warn]

    def predict(self, loss: Any, shares: Mapping[str, Any] | None = None) -> Array:
        """Expected scores (n,) at losses (n,), nats per token, and shares by source (absent: 0)."""
        found: Array = self._at(self.values[None], loss, shares)[0]
        return found

    def draw(self, loss: Any, shares: Mapping[str, Any] | None = None) -> Array:
        """Scores (resamples, n). ``loss`` (n,), or (draws, n): those of the first step, paired with
        this one's, as many as both have."""
        losses = np.asarray(loss, dtype=np.float64)
        both = min(len(self.draws), len(losses)) if losses.ndim == 2 else len(self.draws)
        return self._at(self.draws[:both], losses[:both] if losses.ndim == 2 else losses, shares)

    def parameters(self, level: float | None = None) -> dict[str, Interval]:
        """``k`` (logits per nat), ``L_half`` (loss half way between chance and top), ``offset <source>`` (logits)."""
        at, why = level or self.level, self.why
        found = {"k": interval_of(float(self.values[1]), self.draws[:, 1], at, why)}
        half, halves = self._half(self.values[None])[0], self._half(self.draws)
        found["L_half"] = interval_of(float(half), halves, at, "a flat curve has none" if np.isnan(half) else why)
        for i, name in enumerate(self.offsets):
            found[f"offset {name}"] = interval_of(float(self.values[2 + i]), self.draws[:, 2 + i], at, why)
        return found

    @property
    def why(self) -> str | None:
        """Why there are no intervals; None when there are."""
        return None if len(self.draws) > 1 else "no resamples were asked for"

    def _half(self, theta: Array) -> Array:
        slope = theta[:, 1]
        return np.where(slope > 0, self.centre + theta[:, 0] / np.where(slope > 0, slope, 1.0), np.nan)

    def _at(self, theta: Array, loss: Any, shares: Mapping[str, Any] | None) -> Array:
        losses = np.atleast_1d(np.asarray(loss, dtype=np.float64))
        logits = theta[:, :1] - theta[:, 1:2] * (losses - self.centre)
        for i, name in enumerate(self.offsets):
            logits = logits + theta[:, 2 + i : 3 + i] * np.asarray((shares or {}).get(name, 0.0), dtype=np.float64)
        return score_at(logits, self.chance, self.top)
