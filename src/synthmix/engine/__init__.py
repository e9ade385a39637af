"""Where tasks run: this machine's processes, or a Ray cluster. Both answer to :class:`Engine`."""

from typing import Any

from synthmix.engine.cluster import RayEngine
from synthmix.engine.contract import Engine
from synthmix.engine.local import LocalEngine
from synthmix.errors import BadInput

__all__ = ["Engine", "LocalEngine", "RayEngine", "open_engine"]


def open_engine(
    kind: str = "local",
    *,
    workers: int | None = None,
    threads: int = 1,
    address: str | None = None,
    per_gpu: int | None = None,
) -> Engine[Any, Any]:
    """The engine named ``kind``, to be used in a ``with`` block.

    Args:
        workers: tasks at once; None: as many as there is room for.
        threads: of each task.
        address: of a Ray cluster, ``auto``, ``host:port`` or ``ray://host:port``; None: a Ray of this process's own.
        per_gpu: tasks that share a GPU.

    Raises:
        BadInput: another kind, an address without ``ray``, more workers than devices, no cluster at the address.
    """
    if kind == "ray":
        return RayEngine(address, workers=workers, threads=threads, per_gpu=per_gpu)
    if kind != "local":
        raise BadInput(f"there is no engine '{kind}'", key="engine", remedy="write local or ray")
    if address is not None:
        raise BadInput("an address is a Ray cluster's", key="address", remedy="add --engine ray")
    return LocalEngine(workers, threads, per_gpu=per_gpu)
