"""From answers back to documents: the chunks of each in order, with where they came from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from synthmix.generation.chunks import join_chunks
from synthmix.generation.cleaning import Cleaning
from synthmix.generation.prompt import Prompt, Reply

Name = tuple[str, str, int]
CLEANING = Cleaning()


@dataclass(frozen=True)
class Generated:
    """A finished document. ``source_text`` is the source in full, or the seeds of a new text.

    ``provenance``: source id and hash, rollout, template, model, sampling, chunks, tokens, finish (``length`` when any
    chunk ran into its limit), seconds of waiting, and the keys of the requests.
    """

    text: str
    document: str
    document_hash: str
    rollout: int
    source_text: str
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def truncated(self) -> bool:
        """Whether an answer ran into its token limit: kept, and marked."""
        return self.provenance.get("finish") == "length"


@dataclass(frozen=True)
class Incomplete:
    """A document of which ``missing`` of ``chunks`` requests were not answered; nothing of it is passed on."""

    document: str
    document_hash: str
    rollout: int
    chunks: int
    missing: int


class Assembly:
    """Iterates over the documents as they become whole; afterwards ``incomplete`` lists those that did not.

    Memory: the answers of documents that wait for more of theirs. An answer may be None (a request that failed for
    good): the rest of its document is then let go at once.

    Args:
        pairs: requests and answers, in any order; a request's second answer is ignored while its document waits.
        cleaning: what is taken off each answer; None takes nothing off.
    """

    def __init__(self, pairs: Iterable[tuple[Prompt, Reply | None]], cleaning: Cleaning | None) -> None:
        self.incomplete: list[Incomplete] = []
        self._cleaning = cleaning
        self._found = self._join(pairs)

    def __iter__(self) -> Iterator[Generated]:
        return self._found

    def __next__(self) -> Generated:
        return next(self._found)

    def _join(self, pairs: Iterable[tuple[Prompt, Reply | None]]) -> Iterator[Generated]:
        waiting: dict[Name, _Waiting] = {}
        for prompt, reply in pairs:
            name = (prompt.document, prompt.document_hash, prompt.rollout)
            parts = waiting.setdefault(name, _Waiting(prompt.chunks))
            parts.take(prompt, reply)
            if len(parts.seen) == prompt.chunks:
                del waiting[name]
                if parts.failed:
                    self.incomplete.append(parts.report(name))
                else:
                    yield self._document([parts.answers[number] for number in sorted(parts.answers)])
        self.incomplete.extend(parts.report(name) for name, parts in waiting.items())

    def _document(self, parts: list[tuple[Prompt, Reply]]) -> Generated:
        first, clean = parts[0][0], self._cleaning.clean if self._cleaning is not None else str.strip
        replies = [reply for _, reply in parts]
        return Generated(
            text=join_chunks([clean(reply.text) for reply in replies]),
            document=first.document,
            document_hash=first.document_hash,
            rollout=first.rollout,
            source_text="".join(prompt.source for prompt, _ in parts),
            provenance={
                "source": first.document,
                "source_hash": first.document_hash,
                "rollout": first.rollout,
                "template": first.template,
                "model": replies[0].model,
                "sampling": dict(first.sampling),
                "chunks": first.chunks,
                "input_tokens": sum(reply.input_tokens for reply in replies),
                "output_tokens": sum(reply.output_tokens for reply in replies),
                "finish": _finish([reply.finish for reply in replies]),
                "seconds": round(sum(reply.seconds for reply in replies), 3),
                "requests": [reply.key for reply in replies],
            },
        )


@dataclass
class _Waiting:
    """What has come of one document so far."""

    chunks: int
    failed: int = 0
    seen: set[int] = field(default_factory=set)
    answers: dict[int, tuple[Prompt, Reply]] = field(default_factory=dict)

    def take(self, prompt: Prompt, reply: Reply | None) -> None:
        if prompt.chunk in self.seen:
            return
        self.seen.add(prompt.chunk)
        if reply is None:
            self.failed += 1
            self.answers.clear()  # it cannot become whole
        elif not self.failed:
            self.answers[prompt.chunk] = (prompt, reply)

    def report(self, name: Name) -> Incomplete:
        return Incomplete(*name, self.chunks, self.chunks - len(self.seen) + self.failed)


def assemble(pairs: Iterable[tuple[Prompt, Reply | None]], *, cleaning: Cleaning | None = CLEANING) -> Assembly:
    """Documents out of requests and their answers, streaming: see :class:`Assembly`.

    >>> found = assemble(pairs)                            # doctest: +SKIP
    >>> texts = [document.text for document in found]      # doctest: +SKIP
    >>> found.incomplete                                   # doctest: +SKIP
    """
    return Assembly(pairs, cleaning)


def _finish(finishes: list[str]) -> str:
    """``length`` if any answer was cut off, else the first that is not an ordinary stop."""
    if "length" in finishes:
        return "length"
    return next((finish for finish in finishes if finish != "stop"), "stop")
