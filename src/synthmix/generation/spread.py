"""The same job on many workers: a shard of the documents each, with its own connections, pace and journal.

The journals lie in one folder, so a job goes on with another number of workers, or on one machine, where it stopped.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from synthmix.errors import SynthmixError
from synthmix.generation.tally import Tally
from synthmix.generation.work import Work, ask


class Spreads(Protocol):
    """What is needed of an engine: :class:`synthmix.engine.contract.Engine` is one."""

    workers: int

    def each(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any]
    ) -> Iterator[tuple[Any, Any]]: ...


@dataclass(frozen=True)
class ShardTask:
    """One shard, in whichever process."""

    work: Work
    target: int | None


def run_shard(task: ShardTask) -> Tally:
    """Ask what is not settled of a shard."""
    journal = task.work.journal()
    try:
        return ask(task.work, journal, task.target, lambda tally, at_once: None)
    finally:
        journal.close()


def spread(work: Work, target: int | None, engine: Spreads, tick: Callable[[int], None]) -> Tally:
    """Ask on all workers; their tallies as one.

    Args:
        tick: called now and then with the bytes of answers so far.

    Raises:
        BadInput, Failure: what the first shard that fails raises, when the others have ended.
    """
    shards = max(1, engine.workers)
    tasks = [ShardTask(replace(work, shard=number, shards=shards), target) for number in range(shards)]
    total, error = Tally(), None
    for _, outcome in engine.each(run_shard, tasks, tick=lambda: tick(_written(work))):
        if isinstance(outcome, SynthmixError):
            error = error or outcome
        else:
            total = _both(total, outcome)
    if error is not None:
        raise error
    return total


def _both(one: Tally, other: Tally) -> Tally:
    """Two shards' tallies: a budget that stopped one stopped the job."""
    stopped = "budget" if "budget" in (one.stopped, other.stopped) else one.stopped or other.stopped
    return replace(one.plus(other), stopped=stopped)


def _written(work: Work) -> int:
    return sum(os.path.getsize(path) for path in work.journals.glob("replies-*.jsonl"))
