"""Worlds: what may be true of the losses that a study will measure, by its own first runs or by public priors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.decisions.fits import StudyFits, fit_study
from synthmix.design.design import Design
from synthmix.design.priors import CELL_NOISE, MIXTURE_NOISE, SEED_NOISE, PriorLaw, draw_law
from synthmix.runs import RunsTable
from synthmix.scaling import Fit
from synthmix.scaling.runs import Array, Inputs

Losses = Callable[[Array, Array, dict[str, Array]], Array]
TRUNK_NOISE = 0.5  # of the seed noise's variance is one for all budgets of a trunk (CHOSEN: the phase that they share)
FEWEST_KNOWN = 3  # sizes or budgets that earlier runs must have before a law of theirs is simulated


@dataclass(frozen=True)
class World:
    """One truth.

    Attributes:
        losses: N (n,), D (n,) and source -> share (n,) -> expected losses (n,), nats per token.
        seed, cell, mixture: standard deviations of ln(loss): of one seed, of a cell (N, D) about the law for all its
            mixtures alike, and of one mixture in a cell.
    """

    losses: Losses
    seed: float
    cell: float
    mixture: float

    def difference(self, source: str, share: Array, params: float, tokens: float) -> Array:
        """Loss of each share (m,) of a source minus that of natural text alone."""
        N, D = np.full(len(share), float(params)), np.full(len(share), float(tokens))
        return self.losses(N, D, {source: share}) - self.losses(N, D, {})

    def simulate(self, design: Design, rng: np.random.Generator) -> RunsTable:
        """The study's runs table as this world would give it."""
        N, D = design.N, design.D
        expected = self.losses(N, D, {source: design.share_of(source) for source in design.sources})
        cells = np.unique(np.column_stack([N, D]), axis=0, return_inverse=True)[1].reshape(-1)
        names = np.unique([run.recipe for run in design.runs], return_inverse=True)[1]
        mixtures = np.unique(np.column_stack([cells, names]), axis=0, return_inverse=True)[1].reshape(-1)
        common = TRUNK_NOISE if design.trunk else 0.0
        noise = self.seed * (1 - common) ** 0.5 * rng.standard_normal(len(N))
        noise += self.seed * common**0.5 * rng.standard_normal(design.families.max() + 1)[design.families]
        noise += self.cell * rng.standard_normal(cells.max() + 1)[cells]
        noise += self.mixture * rng.standard_normal(mixtures.max() + 1)[mixtures]
        return design.table(expected * np.exp(noise))


def public_worlds(design: Design, count: int, *, vocab: int = 50_000, seed: int = 0) -> list[World]:
    """Worlds of the public prior (:mod:`synthmix.design.priors`)."""
    rng = np.random.default_rng([seed, 11])
    sources = design.sources
    smallest = (min(design.sizes), min(design.budgets))
    found = []
    for _ in range(count):
        law = draw_law(rng, smallest, len(sources), vocab)

        def losses(N: Array, D: Array, shares: dict[str, Array], law: PriorLaw = law) -> Array:
            held = [shares.get(source, np.zeros(len(N))) for source in sources]
            return law.loss(N, D, np.array(held))

        noise = float(np.exp(np.log(SEED_NOISE[0]) + SEED_NOISE[1] * rng.standard_normal()))
        found.append(World(losses, noise, CELL_NOISE, MIXTURE_NOISE))
    return found


def known_worlds(table: RunsTable, sources: Sequence[str], count: int, *, seed: int = 0) -> list[World] | str:
    """Worlds of earlier runs: draws of the laws of each source, its rivals in turn. In words why not, where these runs
    do not have a law of every source.

    A source that earlier runs do not have is taken to be like one that they have.
    """
    table = table.sound
    for name, column in (("sizes", "N"), ("budgets", "D")):
        have = len(set(table.column(column).tolist()))
        if have < FEWEST_KNOWN:
            return f"the earlier runs have {have} {name}, and a law needs {FEWEST_KNOWN}"
    fits = fit_study(table, bootstrap=max(count, 40))
    if not fits.sources:
        why = next((warn.message for warn in fits.warnings if warn.code == "no_joint_law"), "no synthetic source")
        return f"the earlier runs have no law in size, tokens and share ({why})"
    return [_known(fits, sources, k) for k in range(count)]


def _known(fits: StudyFits, sources: Sequence[str], k: int) -> World:
    """The k-th: a draw of the k-th law, in turn, of every source."""
    laws: dict[str, tuple[Fit, Array]] = {}
    like = next(iter(fits.sources))
    for source in sources:
        every = fits.sources.get(source, fits.sources[like]).laws
        one = every[k % len(every)]
        laws[source] = one, one.draws[(k // len(every)) % len(one.draws)]
    base, theta = next(iter(laws.values()))

    def at(law: Fit, values: Array, N: Array, D: Array, share: Array) -> Array:
        given = {"N": N, "D": D, "share": share}
        return law.law.predict(values, Inputs(**{name: given[name] for name in law.law.columns}))

    def losses(N: Array, D: Array, shares: dict[str, Array]) -> Array:
        zero = np.zeros(len(N))
        found = at(base, theta, N, D, zero)
        for source, (law, values) in laws.items():
            share = shares.get(source)
            if share is not None and np.any(share):
                found = found + at(law, values, N, D, share) - at(law, values, N, D, zero)
        return np.maximum(found, 1e-3)

    seed = base.noise.seed
    return World(losses, SEED_NOISE[0] if seed is None else max(seed, 1e-6), base.noise.cell, MIXTURE_NOISE)
