"""Persistent worker processes, each at its place, with the one task that it works on."""

import contextlib
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pickle import PicklingError
from typing import Any

from synthmix.engine.guard import guarded, lost_device, prepare
from synthmix.engine.places import Place
from synthmix.errors import Failure

READY, BUG = "ready", "bug"
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
        """A fresh process."""
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.place, self.threads))
        self.process.start()
        theirs.close()
        self.ready, self.held = False, 0
        self.job: Job | None = None

    def restart(self) -> None:
        """Give back what the process holds."""
        self.end(at_once=True)
        self.start()

    def give(self, job: Job) -> None:
        """Start ``job`` here. A process that died in the meantime is found by :func:`next_answers`."""
        self.job, self.held = job, max(self.held, job.memory)
        with contextlib.suppress(BrokenPipeError):
            self.connection.send((job.task, job.item, job.label))

    def end(self, *, at_once: bool) -> None:
        """End the process: when it has done its task, or at once."""
        if at_once:
            self.process.terminate()
        with contextlib.suppress(BrokenPipeError):
            self.connection.send(None)
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:  # an answer that nobody waits for may fill the pipe
                self.connection.recv()
        self.process.join()
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
            remedy="a Python script of your own must start its work below if __name__ == '__main__':",
        )
    job = worker.job
    worker.end(at_once=True)
    worker.start()
    if job is None:
        return []
    job.deaths += 1
    return [(job, KILLED)]


def serve(connection: Connection, place: Place, threads: int) -> None:
    """The worker's side: take a task, answer ``(kind, value, whether the process goes on)``, until told to end."""
    from synthmix.training.device import best_device, end_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    end_with_parent()
    if place.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = place.gpu
    if place.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, place.cores)
    prepare(threads)
    usable = place.gpu is None or best_device() == "cuda"  # never on the CPU instead, a hundred times slower
    connection.send((READY, None, True))
    goes_on = True
    while goes_on:
        try:
            given = connection.recv()
        except EOFError:
            return
        if given is None:
            return
        try:
            value, goes_on = guarded(*given) if usable else (lost_device(given[2], f"GPU {place.gpu}"), True)
            answer = ("result", value, goes_on)
        except Exception as error:  # noqa: BLE001 - a bug is the caller's to see, with its traceback
            answer = (BUG, (error, traceback.format_exc()), True)
        _send(connection, answer)


def _send(connection: Connection, answer: tuple[str, Any, bool]) -> None:
    try:
        connection.send(answer)
    except (PicklingError, TypeError, AttributeError, ValueError) as error:  # what cannot travel is told in words
        kind, value, goes_on = answer
        told = RuntimeError(f"{type(error).__name__}: {error}")
        connection.send((BUG, (told, value[1] if kind == BUG else repr(value)), goes_on))
