"""Many candidates, or one in many parts, wherever tasks run; sums of parts are the sums of the whole."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from synthmix.errors import SynthmixError
from synthmix.progress import Progress, Silent
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.score import Cost, Score
from synthmix.valuation.summary import Summary
from synthmix.valuation.terms.counts import item_hash
from synthmix.valuation.valuer import Valuer


@dataclass(frozen=True)
class Work:
    """Part ``part`` of ``parts`` of the pool at place ``number`` among the candidates, to be read for ``valuer``."""

    valuer: Valuer
    pool: Pool
    number: int = 0
    part: int = 0
    parts: int = 1

    @property
    def label(self) -> str:
        """In messages."""
        return self.pool.name if self.parts == 1 else f"{self.pool.name} ({self.part + 1} of {self.parts})"


def read_work(work: Work) -> tuple[Summary, float]:
    """The sums of one part, and the seconds they took."""
    start = time.perf_counter()
    mine = work.pool
    if work.parts > 1:
        mine = Pool(mine.name, partial(_every, mine, work.part, work.parts), share=mine.share)
    return work.valuer.summarise(mine), time.perf_counter() - start


def score_all(
    valuer: Valuer,
    pools: Sequence[Pool],
    *,
    each: Callable[..., Iterator[tuple[Any, Any]]] | None = None,
    parts: int = 1,
    progress: Progress | None = None,
) -> tuple[list[Score], list[Summary]]:
    """Scores and sums of pools, in their order.

    Args:
        each: of an engine (:func:`synthmix.engine.open_engine`); None: in this process.
        parts: into which each pool is cut, item by item, for more machines than pools.

    Raises:
        BadInput: see :meth:`Valuer.summarise`; the first pool that cannot be read.
    """
    progress = progress or Silent()
    works = [Work(valuer, pool, number, part, parts) for number, pool in enumerate(pools) for part in range(parts)]
    progress.start("values", len(works), "datasets" if parts == 1 else "parts")
    found: dict[tuple[int, int], tuple[Summary, float]] = {}
    done = ((work, read_work(work)) for work in works) if each is None else each(read_work, works)
    for count, (work, result) in enumerate(done, start=1):
        if isinstance(result, SynthmixError):
            raise result
        found[work.number, work.part] = result
        progress.update("values", count, work.label)
    progress.finish("values")
    scores, summaries = [], []
    for number in range(len(pools)):
        mine = [found[number, part] for part in range(parts)]
        whole = mine[0][0]
        for other, _ in mine[1:]:
            whole = whole + other
        cost = Cost(sum(seconds for _, seconds in mine), whole.items, whole.bytes)
        scores.append(replace(valuer.score_summary(whole), cost=cost))
        summaries.append(whole)
    return scores, summaries


class SpreadPool(Pool):
    """A pool whose documents are judged by an engine's workers: each reads all batches and judges some of them."""

    def __init__(self, pool: Pool, engine: Any) -> None:
        super().__init__(pool.name, pool.batches, share=pool.share)
        self._pool, self._engine = pool, engine

    def values(self, judge: Callable[[Batch], np.ndarray]) -> np.ndarray:
        """See :class:`.Pool`."""
        parts = self._engine.workers
        works = [Judging(judge, self._pool, part, parts) for part in range(parts)]
        found: dict[int, list[np.ndarray]] = {}
        for work, result in self._engine.each(judged, works):
            if isinstance(result, SynthmixError):
                raise result
            found[work.part] = result
        count = sum(len(each) for each in found.values())
        return np.concatenate([found[number % parts][number // parts] for number in range(count)])


@dataclass(frozen=True)
class Judging:
    """Batches ``part``, ``part + parts``, ... of a pool, to be judged."""

    judge: Callable[[Batch], np.ndarray]
    pool: Pool
    part: int
    parts: int

    @property
    def label(self) -> str:
        """In messages."""
        return f"{self.pool.name} ({self.part + 1} of {self.parts})"


def judged(work: Judging) -> list[np.ndarray]:
    """What the judge says of each of these batches."""
    return [work.judge(batch) for number, batch in enumerate(work.pool.batches()) if number % work.parts == work.part]


def _every(pool: Pool, part: int, parts: int) -> Iterator[Batch]:
    for batch in pool.batches():  # by the item, so that its copies come to the same part
        hashes = np.array([int.from_bytes(item_hash(item)[2:4], "little") for item in batch.items])
        yield batch.rows(np.flatnonzero(hashes % parts == part))
