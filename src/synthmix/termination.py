"""SIGTERM and SIGHUP: a training finishes its step and saves its state before it ends; all else ends at once.

A signal handler calls :func:`note`. Within :func:`after_this_step` the signal only waits, and the block looks whether
one :func:`came`; when the block is left, it is obeyed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

_came: int | None = None
_waiting = False


class Terminated(SystemExit):
    """SIGTERM or SIGHUP. As a SystemExit it passes through event loops and ``except Exception`` to the last line."""

    @property
    def number(self) -> int:
        """The signal's."""
        return int(str(self.code)) - 128


def note(number: int) -> None:
    """For a handler: obey signal ``number`` now, or after the step that is in work.

    Raises:
        Terminated: nothing is in work that would wait for it.
    """
    global _came
    if not _waiting:
        raise Terminated(128 + number)
    _came = number


def came() -> bool:
    """Whether a signal waits."""
    return _came is not None


@contextmanager
def after_this_step() -> Iterator[None]:
    """Signals that come within wait until its end.

    Raises:
        Terminated: one came, and the block ended well.
    """
    global _came, _waiting
    _waiting = True
    try:
        yield
    finally:
        _waiting = False
        number, _came = _came, None
    if number is not None:
        raise Terminated(128 + number)
