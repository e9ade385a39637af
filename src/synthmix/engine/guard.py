"""One task in a worker: its settings before, its errors as values after."""

import os
from collections.abc import Callable
from typing import Any

from synthmix.errors import SynthmixError
from synthmix.training.faults import CHECK, LostDevice, device_errors


def prepare(threads: int) -> None:
    """Settings of every worker: few threads, a heap that keeps its pages, quiet libraries."""
    from synthmix.training.device import keep_heap, use_threads

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


def lost_device(label: str, device: str) -> LostDevice:
    """A device that is gone before the task began."""
    return LostDevice(f"the device failed or is gone ({device})", where=label, remedy=CHECK)
