"""Generated documents through the filters and the removal of near-duplicates, with a table of what was dropped and why.

Batches are examined by threads (numpy lets them run side by side) and taken in order, so the outcome does not depend
on how many there are. Near-duplicates are decided one after the other: of each group the first is kept.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from synthmix.batching import batched
from synthmix.corpus.near_duplicates import NearIndex
from synthmix.generation.assemble import Generated
from synthmix.generation.filters import REASONS, Filters, Screen, heldout_index
from synthmix.generation.ngrams import NgramIndex, batches_of, word_signatures, words_of
from synthmix.generation.template import Template

DUPLICATES = ("near_duplicate_of_source", "near_duplicate")
BATCH_CHARACTERS = 800_000  # text and source: enough that what numpy spends on a call is little
BATCH_DOCUMENTS = 1_000
Batch = list[Generated]
Out = TypeVar("Out")


class Dropped(BaseModel):
    """A row of the table: documents dropped for ``reason`` first, their bytes, their share of all that were read, and
    documents for which it was one reason of several."""

    model_config = ConfigDict(frozen=True)

    reason: str
    documents: int
    bytes: int
    share: float
    also: int


class Filtered:
    """Iterates over the documents that stay; afterwards (or in between) says what went.

    Made by :func:`synthmix.generation.filtering.filter_generated`.
    """

    def __init__(self, kept: Callable[["Filtered"], Iterator[Generated]]) -> None:
        self.read = self.kept = self.read_bytes = self.kept_bytes = 0
        self._first, self._bytes, self._any = Counter[str](), Counter[str](), Counter[str]()
        self._found = kept(self)

    def __iter__(self) -> Iterator[Generated]:
        return self._found

    def __next__(self) -> Generated:
        return next(self._found)

    @property
    def table(self) -> list[Dropped]:
        """A row for each reason, those that dropped nothing included, in the order in which they are looked at."""
        return [
            Dropped(
                reason=reason,
                documents=self._first[reason],
                bytes=self._bytes[reason],
                share=self._first[reason] / max(self.read, 1),
                also=self._any[reason] - self._first[reason],
            )
            for reason in (*REASONS, *DUPLICATES)
        ]

    def note(self, size: int, reasons: Sequence[str]) -> None:
        """Count one document of ``size`` bytes."""
        self.read, self.read_bytes = self.read + 1, self.read_bytes + size
        if not reasons:
            self.kept, self.kept_bytes = self.kept + 1, self.kept_bytes + size
            return
        self._first[reasons[0]] += 1
        self._bytes[reasons[0]] += size
        self._any.update(reasons)


def filter_generated(
    documents: Iterable[Generated],
    *,
    heldout: Iterable[str] | NgramIndex,
    template: Template | None = None,
    filters: Filters | None = None,
    sources: Iterable[str] = (),
    workers: int = 2,
    on_dropped: Callable[[Generated, list[str]], object] | None = None,
) -> Filtered:
    """The documents that pass, in order, streaming.

    Args:
        heldout: texts of the held-out domains (or an index of them); what shares 13 successive words with one goes.
        template: its lengths and its wording, for the filters.
        sources: all texts of the source, to drop near-duplicates of any of them; a document's own source is always
            compared (reason ``copied``).
        workers: threads.
        on_dropped: told of each document that goes, with its reasons, the first one first.

    Memory: about 200 bytes per document and per source, 16 to 24 bytes per held-out word, and a few batches.
    """
    filters = filters or Filters()
    index = heldout if isinstance(heldout, NgramIndex) else heldout_index(heldout, filters.contamination_words)
    screen = Screen(filters, index, template)
    threshold = filters.near_duplicates
    known = NearIndex(threshold or 0.8)
    for batch in batches_of(sources) if threshold is not None else ():
        known.add(word_signatures(words_of(batch)))

    def examine(batch: Batch) -> tuple[np.ndarray, list[int], np.ndarray | None]:
        flags, words = screen.examine(
            [one.text for one in batch], [one.source_text for one in batch], [one.finish for one in batch]
        )
        return flags, words.sizes.tolist(), word_signatures(words) if threshold is not None else None

    def kept(counts: Filtered) -> Iterator[Generated]:
        seen = _Seen(known, NearIndex(threshold or 0.8))
        for batch, (flags, sizes, signed) in _mapped(examine, _batches(documents), workers):
            names: list[list[str]] = [[] for _ in batch]
            for number, at in zip(*np.nonzero(flags), strict=True):
                names[number].append(REASONS[at])
            if signed is not None:
                seen.judge(signed, names)
            for document, size, reasons in zip(batch, sizes, names, strict=True):
                counts.note(size, reasons)
                if not reasons:
                    yield document
                elif on_dropped is not None:
                    on_dropped(document, reasons)

    return Filtered(kept)


class _Seen:
    """What has been kept so far, and the sources."""

    def __init__(self, sources: NearIndex, texts: NearIndex) -> None:
        self._sources, self._texts = sources, texts
        self._stays = bytearray()

    def judge(self, signed: np.ndarray, reasons: list[list[str]]) -> None:
        """Add the duplicates' reasons to texts that have none yet. Texts that go are no measure for later ones."""
        has_shingles = (signed != np.iinfo(np.uint32).max).any(axis=1)
        passing = [number for number, own in enumerate(reasons) if not own and has_shingles[number]]
        signed = np.ascontiguousarray(signed[passing])
        if len(self._sources):
            for number, near in zip(passing, self._sources.candidates(signed), strict=True):
                if near:
                    reasons[number].append(DUPLICATES[0])
        before = self._texts.candidates(signed)
        known: np.ndarray = np.array([any(self._stays[other] for other in own) for own in before], dtype=bool)
        new = np.flatnonzero(~known)
        for at in np.flatnonzero(known):
            reasons[passing[at]].append(DUPLICATES[1])
        first = len(self._texts)
        self._texts.add(signed[new])  # of duplicates within this batch all are added, of others none
        for count, (at, own) in enumerate(zip(new, self._texts.candidates(signed[new]), strict=True)):
            if any(self._stays[other] for other in own if first <= other < first + count):
                reasons[passing[at]].append(DUPLICATES[1])
            self._stays.append(not reasons[passing[at]])


def _batches(documents: Iterable[Generated]) -> Iterator[Batch]:
    return batched(documents, _characters, BATCH_CHARACTERS, count=BATCH_DOCUMENTS)


def _characters(document: Generated) -> int:
    return len(document.text) + len(document.source_text)


def _mapped(task: Callable[[Batch], Out], batches: Iterable[Batch], workers: int) -> Iterator[tuple[Batch, Out]]:
    """Like ``map``, by ``workers`` threads, a few batches ahead and in order."""
    if workers <= 1:
        for batch in batches:
            yield batch, task(batch)
        return
    waiting = deque[tuple[Batch, Future[Out]]]()
    with ThreadPoolExecutor(workers) as pool:
        for batch in batches:
            waiting.append((batch, pool.submit(task, batch)))
            if len(waiting) > workers + 1:
                ready, future = waiting.popleft()
                yield ready, future.result()
        while waiting:
            ready, future = waiting.popleft()
            yield ready, future.result()
