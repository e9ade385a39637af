"""A Ray cluster: each item a task with its cores, its share of a GPU and its memory."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from synthmix.engine.connect import connect
from synthmix.engine.contract import POLL_SECONDS, gibibytes, label_of, least_of, memory_of, nothing, too_large
from synthmix.engine.guard import guarded, prepare
from synthmix.engine.nodes import alive, check_folder, most_on_a_node
from synthmix.engine.places import PACKED
from synthmix.errors import BadInput, Failure, SynthmixError

Item = TypeVar("Item")
Result = TypeVar("Result")
RETRIES = 2  # of a task whose worker or node is lost (CHOSEN)
LARGE = 2**31  # bytes: above, a worker ends with its task, since its heap would keep them


class RayEngine(Generic[Item, Result]):
    """Tasks on a Ray cluster, or on a Ray of this process's own. See :class:`synthmix.engine.contract.Engine`.

    The study's folder must be one that every node sees. Tasks that a node takes with it run again elsewhere, and
    go on from their saved state.

    Args:
        address: ``auto``, ``host:port``, ``ray://host:port``; None: a new Ray on this machine.
        workers: tasks at once; None: as many as the cluster has room for, also while it grows.
        per_gpu: tasks that share a GPU.

    Raises:
        BadInput: Ray is missing, no cluster at the address, or more workers than it has room for.
    """

    def __init__(
        self, address: str | None = None, *, workers: int | None = None, threads: int = 1, per_gpu: int | None = None
    ) -> None:
        self._ray, self._ours = connect(address, workers and workers * threads)
        self.threads, self._asked, self._most = threads, workers, 0.0
        cores, gpus = (int(sum(each["Resources"].get(kind, 0) for each in alive(self._ray))) for kind in ("CPU", "GPU"))
        self.per_gpu = per_gpu or max(1, min(PACKED, cores // max(1, gpus)))
        room = gpus * self.per_gpu if gpus else cores // threads
        self._resources = {"num_cpus": 1 if gpus else threads, "num_gpus": 1 / self.per_gpu if gpus else 0}
        if not room or (workers or 1) > room:
            self.close()
            has = f"the cluster has {cores} core(s) and {gpus} GPU(s)"
            raise BadInput(
                f"{workers or 1} workers of {threads} thread(s), and {has}", key="workers", remedy="ask for fewer"
            )
        self.workers = workers or room

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """Leave the cluster; tasks of this process end with its connection. A Ray that was there before stays."""
        if self._ours and self._ray.is_initialized():
            self._ray.shutdown()
        self._ours = False

    def check_folder(self, folder: Path) -> None:
        """Make sure that every node sees ``folder``.

        Raises:
            BadInput: one does not, or does not answer.
        """
        check_folder(self._ray, folder)

    def each(
        self, task: Callable[[Item], Result], items: Sequence[Item], *, tick: Callable[[], Any] = nothing
    ) -> Iterator[tuple[Item, Result | SynthmixError]]:
        """Yield ``(item, result)`` as they finish; see :meth:`synthmix.engine.contract.Engine.each`."""
        self._most = most_on_a_node(self._ray, "memory")
        for item in items:
            if least_of(item) > self._most:
                raise too_large(item, f"the largest node has {gibibytes(self._most)}")
        waiting, running = list(reversed(items)), dict[Any, Item]()
        try:
            while waiting or running:
                while waiting and (self._asked is None or len(running) < self._asked):
                    item = waiting.pop()
                    running[self._submit(task, item)] = item
                done, _ = self._ray.wait(list(running), timeout=POLL_SECONDS)
                tick()
                for reference in done:
                    item = running.pop(reference)
                    yield item, self._outcome(reference, label_of(item))
        finally:
            for reference in running if self._ray.is_initialized() else ():
                self._ray.cancel(reference, force=True)

    def _submit(self, task: Callable[[Item], Result], item: Item) -> Any:
        memory = min(memory_of(item), int(self._most))
        options = self._resources | {"max_retries": RETRIES, "retry_exceptions": False}
        if memory:
            options |= {"memory": memory}
        if memory > LARGE:
            options |= {"max_calls": 1}
        return self._ray.remote(run_there).options(**options).remote(task, item, label_of(item), self.threads)

    def _outcome(self, reference: Any, label: str) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            cause = getattr(error, "cause", None)
            raise (cause if isinstance(cause, Exception) else error) from error
        except (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        ) as error:
            return Failure(
                f"its worker or node was lost {RETRIES + 1} times ({type(error).__name__})",
                where=label,
                remedy="finished runs stay: check the cluster (ray status) and run the same command again",
            )


def run_there(task: Callable[[Any], Any], item: Any, label: str, threads: int) -> Any:
    """On the node: the task's result, or its ``SynthmixError`` as a value."""
    prepare(threads)
    value, goes_on = guarded(task, item, label)
    if not goes_on:
        os._exit(1)  # Ray counts the worker as lost and tries again, on another device
    return value
