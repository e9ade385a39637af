"""The HTTP connections below the official client.

Its pool looks at every connection for every request: 128 connections instead of 32 cost half as much processor time
again (docs/generation.md). Here they are kept in pools of eight.
"""

import urllib.request
from typing import Any
from urllib.parse import urlsplit

EACH = 8
KEEP_SECONDS = 60.0


def http_library() -> Any:
    """The HTTP library that the installed client is built on (``httpx``, or ``httpx2`` from version 3 on)."""
    from importlib import import_module

    import openai

    return import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.split(".")[0])


def http_client(url: str, timeout: float) -> Any:
    """An asynchronous HTTP client without a limit on connections (the pace limits them).

    Args:
        timeout: seconds for connecting, writing and every single read.
    """
    http = http_library()
    if proxied(url):  # proxies of the environment are the client's own affair
        limits = http.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_SECONDS)
        return http.AsyncClient(limits=limits, timeout=timeout, follow_redirects=True)

    base: Any = http.AsyncBaseTransport

    class Lanes(base):
        """Pools of :data:`EACH` connections, filled one after the other."""

        def __init__(self) -> None:
            self.pools: list[Any] = []
            self.busy: list[int] = []
            self.verify: Any = http.create_ssl_context() if url.startswith("https") else False
            self.limits = http.Limits(
                max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_SECONDS
            )

        async def handle_async_request(self, request: Any) -> Any:
            at = next((i for i, busy in enumerate(self.busy) if busy < EACH), len(self.pools))
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

    return http.AsyncClient(transport=Lanes(), timeout=timeout, follow_redirects=True)


def proxied(url: str) -> bool:
    """Whether the environment names a proxy for ``url``."""
    parts = urlsplit(url)
    return bool(urllib.request.getproxies().get(parts.scheme)) and not urllib.request.proxy_bypass(parts.netloc)
