"""What can go wrong with a request, how a run of requests is going, and what makes it stop."""

import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from synthmix.errors import Failure
from synthmix.generation.finishes import CUT
from synthmix.generation.prompts import Reply
from synthmix.generation.settings import SAMPLING_PARAMETERS
from synthmix.quantities import format_count, format_seconds

SHOWN = 200  # characters of a server's own message
_SECRETS = re.compile(r"\b(sk|key|gsk|hf|xai|AIza)[-_][^\s'\",;]{6,}|(?<=[Bb]earer )\S+")
_OVERLOADED = {429, 503, 529}
_LATER = {408, 409, 425}
_FATAL = {401: "refuses the key", 402: "asks for payment", 403: "refuses access", 404: "knows no such page or model"}
WINDOW = 200  # resolved requests
LEAST_SETTLED = 20  # of them, before a verdict
USELESS = 0.9  # of the answers, from which a job stops rather than pays for more
_RATE_SECONDS = 30.0


class RequestFault(Exception):
    """A request that brought no usable answer.

    Attributes:
        kind: rate limit, overload, server error, time-out, connection, broken reply, refused, fatal.
        reason: one line without secrets.
        retry: another try may help. ``fatal``: no request to this endpoint will ever be answered.
        wait: seconds that the server asked to wait.
        overload: the endpoint has too much to do (and should be asked less at once).
        billed: the server may have worked for it and charged for it, though the answer is lost.
        status: of HTTP, when there was an answer.
        tries: further ones that are worth it, where these are fewer than usual.
    """

    def __init__(
        self,
        kind: str,
        reason: str,
        *,
        retry: bool,
        fatal: bool = False,
        wait: float | None = None,
        overload: bool = False,
        billed: bool = False,
        status: int | None = None,
        tries: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.retry, self.fatal = kind, reason, retry, fatal
        self.wait, self.overload, self.billed, self.status, self.tries = wait, overload, billed, status, tries

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.kind, self.reason, {k: v for k, v in vars(self).items() if k not in ("kind", "reason")})


def broken_reply(reason: str) -> RequestFault:
    """An answer with status 200 that is not what was asked for: truncated, malformed, or of another protocol."""
    return RequestFault("broken reply", reason, retry=True, billed=True)


def timed_out(seconds: float) -> RequestFault:
    """No whole answer within the time limit."""
    return RequestFault("time-out", f"no answer within {seconds:g} s", retry=True, overload=True, billed=True)


def of_status(status: int, message: str, wait: float | None) -> RequestFault:
    """An HTTP error. Rate limits and overload are retried after ``wait``, other 5xx too; 4xx are not."""
    reason = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    if status == 429 and "insufficient_quota" in message:
        return RequestFault("fatal", reason, retry=False, fatal=True, status=status)
    if status in _OVERLOADED:
        kind = "rate limit" if status == 429 else "overload"
        return RequestFault(kind, reason, retry=True, wait=wait, overload=True, status=status)
    if status in _FATAL:
        return RequestFault("fatal", f"{_FATAL[status]} ({reason})", retry=False, fatal=True, status=status)
    if status >= 500 or status in _LATER:
        return RequestFault("server error", reason, retry=True, wait=wait, status=status)
    return RequestFault("refused", reason, retry=False, status=status)


def asks_too_much(fault: RequestFault, most: float) -> RequestFault:
    """A server that asks to wait longer than anybody wants to: for this run it will not answer."""
    asked = format_seconds(min(fault.wait or 0.0, 1e8))
    reason = f"asks to wait {asked} (Retry-After), longer than max_wait, {format_seconds(most)} ({fault.reason})"
    return RequestFault(fault.kind, reason, retry=False, fatal=True, status=fault.status)


def redacted(text: str, key: str | None) -> str:
    """``text`` on one line, shortened, with the key and whatever looks like one blacked out."""
    if key:
        text = text.replace(key, "(key)")
    return " ".join(_SECRETS.sub("(key)", text).split())[:SHOWN]


def _rebuild(kind: str, reason: str, more: dict[str, Any]) -> RequestFault:
    return RequestFault(kind, reason, **more)


@dataclass
class RunCounts:
    """Counts of one run. ``stopped``: target, token budget or money budget, when one of them ended it early."""

    answered: int = 0
    failed: int = 0
    skipped: int = 0  # resolved by an earlier run
    documents: int = 0  # begun
    retried: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    truncated: int = 0
    unusable: int = 0  # answers that did not finish, or without a text free of markup
    lost: int = 0  # tokens that tries without an answer may have cost
    stopped: str | None = None
    waits_until: float = 0.0  # Retry-After
    busy: float = 0.0  # seconds in which a generator worked
    generators: list[dict[str, Any]] = field(default_factory=list)  # their identities
    begun: float = field(default_factory=time.monotonic)
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _used: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _rate: deque[tuple[float, int]] = field(default_factory=deque)

    def count(self, reply: Reply) -> None:
        """An answer.

        Raises:
            Failure: nine of ten of the last answers cannot be used.
        """
        self.answered += 1
        self.input_tokens += reply.input_tokens
        self.output_tokens += reply.output_tokens
        self.truncated += reply.finish == CUT
        self.unusable += reply.written == 0
        self._recent.append(True)
        self._used.append(reply.written > 0)
        bad = self._used.count(False)
        if len(self._used) >= LEAST_SETTLED and bad >= USELESS * len(self._used):
            raise Failure(
                f"{bad} of the last {len(self._used)} answers cannot be used: they did not finish, or hold no text "
                f"that is free of a model's markup (the last one's finish reason: {reply.finish})",
                key="generate",
                remedy="look at the answers in requests/; raise max_tokens, have the server parse reasoning, or for a "
                "server that never says why an answer ends add --filter finish=[missing]",
            )

    def fail(self, fault: RequestFault) -> None:
        """A request that failed for good.

        Raises:
            Failure: half of the last requests did.
        """
        self.failed += 1
        self._recent.append(False)
        bad = self._recent.count(False)
        if len(self._recent) >= LEAST_SETTLED and 2 * bad >= len(self._recent):
            named = [name for name in SAMPLING_PARAMETERS if fault.status in (400, 422) and name in fault.reason]
            remedy = "fix the cause, then run the same command with --retry-failed"
            if named and named[0] != "max_tokens":
                remedy = f"leave it out with --sampling {named[0]}=null, in another folder"
            raise Failure(
                f"{bad} of the last {len(self._recent)} requests failed, the last one: {fault.kind}, {fault.reason}",
                key="generate",
                remedy=remedy,
            )

    def plus(self, later: "RunCounts") -> "RunCounts":
        """This run and a later one as one; ``stopped`` is the later one's."""
        names = ("answered", "failed", "retried", "input_tokens", "output_tokens", "truncated", "unusable", "busy")
        both = {name: getattr(self, name) + getattr(later, name) for name in names}
        generators = [*self.generators, *(each for each in later.generators if each not in self.generators)]
        lost = max(self.lost, later.lost)
        return RunCounts(**both, skipped=later.skipped, lost=lost, stopped=later.stopped, generators=generators)

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
        left = self.waits_until - time.monotonic()
        parts += [f"waits {format_seconds(left)} as the server asks"] if left > 1 else []
        return ", ".join(parts)
