"""Where a process computes, what makes small models fast there, and what is told when memory or the device fail.

Measured on 2 cores (docs/log.md): bfloat16 with explicit attention and a heap that keeps its pages gave 1.8 to 2.7
times a plain float32 loop.
"""

import ctypes
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from synthmix.errors import Failure

M_MMAP_MAX, M_TRIM_THRESHOLD = -4, -1  # malloc.h
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "bad alloc")
LOST_DEVICE = ("CUDA error", "CUDA driver", "NCCL", "HIP error", "device-side", "no CUDA-capable device")
LOST_PEER = ("Connection closed by peer", "Connection reset by peer", "Connection refused", "Socket Timeout")
LESS = "finished runs stay; use fewer workers or a smaller size, and run the same command again"
CHECK = "finished runs stay; check the device (nvidia-smi) and run the same command again"
CLEAR = 8.0  # times float32's time: twice is enough to see that bf16 is emulated (a hundred times on AVX2)


def keep_heap() -> None:
    """Tell glibc to keep freed buffers: else each step returns and re-faults them (1.3 to 1.6x at 1M to 10M)."""
    if sys.platform.startswith("linux") and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def use_threads(threads: int) -> None:
    """Fix the number of threads of this process, of its products and of its encoding; must come before the first.

    Torch reads the variable when it is imported: a worker whose tasks only count or write never imports it.
    """
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def best_device() -> str:
    """``cuda`` when there is one, else ``cpu``."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name() -> str:
    """For records: the GPU's name, or the processor architecture and its cores."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{platform.machine()} CPU, {os.cpu_count()} cores"


def resolved_precision(asked: str) -> str:
    """``asked``, or where that is ``auto`` the faster precision here."""
    return faster_precision() if asked == "auto" else asked


def faster_precision() -> str:
    """Time one product of a training step's size in both precisions and choose: chips without bf16 units lose."""
    import torch

    if best_device() == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "float32"
    seconds: dict[str, float] = {}
    for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = torch.ones(1024, 256, dtype=dtype), torch.ones(256, 1024, dtype=dtype)
        a @ b
        taken: list[float] = []
        while len(taken) < 9 and (len(taken) < 2 or min(taken) < CLEAR * seconds.get("float32", math.inf)):
            start = time.perf_counter()
            a @ b
            taken.append(time.perf_counter() - start)
        seconds[name] = statistics.median(taken)
    return "bf16" if seconds["bf16"] < seconds["float32"] else "float32"


class LostDevice(Failure):
    """A device that was there and is gone: this process can use it no more."""


class Diverged(Failure):
    """The loss is no longer finite: the fault of the learning rate, most often. ``trained``: what was done until then
    (:class:`synthmix.training.trainer.Trained` without a model), in the process that raised it."""

    trained: Any = None


@contextmanager
def device_errors(where: str) -> Iterator[None]:
    """Turn torch's errors about memory and devices into one line that names ``where``. Other exceptions pass.

    Raises:
        Failure: out of memory, on the CPU or the GPU; another process of this run is gone.
        LostDevice: the device failed, or is gone.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch's own kinds are RuntimeErrors
        text = str(error)
        first = (text.strip().splitlines() or [""])[0][:160] or type(error).__name__
        if isinstance(error, MemoryError) or any(sign in text.lower() for sign in OUT_OF_MEMORY):
            raise Failure(f"out of memory ({first})", where=where, remedy=LESS) from error
        if type(error).__name__ == "AcceleratorError" or any(sign in text for sign in LOST_DEVICE):
            raise LostDevice(f"the device failed or is gone ({first})", where=where, remedy=CHECK) from error
        if any(sign in text for sign in LOST_PEER):
            again = "run the same command again: it goes on from the last saved state"
            raise Failure(f"another process of this run is gone ({first})", where=where, remedy=again) from error
        raise
