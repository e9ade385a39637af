"""What choosing documents is worth: models trained on the chosen part of a mixed pool, beside an even sample of it.

The pool of a task is every item of its datasets once: natural, synthetic, spoiled, mislabelled. A fifth of its tokens
(items, with labels) is chosen for the task's reference; the task's model is trained on it and measured on its test.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.valuation.baselines import BASELINES
from benchmarks.valuation.methods import learner_of
from benchmarks.valuation.tables import markdown_table
from benchmarks.valuation.tasks import make_task
from benchmarks.valuation.tasks.task import Task
from benchmarks.valuation.truth import results_of, together
from synthmix.interval import interval_parts
from synthmix.valuation.pool import Pool
from synthmix.valuation.selection import check_selection, select, subset
from synthmix.valuation.valuer import Valuer

BUCKETS = 10_000  # of hashed n-grams (DSIR's)
Order = Callable[[int], np.ndarray]  # seed to the places (n,) of documents, those to be taken first
Chosen = Callable[[int], np.ndarray]  # seed to True (n,) where a document is taken


SHARE = 0.2
LOWER = ("loss",)  # metrics of which less is better


def tables(names: Sequence[str]) -> Iterator[str]:
    """A row a task and way: the share that was natural, the result, and its difference from the even sample."""
    rows, checks = [], []
    for name in names:
        task = make_task(name)
        if task.published is None:
            checks.append(check_row(task))
            rows += _rows(task)
    yield f"## Selection: {SHARE:.0%} of every item of a task\n"
    yield markdown_table(["task", "gain by the reference that chose", "by a half that did not", "90 %"], checks) + "\n"
    head = ["task", "chosen by", "documents", "natural", "result", "its mean", "+-", "better than an even sample by"]
    yield markdown_table(head, rows) + "\n"


def _rows(task: Task) -> list[list[str]]:
    pool, natural = once(task)
    valuer = Valuer().fit(task.reference)
    sizes = np.concatenate([valuer.lengths(batch) for batch in pool.batches()])
    budget = round(SHARE * float(sizes.sum()))
    metric, rows, even = task.metrics[0], [], np.nan
    for way, chosen in [("all of it", lambda seed: np.ones(len(sizes), bool)), *choices(task, pool, sizes, budget)]:
        masks = [chosen(seed) for seed in range(task.seeds)]
        results = [_result(task, subset(pool, mask), seed, metric) for seed, mask in enumerate(masks)]
        mean, spread = float(np.mean(results)), float(np.std(results, ddof=1) / len(results) ** 0.5)
        better = (even - mean) if metric in LOWER else (mean - even)
        even = mean if way == "even sample" else even
        documents, clean = np.mean([(mask.sum(), natural[mask].mean()) for mask in masks], axis=0)
        row = [task.name, way, f"{documents:,.0f}", f"{clean:.0%}", metric, f"{mean:.3f}", f"{spread:.3f}"]
        rows.append([*row, f"{better:+.3f}" if np.isfinite(better) else ""])
        print(*rows[-1], file=sys.stderr, flush=True)
    return rows


def check_row(task: Task) -> list[str]:
    """Of our score: what the selection gains by the documents that chose it, and by others."""
    pool, _ = once(task)
    valuer = Valuer().fit(task.reference)
    budget = round(SHARE * sum(int(valuer.lengths(batch).sum()) for batch in pool.batches()))
    found, check = select(valuer, pool, budget), check_selection(valuer, pool, budget)
    assert check is not None
    gain = found.score.value - found.even.value
    return [task.name, f"{gain:+.4f}", *interval_parts(check.interval, "+.4f")]


def once(task: Task) -> tuple[Pool, np.ndarray]:
    """Every item of the task's datasets once, in a random order, and (n,) True where it is natural and unspoiled."""
    clean: dict[Any, bool] = {}
    for each in task.contributors:
        spoiled = bool(each.meta["noise"]) or each.meta["flips"] > 0
        for piece in each.parts:
            batch = piece.all()
            for at, item in enumerate(batch.items):
                key = _key(item, batch.labels, at)
                clean[key] = clean.get(key, False) or (piece.share == 1 and not spoiled)
    batch = together(task).all()
    keys = [_key(item, batch.labels, at) for at, item in enumerate(batch.items)]
    first = list({key: at for at, key in reversed(list(enumerate(keys)))}.values())[::-1]
    kept = batch.rows(np.array(first))
    return Pool.of("every item", kept.items, kept.labels), np.array([clean[keys[at]] for at in first])


def _key(item: Any, labels: np.ndarray | None, at: int) -> Any:
    return item.tobytes() if isinstance(item, np.ndarray) else item, None if labels is None else int(labels[at])


def _result(task: Task, pool: Pool, seed: int, metric: str) -> float:
    assert task.learner is not None
    learner: Any = task.learner().fit(task.reference)
    return results_of(learner, learner.train(pool, seed=seed), task)[metric]


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
