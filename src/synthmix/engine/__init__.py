"""Where tasks run: this machine's processes, or a Ray cluster. Both answer to :class:`Engine`."""

from synthmix.engine.cluster import RayEngine
from synthmix.engine.contract import Engine
from synthmix.engine.local import LocalEngine
from synthmix.engine.opening import open_engine

__all__ = ["Engine", "LocalEngine", "RayEngine", "open_engine"]
