"""Statistics of a mixture at a budget: of the tokens a run sees, or expected from the pools' counts alone.

:func:`mixture_rows` takes any mixtures of any number of pools, :func:`share_curve` those over the share of one source.

A recipe that reads a share f of a pool keeps each of its c occurrences of an id with probability f: the id's count is
binomial (DERIVED: exact for a uniform sample of tokens; documents clump, so this overstates coverage a little; at f = 1
it is the pool itself). A pool that is read more than once counts its whole epochs for certain. Pools add up
independently, so P(count >= k) is one minus a convolution of k terms.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import format_share
from synthmix.results import Statistic
from synthmix.statistics.compare import (
    ALPHA,
    DEFAULT,
    Coverage,
    Divergences,
    compare_counts,
    compare_unigrams,
    coverage,
    kl_test_train,
    unigram_entropy,
)
from synthmix.statistics.count import TextCounts, mixture_counts
from synthmix.statistics.ngrams import BLOCK, NgramCounts, aligned


def statistic(
    recipe: str,
    domain: str,
    train: np.ndarray,
    heldout: np.ndarray,
    *,
    alpha: float = ALPHA,
) -> Statistic:
    """From exact training counts (:func:`recipe_counts`) and held-out counts, both of shape (vocab_size,).

    Recipes are compared at equal budgets: a larger budget covers more whatever the recipe.
    """
    return _row(recipe, domain, train, heldout, coverage(train, heldout), int(train.sum()), alpha)


def mixture_statistics(
    recipe: str,
    domain: str,
    pools: Mapping[str, np.ndarray],
    shares: Mapping[str, float | Fraction],
    heldout: np.ndarray,
    train_tokens: int,
    *,
    alpha: float = ALPHA,
) -> Statistic:
    """The same from the pools' counts and the shares alone: what a uniform sample of ``train_tokens`` would show.

    Coverage is the expected one (Poisson, see :func:`coverage`); for the tokens of a run use :func:`statistic`.
    """
    train = mixture_counts(pools, shares, train_tokens)
    seen = coverage(train, heldout, expected=True)
    return _row(recipe, domain, train, heldout, seen, train_tokens, alpha)


def _row(
    recipe: str,
    domain: str,
    train: np.ndarray,
    heldout: np.ndarray,
    seen: Coverage,
    train_tokens: int,
    alpha: float,
) -> Statistic:
    """Coverage and divergence as one row of the results."""
    return Statistic(
        recipe=recipe,
        domain=domain,
        coverage_mass=seen.mass,
        coverage_types=seen.types,
        kl_test_train=kl_test_train(heldout, train, alpha=alpha),
        smoothing=f"additive {alpha:g} on train",
        train_tokens=train_tokens,
        test_tokens=int(heldout.sum()),
    )


Shares = Mapping[str, float | Fraction]
EVEN = "even"  # the mixture of all pools alike


@dataclass(frozen=True)
class MixtureRow:
    """What so many tokens of a mixture are expected to show, beside one held-out domain.

    Attributes:
        name: of the mixture. shares: source -> share. n: of the n-grams that are counted, 1: tokens.
        entropy: of its distribution, nats; a sample's lies about (types - 1) / (2 tokens) lower.
        types: distinct n-grams; distinct: a part of all n-grams.
        coverage_mass, coverage_types: by how often at least.
    """

    name: str
    shares: dict[str, float]
    domain: str
    tokens: int
    n: int
    entropy: float
    types: float
    distinct: float
    coverage_mass: dict[int, float]
    coverage_types: dict[int, float]
    divergences: list[Divergences]


@dataclass(frozen=True)
class ShareRow(MixtureRow):
    """A mixture of ``share`` of one source, the rest as it was without that."""

    synthetic: str
    share: float


def mixture_rows(
    pools: Mapping[str, TextCounts],
    mixtures: Mapping[str, Shares],
    heldout: Mapping[str, TextCounts],
    tokens: int,
    *,
    smoothings: Sequence[str] = (DEFAULT,),
    at_least: Sequence[int] = (1, 10),
) -> list[MixtureRow]:
    """Each mixture at ``tokens`` tokens against each held-out domain, by every n that all were counted for.

    From the pools' counts alone: what is expected of a uniform sample; nothing is counted again. n-grams of two tokens
    and more are covered where they are seen once.

    Raises:
        BadInput: a share of an empty pool, an empty domain, an unknown smoothing.
    """
    unigrams = {name: counts.unigrams for name, counts in pools.items()}
    for source in (source for shares in mixtures.values() for source, share in shares.items() if share):
        if not pools[source].tokens:
            raise BadInput("holds no tokens", where=source)
    found: list[MixtureRow] = []
    for domain, test in heldout.items():
        for name, shares in mixtures.items():
            row = _of_tokens(name, unigrams, shares, domain, test.unigrams, tokens, smoothings, at_least)
            found.append(MixtureRow(**row))
        for n, table in test.ngrams.items():
            if all(n in counts.ngrams for counts in pools.values()):
                found += _of_ngrams(pools, mixtures, domain, table, tokens, smoothings)
    return found


def _of_tokens(
    name: str, pools: Mapping[str, np.ndarray], shares: Shares, domain: str, test: np.ndarray, tokens: int,
    smoothings: Sequence[str], at_least: Sequence[int],
) -> dict[str, Any]:  # fmt: skip
    """The fields of a row by single tokens."""
    train = mixture_counts(pools, shares, tokens)
    found = compare_unigrams(train, test, smoothings=smoothings, at_least=())
    seen = {k: seen_probability(pools, shares, tokens, k) for k in dict.fromkeys((1, *at_least))}
    covered = {k: expected_coverage(seen[k], test) for k in at_least}
    types = float(seen[1].sum())
    return {
        "name": name, "shares": _floats(shares), "domain": domain, "tokens": tokens, "n": 1,
        "entropy": unigram_entropy(train), "types": types, "distinct": types / tokens,
        "coverage_mass": {k: c.mass for k, c in covered.items()},
        "coverage_types": {k: c.types for k, c in covered.items()}, "divergences": found.divergences,
    }  # fmt: skip


def _floats(shares: Shares) -> dict[str, float]:
    return {source: float(share) for source, share in shares.items() if share}


def _of_ngrams(
    pools: Mapping[str, TextCounts], mixtures: Mapping[str, Shares], domain: str, test: NgramCounts, tokens: int,
    smoothings: Sequence[str],
) -> list[MixtureRow]:  # fmt: skip
    """The rows of one domain by n-grams; the tables are aligned once where they fit."""
    tables = [*(counts.ngrams[test.n] for counts in pools.values()), test]
    small = sum(len(table) for table in tables) <= BLOCK
    kept = list(aligned(tables)) if small else None
    sizes = np.array([float(counts.tokens) for counts in pools.values()])
    found = []
    for name, shares in mixtures.items():
        part = np.array([float(shares.get(source, 0)) for source in pools])
        rates = part * tokens / np.maximum(sizes, 1)

        def blocks(rates: np.ndarray = rates) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
            for keys, counts in kept if kept is not None else aligned(tables):
                shown, held = rates @ counts[:-1], counts[-1]
                there = (shown > 0) | (held > 0)  # not what other pools alone hold
                yield keys[there], shown[there], held[there]

        compared = compare_counts(test.n, blocks, None, smoothings, ())
        entropy, types, mass, covered, held_types = 0.0, 0.0, 0.0, 0.0, 0
        for _, counts in kept if kept is not None else aligned(tables):
            seen, held = _seen(counts[:-1], rates), counts[-1]
            q = rates @ counts[:-1] / compared.train_tokens
            entropy -= float((q[q > 0] * np.log(q[q > 0])).sum())
            types += float(seen.sum())
            mass += float(seen @ held)
            covered += float(seen @ (held > 0))
            held_types += int(np.count_nonzero(held))
        found.append(
            MixtureRow(
                name, _floats(shares), domain, tokens, test.n, entropy, types, types / compared.train_tokens,
                {1: mass / test.total}, {1: covered / held_types}, compared.divergences,
            )
        )  # fmt: skip
    return found


def _seen(counts: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """P(an n-gram is shown) (types,), of counts (pools, types) of pools that are gone through ``rates`` (pools,) times:
    each occurrence is kept alike, and for certain by a whole epoch."""
    with np.errstate(divide="ignore"):
        missed = np.log1p(-np.minimum(rates, 1.0))  # of one occurrence; -inf: none is
    with np.errstate(invalid="ignore"):
        logs = np.where(counts > 0, counts * missed[:, None], 0.0)
    found: np.ndarray = -np.expm1(logs.sum(axis=0))
    return found


def seen_probability(
    pools: Mapping[str, np.ndarray], shares: Mapping[str, float | Fraction], tokens: int, at_least: int
) -> np.ndarray:
    """P(a mixture of ``tokens`` tokens shows each id ``at_least`` times), float64, shape (vocab_size,).

    Raises:
        BadInput: a share of an empty pool.
    """
    from scipy.stats import binom

    fewer: np.ndarray | None = None  # P(count = j) for j below at_least, shape (at_least, vocab_size)
    for name, share in shares.items():
        if not share:
            continue
        counts, total = pools[name], int(pools[name].sum())
        if not total:
            raise BadInput("holds no tokens", where=name)
        epochs, fraction = divmod(float(share) * tokens / total, 1.0)
        drawn = binom.pmf(np.arange(at_least)[:, None] - int(epochs) * counts, counts, fraction)
        fewer = drawn if fewer is None else _convolved(fewer, drawn)
    if fewer is None:
        return np.zeros(len(next(iter(pools.values()))))
    return np.clip(1 - fewer.sum(axis=0), 0.0, 1.0)


def expected_coverage(seen: np.ndarray, test: np.ndarray) -> Coverage:
    """Coverage of held-out counts by :func:`seen_probability`."""
    return Coverage(float(seen @ test / test.sum()), float(seen @ (test > 0) / np.count_nonzero(test)))


def share_curve(
    pools: Mapping[str, np.ndarray],
    natural: str | Shares,
    synthetic: Sequence[str],
    shares: Sequence[Fraction],
    heldout: Mapping[str, np.ndarray],
    tokens: int,
    *,
    smoothings: Sequence[str] = (DEFAULT,),
    at_least: Sequence[int] = (1, 10),
) -> list[ShareRow]:
    """Each share of each synthetic pool at ``tokens`` tokens, against each held-out domain.

    ``natural``: what the rest is, one pool or the shares of several. Divergences are those of the expected counts.
    Jensen-Shannon and KL of a finite sample lie a little higher.

    Raises:
        BadInput: an empty pool or domain, or an unknown smoothing.
    """
    base: Shares = {natural: Fraction(1)} if isinstance(natural, str) else natural
    rows = []
    for source in synthetic:
        rest = {name: Fraction(share) for name, share in base.items() if name != source}
        total = sum(rest.values(), Fraction(0))
        for share in shares:
            parts = {name: (1 - Fraction(share)) * each / total for name, each in rest.items()}
            parts[source] = Fraction(share)
            name = f"{format_share(share)} {source}"
            for domain, test in heldout.items():
                row = _of_tokens(name, pools, parts, domain, test, tokens, smoothings, at_least)
                rows.append(ShareRow(**row, synthetic=source, share=float(share)))
    return rows


def _convolved(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distribution of the sum, as far as both are known: shape (at_least, vocab_size)."""
    return np.stack([sum(a[j] * b[i - j] for j in range(i + 1)) for i in range(len(a))])
