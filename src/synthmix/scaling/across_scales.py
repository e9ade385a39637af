"""Recipes measured at few scales: what to expect of each at another, and with what confidence one is above another.

Laws need many scales a recipe; where there are one to three, what matters is how far an order carries. The model
(CHOSEN; a Gaussian process a recipe, as in trials of crops by environment): with x = log10 of the compute of a cell,

    y[r, c] = mu[c] + s[c] * (g[r](x_c) + e),     Cov(g[r](x), g[r](x')) = (1 - h) exp(-|x - x'| / l) + h [same cell]

- mu[c] is free, so only differences between recipes at one cell count. s[c], the spread of the recipes there, is their
  standard deviation with the noise taken out;
- l, in decades, is how far an order drifts; h the part that is each cell's own (settings and luck that suit one recipe
  there); e is the seed noise, known from replicates, of which the median stands for the cell: runs that failed or were
  tuned badly are among them;
- h and l are not fitted but averaged over, under a prior, by the marginal likelihood (restricted: mu integrated out).
  With one scale nothing is learnt about them, and the prior alone says with what confidence its order carries.

Shape letters: k recipes, c cells, n measured (recipe, cell) means, m settings of (h, l), d draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Values of h and l that are averaged over, with their prior weights. CHOSEN among five priors by the probability that
#: they give to the orders seen in DCLM (.4B to 1.4B) and FinePhrase (three student sizes); 1.65 decades on they expect
#: .79 of the pairs in order, where DataDecide (arXiv 2504.11393) found .80 from one seed and .83 from three.
OWN = {0.02: 2.0, 0.05: 2.0, 0.1: 1.0, 0.2: 0.5, 0.3: 0.25, 0.4: 0.1}
LENGTHS = {1.0: 0.05, 2.0: 0.25, 4.0: 1.0, 8.0: 2.0, 16.0: 2.0, 32.0: 1.0, 64.0: 0.5}
FLOOR = 0.25  # of a cell's variance that is the recipes' at least, where replicates say that all of it is noise


@dataclass(frozen=True)
class Posterior:
    """What is expected at the target, in units of ``spread``, higher is better; a common constant is left out.

    Attributes:
        weights: (m,) of the settings. own, lengths: (m,) their h and l.
        means: (m, k) expected. variances: (m, k) of a recipe's own part, the target's own included.
        shared: (m, k, c), with which errors of the cells' means enter; errors: (m, c, c) their covariance.
        noise: seed variance at the target. spread: s at the largest cell, in units of the metric.
    """

    weights: Floats
    own: Floats
    lengths: Floats
    means: Floats
    variances: Floats
    shared: Floats
    errors: Floats
    noise: float
    spread: float

    def better(self) -> Floats:
        """(k, k): the probability that a run of the row's recipe scores above one of the column's at the target."""
        from scipy.special import ndtr

        k = self.means.shape[1]
        found = np.zeros((k, k))
        for place, weight in enumerate(self.weights):
            if weight < 1e-6:
                continue
            mean = self.means[place][:, None] - self.means[place][None, :]
            found += weight * ndtr(mean / np.sqrt(self._of_difference(place) + 2 * self.noise))
        probabilities: Floats = found / self.weights[self.weights >= 1e-6].sum()
        return probabilities

    def _of_difference(self, place: int) -> Floats:
        """(k, k) variance of the difference of two recipes."""
        own = self.variances[place][:, None] + self.variances[place][None, :]
        root = np.linalg.cholesky(self.errors[place] + 1e-12 * np.eye(len(self.errors[place])))
        seen = self.shared[place] @ root  # (k, c)
        squares = (seen**2).sum(1)
        common: Floats = squares[:, None] + squares[None, :] - 2 * seen @ seen.T
        variance: Floats = own + np.maximum(common, 0.0) + 1e-12
        return variance

    def draws(self, count: int, *, seed: int = 0) -> Floats:
        """(d, k) of the recipes' expected scores at the target, without seed noise."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(self.weights), size=count, p=self.weights)
        k = self.means.shape[1]
        found = np.empty((count, k))
        for place in np.unique(chosen).tolist():
            mine = np.flatnonzero(chosen == place)
            root = np.linalg.cholesky(self.errors[place] + 1e-12 * np.eye(len(self.errors[place])))
            common = rng.standard_normal((len(mine), root.shape[0])) @ (self.shared[place] @ root).T
            own = rng.standard_normal((len(mine), k)) * np.sqrt(self.variances[place])
            found[mine] = self.means[place] + own + common
        return found


def prior_weights() -> tuple[Floats, Floats, Floats]:
    """h, l and prior weight of every setting, (m,) each."""
    own, lengths = (np.array(grid).reshape(-1) for grid in np.meshgrid(list(OWN), list(LENGTHS), indexing="ij"))
    weights = np.outer(list(OWN.values()), list(LENGTHS.values())).reshape(-1)
    return own, lengths, weights / weights.sum()


def spreads(values: Floats, cells: npt.NDArray[np.intp], noise: Floats, count: int) -> Floats:
    """(c,) standard deviation of the recipes at each cell; ``noise``, (n,) variances of the means, is taken out. A cell
    of one or two recipes has the median of the others'."""
    found = np.full(count, np.nan)
    for cell in range(count):
        mine = cells == cell
        if mine.sum() > 2:
            variance = float(values[mine].var(ddof=1))
            found[cell] = np.sqrt(max(variance - float(noise[mine].mean()), FLOOR * variance))
    usual = np.nanmedian(found) if np.isfinite(found).any() else float(np.ptp(values)) or 1.0
    return np.where(np.isfinite(found) & (found > 0), found, usual if usual > 0 else 1.0)


@dataclass(frozen=True)
class Measurements:
    """What was measured of k recipes at c cells, and where it is to be expected.

    Attributes:
        recipes, cells: (n,) which recipe and which cell. values: (n,) its score there, higher is better.
        noise: (n,) the seed variance of that (0: not known).
        places: (c,) log10 compute of the cells. target: that of the target.
    """

    recipes: npt.NDArray[np.intp]
    cells: npt.NDArray[np.intp]
    values: Floats
    noise: Floats
    places: Floats
    target: float

    @cached_property
    def spread(self) -> Floats:
        """(c,) s of each cell."""
        return spreads(self.values, self.cells, self.noise, len(self.places))

    @cached_property
    def seed(self) -> Floats:
        """(n,) the seed variances in units of s squared."""
        return self.noise / self.spread[self.cells] ** 2

    def inverse(self, mine: npt.NDArray[np.intp], h: float, length: float) -> Floats:
        """(j, j) inverse covariance of one recipe's measurements ``mine`` (j,), in units of s."""
        covariance = _covariance(self.places[self.cells[mine]], self.places[self.cells[mine]], h, length)
        same = self.cells[mine][:, None] == self.cells[mine][None, :]
        covariance += h * same + np.diag(self.seed[mine] + 1e-9)
        found: Floats = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        return found

    def to_target(self, places: Floats, h: float, length: float) -> Floats:
        """Covariance of scores at ``places`` with that at the target: h counts where a cell is the target itself."""
        found: Floats = _covariance(places, np.array([self.target]), h, length)[:, 0]
        found = found + h * (np.abs(places - self.target) < 1e-9)
        return found


def _covariance(one: Floats, two: Floats, h: float, length: float) -> Floats:
    """The part of the covariance that drifts with compute, without that of the cell alone."""
    found: Floats = (1 - h) * np.exp(-np.abs(one[:, None] - two[None, :]) / length)
    return found


def across_scales(seen: Measurements, *, settings: tuple[Floats, Floats, Floats] | None = None) -> Posterior:
    """Expect every recipe's score at the target from where it was measured.

    Args:
        settings: h, l and prior weight; None: :func:`prior_weights`.
    """
    own, lengths, prior = settings or prior_weights()
    recipes, cells, spread = seen.recipes, seen.cells, seen.spread
    k, c = int(recipes.max()) + 1, len(seen.places)
    scaled = seen.values / spread[cells]
    rows = [np.flatnonzero(recipes == recipe) for recipe in range(k)]
    largest = int(np.argmax(seen.places))
    m = len(own)
    means, variances = np.zeros((m, k)), np.zeros((m, k))
    shared, errors, evidence = np.zeros((m, k, c)), np.zeros((m, c, c)), np.zeros(m)
    for place, (h, length) in enumerate(zip(own, lengths, strict=True)):
        solved: list[tuple[Floats, Floats]] = []
        information, score, likelihood = np.zeros((c, c)), np.zeros(c), 0.0
        for mine in rows:
            inverse = seen.inverse(mine, h, length)
            design = np.zeros((len(mine), c))
            design[np.arange(len(mine)), cells[mine]] = 1.0
            information += design.T @ inverse @ design
            score += design.T @ inverse @ scaled[mine]
            likelihood += 0.5 * float(np.linalg.slogdet(inverse)[1]) if len(mine) else 0.0
            likelihood -= 0.5 * float(scaled[mine] @ inverse @ scaled[mine])
            solved.append((inverse, design))
        error = np.linalg.inv(information)
        centre = error @ score
        likelihood += 0.5 * float(score @ centre) - 0.5 * float(np.linalg.slogdet(information)[1])
        for recipe, mine in enumerate(rows):
            inverse, design = solved[recipe]
            towards = seen.to_target(seen.places[cells[mine]], h, length)
            weights = towards @ inverse
            means[place, recipe] = float(weights @ (scaled[mine] - centre[cells[mine]]))
            variances[place, recipe] = max(1.0 - float(weights @ towards), 1e-9)
            shared[place, recipe] = weights @ design
        errors[place], evidence[place] = error, likelihood
    posterior = prior * np.exp(evidence - evidence.max())
    noise = seen.noise
    at_target = float(np.median(noise[noise > 0]) / spread[largest] ** 2) if (noise > 0).any() else 0.0
    return Posterior(
        weights=posterior / posterior.sum(), own=own, lengths=lengths, means=means, variances=variances,
        shared=shared, errors=errors, noise=at_target, spread=float(spread[largest]),
    )  # fmt: skip


def run_values(seen: Measurements, posterior: Posterior, one_run: float) -> Floats:
    """(k, c): by how much one more run of a recipe at a cell is expected to raise the expected score of what is then
    chosen (the knowledge gradient of Frazier, Powell and Dayanik 2008, exact for one Gaussian observation; errors of
    the cells' means are left out), in units of the metric. ``one_run``: seed variance of the run."""
    from scipy.special import ndtr

    places, cells = seen.places, seen.cells
    k, c = posterior.means.shape[1], len(places)
    new = one_run / seen.spread**2
    found = np.zeros((k, c))
    for place, weight in enumerate(posterior.weights):
        if weight < 1e-4:
            continue
        h, length, means = posterior.own[place], posterior.lengths[place], posterior.means[place]
        order = np.sort(means)
        cross = seen.to_target(places, h, length)
        for recipe in range(k):
            mine = np.flatnonzero(seen.recipes == recipe)
            at = places[cells[mine]]
            inverse = seen.inverse(mine, h, length)
            here = _covariance(at, places, h, length)  # (n_r, c)
            here += h * (cells[mine][:, None] == np.arange(c)[None, :])
            known = seen.to_target(at, h, length) @ inverse
            variance = np.maximum(1 + new - np.einsum("nc,nm,mc->c", here, inverse, here), 1e-9)
            moves = np.abs(cross - known @ here) / np.sqrt(variance)
            rival = order[-2] if means[recipe] == order[-1] else order[-1]
            gap = -abs(means[recipe] - rival)
            z = gap / np.maximum(moves, 1e-12)
            found[recipe] += weight * (gap * ndtr(z) + moves * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
    return np.maximum(found, 0.0) * posterior.spread


def decided(better: Floats, level: float) -> npt.NDArray[np.bool_]:
    """(k, k): the pairs that are told apart: the largest set, surest first, of which a part ``level`` is expected to be
    ordered rightly (the false order rate of all that is claimed, as Bayesian false discovery rates are held)."""
    k = len(better)
    first, second = np.triu_indices(k, 1)
    sure = np.maximum(better[first, second], better[second, first])
    order = np.argsort(-sure, kind="stable")
    expected = np.cumsum(sure[order]) / np.arange(1, len(order) + 1)
    kept = order[: int((expected >= level).sum())]
    found = np.zeros((k, k), dtype=bool)
    found[first[kept], second[kept]] = found[second[kept], first[kept]] = True
    return found


def median_and_noise(groups: Sequence[Floats]) -> tuple[Floats, float]:
    """(n,) medians of replicates, and the standard deviation of one run, from the median deviation over all sets of two
    or more; NaN where there is none."""
    medians = np.array([float(np.median(group)) for group in groups])
    deviations = [
        np.abs(group - middle) * np.sqrt(len(group) / (len(group) - 1))
        for group, middle in zip(groups, medians, strict=True)
        if len(group) > 1
    ]
    if not deviations:
        return medians, float("nan")
    return medians, 1.4826 * float(np.median(np.concatenate(deviations)))
