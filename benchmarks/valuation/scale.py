"""Time and memory of one score against the number of documents, over two decades: pools that are read as a stream."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.valuation.measure import PeakMemory
from benchmarks.valuation.tables import markdown_table
from benchmarks.valuation.tasks import make_task
from synthmix.valuation.pool import BATCH, Batch, Pool
from synthmix.valuation.valuer import Valuer

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
TASKS = ("images", "sentiment", "reasoning")


def tables(names: Sequence[str]) -> Iterator[str]:
    """Seconds by size; the exponent is the slope of log seconds on log documents."""
    yield "## Scale: seconds of one score\n"
    rows = []
    for name in TASKS:
        if name not in names:
            continue
        task = make_task(name)
        valuer = Valuer().fit(task.reference)
        valuer.score(task.contributors[0].pool)  # what is made once
        seconds, peaks = [], []
        for size in SIZES:
            with PeakMemory() as memory:
                began = time.perf_counter()
                valuer.score(endless(task.contributors[1].pool, size))
                seconds.append(time.perf_counter() - began)
            peaks.append(memory.megabytes)
        slope = np.polyfit(np.log(SIZES), np.log(seconds), 1)[0]
        rows.append([name, *(f"{each:.2f}" for each in seconds), f"{slope:.2f}", f"{peaks[0]:.0f} to {peaks[-1]:.0f}"])
    head = ["items of", *(f"{size:,} documents" for size in SIZES), "exponent", "peak MB, smallest to largest"]
    yield markdown_table(head, rows) + "\n"


def endless(pool: Pool, size: int) -> Pool:
    """``size`` items drawn with replacement, made a batch at a time: never all in memory. Texts get a number."""
    held = pool.all()

    def read() -> Iterator[Batch]:
        rng = np.random.default_rng(0)
        for start in range(0, size, BATCH):
            places = rng.integers(0, len(held), min(BATCH, size - start))
            if isinstance(held.items, np.ndarray):
                items = held.items[places] + rng.normal(0, 0.01, (len(places), *held.items.shape[1:]))
                items = items.astype(np.float32)
            else:
                items = [f"{held.items[at]} {start + row}" for row, at in enumerate(places)]
            yield Batch(items, None if held.labels is None else held.labels[places])

    return Pool(f"{pool.name}, {size:,}", read, share=1)
