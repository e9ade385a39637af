"""Tasks that both engines run: built-in functions, since a test module cannot be imported in another process."""

from pathlib import Path
from typing import Any

import pytest


class Code(str):
    """Code for ``eval`` that says what it needs. Only its text travels."""

    memory_bytes: int

    def __reduce__(self) -> Any:
        return str, (str(self),)

    @property
    def label(self) -> str:
        return f"<{self}>"


@pytest.fixture(scope="session")
def needing() -> Any:
    """``needing(code, memory)``."""

    def make(code: str, memory: int) -> Code:
        made = Code(code)
        made.memory_bytes = memory
        return made

    return make


@pytest.fixture(scope="session")
def kill_once() -> Any:
    """``kill_once(path)``: code that kills its own process the first time, and is True the second."""

    def code(path: Path) -> str:
        return (
            "(lambda p, os: p.exists() or (p.touch(), os.kill(os.getpid(), 9)))"
            f"(__import__('pathlib').Path({str(path)!r}), __import__('os'))"
        )

    return code
