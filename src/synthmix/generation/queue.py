"""What is to be asked next: requests whose wait is over, else the next of the source that nobody has answered."""

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass

from synthmix.generation.budget import most_tokens
from synthmix.generation.journal import Journal
from synthmix.generation.prompts import Prompt

MOST_WAITING = 4096  # requests that wait for their next try, before new ones are left alone


@dataclass(order=True)
class Request:
    """A request on its way, ordered by the time from which it may be sent. ``most``: tokens it may cost."""

    due: float
    order: int
    prompt: Prompt
    most: tuple[int, int]
    attempts: int = 0


class Queue:
    """The requests of a run, from an iterator that may be longer than memory.

    Args:
        target: the source is done once the answers, with those expected, have this many tokens of text. Looked at
            between documents, so that no document stays half asked.

    Attributes:
        done: no more comes from the source. skipped: requests resolved before. at_target: why it is done.
        documents: read from the source so far, every rollout as one.
    """

    def __init__(self, prompts: Iterator[Prompt], journal: Journal, target: int | None = None) -> None:
        self._prompts, self._journal, self._target = prompts, journal, target
        self._waiting: list[Request] = []
        self._asked: set[str] = set()
        self._order = 0
        self._open: tuple[str, str, int] | None = None
        self.done = self.at_target = False
        self.skipped = self.documents = 0

    def next(self, until: float) -> Request | None:
        """The next request; None when there is none now, or none was found by the time ``until``."""
        if self._waiting and self._waiting[0].due <= time.monotonic():
            return heapq.heappop(self._waiting)
        while not self.done and len(self._waiting) < MOST_WAITING:
            prompt = next(self._prompts, None)
            if prompt is None or self._enough(prompt):
                self.done = True
                return None
            key = prompt.key
            if self._journal.resolved(key):
                self.skipped += 1
            elif key not in self._asked:
                self._asked.add(key)
                self._order += 1
                return Request(0.0, self._order, prompt, most_tokens(prompt))
            if time.monotonic() >= until:
                return None
        return None

    def again(self, request: Request, due: float = 0.0) -> None:
        """Hand a request out once more, from ``due`` on."""
        request.due = due
        heapq.heappush(self._waiting, request)

    def resolve(self, key: str) -> None:
        """A request was answered, or failed for good; the journal knows."""
        self._asked.discard(key)

    def stop(self) -> None:
        """Hand out nothing more."""
        self.done, self._waiting = True, []

    @property
    def waiting(self) -> int:
        """Requests that wait for their next try."""
        return len(self._waiting)

    @property
    def due(self) -> float | None:
        """When the first of them may be sent."""
        return self._waiting[0].due if self._waiting else None

    def _enough(self, prompt: Prompt) -> bool:
        document = (prompt.document, prompt.document_hash, prompt.rollout)
        if document == self._open:
            return False
        self._open = document
        self.documents += 1
        if self._target is None:
            return False
        have = self._journal.text_tokens
        expected = len(self._asked) * have / max(1, len(self._journal))
        self.at_target = have + expected >= self._target
        return self.at_target
