"""The one way to report an error: one line that names the place, the key, the problem and the remedy."""

from pathlib import Path


class SynthmixError(Exception):
    """Base of every error that a user is meant to read.

    The message is one line: ``where: key: problem; remedy``. The command line prints it without a
    traceback and exits with ``exit_code``.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        where: str | Path | None = None,
        key: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem, self.where, self.key, self.remedy = problem, where, key, remedy
        parts = [str(part) for part in (where, key) if part is not None]
        line = ": ".join([*parts, problem]) + (f"; {remedy}" if remedy else "")
        super().__init__(" ".join(line.split()))

    def __reduce__(self) -> tuple[object, ...]:  # survives the way back from a worker process
        return _rebuild, (type(self), self.problem, self.where, self.key, self.remedy)


class BadInput(SynthmixError):
    """What was given cannot be used: the user mends the file or the key. Exit code 2."""

    exit_code = 2


class Failure(SynthmixError):
    """The input was fine and the work failed: full disk, NaN loss, a lost worker. Exit code 1."""


def _rebuild(
    kind: type[SynthmixError],
    problem: str,
    where: str | Path | None,
    key: str | None,
    remedy: str | None,
) -> SynthmixError:
    return kind(problem, where=where, key=key, remedy=remedy)
