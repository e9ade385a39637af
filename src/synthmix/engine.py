"""Where tasks run: this machine's processes. (A cluster is another engine of the same shape.)"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Generic, TypeVar

from synthmix.errors import Failure, SynthmixError

Item = TypeVar("Item")
Result = TypeVar("Result")
POLL_SECONDS = 0.5


class LocalEngine(Generic[Item, Result]):
    """Persistent worker processes, one thread each by default: 10 to 40 % more tokens/s below 1M parameters than
    one process with all threads (docs/log.md). Workers end with their parent, however it ends."""

    def __init__(self, workers: int | None = None, threads: int = 1) -> None:
        self.workers = workers or max(1, (os.cpu_count() or 1) // threads)
        self.threads = threads
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "LocalEngine[Item, Result]":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """End the workers; ``at_once`` without waiting for what they do (a run in its middle resumes later)."""
        if self._pool is None:
            return
        if at_once:
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

    def each(
        self,
        task: Callable[[Item], Result],
        items: Sequence[Item],
        *,
        tick: Callable[[], Any] = lambda: None,
    ) -> Iterator[tuple[Item, Result | SynthmixError]]:
        """Yield ``(item, result)`` as they finish; an item's own ``SynthmixError`` is its result.

        Args:
            tick: called about twice a second while waiting, and at each result (for progress).

        Raises:
            Failure: a worker was killed (out of memory, perhaps), or none could start.
        """
        pool, answered = self._started(), False
        try:
            futures: dict[Future[Result], Item] = {pool.submit(task, item): item for item in items}
        except BrokenProcessPool as error:  # killed since the last call
            self.close()
            raise _broken(answered=True) from error
        waiting = set(futures)
        while waiting:
            done, waiting = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            tick()
            for future in done:
                try:
                    outcome: Result | SynthmixError = future.result()
                except SynthmixError as error:
                    outcome = error
                except BrokenProcessPool as error:
                    self.close()  # so that a later call starts new workers
                    raise _broken(answered=answered) from error
                answered = True
                yield futures[future], outcome

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=(self.threads,),
            )
        return self._pool


def _broken(*, answered: bool) -> Failure:
    again = "run the same command again (finished runs stay), or set workers: 1"
    if not answered:
        again += "; a Python script of your own must call it below if __name__ == '__main__':"
    return Failure("a worker process was killed, perhaps for want of memory", remedy=again)


def _start_worker(threads: int) -> None:
    import signal

    from synthmix.training.device import end_with_parent, keep_heap, use_threads

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    end_with_parent()
    keep_heap()
    use_threads(threads)
