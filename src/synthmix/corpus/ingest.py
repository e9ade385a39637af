"""The first pass of a build: read, drop what is empty or repeated, decide the side of the split, tokenise.

The input is divided into units, files of 64 MB or more together or, for workers, parts of a larger one
(:mod:`synthmix.corpus.parts`), each of which becomes chunks on disk (:mod:`synthmix.corpus.chunks`), here or by an
engine's workers. A document's place and key do not depend on the unit that it was read in, so the corpus is the same
however many workers there are. In memory stay some 50 bytes a document.
"""

import os
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from synthmix.batching import batched, in_threads
from synthmix.corpus.bucket import state_of
from synthmix.corpus.chunks import ChunkWriter, open_chunks
from synthmix.corpus.encoding import Encoding
from synthmix.corpus.ingested import Ingested
from synthmix.corpus.meta import FORMAT, Loss
from synthmix.corpus.parts import divide
from synthmix.corpus.readers import described, expand, hash_below, nothing_read, read_documents, sample_below
from synthmix.corpus.sample import prepare_sample
from synthmix.corpus.sources import Document, Part, Source, bytes_hash
from synthmix.corpus.spread import Tasks, spread
from synthmix.corpus.token_files import Spelling, is_token_file
from synthmix.corpus.token_rows import MDS, tokenised_documents
from synthmix.corpus.tokenizer import COMPARED, Tokenizer, load_tokenizer
from synthmix.errors import BadInput
from synthmix.files import content_hash, file_hash, read_json, write_json
from synthmix.progress import Progress, Silent

BATCH_DOCUMENTS = 1024
UNIT_DOCUMENTS = 2**14  # that a build encodes at once
BATCH_CHARACTERS = 4_000_000
UNIT_BYTES = 64_000_000  # of files, as they lie on disk, that are read together
_LIKELY_BYTES = 16  # a token has fewer in almost any text
UNIT_MEMORY = 600_000_000  # bytes that the task of a unit takes (measured: benchmarks/corpus.py)
# A word, a character of a script without spaces, or a sign.
_WORD = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]|\\w+|[^\\w\\s]")


def is_heldout(digest: int, share: Fraction) -> bool:
    """Whether a document falls on the held-out side: the same text does so in every corpus with this share."""
    return digest * share.denominator < share.numerator * 2**64


def hashed_words(text: str) -> np.ndarray:
    """32 bits of each word of a text: what is compared for near-duplicates where tokens do not hold all of it."""
    return np.array([zlib.crc32(word.encode()) for word in _WORD.findall(text)], dtype=np.uint32)


class Known(Protocol):
    """A corpus whose documents are taken over (:class:`synthmix.corpus.update.Update`)."""

    def take(self, inputs: "Sequence[Input]", folder: Path) -> dict[str, dict[str, Any]]:
        """Write chunks of those of ``inputs`` that it holds: results as of units, by their prefixes."""
        ...


@dataclass(frozen=True)
class Input:
    """One file, a part of it, or a source that is not files. ``number``: in the order in which all are named;
    ``state``: the file's size, and its time or the hash of what its bucket says of it."""

    number: int
    source: Source | None
    path: str | None = None
    state: tuple[int, int] | None = None
    part: Part | None = None

    @property
    def tokens(self) -> bool:
        """Whether it is a file of ids."""
        if self.path is None:
            return False
        asked = self.source.format if self.source is not None else None
        named = is_token_file(self.path) or self.path.endswith(MDS)
        return asked == "tokens" or (asked is None and named)

    @property
    def where(self) -> str:
        """What messages call it."""
        return self.path or (described(self.source) if self.source is not None else "documents")


@dataclass(frozen=True)
class Unit:
    """Inputs that one task reads. ``below``: only documents with smaller hashes are taken."""

    prefix: str
    inputs: tuple[Input, ...]
    folder: Path
    domain: str
    tokenizer: tuple[str, str, str]  # folder, end, hash
    dtype: str
    lossless: bool
    below: int | None = None
    memory_bytes: int = UNIT_MEMORY

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.inputs[0].where

    @property
    def key(self) -> str:
        """What it depends on."""
        inputs = [
            [i.number, i.source and i.source.model_dump(mode="json"), i.path, i.state, i.part] for i in self.inputs
        ]
        return content_hash([FORMAT, self.prefix, inputs, self.domain, self.tokenizer[2], self.below])


def ingest(
    sources: Sequence[Source] | Iterable[Document],
    folder: Path,
    *,
    name: str,
    tokenizer: Tokenizer,
    tokenizer_folder: Path,
    heldout: Fraction,
    progress: Progress,
    engine: Tasks | None = None,
    known: "Known | None" = None,
) -> Ingested:
    """Read everything into chunks below ``folder``.

    Args:
        known: a corpus in which files may lie already.
        tokenizer_folder: where workers find it.
        engine: whose workers read the units; None: this process.

    Raises:
        BadInput: what the readers raise; a source with only empty documents; a file that changed while it was read.
    """
    reading = _Reading(folder, name, tokenizer, tokenizer_folder, progress, engine, known)
    if isinstance(sources, Sequence) and all(isinstance(source, Source) for source in sources):
        counted = any(_first_tokens(source) for source in sources if isinstance(source, Source))
        reading.seen = set() if counted else None
        for source in sources:
            assert isinstance(source, Source)
            reading.source(source)
    else:
        reading.documents(sources)  # type: ignore[arg-type]
    return reading.collected(heldout)


class _Reading:
    """The first pass: its units, and what they gave."""

    def __init__(
        self,
        folder: Path,
        name: str,
        tokenizer: Tokenizer,
        tokenizer_folder: Path,
        progress: Progress,
        engine: Tasks | None,
        known: "Known | None",
    ) -> None:
        self.known = known
        self.folder, self.name, self.tokenizer = folder, name, tokenizer
        self.at, self.progress, self.engine = str(tokenizer_folder), progress, engine
        self.removed = {"empty": 0, "exact_duplicates": 0}
        self.inputs: list[Input] = []
        self.parts: dict[int, list[Input]] = {}  # by the numbers of inputs
        self.results: dict[str, dict[str, Any]] = {}  # of units, by their prefixes
        self.limits: list[
            tuple[range, int]
        ] = []  # inputs, and the tokens that are taken of them in the order of hashes
        self.seen: set[int] | None = None

    def documents(self, documents: Iterable[Document]) -> None:
        """Read documents that are no source's."""
        self.inputs = [Input(0, None)]
        [unit] = self._units(self.inputs, None)
        self._take(unit, ingest_unit(unit, tokenizer=self.tokenizer, progress=self.progress, documents=documents))
        self._check(range(1), self.name)

    def source(self, source: Source) -> None:
        """Read one source."""
        if source.sample is not None:
            prepare_sample(source.sample, self.progress)
        if source.markup == "strip":
            self.removed.setdefault("markup", 0)
        first = len(self.inputs)
        self.inputs += _inputs(source, first)
        own, numbers = self.inputs[first:], range(first, len(self.inputs))
        if self.known is not None:
            self.results |= self.known.take(own, self.folder)
            had = {int(number) for one in self.results.values() for number in one["inputs"]}
            own = [one for one in own if one.number not in had]
        if source.limit is None or not source.by_hash:
            self._read(self._units(own, None))
        elif source.limit.unit == "documents":
            self._read(self._units(own, self._below(source, own, documents=source.limit.amount)))
        else:
            self.limits.append((numbers, source.limit.amount))
            below = self._below(source, own, size=source.limit.amount * _LIKELY_BYTES)
            units = self._units(own, below)
            self._read(units)
            if below is not None and sum(self.results[unit.prefix]["tokens"] for unit in units) < source.limit.amount:
                self._read(self._units(own, None))  # tokens of more than 16 bytes each: all of it is needed
        self._check(numbers, described(source))

    def _below(self, source: Source, inputs: Sequence[Input], **most: Any) -> int | None:
        """:func:`sample_below`, by workers where there are some."""
        if self.engine is None or self.seen is not None:
            return sample_below(source, self.name, **most)
        paths = [path for _, path in spread(self.engine, hash_unit, self._units(inputs, None))]
        found = np.concatenate([np.load(path) for path in paths], axis=1)
        return hash_below(found[0], found[1], **most)

    def _units(self, inputs: Sequence[Input], below: int | None) -> list[Unit]:
        """``inputs`` in units: files until they are :data:`UNIT_BYTES` together. Where the first documents are taken,
        one unit."""
        groups, held = [list[Input]()] if inputs else [], 0
        for one in inputs:
            whole = one.source is not None and one.source.limit is not None and not one.source.by_hash
            if held >= UNIT_BYTES and not whole:
                groups.append([])
                held = 0
            for part in [one] if whole else self._parts(inputs)[one.number]:
                if part.part is not None and groups[-1]:
                    groups.append([])
                groups[-1].append(part)
                held = UNIT_BYTES if part.part is not None else held + _size(part)
        told = (self.at, self.tokenizer.end, self.tokenizer.hash)
        return [
            Unit(
                f"{group[0].number:06d}" + ("" if group[0].part is None else f"p{group[0].part.start:013d}"),
                tuple(group),
                self.folder,
                self.name,
                told,
                self.tokenizer.dtype.str,
                self.tokenizer.lossless,
                below,
            )
            for group in groups
        ]

    def _parts(self, inputs: Sequence[Input]) -> dict[int, list[Input]]:
        """Of each input the parts of its file, for workers, or itself."""
        new = [one for one in inputs if one.number not in self.parts]
        self.parts |= {one.number: [one] for one in new}
        if self.engine is not None and self.seen is None:
            large = [one for one in new if one.path is not None and one.source is not None and not one.tokens]
            found = divide([(str(one.path), one.source, _size(one)) for one in large if one.source], self.engine)
            for one, parts in zip(large, found, strict=True):
                self.parts[one.number] = [replace(one, part=part) for part in parts] or [one]
        return self.parts

    def _read(self, units: Sequence[Unit]) -> None:
        left = []
        for unit in units:
            if self.engine is not None and (done := _done(unit)) is not None:
                self._take(unit, done)
            else:
                left.append(unit)
        if self.engine is None or self.seen is not None:
            for unit in left:
                result = ingest_unit(unit, tokenizer=self.tokenizer, progress=self.progress, seen=self.seen)
                self._take(unit, result)
            return
        for unit, result in spread(self.engine, ingest_unit, left):
            self._take(unit, result)

    def _take(self, unit: Unit, result: dict[str, Any]) -> None:
        self.results[unit.prefix] = result
        done = sum(about["documents"] for one in self.results.values() for about in one["inputs"].values())
        self.progress.update(f"corpus {self.name}", done)

    def _check(self, numbers: range, where: str) -> None:
        read = [about for one in self.results.values() for n, about in one["inputs"].items() if int(n) in numbers]
        if any(one["documents"] for one in read):
            return
        source = self.inputs[numbers.start].source
        if source is not None and not any(one["empty"] or one["markup"] for one in read):
            raise nothing_read(source)
        marked = any(one["markup"] for one in read)
        what = "empty documents" + (" and such with a model's markup" if marked else "")
        raise BadInput(f"holds only {what}", where=where)

    def collected(self, heldout: Fraction) -> Ingested:
        """The columns of all chunks, and which documents stay: of equal ones the first that was named, and of a sample
        those with the smallest hashes."""
        order = sorted(self.results)
        chunks = open_chunks(self.folder, [(p, self.results[p]["chunks"]) for p in order], self.tokenizer.dtype)
        about = self._about()
        for reason in {"empty", "markup"} & self.removed.keys():
            self.removed[reason] += sum(one[reason] for one in about)
        digests, inputs, places, lengths = (
            np.concatenate([chunk.column(name) for chunk in chunks]) if chunks else np.empty(0, dtype=np.int64)
            for name in ("digest", "input", "place", "length")
        )
        names: list[str] = []
        codes = []
        for chunk in chunks:
            own, numbers = chunk.domains()
            names += [domain for domain in own if domain not in names]
            codes.append(np.array([names.index(domain) for domain in own], dtype=np.int32)[numbers])
        kept = _first_of_equals(digests, inputs, places)
        self.removed["exact_duplicates"] += int((~kept).sum()) + sum(one["repeated"] for one in self.results.values())
        for own_inputs, tokens in self.limits:
            own_rows = (inputs >= own_inputs.start) & (inputs < own_inputs.stop)
            _hold_to_tokens(kept, digests, lengths, own_rows, tokens)
        found = Ingested(
            chunks=chunks,
            digests=digests,
            heldout=_heldout(digests, heldout),
            domains=np.concatenate(codes) if codes else np.empty(0, dtype=np.int32),
            lengths=lengths,
            kept=kept,
            starts=np.cumsum([0, *map(len, chunks)]),
            names=names,
            lossless=self.tokenizer.lossless,
            removed=self.removed,
            inputs=[one for one in about if "name" in one],
            checked=min(max((one["checked"] for one in self.results.values()), default=0), COMPARED),
        )
        if not self.tokenizer.lossless:
            found.lost = _losses(found)
        return found

    def _about(self) -> list[dict[str, Any]]:
        none = {"documents": 0, "taken": 0, "empty": 0, "markup": 0}
        read: dict[int, dict[str, Any]] = {}
        for prefix in sorted(self.results):
            for n, about in self.results[prefix]["inputs"].items():
                had = read.get(int(n), none)
                read[int(n)] = {**had, **about, **{name: had[name] + about[name] for name in none}}
        named = [{"name": one.where} if one.source is not None else {} for one in self.inputs]
        return [{**name, **read.get(one.number, none)} for name, one in zip(named, self.inputs, strict=True)]


def _first_of_equals(digests: np.ndarray, inputs: np.ndarray, places: np.ndarray) -> np.ndarray:
    kept = np.ones(len(digests), dtype=bool)
    order = np.argsort(digests, kind="stable")
    again = np.flatnonzero(digests[order][1:] == digests[order][:-1])
    if len(again):  # the rare ones, with the one before each
        some = order[np.unique(np.concatenate([again, again + 1]))]
        some = some[np.lexsort((places[some], inputs[some], digests[some]))]
        kept[some[1:][digests[some][1:] == digests[some][:-1]]] = False
    return kept


def _hold_to_tokens(kept: np.ndarray, digests: np.ndarray, lengths: np.ndarray, own: np.ndarray, tokens: int) -> None:
    """Of the documents ``own`` keep the first in the order of hashes that have ``tokens``, their ends included."""
    mine = np.flatnonzero(kept & own)
    mine = mine[np.argsort(digests[mine], kind="stable")]
    enough = int(np.searchsorted(np.cumsum(lengths[mine] + 1), tokens)) + 1
    kept[mine[enough:]] = False


def _heldout(digests: np.ndarray, share: Fraction) -> np.ndarray:
    """:func:`is_heldout` of each."""
    first = -(-share.numerator * 2**64 // share.denominator)
    return np.ones(len(digests), dtype=bool) if first >= 2**64 else digests < np.uint64(first)


def _losses(ingested: Ingested) -> dict[str, Loss]:
    columns = {name: np.concatenate([chunk.column(name) for chunk in ingested.chunks]) for name in ("lost", "size")}
    lost, of = columns["lost"][ingested.kept], columns["size"][ingested.kept]
    domains = ingested.domains[ingested.kept]
    found = {}
    for number, name in enumerate(ingested.names):
        own = domains == number
        if own.any():
            mostly = int((2 * lost[own] > of[own]).sum())
            found[name] = Loss(bytes=int(lost[own].sum()), of=int(of[own].sum()), documents=mostly)
    return found


def inputs_of(sources: Sequence[Source]) -> list[Input]:
    """The inputs of all sources, as a build numbers them."""
    found: list[Input] = []
    for source in sources:
        found += _inputs(source, len(found))
    return found


def _inputs(source: Source, first: int) -> list[Input]:
    if source.files is None:
        return [Input(first, source)]
    # Expanded before the first is read, so that a missing file is told at once.
    paths = [path for pattern in source.files for path in expand(pattern)]
    return [Input(first + number, source, path, _state(path)) for number, path in enumerate(paths)]


def _size(one: Input) -> int:
    return one.state[0] if one.state is not None else UNIT_BYTES


def _state(path: str, *, again: bool = False) -> tuple[int, int] | None:
    """Size and version of a file; ``again``: ask its bucket, which was asked before."""
    if "://" not in path:
        about = os.stat(path)
        return about.st_size, about.st_mtime_ns
    size, version = state_of(path, again=again)
    return None if size is None else (int(size), int(content_hash(version), 16))


def _first_tokens(source: Source | None) -> bool:
    return source is not None and source.limit is not None and source.limit.unit == "tokens" and not source.by_hash


def _done(unit: Unit) -> dict[str, Any] | None:
    """What the unit gave, if it was read before, by a build that was interrupted."""
    path = unit.folder / f"{unit.prefix}.json"
    if not path.exists():
        return None
    try:
        told = read_json(path)
    except BadInput:
        return None
    return told["result"] if told.get("key") == unit.key else None


@lru_cache(maxsize=2)
def _tokenizer(folder: str, end: str, expected: str) -> Tokenizer:
    tokenizer = load_tokenizer(folder, end=end)
    if tokenizer.hash != expected:
        raise BadInput("is not the tokenizer that the build began with", where=folder, remedy="run it again")
    return tokenizer


def ingest_unit(
    unit: Unit,
    *,
    tokenizer: Tokenizer | None = None,
    progress: Progress | None = None,
    documents: Iterable[Document] | None = None,
    seen: set[int] | None = None,
) -> dict[str, Any]:
    """Read one unit into chunks; what it gave, as a JSON-like value, is written last.

    Args:
        tokenizer: the unit's own, where this process has it.
        documents: instead of the unit's inputs.
        seen: hashes of the documents that were read before, where a limit counts the tokens of new ones only.
    """
    tokenizer, progress = tokenizer or _tokenizer(*unit.tokenizer), progress or Silent()
    writer = ChunkWriter(unit.folder, unit.prefix, tokenizer.dtype, lossy=not tokenizer.lossless)
    encode = Encoding(tokenizer, progress.say)
    source = unit.inputs[0].source
    limit = source.limit.amount if source is not None and source.limit is not None and _first_tokens(source) else None
    counts = {"repeated": 0, "tokens": 0}
    inputs = {one.number: {"documents": 0, "taken": 0, "empty": 0, "markup": 0} for one in unit.inputs}

    def encoded(rows: list[_Row]) -> tuple[list[_Row], list[np.ndarray]]:
        made = iter(encode([row.text for row in rows if row.ids is None]))
        return rows, [next(made) if row.ids is None else row.ids for row in rows]

    stream = _rows(unit, documents, inputs, tokenizer)
    many = BATCH_DOCUMENTS if limit is not None else UNIT_DOCUMENTS
    batches = batched(stream, lambda row: row.size, BATCH_CHARACTERS, count=many)
    # What is behind a limit is not read ahead: it may be damaged, and nobody asked for it.
    for rows, found in map(encoded, batches) if limit is not None else in_threads(encoded, batches, 1):
        lost = tokenizer.lost_bytes([row.text for row in rows], found)
        for row, ids, gone in zip(rows, found, lost, strict=True):
            if limit is not None and counts["tokens"] >= limit:
                break
            if seen is not None and row.digest in seen:
                counts["repeated"] += 1
                continue
            if seen is not None:
                seen.add(row.digest)
            counts["tokens"] += len(ids) + 1
            inputs[row.input]["taken"] += 1
            columns = {"digest": row.digest, "input": row.input, "place": row.place, "size": row.size}
            words = None if tokenizer.lossless else hashed_words(row.text)
            writer.add(ids, words, **columns, domain=row.domain, key=row.key, lost=gone)
        if documents is not None or limit is not None:
            progress.update(f"corpus {unit.domain}", sum(one["documents"] for one in inputs.values()))
        if limit is not None and counts["tokens"] >= limit:
            break
    about: dict[str, Any] = {str(one.number): {**inputs[one.number], **read_state(one)} for one in unit.inputs}
    result = {**counts, "chunks": writer.close(), "checked": encode.checked, "inputs": about}
    write_json(unit.folder / f"{unit.prefix}.json", {"key": unit.key, "result": result}, digest=True)
    return result


def hash_unit(unit: Unit) -> Path:
    """Write hashes and bytes of a unit's documents, uint64, shape (2, documents); where."""
    inputs = {one.number: {"documents": 0, "taken": 0, "empty": 0, "markup": 0} for one in unit.inputs}
    held = array("Q")
    for row in _rows(unit, None, inputs, _tokenizer(*unit.tokenizer)):
        held.extend((row.digest, row.size))
    path = unit.folder / f"{unit.prefix}.hashes.npy"
    np.save(path, np.frombuffer(held, dtype=np.uint64).reshape(-1, 2).T)
    return path


class _Row(NamedTuple):
    text: str
    digest: int
    size: int
    input: int
    place: int
    domain: str
    key: str | None
    ids: np.ndarray | None = None  # where they are what is read


def _rows(
    unit: Unit, documents: Iterable[Document] | None, inputs: dict[int, dict[str, int]], tokenizer: Tokenizer
) -> Iterator[_Row]:
    for one, stream in _streams(unit, documents, inputs):
        own = inputs[one.number]
        if one.tokens:
            assert one.source is not None
            assert one.path is not None
            spelling, domain = Spelling(tokenizer), one.source.domain or unit.domain
            found = tokenised_documents(one.path, one.source.text, tokenizer, spelling)
            for place, (ids, data, key) in enumerate(found):
                own["documents" if data.strip() else "empty"] += 1
                digest = bytes_hash(data)
                if data.strip() and (unit.below is None or digest < unit.below):
                    yield _Row("", digest, len(data), one.number, place, domain, key, ids)
            continue
        for number, document in enumerate(stream):
            place = document.place if _alone(one) and documents is None else number
            data = document.text.encode()
            if not data or document.text.isspace():
                own["empty"] += 1
                continue
            own["documents"] += 1
            digest = bytes_hash(data)
            if unit.below is None or digest < unit.below:
                yield _Row(document.text, digest, len(data), one.number, place, document.domain, document.key)


def _streams(
    unit: Unit, documents: Iterable[Document] | None, inputs: dict[int, dict[str, int]]
) -> Iterator[tuple[Input, Iterable[Document]]]:
    """The documents of each input; where a limit counts the first ones, of all of the source under its first input."""
    first = now = unit.inputs[0]

    def with_markup(document: Document) -> None:
        inputs[now.number]["markup"] += 1

    if documents is not None:
        yield first, documents
    elif (source := first.source) is not None and not _alone(first):
        yield first, read_documents(source, domain=unit.domain, on_markup=with_markup)
    else:
        for one in unit.inputs:
            assert one.source is not None
            now = one
            alone = one.source.model_copy(update={"files": [one.path], "limit": None})
            yield one, read_documents(alone, domain=unit.domain, on_markup=with_markup, some=False, part=one.part)


def _alone(one: Input) -> bool:
    """Whether its file is read by itself, and not its source from the first file on, as far as a limit goes."""
    return one.path is not None and one.source is not None and (one.source.limit is None or one.source.by_hash)


def read_state(one: Input) -> dict[str, Any]:
    """Size and hash of a file, of one in a bucket the hash of what that says of it; it is still the one that was to be
    read."""
    if one.path is None or one.state is None:
        return {}
    first = one.part is None or one.part.start == 0
    remote, digest = "://" in one.path, ""
    if first:
        digest = f"{one.state[1]:016x}" if remote else file_hash(Path(one.path).expanduser())
    if _state(one.path, again=True) != one.state:
        raise BadInput("changed while it was read", where=one.path, remedy="run it again once the file is whole")
    return {"bytes": one.state[0], "version" if remote else "blake2b": digest} if first else {}


def batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Batches for the tokenizer: many documents, or few long ones."""
    return batched(documents, lambda document: len(document.text), BATCH_CHARACTERS, count=BATCH_DOCUMENTS)
