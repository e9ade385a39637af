"""What a generator is asked and what it answers: plain values that every part of generation shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from synthmix.files import content_hash


@dataclass(frozen=True)
class Prompt:
    """One request. ``document`` names the source document, ``source`` is the text that the prompt shows (a chunk of
    it, or the seeds of a new text). ``sampling`` are the drawn parameters (temperature, top_p, ...)."""

    document: str
    document_hash: str
    chunk: int
    chunks: int
    rollout: int
    messages: tuple[Mapping[str, str], ...]
    source: str
    template: str  # name@version:hash
    sampling: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Document, chunk, rollout and a hash of the payload: what a finished request is found by."""
        payload = [
            self.document,
            self.document_hash,
            self.chunk,
            self.chunks,
            self.rollout,
            [*map(dict, self.messages)],
        ]
        return content_hash([*payload, dict(self.sampling)])


@dataclass(frozen=True)
class Reply:
    """One answer. ``finish``: ``stop``, ``length``, ...; tokens as the server counts them; ``seconds`` of waiting."""

    key: str
    text: str
    finish: str
    input_tokens: int
    output_tokens: int
    model: str
    seconds: float


class Endpoint(Protocol):
    """A generator behind a connection: many requests at once, each on its own."""

    identity: dict[str, Any]  # model, address without secrets, ...: recorded as provenance

    async def complete(self, prompt: Prompt) -> Reply: ...


class Batcher(Protocol):
    """A generator in this process: ``batch`` prompts at once."""

    identity: dict[str, Any]
    batch: int

    def complete_many(self, prompts: Sequence[Prompt]) -> list[Reply]: ...
