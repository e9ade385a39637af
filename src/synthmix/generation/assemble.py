"""From a job's answers back to documents: cleaned, the chunks of each in order, with where they came from."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from synthmix.corpus.markup import strip_markup
from synthmix.generation.finishes import CUT, WHOLE
from synthmix.generation.journal import Journal, KeyIndex
from synthmix.generation.prompts import Prompt, Reply, join_chunks

# What a line may open or close with to be taken off; matched without case at the start of the line.
LEAD_INS = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|great|no problem)[!,.:]*",
    r"i(?:'d|\u2019d| would) be (?:happy|glad|delighted) to (?:help|do (?:that|so))[!,.:]*",
    # On one line with the text it must say what it introduces.
    r"here(?: is|'s|\u2019s) (?:a|an|the|your)\b[^\n:]{0,60}"
    r"\b(?:version|rewrite|paraphrase|revision)\b[^\n:]{0,120}:[ \t]?",
    r"(?:here(?: is|'s|\u2019s| are)|below (?:is|are)|(?:this|the following) (?:is|are))\b[^\n]{0,150}:",
    r"(?:the )?(?:rewritten|rephrased|paraphrased|revised|polished) (?:passage|text|version|article)\b[^\n]{0,60}:",
)
CLOSERS = (
    r"let me know if\b[^\n]*",
    r"(?:i )?hope (?:this|that) helps\b[^\n]*",
    r"(?:please )?feel free to (?:ask|reach|let)\b[^\n]*",
    r"(?:is there anything else|would you like me to)\b[^\n]*",
    r"(?:\*\*)?note:(?:\*\*)? (?:i|this (?:is|passage|text|rewrite|version)|the (?:passage|text|original))\b[^\n]*",
)
_FENCE = re.compile(r"\A```[a-z]*[ \t]*\n(.*?)\n?```\Z", re.DOTALL | re.IGNORECASE)
_TAGGED = re.compile(r"\A<(passage|text|answer|output)>\s*(.*?)\s*</\1>\Z", re.DOTALL | re.IGNORECASE)
Name = tuple[str, str, int]


class Cleaning(BaseModel):
    """Which of these are taken off an answer. ``lead_ins`` and ``closers`` are regular expressions; ``thoughts`` is the
    markup of models (:mod:`synthmix.corpus.markup`), reasoning above all.

    A lead-in is taken off where it is a line of its own or stands before another, and where it ends with a colon;
    a closer where it is the last line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_ins: tuple[str, ...] = LEAD_INS
    closers: tuple[str, ...] = CLOSERS
    thoughts: bool = True
    fences: bool = True

    def clean(self, text: str) -> str:
        """``text`` without them, stripped."""
        if self.thoughts:
            text = strip_markup(text)
        text = text.strip()
        if self._lead is not None and (lead := self._lead.match(text)):
            text = text[lead.end() :].lstrip()
        if self._close is not None and (close := self._close.search(text)):
            text = text[: close.start()].rstrip()
        for frame, group in ((_FENCE, 1), (_TAGGED, 2)) if self.fences else ():
            if framed := frame.match(text):
                text = framed[group].strip()
        return text

    @cached_property
    def _lead(self) -> re.Pattern[str] | None:
        one = "|".join(self.lead_ins)
        rest = rf"(?:[ \t]*(?:\*\*)?[ \t]*(?:\n+|\Z)|(?<=:[ \t])|[ \t]+(?={one}))"
        return re.compile(rf"(?:\*\*)?(?:(?:{one}){rest})+(?:\s*-{{3,}}\s+)?", re.IGNORECASE) if one else None

    @cached_property
    def _close(self) -> re.Pattern[str] | None:
        one = "|".join(self.closers)
        return re.compile(rf"(?:^|\n)[ \t]*(?:-{{3,}}\s*)?(?:{one})\Z", re.IGNORECASE) if one else None


CLEANING = Cleaning()


@dataclass(frozen=True)
class Generated:
    """A finished document. ``source_text`` is the source in full, or the seeds of a new text.

    ``provenance``: source id and hash, rollout, template, model, sampling as it was sent, chunks, tokens (all that were
    paid, and those of the text), finish (:func:`synthmix.generation.finishes.finish_of`, the worst of the chunks),
    seconds of waiting, and the keys of the requests.
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
        return self.finish == CUT

    @property
    def finish(self) -> str:
        """Why its answers ended."""
        return str(self.provenance.get("finish", WHOLE))


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
        left_out = {name for reply in replies for name in reply.left_out}
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
                "sampling": {name: value for name, value in first.sampling.items() if name not in left_out},
                "chunks": first.chunks,
                "input_tokens": sum(reply.input_tokens for reply in replies),
                "output_tokens": sum(reply.output_tokens for reply in replies),
                "text_tokens": sum(reply.written for reply in replies),
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
    """The first that is neither whole nor cut off at its limit, else ``length`` if any was, else ``stop``."""
    return next((finish for finish in finishes if finish not in (WHOLE, CUT)), CUT if CUT in finishes else WHOLE)


def answers(prompts: Iterable[Prompt], journal: Journal) -> Iterator[tuple[Prompt, Reply | None]]:
    """Requests in order with their answers, None for those that failed. What was not asked is left out, and so is a
    request that the source makes a second time. Ends with the last resolved request."""
    seen = KeyIndex()
    left = journal.resolved_count
    for prompt in prompts:
        if not left:
            return
        key = prompt.key
        if journal.resolved(key) and seen.put(key, 0):
            left -= 1
            yield prompt, journal.reply(key)


def with_origin(document: Generated, journal: Journal) -> Generated:
    """The document with when and where it was written: ``time`` (seconds since 1970), ``endpoint``."""
    found = [record for key in document.provenance["requests"] if (record := journal.record(key))]
    where = sorted({record["by"] for record in found})
    more = {"time": max(record["at"] for record in found), "endpoint": where[0] if len(where) == 1 else where}
    return replace(document, provenance={**document.provenance, **more})
