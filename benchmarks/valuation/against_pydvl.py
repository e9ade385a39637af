"""Our KNN-Shapley, leave-one-out and data Shapley against pyDVL's."""

import warnings
from functools import cache
from typing import Any

import numpy as np

from benchmarks.valuation.baselines.retrain import Retrain, Utility, leave_one_out, shapley
from benchmarks.valuation.comparison import Comparison, digits, timed
from synthmix.valuation.learners import ClassifierLearner
from synthmix.valuation.methods.featured import KnnShapley

ORDERS = 100


def knn_shapley() -> Comparison:
    """Exact on both sides."""
    reference, pools = digits()
    method, pool = KnnShapley().fit(reference), pools[4]
    ours, mine = timed(lambda: method.documents(pool))
    assert method.encoder is not None
    batch, encoder = pool.all(), method.encoder

    def library() -> np.ndarray:
        with _quiet():
            from pydvl.valuation.dataset import Dataset
            from pydvl.valuation.methods import KNNShapleyValuation
        from sklearn.neighbors import KNeighborsClassifier

        test = Dataset(encoder.encode(reference.all().items), reference.all().labels)
        made = KNNShapleyValuation(KNeighborsClassifier(method.neighbours), test, progress=False)
        made.fit(Dataset(encoder.encode(batch.items), batch.labels))
        return np.asarray(made.result.values)

    theirs, other = timed(library)
    return Comparison("baseline knn_shapley's values of items, KNNShapleyValuation", ours, theirs, (mine, other))


def loo() -> Comparison:
    """Of five datasets, each training being the same on both sides."""
    utility, count = _trained()
    ours, mine = timed(lambda: leave_one_out(count, cache(utility)))
    theirs, other = timed(lambda: _values("without one", cache(utility), count))
    return Comparison("retrain's leave-one-out values of datasets, LOOValuation", ours, theirs, (mine, other))


def data_shapley() -> Comparison:
    """The same random orders on both sides, none cut short."""
    utility, count = _trained()
    ours, mine = timed(lambda: shapley(count, cache(utility), permutations=ORDERS))
    theirs, other = timed(lambda: _values("orders", cache(utility), count))
    return Comparison(
        "retrain's Shapley values of datasets, ShapleyValuation by PermutationSampler",
        ours, theirs, (mine, other))  # fmt: skip


def exact_shapley() -> Comparison:
    """Ours from ten times as many orders; pyDVL's over all subsets."""
    utility, count = _trained()
    ours, mine = timed(lambda: shapley(count, cache(utility), permutations=10 * ORDERS))
    theirs, other = timed(lambda: _values("subsets", cache(utility), count))
    why = f"ours from {10 * ORDERS} random orders"
    return Comparison("the same, over all subsets", ours, theirs, (mine, other), why)


def _trained() -> tuple[Utility, int]:
    """Minus the reference's loss after training on some of five datasets, and how many these are."""
    reference, pools = digits(count=5)
    learner = ClassifierLearner(hidden=(8,), least=60, epochs=1).fit(reference)
    return Retrain(learner=learner).fit(reference).utility(pools), len(pools)


def _values(kind: str, utility: Utility, count: int) -> np.ndarray:
    with _quiet():
        from pydvl.valuation import methods
        from pydvl.valuation.dataset import Dataset
        from pydvl.valuation.samplers import DeterministicUniformSampler, PermutationSampler
        from pydvl.valuation.stopping import MinUpdates, NoStopping
        from pydvl.valuation.utility.base import UtilityBase

    class Ours(UtilityBase):  # type: ignore[type-arg]
        def __call__(self, sample: Any) -> float:
            return utility(frozenset(() if sample is None else map(int, sample.subset)))

    held = Dataset(np.arange(count, dtype=float)[:, None], np.arange(count))
    made: Any = methods.LOOValuation(Ours(), progress=False)
    if kind == "orders":
        made = methods.ShapleyValuation(Ours(), PermutationSampler(seed=0), MinUpdates(ORDERS), progress=False)
    if kind == "subsets":
        made = methods.ShapleyValuation(Ours(), DeterministicUniformSampler(), NoStopping(), progress=False)
    made.fit(held)
    return np.asarray(made.result.values)


def _quiet() -> Any:
    """Its modules warn of what they themselves do when they are loaded."""
    caught = warnings.catch_warnings()
    warnings.simplefilter("ignore")
    return caught


COMPARISONS = (knn_shapley, loo, data_shapley, exact_shapley)
