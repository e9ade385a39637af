"""From scores to decisions: which of two datasets, with what confidence, and what that is worth to a trained model.

A score's interval holds its sampling alone, not how far the score is from what trained models say. That error is taken
from the tasks on which models were trained on every dataset (:data:`TASKS`, made by ``benchmarks/valuation/run.py
--study decisions`` from the kept truths). CHOSEN: on a task the better of two datasets whose scores differ by d, with
the sampling deviation s, is told with probability Phi(d / sqrt(tau^2 + s^2)), tau by maximum likelihood over the task's
pairs. A new task may be unlike all of them, so for it the mean is taken over the predictive distribution of log tau: a
Student t about the mean of its kind, with the variance between tasks that all kinds have in common
(:func:`new_errors`). A reference unlike every calibrated one (:mod:`.shift`) has errors :data:`SHIFTED` times as large.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from synthmix.interval import Interval
from synthmix.valuation.curve import mixture
from synthmix.valuation.shift import Looks, looks_of, unlike
from synthmix.valuation.summary import Summary
from synthmix.valuation.terms.guards import Leak
from synthmix.valuation.terms.term import REFERENCE_BLOCKS
from synthmix.valuation.uncertainty import LEVEL, around, half_width, parts_of
from synthmix.valuation.valuer import Valuer

CLEAR = 0.95  # confidence from which one of two is taken: then 98 % are right, 92 % on the worst task
SAME = 1e-9  # difference of scores that is rounding's
TINY = 0.01  # of the median size: a dataset that has less decides no equal size
WITHHELD = 0.5  # of the reference's runs of words in a dataset: from then on nothing is told in its favour
SHIFTED = 3.0  # CHOSEN: about the ratio of the largest to the smallest error among the tasks of text
ERRORS = 64  # equally likely values of a new task's error

Said = Literal["over", "level", "unclear"]


@dataclass(frozen=True)
class CalibratedTask:
    """What one task says of the score's own error.

    Attributes:
        kind: ``text``, whose truth is a loss in nats per token, or ``labels``, whose truth is an accuracy.
        error: tau, in units of the score. slope: of the truth (higher is better) by the score; residual: what it
            leaves, a standard deviation in the truth's unit; both None where the truth is another measure.
        looks: of its reference; None of images.
    """

    name: str
    kind: Literal["text", "labels"]
    error: float
    slope: float | None = None
    residual: float | None = None
    looks: Looks | None = None


# fmt: off
TASKS: tuple[CalibratedTask, ...] = (
    CalibratedTask("images", "labels", 0.1522, 0.56, 0.090),
    CalibratedTask("sentiment", "labels", 0.0299, 0.66, 0.017, Looks(0.842, 4.04, 0.999)),
    CalibratedTask("instruction", "text", 0.0288, 6.48, 0.145, Looks(0.789, 3.91, 0.999)),
    CalibratedTask("reasoning", "text", 0.0409, 8.97, 0.353, Looks(0.514, 3.38, 1.000)),
    CalibratedTask("synque", "labels", 0.0637, looks=Looks(0.748, 4.71, 0.999)),
    CalibratedTask("domains", "labels", 0.1170, 0.70, 0.046, Looks(0.843, 4.15, 0.999)),
    CalibratedTask("web", "text", 0.0653, 4.28, 0.185, Looks(0.828, 4.11, 1.000)),
    CalibratedTask("stories", "text", 0.0288, 5.89, 0.106, Looks(0.831, 4.03, 1.000)),
    CalibratedTask("essays", "text", 0.0397, 7.09, 0.203, Looks(0.904, 3.46, 1.000)),
    CalibratedTask("philosophy", "text", 0.0265, 7.34, 0.172, Looks(0.812, 3.69, 0.999)),
    CalibratedTask("wikipedia", "text", 0.0452, 4.25, 0.141, Looks(0.798, 4.02, 0.997)),
)
# fmt: on


@dataclass(frozen=True)
class Verdict:
    """On two datasets, ``one`` having the higher score.

    Attributes:
        said: ``over``: take ``one``; ``level``: their scores are equal, and nothing is to choose; ``unclear``: train
            both to know, with ``tokens`` (or items, ``unit``) of each.
        why: ``leak``: ``one`` holds half of the reference or more, so that nothing is told in its favour; "".
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
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """As ``synthmix value --json`` prints it."""
        return asdict(self)


def verdicts(
    valuer: Valuer,
    summaries: Sequence[Summary],
    *,
    tokens: float | None = None,
    equal: bool = False,
    shifted: bool = False,
) -> list[Verdict]:
    """One for each pair, the clearest first.

    Args:
        tokens: of which each dataset is compared, an even sample of a larger one. equal: as many of each as the smaller
            of all has (:func:`equal_size`). Neither: each as it is.
        shifted: the reference is unlike every calibrated one.
    """
    read = [at_budget(each, tokens if tokens is not None else equal_size(summaries) if equal else None)
            for each in summaries]  # fmt: skip
    scores = [valuer.score_summary(each).value for each in read]
    parts = [parts_of(each, valuer.terms, valuer.weights) for each in read]
    kind: Literal["text", "labels"] = "labels" if valuer.labelled else "text"
    leaking = {each.name for each in summaries if leaked(valuer, each) >= WITHHELD}
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
                leaks=summaries[first].name in leaking,
                shifted=shifted,
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
    leaks: bool = False,
    shifted: bool = False,
) -> Verdict:
    """On the ``difference`` (at least 0) of two scores; ``kind`` None: not calibrated, by its sampling alone.
    ``leaks``: the first holds runs of the reference."""
    from scipy.stats import norm

    assert difference.mid is not None
    gap, mine = difference.mid, [task for task in tasks if task.kind == kind]
    sampling = (difference.half_width or 0.0) / float(half_width(np.ones(1), difference.level))
    sure, worth = None, None
    if mine and not leaks:
        wider = SHIFTED if shifted else 1.0
        sure = float(norm.cdf(gap / np.hypot(wider * new_errors(kind, tasks), sampling)).mean())
        worth = worth_of(gap, sampling, mine, difference.level, wider=wider)
    if gap <= SAME:
        said: Said = "level"
    else:
        said = "over" if sure is not None and sure >= CLEAR else "unclear"
    return Verdict(*names, said, sure, difference, worth, "accuracy" if kind == "labels" else "nats per token",
                   tokens, unit, "leak" if leaks else "")  # fmt: skip


def new_errors(kind: str | None, tasks: Sequence[CalibratedTask]) -> np.ndarray:
    """(:data:`ERRORS`,) equally likely values of tau on a new task of a kind: quantiles of the predictive distribution
    of a normal log tau, whose mean is the kind's own and whose variance all kinds share (few tasks know little of it).
    """
    from scipy.stats import t

    logs = {name: np.log([task.error for task in tasks if task.kind == name]) for name in {x.kind for x in tasks}}
    mine = next(held for name, held in logs.items() if name == kind)
    freedom = sum(len(held) - 1 for held in logs.values())
    if not freedom:
        return np.exp(mine)
    spread = np.sqrt(sum(((held - held.mean()) ** 2).sum() for held in logs.values()) / freedom)
    places = (np.arange(ERRORS) + 0.5) / ERRORS
    return np.asarray(np.exp(mine.mean() + spread * np.sqrt(1 + 1 / len(mine)) * t.ppf(places, freedom)))


def nats_per_score() -> float:
    """Nats per token of a trained model's loss that one unit of the score is worth: the mean over the tasks of text
    (they differ by a factor of two, see :data:`TASKS`)."""
    return float(np.mean([task.slope for task in TASKS if task.kind == "text" and task.slope is not None]))


def leaked(valuer: Valuer, summary: Summary) -> float:
    """Share of the reference's runs of words that stand in a dataset; 0 of what is no text."""
    return next((term.value(summary.total(term.reads)) for term in valuer.terms if isinstance(term, Leak)), 0.0)


def worth_of(
    gap: float, sampling: float, tasks: Sequence[CalibratedTask], level: float = LEVEL, *, wider: float = 1.0
) -> Interval | None:
    """What a difference of scores is worth: the mean over tasks of slope times difference; the interval is that of
    equal parts of one normal distribution a task, with the residuals of two datasets (``wider`` times those of the
    tasks) and the sampling."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    known = [(task.slope, task.residual) for task in tasks if task.slope is not None and task.residual is not None]
    if not known:
        return None
    slopes, residuals = np.array(known).T
    means, spreads = slopes * gap, np.hypot(wider * np.sqrt(2) * residuals, slopes * sampling)
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
        tiny: datasets of less than :data:`TINY` of the median size, which stand as they are at equal size.
        shift: in what the reference is unlike every text on which verdicts are calibrated, so that they are wider; "".
    """

    ranked_by: str
    equal: float
    tokens: float | None
    unit: str
    rows: list[dict[str, Any]]
    pairs: list[Verdict]
    tiny: tuple[str, ...] = ()
    shift: str = ""

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
    shift = shift_of(valuer)
    if gains is not None:
        pairs = verdicts(valuer, [gain.together for gain in gains], shifted=bool(shift))
    else:
        pairs = verdicts(valuer, summaries, tokens=tokens, equal=tokens is None, shifted=bool(shift))
    tiny = tuple(each.name for each in summaries if each.size[0] < least)
    return Comparison(ranked_by, least, tokens, summaries[0].size[1], rows, pairs, tiny, shift)


def shift_of(valuer: Valuer) -> str:
    """In what a valuer's reference is unlike those of all calibrated tasks, in words; "" in nothing."""
    looks = looks_of(valuer.reference)
    known = [task.looks for task in TASKS if task.looks is not None]
    return "" if looks is None or not known else unlike(looks, known) or ""


def equal_size(summaries: Sequence[Summary]) -> float:
    """The tokens (or items) of the smallest that has at least :data:`TINY` of the median size: two words beside
    megabytes would leave nothing to compare."""
    sizes = [each.size[0] for each in summaries]
    return min(size for size in sizes if size >= TINY * float(np.median(sizes)))


def at_budget(summary: Summary, tokens: float | None) -> Summary:
    """An even sample of so many tokens (or items); all of a dataset that has no more, which the budget then repeats."""
    if tokens is None or tokens >= summary.size[0]:
        return summary
    return summary.sampled(tokens / summary.size[0])


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Deviations of a difference: the pools' are independent, the reference's common."""
    common = one[-REFERENCE_BLOCKS:] - other[-REFERENCE_BLOCKS:]
    return np.concatenate([one[:-REFERENCE_BLOCKS], other[:-REFERENCE_BLOCKS], common])
