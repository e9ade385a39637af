"""One task in a worker: its settings before, its errors as values after."""

import os
from collections.abc import Callable
from typing import Any

from synthmix.errors import Failure, SynthmixError

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "bad alloc")
LOST_DEVICE = ("CUDA error", "CUDA driver", "NCCL", "HIP error", "device-side", "no CUDA-capable device")
LESS = "finished runs stay; use fewer workers or a smaller size, and run the same command again"
CHECK = "finished runs stay; check the device (nvidia-smi) and run the same command again"


def prepare(threads: int) -> None:
    """Settings of every worker: few threads, a heap that keeps its pages, quiet libraries."""
    from synthmix.training.device import keep_heap, use_threads

    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    keep_heap()
    use_threads(threads)


def guarded(task: Callable[[Any], Any], item: Any, label: str) -> tuple[Any, bool]:
    """The task's result or its ``SynthmixError``, and whether this process can go on (a broken GPU context cannot).

    Other exceptions are bugs and pass through.
    """
    try:
        return task(item), True
    except SynthmixError as error:
        return error, True
    except (MemoryError, RuntimeError) as error:  # torch's own kinds are RuntimeErrors
        first = (str(error).strip().splitlines() or [""])[0][:160]
        if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in OUT_OF_MEMORY):
            return Failure(f"out of memory ({first or type(error).__name__})", where=label, remedy=LESS), True
        if type(error).__name__ == "AcceleratorError" or any(sign in str(error) for sign in LOST_DEVICE):
            return lost_device(label, first), False
        raise


def lost_device(label: str, why: str) -> Failure:
    """A device that was there and is gone."""
    return Failure(f"the device failed or is gone ({why})", where=label, remedy=CHECK)
