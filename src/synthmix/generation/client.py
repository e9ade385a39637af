"""Any OpenAI-compatible server, hosted or local, through the official client.

Retries are the runner's, so that they share one limit, one journal and one budget. The answer is taken from the
client as it came: building its typed objects took a third of a request's processor time (docs/generation.md).

The client's own pool looks at every connection for every request: 128 connections instead of 32 cost half as much
processor time again. Here connections are kept in pools of eight.
"""

import asyncio
import json
import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from synthmix.errors import BadInput
from synthmix.generation.failures import RequestFault, broken_reply, of_status, redacted, timed_out
from synthmix.generation.prompts import Prompt, Reply

POOL_CONNECTIONS = 8
KEEP_SECONDS = 60.0
NEW_LIMIT = "max_completion_tokens"


def http_library() -> Any:
    """The HTTP library that the installed client is built on (``httpx``, or ``httpx2`` from version 3 on)."""
    from importlib import import_module

    import openai

    return import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.split(".")[0])


def http_client(url: str, timeout: float) -> Any:
    """An asynchronous HTTP client without a limit on connections (:mod:`synthmix.generation.concurrency` limits them).

    Args:
        timeout: seconds for connecting, writing and every single read.
    """
    http = http_library()
    if proxied(url):  # proxies of the environment are left to the client
        limits = http.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_SECONDS)
        return http.AsyncClient(limits=limits, timeout=timeout, follow_redirects=True)

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
                await response.aread()  # so that the connection is free again when this returns
                return response
            finally:
                self.busy[at] -= 1

        async def aclose(self) -> None:
            for pool in self.pools:
                await pool.aclose()

    return http.AsyncClient(transport=Pools(), timeout=timeout, follow_redirects=True)


def proxied(url: str) -> bool:
    """Whether the environment names a proxy for ``url``."""
    parts = urlsplit(url)
    return bool(urllib.request.getproxies().get(parts.scheme)) and not urllib.request.proxy_bypass(parts.netloc)


class OpenAIEndpoint:
    """An endpoint ``url`` (up to and with ``/v1``) that serves ``model``.

    Args:
        key: sent as a bearer token, kept in memory only; None for a server that asks for none.
        timeout: seconds for one whole answer.

    Raises:
        BadInput: not an http address, or one that holds a password; the client is not installed.
    """

    def __init__(self, url: str, model: str, *, key: str | None = None, timeout: float = 300.0) -> None:
        try:
            import openai
        except ImportError:
            raise BadInput(
                "the OpenAI client is not installed", key="endpoint", remedy='run pip install "synthmix[generate]"'
            ) from None

        self.url, self.model, self.timeout = checked_url(url), model, timeout
        self._key, self._limit = key, "max_tokens"
        self._http = http_library()
        self._client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=key or "none",
            max_retries=0,
            timeout=timeout,
            http_client=http_client(self.url, timeout),
        )
        self.identity: dict[str, Any] = {"model": model, "endpoint": self.url}

    def __repr__(self) -> str:
        return f"OpenAIEndpoint({self.url!r}, {self.model!r})"

    async def complete(self, prompt: Prompt) -> Reply:
        """The answer to one request.

        Raises:
            RequestFault: there is none; it says whether another try may help.
        """
        begun = time.monotonic()
        try:
            answer = await self._ask("/chat/completions", self._body(prompt))
        except RequestFault as fault:
            if self._limit == NEW_LIMIT or fault.status != 400 or NEW_LIMIT not in fault.reason:
                raise
            self._limit = NEW_LIMIT  # hosted reasoning models know the limit by this name only
            answer = await self._ask("/chat/completions", self._body(prompt))
        found = self._parse(answer)
        return Reply(key=prompt.key, seconds=round(time.monotonic() - begun, 4), **found)

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        limit = {self._limit if name == "max_tokens" else name: value for name, value in prompt.sampling.items()}
        return {"model": self.model, "messages": list(prompt.messages), **limit}

    async def models(self) -> list[str] | None:
        """What the server says it serves; None where it has no such page, keeps it from us, or fails at it.

        That a model is not in the list does not yet mean that it is not served: some servers load any name.

        Raises:
            RequestFault: no answer, too many requests, or another protocol.
        """
        try:
            answer = await self._ask("/models", None)
        except RequestFault as fault:
            if fault.status is None or fault.overload:
                raise
            return None
        data = answer.get("data") if isinstance(answer, dict) else answer
        if not isinstance(data, list):
            raise broken_reply(f"its list of models is {redacted(json.dumps(answer)[:100], self._key)}")
        names = [each.get("id") if isinstance(each, dict) else each for each in data]
        return [name for name in names if isinstance(name, str)]

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
        except openai.APIConnectionError as error:
            raise self._connection_fault(error) from None
        except openai.APIStatusError as error:
            message = self._message(error.response)
            raise of_status(error.status_code, message, retry_after(error.response.headers)) from None
        try:
            return json.loads(response.content)
        except ValueError:
            raise broken_reply(f"not JSON but {self._shown(response)}") from None

    def _parse(self, answer: Any) -> dict[str, Any]:
        try:
            choice, usage = answer["choices"][0], answer.get("usage") or {}
            text = choice["message"]["content"]
            if not isinstance(text, str | None):
                raise TypeError
            text = text or ""
            text.encode()
            return {
                "text": text,
                "finish": str(choice.get("finish_reason") or "stop"),
                "input_tokens": int(usage.get("prompt_tokens") or 0),
                # A server that does not count: four characters a token.
                "output_tokens": int(usage.get("completion_tokens") or -(-len(text) // 4)),
                "model": str(answer.get("model") or self.model),
            }
        except (LookupError, TypeError, AttributeError, ValueError):
            raise broken_reply(f"no message in {redacted(json.dumps(answer)[:100], self._key)}") from None

    def _connection_fault(self, error: Exception) -> RequestFault:
        """A connection that was refused, or broke; only in the second case may the server have worked."""
        cause = error.__cause__ or error
        refused = type(cause).__name__ in ("ConnectError", "ConnectTimeout", "UnsupportedProtocol", "ProxyError")
        reason = redacted(str(cause) or type(cause).__name__, self._key)
        return RequestFault("unreachable" if refused else "connection", reason, retry=True, billed=not refused)

    def _message(self, response: Any) -> str:
        """The server's own words: ``{"error": {"message": ...}}``, ``{"detail": ...}``, or the body."""
        try:
            found = json.loads(response.content)
        except ValueError:
            return self._shown(response) if response.content.strip() else ""
        inner = found.get("error", found) if isinstance(found, dict) else found
        if isinstance(inner, dict):
            words = [inner.get("message") or inner.get("detail") or "", inner.get("code") or ""]
            inner = " ".join(str(word) for word in words if word)
        return redacted(str(inner), self._key)

    def _shown(self, response: Any) -> str:
        kind = response.headers.get("content-type", "something").split(";")[0]
        return f"{kind}: {redacted(response.content[:80].decode(errors='replace'), self._key)!r}"


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
            except ValueError:
                continue
        if seconds == seconds:  # not NaN
            return max(0.0, seconds)
    return None
