"""How a run of requests is going, and what makes it stop."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from synthmix.errors import Failure
from synthmix.generation.faults import RequestFault
from synthmix.quantities import format_count

WATCHED = 200  # settled requests
LEAST = 20  # of them, before a verdict
_RATE_SECONDS = 30.0


@dataclass
class Tally:
    """Counts of one run. ``stopped``: target, token budget or money budget, when one of them ended it early."""

    answered: int = 0
    failed: int = 0
    skipped: int = 0  # settled by an earlier run
    documents: int = 0  # begun
    retried: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    truncated: int = 0
    lost: int = 0  # tokens that tries without an answer may have cost
    stopped: str | None = None
    busy: float = 0.0  # seconds in which a generator worked
    generators: list[dict[str, Any]] = field(default_factory=list)  # their identities
    begun: float = field(default_factory=time.monotonic)
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WATCHED))
    _rate: deque[tuple[float, int]] = field(default_factory=deque)

    def count(self, input_tokens: int, output_tokens: int, finish: str) -> None:
        """An answer."""
        self.answered += 1
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.truncated += finish == "length"
        self._recent.append(True)

    def fail(self, fault: RequestFault) -> None:
        """A request that failed for good.

        Raises:
            Failure: half of the last requests did.
        """
        self.failed += 1
        self._recent.append(False)
        bad = self._recent.count(False)
        if len(self._recent) >= LEAST and 2 * bad >= len(self._recent):
            raise Failure(
                f"{bad} of the last {len(self._recent)} requests failed, the last one: {fault.kind}, {fault.reason}",
                key="generate",
                remedy="mend the cause, then run the same command with --retry-failed",
            )

    def plus(self, later: "Tally") -> "Tally":
        """This run and a later one as one; ``stopped`` is the later one's."""
        names = ("answered", "failed", "retried", "input_tokens", "output_tokens", "truncated", "busy")
        both = {name: getattr(self, name) + getattr(later, name) for name in names}
        generators = [*self.generators, *(each for each in later.generators if each not in self.generators)]
        lost = max(self.lost, later.lost)
        return Tally(**both, skipped=later.skipped, lost=lost, stopped=later.stopped, generators=generators)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.begun

    def rate(self) -> float:
        """Output tokens a second, over the last half minute."""
        now = time.monotonic()
        self._rate.append((now, self.output_tokens))
        while now - self._rate[0][0] > _RATE_SECONDS:
            self._rate.popleft()
        then, tokens = self._rate[0]
        return (self.output_tokens - tokens) / (now - then) if now > then else 0.0

    def note(self, money: float, at_once: int) -> str:
        """A line for the progress bar."""
        parts = [f"{format_count(self.rate())} tokens/s", f"{at_once} at once"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.retried} retries"] if self.retried else []
        parts += [f"cost {money:.2f}"] if money else []
        return ", ".join(parts)
