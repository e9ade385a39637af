"""A model in this process, asked in batches, through the same journal, budget and target."""

import time
from collections.abc import Callable

from synthmix.generation.journal import Journal
from synthmix.generation.lane import Job
from synthmix.generation.ledger import Ledger
from synthmix.generation.prompt import Batcher
from synthmix.generation.queue import Queue
from synthmix.generation.tally import Tally

FOREVER = float("inf")


def run_in_process(
    batcher: Batcher,
    queue: Queue,
    journal: Journal,
    ledger: Ledger,
    tick: Callable[[Tally, int], None] = lambda tally, at_once: None,
) -> Tally:
    """Ask batch after batch until there is nothing left to ask, or a target or a budget is reached."""
    tally = Tally(generators=[batcher.identity])
    try:
        while jobs := _batch(queue, ledger, batcher.batch, tally):
            for job in jobs:
                ledger.hold(job.most)
            begun = time.monotonic()
            replies = batcher.complete_many([job.prompt for job in jobs])
            for job, reply in zip(jobs, replies, strict=True):
                journal.add(reply, str(batcher.identity.get("where", "in process")))
                ledger.release(job.most)
                ledger.charge(reply.input_tokens, reply.output_tokens)
                tally.count(reply.input_tokens, reply.output_tokens, reply.finish)
                queue.settle(reply.key)
            tally.skipped, tally.documents = queue.skipped, queue.documents
            tally.busy += time.monotonic() - begun
            tick(tally, len(jobs))
            journal.sync()
    finally:
        tally.skipped = queue.skipped
    if queue.at_target:
        tally.stopped = "target"
    return tally


def _batch(queue: Queue, ledger: Ledger, size: int, tally: Tally) -> list[Job]:
    jobs: list[Job] = []
    inputs = outputs = 0
    while len(jobs) < size and (job := queue.next(FOREVER)) is not None:
        if not ledger.fits((inputs + job.most[0], outputs + job.most[1])):
            queue.stop()
            tally.stopped = "budget"
            break
        inputs, outputs = inputs + job.most[0], outputs + job.most[1]
        jobs.append(job)
    return jobs
