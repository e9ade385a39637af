"""beta of a natural text and the cutoff k of a synthetic one, and the breakpoints that follow, in tokens.

Where a generator's coverage of natural ranks falls away is one step in the odds of synthetic against natural counts.
DERIVED. Types are ranked in one part of the natural text; another part of it (B_j in bin j of the ranks) is set against
the synthetic text (S_j): their ratio is g1 up to the cutoff and g2 beyond, and the cutoff is the edge of the least
squares, weighted by B_j. (The binomial likelihood would hold a single count against an empty tail; as measured ranks
are shuffled about the true ones, its edge lay 15 % too far.) A generator that only truncates has g2 = 0, g1 = 1 / Z.

A temperature below 1 makes no step: the ratio falls as a power of the rank. That is the second shape, ln ratio = a - d
ln rank by logistic regression of S_j among S_j + B_j, where types were ranked by five counts or more; its cutoff is the
rank at which half of the natural share is left. Of two shapes that are certain the likelier one is reported.

Counts clump (a document repeats its words), so intervals come from resampling blocks of text, as a variance of ln k.
That does not hold that the ranks are measured: an item of lambda counts lies s = 1 / (beta sqrt(lambda)) off in ln
rank. Added for it are s^2 / 12 + s / (8 k) for a cut, and 1 / (12 k^2) since k is whole; a slope does not hang on
single ranks, and takes s / (4 k) (CHOSEN of these orders, by simulation). How often the intervals hold the truth:
benchmarks/cutoffs.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.statistics import Zipf, zipf
from synthmix.statistics.count import Stream
from synthmix.statistics.ngrams import pack

Array = npt.NDArray[Any]
BLOCKS = 40
BINS_A_DECADE = 24  # of the curve that is shown
FINE = 96  # among which the cutoff is sought
RANKED = 5  # counts of a type whose rank is taken as measured
#: A step counts as a cutoff when beyond it at most half of what natural text shows is left, in 95 % of the resamples.
HALF = 0.5


@dataclass(frozen=True)
class Step:
    """A cutoff at an edge of the bins.

    Attributes:
        edge: index of the last bin before the step.
        before, beyond: synthetic share over natural share of the text, before and beyond it; 1: as in natural text.
        gain: weighted sum of squares of the ratio that the step explains; 0: no step.
    """

    edge: int
    before: float
    beyond: float
    gain: float

    def likelihood(self, natural: Array, synthetic: Array, bins: int) -> float:
        """Binomial log-likelihood of the first ``bins`` bins."""
        return _likelihood(np.where(np.arange(bins) <= self.edge, self.before, self.beyond), natural, synthetic)


def find_step(natural: Array, synthetic: Array) -> Step:
    """The best step down in counts (bins,) of natural and synthetic text; at edge = bins - 1 there is none."""
    edges, before, beyond, gain = find_steps(np.asarray(natural)[None], np.asarray(synthetic)[None])
    return Step(int(edges[0]), float(before[0]), float(beyond[0]), float(gain[0]))


def find_steps(natural: Array, synthetic: Array) -> tuple[Array, Array, Array, Array]:
    """:func:`find_step` of many pairs of counts (draws, bins): edges, before, beyond, gains (draws,)."""
    b, s = (np.cumsum(np.asarray(counts, dtype=np.float64), axis=1) for counts in (natural, synthetic))
    total_b, total_s = b[:, -1:], s[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        share_b, share_s = b / total_b, s / total_s
        before, beyond = share_s / share_b, (1 - share_s) / (1 - share_b)
        gain = share_b * before**2 + (1 - share_b) * beyond**2 - 1
    down = np.where(np.isfinite(gain) & (beyond < before), gain, 0.0)
    down[:, -1] = 0.0
    edges = down.argmax(axis=1)
    rows = np.arange(len(down))
    none = down[rows, edges] <= 0
    edges = np.where(none, b.shape[1] - 1, edges)
    return (
        edges,
        np.where(none, 1.0, before[rows, edges]),
        np.where(none, 1.0, beyond[rows, edges]),
        down.max(axis=1),
    )


@dataclass(frozen=True)
class Estimate:
    """What n-grams of one length say.

    Attributes:
        order: length of the n-grams; 1: tokens.
        natural_tokens, synthetic_tokens, types: what was counted.
        zipf: beta of the natural text with interval and goodness of fit; None: too few types.
        k: cutoff rank; value None: no cutoff within the ranks that were seen, and ``why`` says so.
        shape: ``cut`` (a step at k), ``narrowed`` (a falling ratio, at k a half) or ``none``.
        before, beyond: synthetic share over natural share of the text up to k and beyond; 0 beyond is a hard cutoff.
        n1: tokens after which the last item that the generator knows is expected once: one over its frequency.
        ranks, ratio: the curve (bins,): largest rank of a bin, and synthetic over natural share in it (NaN: empty).
    """

    order: int
    natural_tokens: int
    synthetic_tokens: int
    types: int
    zipf: Zipf | None
    k: Interval
    shape: Literal["cut", "narrowed", "none"]
    before: float
    beyond: Interval
    n1: Interval
    ranks: np.ndarray
    ratio: np.ndarray

    def n2(self, pi: float) -> Interval:
        """n1 / pi: tokens of a mixture with a natural share ``pi`` after which the tail is learned."""
        return self.n1.scaled(1 / pi) if pi > 0 else Interval(mid=None, level=self.n1.level, why="no natural text")

    def starving_share(self, tokens: float) -> Interval:
        """The natural share below which an item just beyond k is expected less than once in ``tokens`` of a mixture."""
        return self.n1.mapped(lambda n1: min(1.0, n1 / tokens))


def estimate_phases(
    natural: Stream,
    synthetic: Stream,
    vocab_size: int,
    *,
    eos: int | None = None,
    orders: tuple[int, ...] = (1, 2),
    most: int = 20_000_000,
    resamples: int = 400,
    level: float = 0.9,
    seed: int = 0,
) -> list[Estimate]:
    """Compare the n-grams of a natural and a synthetic text, each order by itself.

    Types are ranked in one half of the natural text (its even blocks) and compared on the other, so that a rank is no
    luck of the counts it is compared on.

    Args:
        eos: the end-of-document token; n-grams do not cross it.
        most: tokens read of each text at most, from its start (the order of documents is random).

    Raises:
        BadInput: a text of less than 2,000 tokens, a token outside the vocabulary, n-grams too long to count.
    """
    texts = [np.asarray(stream.read(0, min(len(stream), most))) for stream in (natural, synthetic)]
    for name, text in zip(("natural", "synthetic"), texts, strict=True):
        if len(text) < 2000:
            raise BadInput(f"holds {len(text)} tokens", where=f"the {name} text", remedy="give 2,000 or more")
    try:
        return [_order(texts[0], texts[1], vocab_size, eos, n, resamples, level, seed) for n in orders]
    except ValueError as error:
        raise BadInput(str(error), where="phases estimate", remedy="is it the tokenizer of both texts?") from None


def _order(
    natural: np.ndarray,
    synthetic: np.ndarray,
    vocab_size: int,
    eos: int | None,
    n: int,
    resamples: int,
    level: float,
    seed: int,
) -> Estimate:
    blocks = [pack(part, n, vocab_size, eos) for part in np.array_split(natural, 2 * BLOCKS)]
    ranking, compared = np.concatenate(blocks[::2]), blocks[1::2]
    written = [pack(part, n, vocab_size, eos) for part in np.array_split(synthetic, BLOCKS)]
    keys, counts = np.unique(ranking, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank_of = np.empty(len(keys), dtype=np.int64)
    rank_of[order] = np.arange(1, len(keys) + 1)
    edges = _edges(len(keys), FINE)
    shown = np.flatnonzero(np.isin(edges, _edges(len(keys), BINS_A_DECADE)))  # the bins of the curve end here

    def binned(parts: list[np.ndarray]) -> np.ndarray:
        """Counts (blocks, bins + 1); the last bin holds what was never seen in the half that ranks."""
        out = np.zeros((len(parts), len(edges) + 1))
        for row, part in enumerate(parts):
            place = np.minimum(np.searchsorted(keys, part), len(keys) - 1)
            known = keys[place] == part
            bins = np.searchsorted(edges, rank_of[place[known]])
            out[row] = np.bincount(bins, minlength=len(edges) + 1)
            out[row, -1] += (~known).sum()
        return out

    b, s = binned(compared), binned(written)
    rng = np.random.default_rng(seed)
    pick_b, pick_s = (rng.multinomial(BLOCKS, np.full(BLOCKS, 1 / BLOCKS), size=resamples) for _ in range(2))
    step = find_step(b.sum(axis=0), s.sum(axis=0))
    drawn_b, drawn_s = pick_b @ b, pick_s @ s
    drawn, _, beyond, _ = find_steps(drawn_b, drawn_s)
    tail = (1 - level) / 2
    left = np.quantile(beyond, [tail, 1 - tail])
    whole = Interval(mid=step.beyond, low=float(left[0]), high=float(left[1]), level=level)
    coarse_b, coarse_s = (np.diff(np.cumsum(counts.sum(axis=0))[shown], prepend=0) for counts in (b, s))
    sure = int(np.searchsorted(edges, max(int((counts[order] >= RANKED).sum()), 2), side="right"))
    slopes = _Slopes.fitted(drawn_b, drawn_s, edges, sure)
    slope = _Slopes.fitted(b.sum(axis=0)[None], s.sum(axis=0)[None], edges, sure)
    cut = step.edge < len(edges) and np.quantile(beyond, 0.95) <= HALF
    narrowed = bool((slopes.k <= edges[sure - 1]).mean() >= 0.95)
    if cut and narrowed:
        narrowed = slope.likelihood(b.sum(axis=0), s.sum(axis=0), edges, sure) > step.likelihood(
            b.sum(axis=0), s.sum(axis=0), sure
        )
    shape: Literal["cut", "narrowed", "none"] = "narrowed" if narrowed else "cut" if cut else "none"
    if shape == "none":
        why = f"no cutoff within the first {len(keys)} ranks: no step to less than half of the natural share is certain"
        k = n1 = Interval(mid=None, level=level, why=why)
    else:
        mid = float(slope.k[0]) if narrowed else float(edges[step.edge])
        logs = np.log(slopes.k if narrowed else edges[np.minimum(drawn, len(edges) - 1)])
        lower, upper = _ends(mid, float(logs.var()), counts[order], level, cut=not narrowed)
        k = Interval(mid=mid, low=lower, high=upper, level=level)
        n1 = k.mapped(_once(edges[shown], coarse_b, float(b.sum())))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (coarse_s / s.sum()) / (coarse_b / b.sum())
    whole_counts = np.unique(np.concatenate(blocks), return_counts=True)[1]
    return Estimate(
        order=n, natural_tokens=len(natural), synthetic_tokens=len(synthetic), types=len(keys), zipf=zipf(whole_counts),
        k=k, shape=shape, before=step.before, beyond=whole, n1=n1, ranks=edges[shown], ratio=ratio,
    )  # fmt: skip


def _edges(types: int, a_decade: int) -> Array:
    """Last ranks of bins, evenly spaced in log, that end at ``types``."""
    edges = np.unique(np.round(10 ** np.arange(0, np.log10(types), 1 / a_decade)).astype(np.int64))
    return np.append(edges[edges < types], types)


@dataclass(frozen=True)
class _Slopes:
    """ln ratio = a - d ln rank of some draws of counts: ``a`` and ``d`` (draws,)."""

    a: Array
    d: Array

    @property
    def k(self) -> Array:
        """The rank at which half is left (draws,); infinite where the ratio does not fall."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.d > 0, np.exp((self.a - np.log(HALF)) / np.maximum(self.d, 1e-9)), np.inf))

    @classmethod
    def fitted(cls, natural: Array, synthetic: Array, edges: Array, sure: int) -> "_Slopes":
        """Logistic regression on the first ``sure`` bins by Newton's steps, all draws (draws, bins) at once."""
        x = _log_ranks(edges)[:sure]
        offset = np.log(synthetic.sum(axis=1) / natural.sum(axis=1))
        s, n = synthetic[:, :sure], natural[:, :sure] + synthetic[:, :sure]
        a, d = np.zeros(len(s)), np.zeros(len(s))
        for _ in range(25):
            p = 1 / (1 + np.exp(-np.clip(a[:, None] - d[:, None] * x + offset[:, None], -30, 30)))
            w, off = n * p * (1 - p), s - n * p
            w0, w1, w2 = w.sum(axis=1), (w * x).sum(axis=1), (w * x * x).sum(axis=1)
            g0, g1 = off.sum(axis=1), (off * x).sum(axis=1)
            det = np.maximum(w0 * w2 - w1 * w1, 1e-12)
            by_a, by_d = (w2 * g0 - w1 * g1) / det, -(w0 * g1 - w1 * g0) / det
            a, d = a + np.clip(by_a, -2, 2), d + np.clip(by_d, -1, 1)
            if max(np.abs(by_a).max(), np.abs(by_d).max()) < 1e-8:
                break
        return cls(a, d)

    def likelihood(self, natural: Array, synthetic: Array, edges: Array, sure: int) -> float:
        """Of the first draw's shape, of the first ``sure`` bins."""
        return _likelihood(np.exp(self.a[0] - self.d[0] * _log_ranks(edges)[:sure]), natural, synthetic)


def _log_ranks(edges: Array) -> Array:
    """ln of the middle of each bin."""
    first = np.concatenate([[0], edges[:-1]]) + 1
    return np.asarray((np.log(first) + np.log(edges)) / 2)


def _likelihood(ratio: Array, natural: Array, synthetic: Array) -> float:
    """Binomial log-likelihood of bins whose ratios of shares are ``ratio`` (bins,), the first ones of the counts."""
    size = len(ratio)
    odds = ratio * synthetic.sum() / natural.sum()
    p = np.clip(odds / (1 + odds), 1e-9, 1 - 1e-9)
    return float(synthetic[:size] @ np.log(p) + natural[:size] @ np.log1p(-p))


def _ends(mid: float, variance: float, counts: Array, level: float, *, cut: bool) -> tuple[float, float]:
    """Both ends of the cutoff from the variance of ln k over draws and the counts by rank in the text that ranks."""
    from scipy.stats import norm

    at = min(max(round(mid), 1), len(counts))
    near = max(at // 2, 1), min(2 * at, len(counts))  # the local exponent
    fall = np.log(counts[near[0] - 1] / counts[near[1] - 1]) / max(np.log(near[1] / near[0]), 1e-9)
    off = 1 / (max(float(fall), 0.3) * np.sqrt(counts[at - 1]))
    if cut:
        variance += off**2 / 12 + off / (8 * mid) + 1 / (12 * mid**2)
    else:
        variance += off / (4 * mid)
    half = float(norm.ppf((1 + level) / 2)) * np.sqrt(variance)
    return mid * float(np.exp(-half)), mid * float(np.exp(half))


def _once(ranks: Array, counts: Array, total: float) -> Callable[[float], float]:
    """From a rank to the tokens in which its item is expected once: one over its share of the text, between bins of the
    curve in log-log, each the mean over the five bins around it, so never zero in between."""
    kernel = np.ones(5)
    mass, number = np.convolve(counts, kernel, "same"), np.convolve(np.diff(ranks, prepend=0), kernel, "same")
    share = np.maximum(mass, 0.5) / number / total
    return lambda rank: float(np.exp(np.interp(np.log(rank), np.log(ranks), -np.log(share))))
