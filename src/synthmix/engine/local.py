"""This machine's processes: pinned to cores or GPUs, as many tasks at once as fit in memory."""

import atexit
import contextlib
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from synthmix.engine.contract import POLL_SECONDS, gibibytes, label_of, least_of, memory_of, nothing, too_large
from synthmix.engine.places import Place, find_places
from synthmix.engine.worker import BUG, READY, START, packed
from synthmix.errors import Failure, SynthmixError

Item = TypeVar("Item")
Result = TypeVar("Result")
GRACE_SECONDS = 25.0  # for a training to save its state; schedulers kill after 30 (SLURM's KillWait)
KILLED = object()  # the outcome of a job whose process was killed


@dataclass
class Job:
    """One item on its way. ``deaths``: how many processes it has cost."""

    task: Callable[[Any], Any]
    item: Any
    label: str
    memory: int
    deaths: int = 0


class Worker:
    """A process, started anew after its death. ``held``: the most memory that its tasks so far were said to need
    (a heap that keeps its pages does not shrink)."""

    def __init__(self, place: Place, threads: int) -> None:
        self.place, self.threads = place, threads
        self.start()

    def start(self) -> None:
        """A fresh process: a command of its own, to which this end of a pipe is left."""
        path = [entry or os.getcwd() for entry in sys.path]
        self.connection, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, str(theirs.fileno()), *path],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.ready, self.held = False, 0
        self.job: Job | None = None
        with contextlib.suppress(OSError):
            self.connection.send_bytes(packed((self.place, self.threads)))

    def restart(self) -> None:
        """Give back what the process holds."""
        self.end(at_once=True)
        self.start()

    def give(self, job: Job) -> None:
        """Start ``job`` here. A process that died in the meantime is found by :func:`next_answers`."""
        given = packed((job.task, job.item, job.label))
        self.job, self.held = job, max(self.held, job.memory)
        with contextlib.suppress(OSError):
            self.connection.send_bytes(given)

    def end(self, *, at_once: bool) -> None:
        """End the process: when it has done its task, or at once, which is when a training has saved its state, and
        within :data:`GRACE_SECONDS` in any case."""
        if at_once:
            self.process.terminate()
        until = time.monotonic() + GRACE_SECONDS if at_once else None
        with contextlib.suppress(OSError):
            self.connection.send_bytes(b"")
        with contextlib.suppress(EOFError, OSError):
            # An answer that nobody waits for may fill the pipe.
            while self.connection.poll(None if until is None else max(0.0, until - time.monotonic())):
                self.connection.recv_bytes()
            self.process.kill()
        self.process.wait()
        self.connection.close()


def next_answers(workers: list[Worker], seconds: float) -> list[tuple[Job, Any]]:
    """Jobs that ended within ``seconds``: ``(job, result)``, or ``(job, KILLED)`` with ``job.deaths`` one higher when
    its process was killed. Workers that died are started again.

    Raises:
        Failure: a process died before it could take anything.
        Exception: the task's own bug.
    """
    found: list[tuple[Job, Any]] = []
    by_connection: dict[Connection, Worker] = {worker.connection: worker for worker in workers}
    for connection in wait(list(by_connection), timeout=seconds):
        worker = by_connection[connection]  # type: ignore[index]
        try:
            kind, value, goes_on = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            found += _after_death(worker)
            continue
        if kind == READY:
            worker.ready = True
            continue
        job, worker.job = worker.job, None
        if not goes_on:
            worker.restart()
        if kind == BUG:
            error, text = value
            raise error from Failure(f"in a worker:\n{text}")
        if job is not None:
            found.append((job, value))
    return found


def _after_death(worker: Worker) -> list[tuple[Job, Any]]:
    if not worker.ready:
        raise Failure(
            "a worker process could not start",
            remedy="its own error stands above; `synthmix doctor` looks for what is missing",
        )
    job = worker.job
    worker.end(at_once=True)
    worker.start()
    if job is None:
        return []
    job.deaths += 1
    return [(job, KILLED)]


class LocalEngine(Generic[Item, Result]):
    """Persistent worker processes, one thread each by default: 10 to 40 % more tokens/s below 1M parameters than
    one process with all threads (docs/log.md). Workers end with their parent, however it ends. See
    :class:`synthmix.engine.contract.Engine`.

    Args:
        workers: how many; None: one for every ``threads`` cores, or ``per_gpu`` on each GPU.
        per_gpu: workers that share a GPU; None: up to four, so that small models do not leave it idle.

    Raises:
        BadInput: more workers than there are cores or places on GPUs.
    """

    def __init__(self, workers: int | None = None, threads: int = 1, *, per_gpu: int | None = None) -> None:
        self._places, self._room = find_places(workers, threads, per_gpu)
        self.workers, self.threads = len(self._places), threads
        self._pool: list[Worker] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """End the workers; ``at_once`` without waiting for what they do (a run in its middle resumes later)."""
        pool, self._pool = self._pool, None
        atexit.unregister(self._at_exit)
        for worker in pool or ():
            if at_once:
                worker.process.terminate()
        for worker in pool or ():
            worker.end(at_once=at_once)

    def _at_exit(self) -> None:
        self.close(at_once=True)

    def check_folder(self, folder: Path, *, reads: Sequence[str] = ()) -> None:
        """Every worker is on this machine and sees what this process sees."""

    def each(
        self, task: Callable[[Item], Result], items: Sequence[Item], *, tick: Callable[[], Any] = nothing
    ) -> Iterator[tuple[Item, Result | SynthmixError]]:
        """Yield ``(item, result)`` as they finish; see :meth:`synthmix.engine.contract.Engine.each`.

        A task whose process was killed is tried once more, alone, after all others.
        """
        most = max(self._room.values())
        for item in items:
            if least_of(item) > most:
                raise too_large(item, f"{gibibytes(most)} are free")
        jobs = [Job(task, item, label_of(item), min(memory_of(item), most)) for item in items]
        mine, waiting, alone = {id(job) for job in jobs}, deque(jobs), deque[Job]()
        while mine:
            pool = self._started()
            self._start_what_fits(pool, waiting)
            if alone and all(worker.job is None for worker in pool):
                _only(pool).give(alone.popleft())
            try:
                answers = next_answers(pool, POLL_SECONDS)
            except Failure:
                self.close(at_once=True)
                raise
            tick()
            for job, outcome in answers:
                if id(job) not in mine:  # of a call that was left before its end
                    continue
                if outcome is KILLED and job.deaths == 1:
                    alone.append(job)
                    continue
                mine.discard(id(job))
                yield job.item, _killed(job) if outcome is KILLED else outcome

    def _started(self) -> list[Worker]:
        if self._pool is None:
            self._pool = [Worker(place, self.threads) for place in self._places]
            atexit.register(self._at_exit)
        return self._pool

    def _start_what_fits(self, pool: list[Worker], waiting: deque[Job]) -> None:
        idle = [worker for worker in pool if worker.job is None]
        for job in list(waiting) if idle else ():
            worker = next((each for each in idle if self._fits(job, each, pool)), None)
            if worker is not None:
                worker.give(job)
                waiting.remove(job)
                idle.remove(worker)
                if not idle:
                    return
        if waiting and any(worker.held for worker in idle) and len(idle) == len(pool):
            for worker in idle:  # nothing runs and nothing fits: what they keep of earlier tasks is given back
                worker.restart()

    def _fits(self, job: Job, worker: Worker, pool: list[Worker]) -> bool:
        others = sum(each.held for each in pool if each.place.pool == worker.place.pool and each is not worker)
        return others + max(worker.held, job.memory) <= self._room[worker.place.pool]


def _only(pool: list[Worker]) -> Worker:
    """A worker with all memory to itself."""
    for worker in pool:
        if worker.held:
            worker.restart()
    return pool[0]


def _killed(job: Job) -> Failure:
    return Failure(
        "its process was killed twice, the second time alone; perhaps for want of memory",
        where=job.label,
        remedy="finished runs stay: lower the size or training.batch and run the same command again",
    )
