"""What a long stage tells the person waiting: one small protocol, so that no stage knows the terminal."""

from typing import Protocol


class Progress(Protocol):
    """Told of a stage's advance. ``unit`` is what is counted (documents, tokens, runs)."""

    def start(self, task: str, total: float | None, unit: str) -> None: ...
    def update(self, task: str, done: float, note: str = "") -> None: ...
    def finish(self, task: str, note: str = "") -> None: ...
    def say(self, line: str) -> None: ...


class Silent:
    """Says nothing: the default in Python and under ``--quiet``."""

    def start(self, task: str, total: float | None, unit: str) -> None:
        pass

    def update(self, task: str, done: float, note: str = "") -> None:
        pass

    def finish(self, task: str, note: str = "") -> None:
        pass

    def say(self, line: str) -> None:
        pass
