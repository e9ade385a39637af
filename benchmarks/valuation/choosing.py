"""Ways to choose documents from a pool for a target, under one budget: ours, an even sample, and what others use."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from benchmarks.valuation.baselines import BASELINES
from benchmarks.valuation.methods import learner_of
from benchmarks.valuation.tasks.task import Task

from synthmix.valuation.pool import Pool
from synthmix.valuation.selection import select
from synthmix.valuation.valuer import Valuer

BUCKETS = 10_000  # of hashed n-grams (DSIR's)
Order = Callable[[int], np.ndarray]  # seed to the places (n,) of documents, those to be taken first
Chosen = Callable[[int], np.ndarray]  # seed to True (n,) where a document is taken


def choices(task: Task, pool: Pool, sizes: np.ndarray, budget: int) -> Iterator[tuple[str, Chosen]]:
    """By name; a way without chance gives the same for every seed."""

    def first(order: Order) -> Chosen:
        return lambda seed: filled(order(seed), sizes, budget)

    yield "even sample", first(lambda seed: np.random.default_rng(seed).permutation(len(sizes)))
    yield "ours", _once(lambda: ours(task, pool, budget))
    labelled = pool.all().labels is not None
    if labelled:
        yield "knn_shapley", first(_by(lambda: _documents("knn_shapley", task, pool)))
        yield "perplexity", first(_by(lambda: _losses(task, pool)))
        return
    yield "ours, answers alone", _once(lambda: ours(task, pool, budget, after="\n"))
    yield "DSIR", first(importance(task.reference.all().items, pool.all().items))
    yield "perplexity", first(_by(lambda: _losses(task, pool)))


def ours(task: Task, pool: Pool, budget: int, **asked: Any) -> np.ndarray:
    """:func:`synthmix.valuation.selection.select` with the defaults; a reference's tokenizer is the same each time."""
    return select(Valuer(**asked).fit(task.reference), pool, budget).chosen


def filled(order: np.ndarray, sizes: np.ndarray, budget: int) -> np.ndarray:
    """True where a document stands in the order before the budget is spent."""
    chosen = np.zeros(len(sizes), bool)
    chosen[order[np.cumsum(sizes[order]) <= budget]] = True
    return chosen


def importance(target: list[str], raw: list[str]) -> Order:
    """DSIR: Xie et al., "Data Selection for Language Models via Importance Resampling" (arXiv 2302.03169): the log
    ratio of two bags of hashed words and word pairs, and Gumbel noise for resampling without replacement."""
    from sklearn.feature_extraction.text import HashingVectorizer

    counter = HashingVectorizer(n_features=BUCKETS, ngram_range=(1, 2), alternate_sign=False, norm=None)
    mine, theirs = counter.transform(target), counter.transform(raw)
    p, q = (np.asarray(each.sum(axis=0)).ravel() + 1e-8 for each in (mine, theirs))
    weights = np.asarray(theirs @ (np.log(p / p.sum()) - np.log(q / q.sum()))).ravel()
    return lambda seed: np.argsort(-(weights + np.random.default_rng(seed).gumbel(size=len(weights))))


def _once(made: Callable[[], np.ndarray]) -> Callable[[int], np.ndarray]:
    """Made when it is first asked for, the same for every seed."""
    held: list[np.ndarray] = []

    def answer(seed: int) -> np.ndarray:
        if not held:
            held.append(made())
        return held[0]

    return answer


def _by(values: Callable[[], np.ndarray]) -> Order:
    """The highest first."""
    return _once(lambda: np.argsort(-values(), kind="stable"))


def _documents(name: str, task: Task, pool: Pool) -> np.ndarray:
    made: Any = BASELINES[name](most=len(pool.all()))
    return np.asarray(made.fit(task.reference).documents(pool))


def _losses(task: Task, pool: Pool) -> np.ndarray:
    """Minus each document's loss under the task's own model, trained on the reference (CCNet's filter)."""
    learner = learner_of(task, task.reference)
    model = learner.train(task.reference, seed=0)
    return np.asarray(-np.concatenate([learner.losses(model, batch) for batch in pool.batches()]))
