"""beta of a natural text and the cutoff k of a synthetic one, and the breakpoints that follow, in tokens.

Where a generator's coverage of natural ranks falls away is one step in the odds of synthetic against natural counts.
DERIVED. Types are ranked in one part of the natural text; another part of it (B_j in bin j of the ranks) is set against
the synthetic text (S_j): their ratio is g1 up to the cutoff and g2 beyond, and the cutoff is the edge of the least
squares, weighted by B_j. (The binomial likelihood would hold a single count against an empty tail; as measured ranks
are shuffled about the true ones, its edge lay 15 % too far.) A generator that only truncates has g2 = 0, g1 = 1 / Z.
Counts clump (a document repeats its words), so intervals come from resampling blocks of text.
"""

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
BINS_A_DECADE = 24
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
    before: float
    beyond: Interval
    n1: Interval
    ranks: np.ndarray
    ratio: np.ndarray

    @property
    def shape(self) -> Literal["cut", "none"]:
        """``cut``: at ``k``."""
        return "none" if self.k.mid is None else "cut"

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
    edges = np.unique(np.round(10 ** np.arange(0, np.log10(len(keys)), 1 / BINS_A_DECADE)).astype(np.int64))
    edges = np.append(edges[edges < len(keys)], len(keys))

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
    drawn, _, beyond, _ = find_steps(pick_b @ b, pick_s @ s)
    frequency = _frequencies(b.sum(axis=0), edges)
    tail = (1 - level) / 2
    left = np.quantile(beyond, [tail, 1 - tail])
    whole = Interval(mid=step.beyond, low=float(left[0]), high=float(left[1]), level=level)
    if step.edge >= len(edges) or np.quantile(beyond, 0.95) > HALF:
        why = f"no cutoff within the first {len(keys)} ranks: no step to less than half of the natural share is certain"
        k = n1 = Interval(mid=None, level=level, why=why)
    else:
        low, high = (int(end) for end in np.quantile(drawn, [tail, 1 - tail], method="nearest"))
        last = len(edges) - 1
        at = [min(step.edge, last), max(low - 1, 0), min(high + 1, last)]  # an edge is known to one bin
        k = Interval(mid=float(edges[at[0]]), low=float(edges[at[1]]), high=float(edges[at[2]]), level=level)
        n1 = Interval(mid=float(1 / frequency[at[0]]), low=float(1 / frequency[at[1]]),
                      high=float(1 / frequency[at[2]]), level=level)  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (s.sum(axis=0) / s.sum()) / (b.sum(axis=0) / b.sum())
    whole_counts = np.unique(np.concatenate(blocks), return_counts=True)[1]
    return Estimate(
        order=n, natural_tokens=len(natural), synthetic_tokens=len(synthetic), types=len(keys), zipf=zipf(whole_counts),
        k=k, before=step.before, beyond=whole, n1=n1, ranks=edges, ratio=ratio[:-1],
    )  # fmt: skip


def _frequencies(counts: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of the text of one item at each edge: the mean over the five bins around it, so never zero in between."""
    widths = np.diff(edges, prepend=0)
    kernel = np.ones(5)
    mass, number = np.convolve(counts[:-1], kernel, "same"), np.convolve(widths, kernel, "same")
    return np.asarray(np.maximum(mass, 0.5) / number / counts.sum())
