"""The error of the law itself, measured by held-out cuts inside the runs.

Resampling tells how far the parameters of a law may be off when the law is right. No law is: on published runs, 90 %
intervals of resampling held 61 to 99 % of what was held out, by collection (docs/calibration.md). So the runs are cut
once more in the way in which a prediction extrapolates (largest compute, N, D, both; for laws in the share, a share
left out), the law is fitted to the rest, and its errors on what was cut are compared with its half-widths there. Every
interval of a prediction is then scaled, about the predicted log-loss, by

    factor = (1.645 rms(error / half-width))^(m / (m + 1)) x public^(1 / (m + 1)),

the rms over the cuts weighted by how nearly they extrapolate in the direction of the prediction (squared cosine in
the decades of N and D, the share as a third axis), m their effective number. It is a conformal step with the error's
scale instead of its quantile, shrunk toward what published collections teach by the weight of one cut (CHOSEN on
golden collections, each left out in turn; the idea of inner cuts is that of 6-many-sources.md, which widens by the
quantile and never narrows). Half-widths grow with the distance as the resampled curves part; a law that bends away
does so faster, so that beyond the farthest cut what the factor adds grows in proportion to the distance (CHOSEN: on
the collections an exponent of 1 held more than 0 or 1/2 at equal widths). Runs of little noise can hide a bend that
begins at their edge: :data:`FLOOR` of the loss for each decade is therefore the least that the error of a law is
taken to be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthmix.quantities import format_count
from synthmix.scaling.runs import Array, Inputs, Mask, Runs

#: Collection of published runs -> (hold-outs, share that resampled 90 % intervals covered, factor at which they cover
#: 90 % as a mean of hold-outs), Chinchilla's law, by ``python benchmarks/calibration.py``.
PUBLIC: dict[str, tuple[int, float, float]] = {
    "isoFLOP collections (Open-Athena/scaling-law-analysis)": (42, 0.689, 2.00),
    "seven sources (apple/ml_scalefit, arXiv 2507.09404)": (129, 0.771, 1.38),
    "over-training (mlfoundations/scaling, arXiv 2403.08540)": (168, 0.979, 0.62),
    "Chinchilla (arXiv 2404.10102)": (7, 0.535, 2.06),
}
#: Where no inner cut is possible: the geometric mean over the collections.
PUBLIC_FACTOR = float(np.exp(np.mean([np.log(factor) for _, _, factor in PUBLIC.values()])))
PUBLIC_DECADES = 0.5  # as far as the hold-outs behind it reach, the median
NARROWEST = 0.7  # of what resampling says (CHOSEN): cuts of one table are few and alike
#: Standard deviation of the log-loss for each decade beyond the runs, the least (CHOSEN: hardly seen in public runs).
FLOOR = 0.0075
OTHER_DIRECTION = 0.05  # weight of a cut at a right angle to the prediction (CHOSEN)
WORST = 10.0  # errors count as at most this many half-widths (CHOSEN): one wild cut must not decide
FULL = 0.1  # decades beyond the runs from which a prediction's interval is scaled in full, from nothing inside (CHOSEN)
FEWEST_ROWS = 8  # that a cut must leave
RESAMPLES = 60  # of each cut
MOST_ROWS = 3000  # a sample beyond it: the cuts' errors need no more

Column = Literal["compute", "N", "D", "N and D", "share"]


@dataclass(frozen=True)
class InnerCut:
    """One held-out cut inside the runs.

    Attributes:
        column: what was cut by. what: in words, with the values.
        fitted, predicted: runs.
        decades: by how much what was held out lies beyond the rest (see :func:`away`), the mean of its runs.
        direction: the mean of its runs' displacements along N, D and the share.
        error: median absolute error of the log-loss. ratio: rms of error over half-width (90 %, new run).
    """

    column: Column
    what: str
    fitted: int
    predicted: int
    decades: float
    direction: tuple[float, float, float]
    error: float
    ratio: float


@dataclass(frozen=True)
class ModelError:
    """By what the half-widths of predictions are multiplied, and what says so.

    ``source``: ``inner cuts`` of these runs; ``public``: no cut was possible, :data:`PUBLIC_FACTOR` stands in;
    ``none``: asked for without, or there are no resamples.
    """

    source: Literal["inner cuts", "public", "none"]
    cuts: tuple[InnerCut, ...] = ()

    @property
    def factor(self) -> float:
        """The factor with all cuts weighted alike, within their reach."""
        if self.source == "none":
            return 1.0
        whole = _factors(self.ratios, np.ones((1, len(self.cuts))))
        return float(whole[0])

    @property
    def ratios(self) -> Array:
        """(m,) of the cuts."""
        return np.array([cut.ratio for cut in self.cuts])

    @property
    def error(self) -> float | None:
        """Mean of the cuts' median errors of the log-loss; None without cuts."""
        return float(np.mean([one.error for one in self.cuts])) if self.cuts else None

    @property
    def decades(self) -> float:
        """How far the farthest cut extrapolated; :data:`PUBLIC_DECADES` without cuts."""
        return max((one.decades for one in self.cuts), default=0.0) or PUBLIC_DECADES

    def at(self, direction: Array, far: Array) -> Array:
        """The factors (n,) at points ``far`` (n,) decades beyond the runs, displaced by ``direction`` (n, 3): 1 inside,
        whole from :data:`FULL` on, what they add growing in proportion beyond the farthest cut."""
        if self.source == "none":
            return np.ones(len(far))
        cuts = np.array([cut.direction for cut in self.cuts]).reshape(-1, 3)
        lengths = np.linalg.norm(direction, axis=1)[:, None] * np.linalg.norm(cuts, axis=1)
        cosine = np.clip((direction @ cuts.T) / np.maximum(lengths, 1e-12), 0.0, 1.0)
        whole = _factors(self.ratios, cosine**2 + OTHER_DIRECTION)
        added = (whole - 1) * np.minimum(far / FULL, 1.0)
        found: Array = 1 + added * np.where(whole > 1, np.maximum(far / self.decades, 1.0), 1.0)
        return found


NO_MODEL_ERROR = ModelError("none")


def _factors(ratios: Array, weights: Array) -> Array:
    """Factors (n,) from the cuts' ratios (m,) and their weights (n, m)."""
    if not len(ratios):
        return np.full(len(weights), PUBLIC_FACTOR)
    many = weights.sum(axis=1) / weights.max(axis=1)
    rms = np.sqrt((weights * ratios**2).sum(axis=1) / weights.sum(axis=1))
    logs = (many * np.log(1.645 * np.maximum(rms, 1e-6)) + np.log(PUBLIC_FACTOR)) / (many + 1)
    found: Array = np.maximum(np.exp(logs), NARROWEST)
    return found


def spread(losses: Array, factor: Array | float) -> Array:
    """Draws of losses (1 + d, ...), the fitted law's first, scaled about the first row in their logarithm. What is not
    a positive number stays as it is."""
    if np.all(np.asarray(factor) == 1.0):
        return losses
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        logs = np.log(losses)
        wide = np.exp(logs[:1] + factor * (logs - logs[:1]))
    found: Array = np.where(np.isfinite(logs) & np.isfinite(logs[:1]), wide, losses)
    found[0] = losses[0]
    return found


def inner_cuts(runs: Runs) -> Iterator[tuple[Column, str, Mask]]:
    """Every cut of the runs by which a prediction may lie beyond them: (by what, in words, rows to fit).

    A column of at most twelve values (within 1 %) loses its largest, then its two largest, where three are left; one of
    more loses its largest 12 %, then 30 % of the rows (CHOSEN). N and D together: the largest quarter of the values of
    either. The share: each measured share above the least, where four are there.
    """
    columns: list[tuple[Column, Array]] = []
    if runs.has("N") and runs.has("D"):
        columns.append(("compute", 6 * runs.N * runs.D))
    columns += [(name, getattr(runs, name)) for name in ("N", "D") if runs.has(name) and runs.distinct(name) > 1]
    for name, values in columns:
        places = np.round(np.log(values), 2)
        levels = np.unique(places)
        if len(levels) <= 12:
            for largest in (1, 2):
                if len(levels) >= largest + 3:
                    start = format_count(float(values[places == levels[-largest]].min()))
                    yield name, f"{name} of {start} and more", places < levels[-largest]
        else:
            for part in (0.12, 0.3):
                start_at = float(np.quantile(values, 1 - part))
                yield name, f"{name} of {format_count(start_at)} and more", values < start_at
    if runs.distinct("N") > 3 and runs.distinct("D") > 3:
        n_end, d_end = (float(np.quantile(np.unique(column), 0.75)) for column in (runs.N, runs.D))
        what = f"N of {format_count(n_end)} and more or D of {format_count(d_end)} and more"
        yield "N and D", what, ~((n_end <= runs.N) | (d_end <= runs.D))
    if runs.distinct("share") > 3:
        for share in np.unique(runs.share)[1:]:
            yield "share", f"share {share:.3g}", runs.share != share


def decades(runs: Inputs, x: Inputs) -> dict[str, Array]:
    """By how many decades (n,) points lie beyond runs: compute (6 N D) above the largest; N, D and unique tokens beyond
    the nearest end; 0 inside. What one of the two does not have is left out."""
    found: dict[str, Array] = {}
    if all(part.has(name) for part in (x, runs) for name in ("N", "D")):
        found["compute"] = x.log("N") + x.log("D") - (runs.log("N") + runs.log("D")).max()
    for name in ("N", "D", "unique"):
        if x.has(name) and runs.has(name):
            column, mine = x.log(name), runs.log(name)
            found[name] = np.maximum(column - mine.max(), mine.min() - column)
    return {name: np.where(far > 1e-9, far, 0.0) / np.log(10) for name, far in found.items()}


def away(runs: Inputs, x: Inputs) -> tuple[Array, Array]:
    """Where points lie beyond runs.

    Returns:
        displacements (n, 3): decades along N and D beyond the nearest end (both by compute, 6 N D, where neither of
        them is), 1 for a share outside of those trained; and decades (n,): the largest of N, D and compute, 0 inside.
    """
    found = np.zeros((len(x), 3))
    each = decades(runs, x)
    for axis, name in ((0, "N"), (1, "D"), (1, "unique")):
        found[:, axis] = np.maximum(found[:, axis], each.get(name, 0.0))
    far = found.max(axis=1)
    compute = each.get("compute", np.zeros(len(x)))
    alone = (far <= 0) & (compute > 0)
    found[alone, :2] = compute[alone, None]
    far = np.maximum(far, compute)
    if x.has("share") and runs.has("share"):
        outside = (x.share < runs.share.min() - 1e-9) | (x.share > runs.share.max() + 1e-9)
        found[:, 2], far = outside, np.where(outside, np.maximum(far, FULL), far)
    return found, far
