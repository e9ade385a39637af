"""The worker's side: a process that is started as a command, takes tasks from its parent and sends their results back.

Its parent runs ``python -c START DESCRIPTOR PATH...`` (:data:`START`): the parent's own script is not imported again,
so scripts need no ``__main__`` guard, and notebooks and code from stdin work. What such a script defines travels by
value (cloudpickle), what lies in a module by name. The only pickles that are read are those of the parent and of its
own workers, over a pipe between them.
"""

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import SimpleQueue
from types import FrameType
from typing import Any

import cloudpickle

from synthmix.console import use_safe_streams
from synthmix.engine.places import Place
from synthmix.errors import SynthmixError
from synthmix.termination import note
from synthmix.training.device import CHECK, LostDevice, device_errors

READY, RESULT, BUG = "ready", "result", "bug"
#: Code of a worker. Arguments: the descriptor of its end of the pipe, then the parent's ``sys.path``.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    "sys.path[:] = sys.argv[2:]; "
    "from synthmix.engine.worker import serve; serve(int(sys.argv[1]))"
)


def packed(value: object) -> bytes:
    """``value`` as it travels: functions and classes of a script or notebook by value, of a module by name."""
    return bytes(cloudpickle.dumps(value))


def serve(descriptor: int) -> None:
    """Work until told to end: first the place and the number of threads, then one task after the other, each answered
    by ``(kind, value, whether the process goes on)``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C and a closed terminal are the parent's to handle
    signal.signal(signal.SIGTERM, _end)
    os.set_inheritable(descriptor, False)  # a process that a task starts must not keep the pipe open
    connection = Connection(descriptor)
    place, threads = connection.recv()
    tasks = _inbox(connection)
    usable = _prepare(place, threads)
    connection.send_bytes(packed((READY, None, True)))
    goes_on = True
    while goes_on and (given := tasks.get()) is not None:
        try:
            task, item, label = pickle.loads(given)  # noqa: S301 - of the parent process
            value, goes_on = guarded(task, item, label) if usable else (_gone(label, place), True)
            answer = (RESULT, value, goes_on)
        except Exception as error:  # noqa: BLE001 - a bug is the caller's to see, with its traceback
            answer = (BUG, (error, traceback.format_exc()), True)
        _answer(connection, answer)


def _end(number: int, _: FrameType | None) -> None:
    """The parent or a scheduler ends this process: at once, or when a training has saved the state of its step."""
    signal.signal(number, signal.SIG_IGN)
    note(number)


def _inbox(connection: Connection) -> "SimpleQueue[bytes | None]":
    """Tasks as they come, read in a thread; None: told to end. The process ends at once when its parent is gone, even
    by ``kill -9`` and in the middle of a task: no orphan goes on computing."""
    tasks: SimpleQueue[bytes | None] = SimpleQueue()

    def read() -> None:
        try:
            while True:
                tasks.put(connection.recv_bytes() or None)
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    return tasks


def _prepare(place: Place, threads: int) -> bool:
    """Take the place; whether the device that is meant is there."""
    if place.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = place.gpu
    if place.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, place.cores)
    prepare(threads)
    if place.gpu is None:
        return True
    from synthmix.training.device import best_device

    return best_device() == "cuda"  # never on the CPU instead, a hundred times slower


def _gone(label: str, place: Place) -> LostDevice:
    return LostDevice(f"the device failed or is gone (GPU {place.gpu})", where=label, remedy=CHECK)


def _answer(connection: Connection, answer: tuple[str, Any, bool]) -> None:
    kind, value, goes_on = answer
    try:
        given = packed(answer)
    except Exception as error:  # noqa: BLE001 - what cannot travel, whatever it raises, is told in words
        told = RuntimeError(f"{type(error).__name__}: {error}")
        given = packed((BUG, (told, value[1] if kind == BUG else repr(value)), goes_on))
    connection.send_bytes(given)


def prepare(threads: int) -> None:
    """Settings of every worker, here and on a cluster: few threads, a heap that keeps its pages, quiet libraries."""
    from synthmix.training.device import keep_heap, use_threads

    use_safe_streams()
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    keep_heap()
    use_threads(threads)


def guarded(task: Callable[[Any], Any], item: Any, label: str) -> tuple[Any, bool]:
    """The task's result or its ``SynthmixError``, and whether this process can go on (with a lost device it cannot).

    Other exceptions are bugs and pass through.
    """
    try:
        with device_errors(label):
            return task(item), True
    except SynthmixError as error:
        return error, not isinstance(error, LostDevice)
