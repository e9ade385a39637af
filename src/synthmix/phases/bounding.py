"""Windows of tokens as short dense vectors: hashed n-grams, TF-IDF, singular value decomposition."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.statistics.count import Stream
from synthmix.theory.bound import Bound, growth, last_layer_kernel
from synthmix.theory.mmd import median_distance, mmd

_BUCKETS = 1 << 14
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SHARES = (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
KEPT = (1.0, 0.99, 0.9, 0.7, 0.5)


def text_vectors(groups: list[np.ndarray], *, longest: int = 2, size: int = 64, seed: int = 0) -> list[np.ndarray]:
    """Vectors (w, size) of each group of windows (w, tokens); a token of -1 is skipped.

    n-grams up to ``longest`` are hashed to 16,384 buckets; 1 + ln(count) times ln(windows / windows with it), rows of
    length 1, then the leading ``size`` singular directions of all groups together. CHOSEN.
    """
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    windows = [row for group in groups for row in group]
    found = [_buckets(row, longest) for row in windows]
    rows = np.repeat(np.arange(len(windows)), [len(each) for each in found])
    counts = csr_matrix((np.ones(len(rows)), (rows, np.concatenate(found))), shape=(len(windows), _BUCKETS))
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    documents = np.maximum(np.bincount(counts.indices, minlength=_BUCKETS), 1)
    counts.data *= np.log(len(windows) / documents)[counts.indices]
    lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    scaled = counts.multiply(1 / np.maximum(lengths, 1e-12)[:, None]).tocsr()
    dense = TruncatedSVD(min(size, len(windows) - 1), random_state=seed).fit_transform(scaled)
    ends = np.cumsum([len(group) for group in groups])[:-1]
    return np.split(dense, ends)


def _buckets(row: np.ndarray, longest: int) -> np.ndarray:
    tokens = row[row >= 0].astype(np.uint64) + np.uint64(1)
    parts, key = [], np.zeros(len(tokens), dtype=np.uint64)
    for n in range(1, longest + 1):
        if len(tokens) < n:
            break
        key = (key[: len(tokens) - n + 1] * _MULTIPLIER + tokens[n - 1 :]) * _MULTIPLIER
        parts.append((key >> np.uint64(50)).astype(np.int64))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Sample:
    """Windows of one text (w, context + 1), what the model holds of them (see evaluation/last_layer.py)."""

    windows: np.ndarray
    layer: Any


@dataclass(frozen=True)
class Texts:
    """The texts of a bound, sampled: everything else follows from these without the model.

    Attributes:
        vocab: size of the vocabulary.
        rank_of: rank of each token in the natural text (vocab,), from 1; unseen tokens last.
        mass_to: natural mass of the ranks up to each (vocab,).
    """

    natural: Sample
    synthetic: Sample
    target: Sample
    vocab: int
    rank_of: np.ndarray
    mass_to: np.ndarray


@dataclass(frozen=True)
class BoundReport:
    """The bound as asked for, and beside it at other shares, n and truncations of the synthetic text."""

    asked: Bound
    by_share: list[Bound]
    by_n: list[Bound]
    by_kept: dict[float, Bound]
    samples: int


def read_texts(
    model: Any,
    streams: tuple[Stream, Stream, Stream],
    vocab: int,
    *,
    context: int = 64,
    windows: int = 192,
    positions: int = 4,
    seed: int = 0,
) -> Texts:
    """Sample natural, synthetic and target text with one model (at initialization, or a checkpoint).

    Raises:
        BadInput: a text shorter than two windows.
    """
    from synthmix.evaluation.last_layer import last_layer

    rng, found = np.random.default_rng(seed), []
    for name, stream in zip(("natural", "synthetic", "target"), streams, strict=True):
        rows = _windows(name, stream, context, windows, rng)
        found.append(Sample(rows, last_layer(model, rows, min(positions, context), seed=seed)))
    counts = np.bincount(np.asarray(streams[0].read(0, min(len(streams[0]), 5_000_000))), minlength=vocab)
    order = np.argsort(-counts, kind="stable")
    rank_of = np.empty(len(counts), dtype=np.int64)
    rank_of[order] = np.arange(1, len(counts) + 1)
    return Texts(found[0], found[1], found[2], vocab, rank_of, np.cumsum(counts[order]) / counts.sum())


def bound_of(texts: Texts, pi: float, n: float, *, kept: float = 1.0, delta: float = 0.05, seed: int = 0) -> Bound:
    """The bound at a natural share ``pi`` and ``n`` samples (predicted tokens).

    Args:
        kept: the synthetic text without the rare tokens beyond this share of the natural text's mass (a harder cutoff).

    Raises:
        BadInput: pi outside [0, 1], n below 1, kept outside (0, 1].
    """
    if not 0 < kept <= 1:
        raise BadInput(f"is {kept:g}", where="bound", key="kept", remedy="give a share above 0, at most 1")
    if not 0 <= pi <= 1:
        raise BadInput(f"is {pi:g}", where="bound", key="pi", remedy="give a natural share between 0 and 1")
    last = len(texts.mass_to) if kept == 1 else int(np.searchsorted(texts.mass_to, kept)) + 1
    common = texts.rank_of <= last
    synthetic = texts.synthetic.layer.select(common[texts.synthetic.layer.targets])
    if len(synthetic.targets) < 8:
        raise BadInput(f"leaves {len(synthetic.targets)} synthetic samples", where="bound", key="kept",
                       remedy="give a larger one")  # fmt: skip
    cut = np.where(common[texts.synthetic.windows], texts.synthetic.windows, -1)
    natural_x, synthetic_x, target_x = text_vectors([texts.natural.windows, cut, texts.target.windows], seed=seed)
    width = median_distance(target_x)
    amount, power = _complexity(texts, synthetic, pi, seed)
    return Bound(
        pi=pi,
        n=n,
        loss_natural=float(texts.natural.layer.losses.mean()),
        loss_synthetic=float(synthetic.losses.mean()),
        far_natural=mmd(natural_x, target_x, bandwidth=width, seed=seed),
        far_synthetic=mmd(synthetic_x, target_x, bandwidth=width, seed=seed),
        amount=amount,
        power=power,
        delta=delta,
    )


def bound_report(texts: Texts, pi: float, n: float, *, delta: float = 0.05, seed: int = 0) -> BoundReport:
    """The bound and how it moves with the share, n (a thousandth to a thousand times) and the truncation."""
    asked = bound_of(texts, pi, n, delta=delta, seed=seed)
    by_share = []
    for share in SHARES:
        amount, power = _complexity(texts, texts.synthetic.layer, share, seed)
        moved = asked.at(pi=share)
        by_share.append(Bound(**{**vars(moved), "amount": amount, "power": power}))
    by_kept = {kept: bound_of(texts, pi, n, kept=kept, delta=delta, seed=seed) for kept in KEPT}
    samples = len(texts.natural.layer.targets)
    return BoundReport(asked, by_share, [asked.at(n=max(1.0, n * 10.0**k)) for k in range(-3, 4)], by_kept, samples)


def _complexity(texts: Texts, synthetic: Any, pi: float, seed: int) -> tuple[float, float]:
    """(amount, power) of y' Theta^-1 y, y = 1 - p(true token), on as many samples as one text has, ``pi`` natural."""
    rng, total = np.random.default_rng(seed), len(texts.natural.layer.targets)
    number = round(pi * total)
    natural = texts.natural.layer.select(rng.permutation(total)[:number])
    drawn = rng.permutation(len(synthetic.targets))[: total - number]
    other = synthetic.select(drawn)
    hidden = np.concatenate([natural.hidden, other.hidden])
    targets = np.concatenate([natural.targets, other.targets])
    residual = 1 - np.exp(-np.concatenate([natural.losses, other.losses]).astype(np.float64))
    return growth(last_layer_kernel(hidden, targets, texts.vocab), residual, seed=seed)


def _windows(name: str, stream: Stream, context: int, count: int, rng: np.random.Generator) -> np.ndarray:
    there = (len(stream) - 1) // context
    if there < 2:
        raise BadInput(f"holds {len(stream)} tokens", where=f"the {name} text",
                       remedy=f"give more than {2 * context}, or a smaller --context")  # fmt: skip
    picked = np.sort(rng.permutation(there)[:count]) * context
    return np.stack([np.asarray(stream.read(start, start + context + 1)) for start in picked.tolist()]).astype(np.int64)
