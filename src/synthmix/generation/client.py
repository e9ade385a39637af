"""Any OpenAI-compatible server, hosted or local, through the official client.

Retries are the runner's, so that they share one limit, one journal and one budget. The answer is taken from the
client as it came: building its typed objects took a third of a request's processor time (docs/generation.md).

The client's own pool looks at every connection for every request: 128 connections instead of 32 cost half as much
processor time again. Here connections are kept in pools of eight.
"""

import asyncio
import json
import math
import re
import time
import urllib.request
from collections.abc import Collection
from typing import Any
from urllib.parse import urljoin, urlsplit

from synthmix.errors import BadInput
from synthmix.generation.budget import most_tokens
from synthmix.generation.failures import RequestFault, broken_reply, of_status, redacted, timed_out
from synthmix.generation.finishes import ERROR, FILTERED, TOOLS, WHOLE, finish_of
from synthmix.generation.keys import Masked
from synthmix.generation.prompts import Prompt, Reply
from synthmix.generation.usage import usage_of

POOL_CONNECTIONS = 8
KEEP_SECONDS = 60.0
LONGEST_ANSWER = 32 << 20  # bytes; the longest that a model writes has a few
NEW_LIMIT = "max_completion_tokens"
_OPTIONAL = ("seed",)  # drawn for every request, and of use only where a server knows it
_NOT_TEXT = ("thinking", "redacted_thinking", "reasoning", "reasoning_text", "reasoning_content", "thought", "summary")
_REASONING = ("reasoning_content", "reasoning", "thinking", "thought")  # fields beside the content
_UNFINISHED_TRIES = 2  # further ones, of an answer that the server broke off
_HEADERS = (
    *("host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"),
    "transfer-encoding",
)
_MODEL_SHOWN = 200  # characters of a model's name


def http_library() -> Any:
    """The HTTP library that the installed client is built on (``httpx``, or ``httpx2`` from version 3 on)."""
    from importlib import import_module

    import openai

    return import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.split(".")[0])


def http_client(url: str, timeout: float, key: str | None = None) -> Any:
    """An asynchronous HTTP client without a limit on connections (:mod:`synthmix.generation.concurrency` limits them).

    Args:
        timeout: seconds for connecting, writing and every single read.
        key: sent as a bearer token.
    """
    http = http_library()

    async def only_what_is_needed(request: Any) -> None:
        # The official client takes an organisation, a project, an administrator's key and headers from the environment,
        # and would send them to whichever server is named.
        for name in [each for each in request.headers if each.lower() not in _HEADERS]:
            del request.headers[name]
        request.headers["Authorization"] = f"Bearer {key or 'none'}"

    hooks = {"request": [only_what_is_needed], "response": [stays_there]}
    more: dict[str, Any] = {"timeout": timeout, "follow_redirects": True, "event_hooks": hooks}
    if proxied(url):  # proxies of the environment are left to the client
        limits = http.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_SECONDS)
        return http.AsyncClient(limits=limits, **more)

    base: Any = http.AsyncBaseTransport

    class Pools(base):
        """Pools of :data:`POOL_CONNECTIONS` connections, filled one after the other."""

        def __init__(self) -> None:
            self.pools: list[Any] = []
            self.busy: list[int] = []
            self.verify: Any = http.create_ssl_context() if url.startswith("https") else False
            self.limits = http.Limits(
                max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_SECONDS
            )

        async def handle_async_request(self, request: Any) -> Any:
            at = next((i for i, busy in enumerate(self.busy) if busy < POOL_CONNECTIONS), len(self.pools))
            if at == len(self.pools):
                self.pools.append(http.AsyncHTTPTransport(verify=self.verify, limits=self.limits))
                self.busy.append(0)
            self.busy[at] += 1
            try:
                response = await self.pools[at].handle_async_request(request)
                response.request = request
                return await whole(response)  # so that the connection is free again when this returns
            finally:
                self.busy[at] -= 1

        async def aclose(self) -> None:
            for pool in self.pools:
                await pool.aclose()

    return http.AsyncClient(transport=Pools(), **more)


async def whole(response: Any) -> Any:
    """``response`` with its content read and unpacked, piece by piece.

    Raises:
        TooLong: it is longer than any answer.
    """
    pieces, size = [], 0
    try:
        async for piece in response.aiter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > LONGEST_ANSWER:
                raise TooLong
    finally:
        await response.aclose()
    packed = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in packed]
    return type(response)(response.status_code, headers=headers, content=b"".join(pieces), request=response.request)


class TooLong(Exception):
    """An answer that does not end."""


class Redirected(Exception):
    """An answer that sends the request, its text and its key to another server."""


async def stays_there(response: Any) -> None:
    """Refuse a redirect away from the server that was named; one to https on the same host may be followed.

    Raises:
        Redirected: the answer is one.
    """
    if not response.has_redirect_location:
        return
    here = urlsplit(str(response.request.url))
    try:
        there = urlsplit(urljoin(str(response.request.url), response.headers["location"]))
        same = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
        safer = (here.scheme, there.scheme) == ("http", "https") and (here.port, there.port) == (None, None)
        name = f"{there.scheme}://{there.netloc.rpartition('@')[2]}"
    except ValueError:
        same, safer, name = False, False, "no address"
    if not same and not (safer and here.hostname == there.hostname):
        raise Redirected(name)


def proxied(url: str) -> bool:
    """Whether the environment names a proxy for ``url``."""
    parts = urlsplit(url)
    return bool(urllib.request.getproxies().get(parts.scheme)) and not urllib.request.proxy_bypass(parts.netloc)


class OpenAIEndpoint:
    """An endpoint ``url`` (up to and with ``/v1``) that serves ``model``.

    Args:
        key: sent as a bearer token, kept in memory only; None for a server that asks for none.
        timeout: seconds for one whole answer.
        finishes: finish reasons that are as good as ``stop``.

    Raises:
        BadInput: not an http address, or one that holds a password; the client is not installed.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str | None = None,
        timeout: float = 300.0,
        finishes: Collection[str] = (),
    ) -> None:
        try:
            import openai
        except ImportError:
            raise BadInput(
                "the OpenAI client is not installed", key="endpoint", remedy='run pip install "synthmix[generate]"'
            ) from None

        self.url, self.model, self.timeout = checked_url(url), model, timeout
        self._mask, self._sent_otherwise = Masked(key), frozenset[str]()
        self._finishes = finishes
        self._http = http_library()
        self._client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=key or "none",
            max_retries=0,
            timeout=timeout,
            http_client=http_client(self.url, timeout, key),
        )
        self.identity: dict[str, Any] = {"model": model, "endpoint": self.url}

    def __repr__(self) -> str:
        return f"OpenAIEndpoint({self.url!r}, {self.model!r})"

    async def complete(self, prompt: Prompt) -> Reply:
        """The answer to one request.

        Raises:
            RequestFault: there is none; it says whether another try may help.
        """
        begun, tried = time.monotonic(), self._sent_otherwise
        while True:
            # What a request was sent with is its own: others learn something while it waits.
            body = self._body(prompt, tried)
            try:
                answer = await self._ask("/chat/completions", body)
                break
            except RequestFault as fault:
                if not (learned := _refused(body, fault)):
                    raise
                self._sent_otherwise |= learned
                tried |= learned
        if left_out := sorted(tried & set(_OPTIONAL)):
            self.identity["left_out"] = left_out
        found = self._parse(answer, most_tokens(prompt))
        left = tuple(name for name in left_out if name in prompt.sampling)
        return Reply(key=prompt.key, seconds=round(time.monotonic() - begun, 4), left_out=left, **found)

    def _body(self, prompt: Prompt, otherwise: frozenset[str]) -> dict[str, Any]:
        limit = NEW_LIMIT if "max_tokens" in otherwise else "max_tokens"
        left_out = otherwise & set(_OPTIONAL)
        sampling = {name: value for name, value in prompt.sampling.items() if name not in left_out}
        sent = {limit if name == "max_tokens" else name: value for name, value in sampling.items()}
        return {"model": self.model, "messages": list(prompt.messages), **sent}

    async def models(self) -> list[str] | None:
        """What the server says it serves; None where it has no such page, keeps it from us, or fails at it.

        That a model is not in the list does not yet mean that it is not served: some servers load any name.

        Raises:
            RequestFault: no answer, too many requests, or another protocol.
        """
        try:
            answer = await self._ask("/models", None)
        except RequestFault as fault:
            if fault.kind == "broken reply":  # a page of another kind; the answers tell whether it is a server at all
                return None
            if fault.status is None or fault.overload:
                raise
            return None
        data = answer.get("data") if isinstance(answer, dict) else answer
        if data is None and isinstance(answer, dict):
            data = answer.get("models")
        if not isinstance(data, list):
            return None
        names = [each.get("id", each.get("name")) if isinstance(each, dict) else each for each in data]
        return [self._name(name) if name != self.model else name for name in names if isinstance(name, str)]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, path: str, body: dict[str, Any] | None) -> Any:
        import openai

        try:
            async with asyncio.timeout(self.timeout):
                if body is None:
                    response = await self._client.get(path, cast_to=self._http.Response)
                else:
                    response = await self._client.post(path, cast_to=self._http.Response, body=body)
        except (TimeoutError, openai.APITimeoutError):
            raise timed_out(self.timeout) from None
        except (Redirected, TooLong) as error:
            raise self._connection_fault(error) from None
        except openai.APIConnectionError as error:
            raise self._connection_fault(error) from None
        except openai.APIStatusError as error:
            message = self._message(error.response)
            raise of_status(error.status_code, message, retry_after(error.response.headers)) from None
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            raise broken_reply(f"not JSON but {self._shown(response)}") from None

    def _parse(self, answer: Any, most: tuple[int, int]) -> dict[str, Any]:
        if isinstance(answer, dict) and answer.get("error") and not answer.get("choices"):
            reason = f"an error instead of an answer: {self._words(answer['error'])}"
            raise RequestFault("server error", reason, retry=True, billed=True)
        try:
            choice = answer["choices"][0]
            message = choice["message"]
            text = _text_of(message.get("content"))
            text.encode()
            finish = ERROR if choice.get("error") else finish_of(choice.get("finish_reason"))
            hidden = next((message[name] for name in _REASONING if isinstance(message.get(name), str)), "").strip()
        except (LookupError, TypeError, AttributeError, ValueError):
            raise broken_reply(f"no message in {self._cut(json.dumps(answer))}") from None
        if finish == ERROR:
            reason = "the server ended the answer with an error"
            raise RequestFault("broken off", reason, retry=True, billed=True, tries=_UNFINISHED_TRIES)
        if hidden and text.lstrip().startswith(hidden):
            text = text.lstrip()[len(hidden) :]  # reasoning, said in its own field too
        if message.get("refusal"):  # whatever the server calls the end of it
            finish = FILTERED
        elif message.get("tool_calls") or message.get("function_call"):
            finish = TOOLS
        text = self._mask.text(text)
        used = usage_of(answer.get("usage"), text, WHOLE if finish in self._finishes else finish, most)
        return {
            "text": text,
            "finish": finish,
            "input_tokens": used.input,
            "output_tokens": used.output,
            "text_tokens": used.text,
            "counted": used.counted,
            "model": self._name(answer.get("model")),
        }

    def _name(self, said: Any) -> str:
        """A model's name as a server says it."""
        name = self._mask(said) if isinstance(said, str) and said.strip() else self.model
        return "".join(each for each in name if each.isprintable())[:_MODEL_SHOWN]

    def _cut(self, text: str) -> str:
        return redacted(self._mask(text)[:_MODEL_SHOWN], None)

    def _connection_fault(self, error: Exception) -> RequestFault:
        """A connection that was refused, or broke; only in the second case may the server have worked."""
        cause = error.__cause__ or error
        if isinstance(cause, Redirected):
            reason = f"sends requests on to another server, {self._cut(str(cause))}: refused"
            return RequestFault("redirect", reason, retry=False, fatal=True)
        if isinstance(cause, TooLong):
            raise broken_reply(f"more than {LONGEST_ANSWER >> 20} MB")
        refused = type(cause).__name__ in ("ConnectError", "ConnectTimeout", "UnsupportedProtocol", "ProxyError")
        reason = redacted(self._mask(str(cause)) or type(cause).__name__, None)
        return RequestFault("unreachable" if refused else "connection", reason, retry=True, billed=not refused)

    def _message(self, response: Any) -> str:
        """The server's own words: ``{"error": {"message": ...}}``, ``{"detail": ...}``, or the body."""
        try:
            found = json.loads(response.content)
        except (ValueError, RecursionError):
            return self._shown(response) if response.content.strip() else ""
        return self._words(found.get("error", found) if isinstance(found, dict) else found)

    def _words(self, inner: Any) -> str:
        if isinstance(inner, dict):
            words = [inner.get("message") or inner.get("detail") or "", inner.get("code") or ""]
            inner = " ".join(str(word) for word in words if word)
        return redacted(self._mask(str(inner)), None)

    def _shown(self, response: Any) -> str:
        kind = response.headers.get("content-type", "something").split(";")[0]
        shown = redacted(self._mask(response.content[:1000].decode(errors="replace")), None)[:80]
        return f"{self._mask(kind)[:80]}: {shown!r}"


def _refused(body: dict[str, Any], fault: RequestFault) -> frozenset[str]:
    """Parameters of ``body`` that the server does not know and that can be done without, or named otherwise."""
    if fault.status not in (400, 422):
        return frozenset()
    found = {name for name in _OPTIONAL if name in body and re.search(rf"\b{name}\b", fault.reason)}
    if "max_tokens" in body and NEW_LIMIT in fault.reason:
        found.add("max_tokens")  # hosted reasoning models know the limit by its new name only
    return frozenset(found)


def _text_of(content: Any) -> str:
    """The text of a message: a string, or a list of parts of which those that are reasoning are left out.

    Raises:
        TypeError: something else.
    """
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise TypeError
    found = []
    for part in content:
        if isinstance(part, dict) and part.get("type") in _NOT_TEXT:
            continue
        kind, text = (part.get("type", "text"), part.get("text")) if isinstance(part, dict) else ("text", part)
        if kind not in ("text", "output_text") or not isinstance(text, str):
            raise TypeError
        found.append(text)
    return "".join(found)


def checked_url(url: str) -> str:
    """``url`` without a slash at its end.

    Raises:
        BadInput: not an http address, or one that holds a password or a query.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise BadInput(f"{url!r} is not an http address", key="endpoint", remedy="write http://localhost:8000/v1")
    if parts.username or parts.password or parts.query:
        raise BadInput(
            "the address holds a password or a query",
            key="endpoint",
            where=f"{parts.scheme}://{parts.hostname}",
            remedy="keys come from the environment, see --key-env",
        )
    return url.rstrip("/")


def retry_after(headers: Any) -> float | None:
    """Seconds that ``Retry-After`` (or ``retry-after-ms``) asks for; None without one that is a number or a date."""
    from email.utils import parsedate_to_datetime

    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                continue
        if not math.isnan(seconds):
            return max(0.0, seconds)
    return None
