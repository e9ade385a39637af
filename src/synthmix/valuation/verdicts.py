"""From scores to decisions: which of two datasets, how sure, and what the difference is worth to a trained model.

A score's interval holds its sampling alone, not how far the score is from what trained models say. That error is taken
from the tasks on which models were trained on every dataset (:data:`TASKS`, made by ``benchmarks/valuation/run.py
--study decisions`` from the kept truths). CHOSEN: on a task the better of two datasets whose scores differ by d, with
the sampling deviation s, is told with probability Phi(d / sqrt(tau^2 + s^2)), tau by maximum likelihood over the task's
pairs; for a new task it is the mean over the tasks of its kind, since nothing says which of them the new one is like.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from synthmix.interval import Interval
from synthmix.valuation.curve import mixture
from synthmix.valuation.summary import Summary
from synthmix.valuation.terms.term import REFERENCE_BLOCKS
from synthmix.valuation.uncertainty import LEVEL, around, half_width, parts_of
from synthmix.valuation.valuer import Valuer

CLEAR = 0.95  # confidence from which one of two is taken: then 97 % are right, 87 % on the worst task
SAME = 1e-9  # difference of scores that is rounding's

Said = Literal["over", "level", "unclear"]


@dataclass(frozen=True)
class CalibratedTask:
    """What one task says of the score's own error.

    Attributes:
        kind: ``text``, whose truth is a loss in nats per token, or ``labels``, whose truth is an accuracy.
        error: tau, in units of the score. slope: of the truth (higher is better) by the score; residual: what it
            leaves, a standard deviation in the truth's unit; both None where the truth is another measure.
    """

    name: str
    kind: Literal["text", "labels"]
    error: float
    slope: float | None = None
    residual: float | None = None


# fmt: off
TASKS: tuple[CalibratedTask, ...] = (
    CalibratedTask("images", "labels", 0.1522, 0.56, 0.090),
    CalibratedTask("sentiment", "labels", 0.0299, 0.66, 0.017),
    CalibratedTask("instruction", "text", 0.0288, 6.48, 0.145),
    CalibratedTask("reasoning", "text", 0.0409, 8.97, 0.353),
    CalibratedTask("synque", "labels", 0.0637),
    CalibratedTask("domains", "labels", 0.1170, 0.70, 0.046),
    CalibratedTask("web", "text", 0.0653, 4.28, 0.185),
    CalibratedTask("stories", "text", 0.0288, 5.89, 0.106),
    CalibratedTask("essays", "text", 0.0397, 7.09, 0.203),
    CalibratedTask("philosophy", "text", 0.0238, 8.00, 0.161),
)
# fmt: on


@dataclass(frozen=True)
class Verdict:
    """On two datasets, ``one`` having the higher score.

    Attributes:
        said: ``over``: take ``one``; ``level``: their scores are equal, and nothing is to choose; ``unclear``: train
            both to know, with ``tokens`` (or items, ``unit``) of each.
        confidence: probability that a model trained on ``one`` is better, by what the calibration's tasks say.
        difference: of the scores; its interval holds the sampling of the datasets and of the reference.
        worth: of that difference to a small trained model, in ``worth_unit`` (nats per token, or accuracy), higher is
            better; the interval holds the score's own error. None: the score is not the calibrated one.
    """

    one: str
    other: str
    said: Said
    confidence: float | None
    difference: Interval
    worth: Interval | None
    worth_unit: str
    tokens: float
    unit: str

    def as_json(self) -> dict[str, Any]:
        """As ``synthmix value --json`` prints it."""
        return asdict(self)


def verdicts(
    valuer: Valuer, summaries: Sequence[Summary], *, tokens: float | None = None, equal: bool = False
) -> list[Verdict]:
    """One for each pair, the clearest first.

    Args:
        tokens: of which each dataset is compared, an even sample of a larger one. equal: as many of each as the smaller
            of all has. Neither: each as it is.
    """
    read = [at_budget(each, tokens if tokens is not None else equal_size(summaries) if equal else None)
            for each in summaries]  # fmt: skip
    scores = [valuer.score_summary(each).value for each in read]
    parts = [parts_of(each, valuer.terms, valuer.weights) for each in read]
    kind: Literal["text", "labels"] = "labels" if valuer.labelled else "text"
    found = []
    for a, b in combinations(range(len(read)), 2):
        first, second = (a, b) if scores[a] >= scores[b] else (b, a)
        gap = scores[first] - scores[second]
        half = float(half_width(_apart(parts[first], parts[second]), valuer.level))
        size = min(read[a].size[0], read[b].size[0])
        found.append(
            verdict(
                (summaries[first].name, summaries[second].name),
                around(gap, half, valuer.level),
                kind if valuer.weights.name == "fixed" else None,
                size,
                read[a].size[1],
            )
        )
    return sorted(found, key=lambda each: -(each.confidence or 0.0))


def verdict(
    names: tuple[str, str],
    difference: Interval,
    kind: Literal["text", "labels"] | None,
    tokens: float,
    unit: str,
    *,
    tasks: Sequence[CalibratedTask] = TASKS,
) -> Verdict:
    """On the ``difference`` (at least 0) of two scores; ``kind`` None: not calibrated, by its sampling alone."""
    assert difference.mid is not None
    gap, mine = difference.mid, [task for task in tasks if task.kind == kind]
    sampling = (difference.half_width or 0.0) / float(half_width(np.ones(1), difference.level))
    sure = None if not mine else _told(gap, sampling, mine)
    if gap <= SAME:
        said: Said = "level"
    elif sure is None:
        said = "unclear"
    else:
        said = "over" if sure >= CLEAR else "unclear"
    worth = worth_of(gap, sampling, mine, difference.level) if mine else None
    return Verdict(*names, said, sure, difference, worth, "accuracy" if kind == "labels" else "nats per token",
                   tokens, unit)  # fmt: skip


def _told(gap: float, sampling: float, tasks: Sequence[CalibratedTask]) -> float:
    from scipy.stats import norm

    return float(np.mean([norm.cdf(gap / np.hypot(task.error, sampling)) for task in tasks]))


def nats_per_score() -> float:
    """Nats per token of a trained model's loss that one unit of the score is worth: the mean over the tasks of text
    (they differ by a factor of two, see :data:`TASKS`)."""
    return float(np.mean([task.slope for task in TASKS if task.kind == "text" and task.slope is not None]))


def worth_of(gap: float, sampling: float, tasks: Sequence[CalibratedTask], level: float = LEVEL) -> Interval | None:
    """What a difference of scores is worth: the mean over tasks of slope times difference; the interval is that of
    equal parts of one normal distribution a task, with the residuals of two datasets and the sampling."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    known = [(task.slope, task.residual) for task in tasks if task.slope is not None and task.residual is not None]
    if not known:
        return None
    slopes, residuals = np.array(known).T
    means, spreads = slopes * gap, np.hypot(np.sqrt(2) * residuals, slopes * sampling)
    far = float(np.abs(means).max() + 10 * spreads.max())

    def quantile(share: float) -> float:
        return float(brentq(lambda x: float(norm.cdf((x - means) / spreads).mean()) - share, -far, far))

    low, high = quantile((1 - level) / 2), quantile((1 + level) / 2)
    return Interval(low=low, mid=float(means.mean()), high=high, level=level, covers="mean")


@dataclass(frozen=True)
class Gain:
    """What a dataset adds to the base: the score of both together less the base's; ``interval`` of the sampling."""

    together: Summary
    value: float
    interval: Interval


def gain_over(valuer: Valuer, base: Summary, candidate: Summary) -> Gain:
    """Of a ``candidate`` on top of all of ``base``, the text that one has already."""
    total = base.size[0] + candidate.size[0]
    together = mixture([base, candidate], [base.size[0] / total, candidate.size[0] / total], total)
    together = replace(together, name=candidate.name)
    both, alone = (parts_of(each, valuer.terms, valuer.weights) for each in (together, base))
    blocks = len(alone) - REFERENCE_BLOCKS
    apart = both.copy()  # the base's items and the reference's are the same on both sides
    apart[:blocks] -= alone[:blocks]
    apart[-REFERENCE_BLOCKS:] -= alone[-REFERENCE_BLOCKS:]
    value = valuer.score_summary(together).value - valuer.score_summary(base).value
    return Gain(together, value, around(value, float(half_width(apart, valuer.level)), valuer.level))


@dataclass(frozen=True)
class Comparison:
    """Datasets beside each other, in the order of what was asked.

    Attributes:
        ranked_by: ``base`` (what each adds to it), ``tokens`` (at the budget), or ``equal`` (as many tokens of each as
            the smallest has).
        rows: by dataset ``name``, ``tokens`` that it has, its score ``whole``, at ``equal`` size, ``at_tokens`` and
            ``over_base`` (None where not asked), best first.
        pairs: see :class:`Verdict`.
    """

    ranked_by: str
    equal: float
    tokens: float | None
    unit: str
    rows: list[dict[str, Any]]
    pairs: list[Verdict]

    def as_json(self) -> dict[str, Any]:
        """As ``synthmix value --json`` prints it."""
        return {**asdict(self), "pairs": [pair.as_json() for pair in self.pairs]}


def compare_datasets(
    valuer: Valuer, summaries: Sequence[Summary], *, tokens: float | None = None, base: Summary | None = None
) -> Comparison:
    """At equal tokens and, where one is given, at a budget of ``tokens``, or by what each adds to ``base``; the order
    and the pairs are by what was asked, else at equal tokens."""
    least = equal_size(summaries)
    cut = [at_budget(each, tokens) for each in summaries]
    gains = None if base is None else [gain_over(valuer, base, each) for each in cut]
    rows: list[dict[str, Any]] = []
    for number, each in enumerate(summaries):
        rows.append({
            "name": each.name,
            "tokens": each.size[0],
            "whole": valuer.score_summary(each).value,
            "equal": valuer.score_summary(at_budget(each, least)).value,
            "at_tokens": None if tokens is None else valuer.score_summary(cut[number]).value,
            "over_base": None if gains is None else gains[number].value,
            "over_base_interval": None if gains is None else asdict(gains[number].interval),
        })  # fmt: skip
    ranked_by = "base" if gains is not None else "tokens" if tokens is not None else "equal"
    key = {"base": "over_base", "tokens": "at_tokens", "equal": "equal"}[ranked_by]
    rows.sort(key=lambda row: -row[key])
    if gains is not None:
        pairs = verdicts(valuer, [gain.together for gain in gains])
    else:
        pairs = verdicts(valuer, summaries, tokens=tokens, equal=tokens is None)
    return Comparison(ranked_by, least, tokens, summaries[0].size[1], rows, pairs)


def equal_size(summaries: Sequence[Summary]) -> float:
    """The tokens (or items) of the smallest."""
    return min(each.size[0] for each in summaries)


def at_budget(summary: Summary, tokens: float | None) -> Summary:
    """An even sample of so many tokens (or items); all of a dataset that has no more, which the budget then repeats."""
    if tokens is None or tokens >= summary.size[0]:
        return summary
    return summary.sampled(tokens / summary.size[0])


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Deviations of a difference: the pools' are independent, the reference's common."""
    common = one[-REFERENCE_BLOCKS:] - other[-REFERENCE_BLOCKS:]
    return np.concatenate([one[:-REFERENCE_BLOCKS], other[:-REFERENCE_BLOCKS], common])
