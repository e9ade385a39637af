"""The ground truth of small cases: train on it and look; and what each pool adds to the others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import numpy as np

from synthmix.valuation.methods.baseline import Baseline, CountedPool, Result
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.score import Score

Utility = Callable[[frozenset[int]], float]  # of the candidates with these numbers, together


class Retrain(Baseline):
    """Minus the reference's loss after training on the pool alone, the mean over ``seeds`` (it is what the others are
    to predict); :meth:`score_all` gives leave-one-out values or data Shapley values of several pools, by training on
    their unions: Ghorbani and Zou, "Data Shapley" (ICML 2019).
    """

    name = "retrain"

    def __init__(self, *, seeds: int = 1, **shared: Any) -> None:
        super().__init__(**shared)
        self.seeds = seeds

    def _fit(self, reference: Pool) -> None:
        self._learner(reference)
        self.reference = reference

    def _value(self, pool: CountedPool) -> Result:
        losses = [self._loss(self.learner.train(pool, seed=self.seed + i)) for i in range(self.seeds)]
        spread = np.std(losses, ddof=1) if len(losses) > 1 else 0.0
        return Result(-float(np.mean(losses)), {"loss": np.mean(losses), "spread": spread})

    def _loss(self, model: Any) -> float:
        return float(self.learner.loss(model, self.reference))

    def utility(self, pools: Sequence[Pool]) -> Utility:
        """Minus the reference's loss after training on the union; of no pool, that of the untrained model."""

        def worth(which: frozenset[int]) -> float:
            seeds = [self.seed + i for i in range(self.seeds)]
            if not which:
                return -float(np.mean([self._loss(self.learner.initial(seed)) for seed in seeds]))
            together = union([pools[i] for i in sorted(which)])
            return -float(np.mean([self._loss(self.learner.train(together, seed=seed)) for seed in seeds]))

        return worth

    def score_all(
        self, pools: Sequence[Pool], *, how: Literal["loo", "shapley"] = "shapley", permutations: int = 10
    ) -> list[Score]:
        """Values that depend on the company, one a pool."""
        worth = self.utility(pools)
        found = (
            leave_one_out(len(pools), worth)
            if how == "loo"
            else shapley(len(pools), worth, permutations=permutations, tolerance=0.01, seed=self.seed)
        )
        empty = Score("", 0.0)
        return [replace(empty, name=pool.name, value=float(value)) for pool, value in zip(pools, found, strict=True)]


def union(pools: Sequence[Pool]) -> Pool:
    """All items of several pools, one pool after the other."""

    def read() -> Iterator[Batch]:
        for pool in pools:
            yield from pool.batches()

    return Pool(" + ".join(pool.name for pool in pools), read)


def leave_one_out(count: int, utility: Utility) -> np.ndarray:
    """(count,): U(all) - U(all but i)."""
    everything = frozenset(range(count))
    whole = utility(everything)
    return np.array([whole - utility(everything - {i}) for i in range(count)])


def shapley(
    count: int, utility: Utility, *, permutations: int = 10, tolerance: float = 0.0, seed: int = 0
) -> np.ndarray:
    """(count,): truncated Monte-Carlo Shapley values (Ghorbani and Zou, algorithm 1).

    In each of ``permutations`` random orders a candidate is credited with what it adds to those before it; once a
    prefix is within ``tolerance`` of the utility of all (as a share of U(all) - U(none)) the rest are credited with
    nothing. Coalitions are computed once.
    """
    known = cache(utility)
    none, everything = known(frozenset()), known(frozenset(range(count)))
    near = tolerance * abs(everything - none)
    rng, totals = np.random.default_rng(seed), np.zeros(count)
    for _ in range(permutations):
        before, chosen = none, frozenset[int]()
        for i in rng.permutation(count):
            if tolerance and abs(everything - before) <= near:
                break
            chosen = chosen | {int(i)}
            after = known(chosen)
            totals[i] += after - before
            before = after
    return totals / permutations
