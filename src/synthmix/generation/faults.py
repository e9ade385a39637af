"""What can go wrong with a request, in one vocabulary: is it worth another try, when, and what does it tell."""

import re
from typing import Any

SHOWN = 200  # characters of a server's own message
_SECRETS = re.compile(r"\b(sk|key|gsk|hf|xai|AIza)[-_][^\s'\",;]{6,}|(?<=[Bb]earer )\S+")
_OVERLOADED = {429, 503, 529}
_LATER = {408, 409, 425}
_FATAL = {401: "refuses the key", 402: "asks for payment", 403: "refuses access", 404: "knows no such page or model"}


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
    ) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.retry, self.fatal = kind, reason, retry, fatal
        self.wait, self.overload, self.billed, self.status = wait, overload, billed, status

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


def clean(text: str, key: str | None) -> str:
    """``text`` on one line, shortened, with the key and whatever looks like one blacked out."""
    if key:
        text = text.replace(key, "(key)")
    return " ".join(_SECRETS.sub("(key)", text).split())[:SHOWN]


def _rebuild(kind: str, reason: str, more: dict[str, Any]) -> RequestFault:
    return RequestFault(kind, reason, **more)
