"""A full memory and a lost device, told in one line instead of torch's pages."""

from collections.abc import Iterator
from contextlib import contextmanager

from synthmix.errors import Failure

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "bad alloc")
LOST_DEVICE = ("CUDA error", "CUDA driver", "NCCL", "HIP error", "device-side", "no CUDA-capable device")
LOST_PEER = ("Connection closed by peer", "Connection reset by peer", "Connection refused", "Socket Timeout")
LESS = "finished runs stay; use fewer workers or a smaller size, and run the same command again"
CHECK = "finished runs stay; check the device (nvidia-smi) and run the same command again"


class LostDevice(Failure):
    """A device that was there and is gone: this process can use it no more."""


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
