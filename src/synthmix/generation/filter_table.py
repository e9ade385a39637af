"""What the filters dropped and why: documents that stay are iterated over, and counted along with the others."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from synthmix.generation.assemble import Generated
from synthmix.generation.filters import REASONS

DUPLICATES = ("near_duplicate_of_source", "near_duplicate")


class Dropped(BaseModel):
    """A row of the table: documents dropped for ``reason`` first, their bytes, their share of all that were read, and
    documents for which it was one reason of several."""

    model_config = ConfigDict(frozen=True)

    reason: str
    documents: int
    bytes: int
    share: float
    also: int


class Filtered:
    """Iterates over the documents that stay; afterwards (or in between) says what went.

    Made by :func:`synthmix.generation.filtering.filter_generated`.
    """

    def __init__(self, kept: Callable[["Filtered"], Iterator[Generated]]) -> None:
        self.read = self.kept = self.read_bytes = self.kept_bytes = 0
        self._first, self._bytes, self._any = Counter[str](), Counter[str](), Counter[str]()
        self._found = kept(self)

    def __iter__(self) -> Iterator[Generated]:
        return self._found

    def __next__(self) -> Generated:
        return next(self._found)

    @property
    def table(self) -> list[Dropped]:
        """A row for each reason, those that dropped nothing included, in the order in which they are looked at."""
        return [
            Dropped(
                reason=reason,
                documents=self._first[reason],
                bytes=self._bytes[reason],
                share=self._first[reason] / max(self.read, 1),
                also=self._any[reason] - self._first[reason],
            )
            for reason in (*REASONS, *DUPLICATES)
        ]

    def note(self, size: int, reasons: Sequence[str]) -> None:
        """Count one document of ``size`` bytes."""
        self.read, self.read_bytes = self.read + 1, self.read_bytes + size
        if not reasons:
            self.kept, self.kept_bytes = self.kept + 1, self.kept_bytes + size
            return
        self._first[reasons[0]] += 1
        self._bytes[reasons[0]] += size
        self._any.update(reasons)
