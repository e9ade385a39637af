"""Statistics of a mixture at a budget: of the tokens a run sees, or expected from the pools' counts alone.

A recipe that reads a share f of a pool keeps each of its c occurrences of an id with probability f: the id's count is
binomial (DERIVED: exact for a uniform sample of tokens; documents clump, so this overstates coverage a little; at f = 1
it is the pool itself). A pool that is read more than once counts its whole epochs for certain. Pools add up
independently, so P(count >= k) is one minus a convolution of k terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from synthmix.errors import BadInput
from synthmix.results import Statistic
from synthmix.statistics.compare import ALPHA, DEFAULT, Coverage, Divergences, compare_unigrams, coverage, kl_test_train
from synthmix.statistics.count import mixture_counts


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


@dataclass(frozen=True)
class ShareRow:
    """One share of one synthetic pool in the natural one, against one held-out domain."""

    synthetic: str
    share: float
    domain: str
    tokens: int
    coverage_mass: dict[int, float]
    coverage_types: dict[int, float]
    divergences: list[Divergences]


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
    natural: str,
    synthetic: Sequence[str],
    shares: Sequence[Fraction],
    heldout: Mapping[str, np.ndarray],
    tokens: int,
    *,
    smoothings: Sequence[str] = (DEFAULT,),
    at_least: Sequence[int] = (1, 10),
) -> list[ShareRow]:
    """Each share of each synthetic pool in ``natural`` at ``tokens`` tokens, against each held-out domain.

    Divergences are those of the expected counts. Jensen-Shannon and KL of a finite sample lie a little higher.

    Raises:
        BadInput: an empty pool or domain, or an unknown smoothing.
    """
    rows = []
    for name in synthetic:
        for share in shares:
            parts = {natural: 1 - Fraction(share), name: Fraction(share)}
            train = mixture_counts(pools, parts, tokens)
            seen = {k: seen_probability(pools, parts, tokens, k) for k in at_least}
            for domain, test in heldout.items():
                found = compare_unigrams(train, test, smoothings=smoothings, at_least=())
                covered = {k: expected_coverage(seen[k], test) for k in at_least}
                mass, types = {k: c.mass for k, c in covered.items()}, {k: c.types for k, c in covered.items()}
                rows.append(ShareRow(name, float(share), domain, tokens, mass, types, found.divergences))
    return rows


def _convolved(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distribution of the sum, as far as both are known: shape (at_least, vocab_size)."""
    return np.stack([sum(a[j] * b[i - j] for j in range(i + 1)) for i in range(len(a))])
