"""What a study's stages took: the one account of seconds, over all sessions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock

from synthmix.files import read_json, write_json
from synthmix.study.workspace import Workspace


def seconds(space: Workspace) -> dict[str, float]:
    """Seconds by stage, all sessions together."""
    return dict(read_json(space.seconds)) if space.seconds.exists() else {}


@contextmanager
def stage(space: Workspace, name: str) -> Iterator[None]:
    """Add the seconds of a block to the study's account of stages (all sessions together)."""
    begun = time.monotonic()
    try:
        yield
    finally:
        with FileLock(space.root / ".seconds.lock"):
            spent = seconds(space)
            write_json(space.seconds, spent | {name: round(spent.get(name, 0.0) + time.monotonic() - begun, 2)})
