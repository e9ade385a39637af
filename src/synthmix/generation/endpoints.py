"""The endpoints that a job names: looked at before the first paid request, then each with its own concurrency."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from synthmix.errors import BadInput
from synthmix.generation.client import OpenAIEndpoint, checked_url
from synthmix.generation.concurrency import Concurrency
from synthmix.generation.failures import RequestFault
from synthmix.generation.keys import KEY, Allowed, key_for
from synthmix.generation.prompts import Endpoint, Prompt
from synthmix.generation.settings import GenerateConfig

PROBES = 4  # tries before a server that answers with errors is given up
LONGEST_WAIT = 10.0  # seconds between them
_QUESTION = Prompt("", "", 0, 1, 0, ({"role": "user", "content": "Hello"},), "", "", {"max_tokens": 1})
PAUSE = (1.0, 30.0)  # seconds for which an endpoint that cannot be reached is left alone, first and at most
PAUSES = 8  # of them in a row, about two minutes, before it is given up


def keys_for(config: GenerateConfig, allowed: Sequence[Allowed]) -> list[str | None]:
    """The key for each endpoint, from the environment.

    Raises:
        BadInput: not an http address; see :func:`synthmix.generation.keys.key_for`.
    """
    return [key_for(checked_url(url), config.key_env, allowed) for url in config.endpoint]


def endpoints_of(config: GenerateConfig, allowed: Sequence[Allowed] = ()) -> list[OpenAIEndpoint]:
    """A connection to each endpoint.

    Raises:
        BadInput: no key, or one that may not go there, or not an http address.
    """
    keys = keys_for(config, allowed)
    return [
        OpenAIEndpoint(url, config.model, key=key, timeout=config.timeout, finishes=config.filters.finish)
        for url, key in zip(config.endpoint, keys, strict=True)
    ]


async def probe(endpoints: Sequence[OpenAIEndpoint], key_name: str = KEY) -> None:
    """See that every endpoint is there, speaks the protocol, takes the key and has the model.

    Costs nothing where the server lists its models and ours is among them; else one token.

    Raises:
        BadInput: one line that says which endpoint, what is wrong and what to do.
    """
    for endpoint in endpoints:
        listed: list[str] | None = None
        try:
            listed = await _patiently(endpoint.models, endpoint)
            if listed is None or endpoint.model not in listed:
                await _patiently(partial(endpoint.complete, _QUESTION), endpoint)
        except RequestFault as fault:
            raise _explained(fault, endpoint, listed, key_name) from None


async def _patiently(ask: Callable[[], Awaitable[Any]], endpoint: OpenAIEndpoint) -> Any:
    """``await ask()``, again after faults that may pass."""
    for attempt in range(PROBES - 1):
        try:
            return await ask()
        except RequestFault as fault:
            late = fault.kind == "time-out" and endpoint.timeout > LONGEST_WAIT
            late |= (fault.wait or 0.0) > LONGEST_WAIT  # the job says it, and for how long
            if not fault.retry or fault.kind == "unreachable" or late:
                raise
            await asyncio.sleep(min(max(fault.wait or 0.0, 0.2 * 2**attempt), LONGEST_WAIT))
    return await ask()


def _explained(fault: RequestFault, endpoint: OpenAIEndpoint, listed: list[str] | None, key_name: str) -> BadInput:
    where = endpoint.url
    if fault.kind == "unreachable":
        return BadInput(
            f"cannot be reached ({fault.reason})", where=where, remedy="start the server, or fix --endpoint"
        )
    if fault.status in (401, 403):
        return BadInput(fault.reason, where=where, remedy=f"put a valid key into {key_name}")
    if fault.kind == "broken reply":
        return BadInput(
            f"does not answer as an OpenAI-compatible server ({fault.reason})",
            where=where,
            remedy="fix --endpoint; most addresses end in /v1",
        )
    answered = fault.status is not None and fault.status not in (402, 429) and not fault.overload
    if answered and endpoint.model not in (listed or []):
        # Servers answer a name that they do not know with 404, 400, 422 or 500, with words of their own or none.
        if listed is not None:
            have = f"it has {', '.join(listed[:8])}" if listed else "it lists none"
            problem = f"no model '{endpoint.model}' there; {have} ({fault.reason})"
        elif fault.status in (400, 404, 422):
            problem = f"no model '{endpoint.model}' there ({fault.reason})"
        else:
            problem = (
                f"fails when asked for the model '{endpoint.model}', and does not list its models ({fault.reason})"
            )
        return BadInput(problem, where=where, key="model", remedy="name one with --model; most addresses end in /v1")
    return BadInput(f"{fault.kind}: {fault.reason}", where=where, remedy="check the server and its log")


@dataclass
class EndpointState:
    """One endpoint. ``dead``: it will never answer. ``unreachable``: times in a row."""

    client: Endpoint
    concurrency: Concurrency
    dead: bool = False
    unreachable: int = 0

    def out_of_reach(self, now: float) -> bool:
        """Leave it alone for a while, longer each time; whether that was tried often enough. What is in flight to it
        fails together and counts once."""
        if now >= self.concurrency.paused_until:
            self.unreachable += 1
            self.concurrency.pause(now + min(PAUSE[1], PAUSE[0] * 2 ** min(self.unreachable - 1, 10)))
        return self.unreachable > PAUSES

    @property
    def where(self) -> str | None:
        """Its address, for messages."""
        return self.client.identity.get("endpoint")


def free_endpoint(endpoints: Sequence[EndpointState], now: float) -> EndpointState | None:
    """The endpoint with room that is used least."""
    free = [endpoint for endpoint in endpoints if not endpoint.dead and endpoint.concurrency.room(now)]
    return min(free, key=lambda endpoint: endpoint.concurrency.load) if free else None
