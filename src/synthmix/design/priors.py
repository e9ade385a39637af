"""What is taken to be true of a study of which nothing is known: laws drawn from what published runs show.

The exponents and E are those of Chinchilla's law fitted to four public collections (``python benchmarks/design.py
--priors`` prints the table from them); how far synthetic text moves the loss is of the size that published mixtures
show. It is a wide prior: a study's own first runs replace it.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.runs import Array


@dataclass(frozen=True)
class Collection:
    """Chinchilla's law in one public collection: median and the 10 % and 90 % quantiles over its groups of runs.

    ``size_part``, ``token_part``: nats that the terms in N and D add at 100M parameters and 2B tokens.
    """

    groups: int
    alpha: tuple[float, float, float]
    beta: tuple[float, float, float]
    E: tuple[float, float, float]
    size_part: tuple[float, float, float]
    token_part: tuple[float, float, float]


#: By ``python benchmarks/design.py --priors``; the collections are those of docs/calibration.md.
PUBLIC: dict[str, Collection] = {
    "isoFLOP collections (Open-Athena/scaling-law-analysis)": Collection(
        6, (0.37, 0.66, 0.70), (0.40, 0.42, 0.56), (1.89, 2.56, 2.71), (0.63, 0.94, 1.16), (0.57, 0.74, 0.79)
    ),
    "seven sources (apple/ml_scalefit, arXiv 2507.09404)": Collection(
        20, (0.08, 0.15, 0.21), (0.80, 0.89, 1.00), (0.00, 0.92, 1.79), (0.65, 1.16, 2.56), (0.94, 1.23, 1.82)
    ),
    "over-training (mlfoundations/scaling, arXiv 2403.08540)": Collection(
        24, (0.20, 0.26, 0.35), (0.23, 0.27, 0.42), (1.10, 1.62, 2.34), (0.93, 1.22, 1.80), (0.87, 0.98, 1.52)
    ),
    "Chinchilla (arXiv 2404.10102)": Collection(
        1, (0.35, 0.35, 0.35), (0.38, 0.38, 0.38), (1.84, 1.84, 1.84), (0.79, 0.79, 0.79), (0.82, 0.82, 0.82)
    ),
}
REFERENCE = (1e8, 2e9)  # N and D of the parts above
#: Standard deviation of ln(loss) between seeds: .3 % and .7 % on our ladders of 25k to 400k parameters
#: (docs/results), .1 to .4 % published at 0.1B and more; the median, and the spread of its logarithm.
SEED_NOISE = (0.003, 0.4)
#: Of a cell (N, D) about any law, all mixtures alike, and of one mixture in it (CHOSEN below the .6 to 3 % that public
#: runs lie off Chinchilla's law, since most of that is common to the mixtures of one ladder and trained alike).
CELL_NOISE, MIXTURE_NOISE = 0.003, 0.001
#: Gain at the best share over natural text alone as a part of the loss (median, spread of its logarithm), and the
#: best share: 30 % (Kang et al., arXiv 2510.01631) to 80 % (FinePhrase, arXiv 2604.13977), none or nearly for text that
#: does not help (textbooks at small scale: below 5 %, the former).
GAIN = (0.012, 0.9)
BEST_SHARE = (0.0, 0.8)
UNIFORM_PART = 0.8  # of ln(vocabulary): what the smallest run's loss may be at most (CHOSEN)


@dataclass(frozen=True)
class PriorLaw:
    """One law of joint_quadratic's form, E0 + A N^-alpha + B0 D^-beta for natural text, and of each source how E and
    B move with its share: (E1, E2, B1, B2)."""

    E0: float
    A: float
    alpha: float
    B0: float
    beta: float
    effects: tuple[tuple[float, float, float, float], ...]

    def loss(self, N: Array, D: Array, shares: Array) -> Array:
        """Losses (n,) at N (n,), D (n,) and shares (sources, n); effects of several sources add."""
        floor, factor = np.full(np.shape(D), self.E0), np.full(np.shape(D), self.B0)
        for (e1, e2, b1, b2), r in zip(self.effects, shares, strict=True):
            floor = floor + e1 * r + e2 * r**2
            factor = factor + b1 * r + b2 * r**2
        return np.asarray(floor + self.A * N**-self.alpha + factor * D**-self.beta)


def draw_law(rng: np.random.Generator, smallest: tuple[float, float], sources: int, vocab: int) -> PriorLaw:
    """A law of the prior.

    A collection is drawn, then exponents, E and the two terms from log-normals through its quantiles. The terms are
    scaled down together where the law would say of the smallest run that it is worse than :data:`UNIFORM_PART` of
    guessing every token alike: a power law cannot hold so far down.

    Args:
        smallest: N and D of the study's smallest run.
    """
    one = list(PUBLIC.values())[rng.integers(len(PUBLIC))]
    alpha, beta, size, tokens = (
        _log_normal(rng, each) for each in (one.alpha, one.beta, one.size_part, one.token_part)
    )
    top = float(np.log(vocab))
    E0 = min(_log_normal(rng, (max(one.E[0], 0.5), max(one.E[1], 0.9), one.E[2])), 0.4 * top)
    A, B0 = size * REFERENCE[0] ** alpha, tokens * REFERENCE[1] ** beta
    excess = A * smallest[0] ** -alpha + B0 * smallest[1] ** -beta
    scale = min(1.0, (UNIFORM_PART * top - E0) / excess)
    A, B0 = A * scale, B0 * scale
    token_part = B0 * smallest[1] ** -beta
    loss = E0 + A * smallest[0] ** -alpha + token_part
    effects = []
    for _ in range(sources):
        best, part = rng.uniform(*BEST_SHARE), rng.uniform()
        gain = float(np.exp(np.log(GAIN[0]) + GAIN[1] * rng.standard_normal())) * loss
        curve = gain / max(best, 0.25) ** 2  # a parabola whose least is -gain at the best share
        linear = -2 * curve * best
        # Part of it in E and part in the tokens' term, which fades with D.
        b = (1 - part) * B0 / token_part
        effects.append((part * linear, part * curve, b * linear, b * curve))
    return PriorLaw(E0, A, alpha, B0, beta, tuple(effects))


def _log_normal(rng: np.random.Generator, quantiles: tuple[float, float, float]) -> float:
    """Of its 10 %, 50 % and 90 % quantiles."""
    low, middle, high = np.log(np.maximum(quantiles, 1e-3))
    width = (high - low) / 2 / 1.2816
    return float(np.exp(middle + width * rng.standard_normal()))
