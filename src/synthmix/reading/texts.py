"""What is read: generated texts beside their sources, drawn from folders of generation, built corpora or files.

A text is paired with its source by its key: the same id, or the source's id within the id that generation gives
(``hq/<source>/0``). A finished folder of generation holds pairs of its own, so no source need be named.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from synthmix.corpus.load import Documents
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.readers import read_documents
from synthmix.corpus.sources import Document, Source
from synthmix.errors import BadInput
from synthmix.generation.quality import PAIRS, pairs_of

SOURCE = "source"
LIMIT, EVERY = 20_000, 2**62  # documents of each corpus that are looked at
_SPARE = 8  # candidates held for each text wanted: some have no source, or share one


@dataclass(frozen=True)
class Drawn:
    """A text of ``corpus`` and, where it is known, the source that it was made from."""

    corpus: str
    key: str
    text: str
    source_key: str | None = None
    source: str | None = None
    truncated: bool = False


@dataclass(frozen=True)
class Reading:
    """How files are read: ``text`` and ``pair`` name fields, ``where`` picks records (``field: [values]``)."""

    text: str = "text"
    pair: str = "id"
    where: dict[str, Any] | None = None
    limit: int = LIMIT

    def documents(self, path: str) -> Iterator[Document]:
        """The documents of a built corpus (training part first), a folder of generation, a file or a glob that are
        not blank, at most ``limit`` of them.

        Raises:
            BadInput: there are none, or they cannot be read.
        """
        number = 0
        for document in self._all(path):
            if document.text.strip():
                number += 1
                yield document
            if number == self.limit:
                return
        if not number:
            raise BadInput("holds no text to read", where=path)

    def _all(self, path: str) -> Iterator[Document]:
        for split in ("train", "heldout") if is_corpus(path) else ("train",):
            yield from Documents([path], split=split, text=self.text, id_field=self.pair, where=self.where)


def drawn(name: str, path: str, count: int, seed: int, how: Reading) -> list[Drawn]:
    """About ``8 * count`` texts of one corpus, a uniform sample in random order; a finished folder of generation gives
    them with their sources. The same texts give the same sample, whatever their order.

    Raises:
        BadInput: nothing to read.
    """
    if (Path(path) / PAIRS).exists():
        found: Iterable[Drawn] = _generated(name, Path(path))
    else:
        found = (Drawn(name, d.key or _digest(0, d.text), d.text) for d in how.documents(path))
    return _first(found, count, seed)


def with_sources(texts: list[Drawn], path: str, count: int, seed: int, how: Reading) -> tuple[list[Drawn], list[Drawn]]:
    """Those of ``texts`` whose source is in ``path``, with it; and about ``8 * count`` texts of ``path`` itself.

    Raises:
        BadInput: nothing to read.
    """
    wanting: dict[str, list[int]] = {}
    for number, one in enumerate(texts):
        for key in {one.key, _inner(one.key)}:
            wanting.setdefault(key, []).append(number)
    found: dict[int, Document] = {}
    own: list[Drawn] = []
    for number, document in enumerate(replace(how, limit=EVERY).documents(path)):
        found |= {index: document for index in wanting.get(document.key or "", ()) if index not in found}
        if number < how.limit:
            own.append(Drawn(SOURCE, document.key or "", document.text))
            if len(own) > 4 * _SPARE * count:
                own = _first(own, count, seed)
        elif len(found) == len(texts):
            break
    both = [
        replace(one, source_key=found[number].key, source=found[number].text)
        for number, one in enumerate(texts)
        if number in found
    ]
    return both, _first(own, count, seed)


def _first(found: Iterable[Drawn], count: int, seed: int) -> list[Drawn]:
    return heapq.nsmallest(_SPARE * count, found, key=lambda one: _digest(seed, one.text))


def _generated(name: str, folder: Path) -> Iterator[Drawn]:
    for number, pair in enumerate(pairs_of(folder)):
        if pair.text.strip():
            given = pair.source if pair.source.strip() else None
            key = None if given is None else _digest(0, given)
            yield Drawn(name, f"{name}-{number}", pair.text, key, given, pair.truncated)


def _inner(key: str) -> str:
    """``web-1`` of ``hq/web-1/0``, the ids of generated text; else the key itself."""
    parts = key.split("/")
    return "/".join(parts[1:-1]) if len(parts) > 2 and parts[-1].isdigit() else key


def _digest(seed: int, text: str) -> str:
    return blake2b(f"{seed} {text}".encode(), digest_size=8).hexdigest()


def writers(path: str, field: str, how: Reading) -> set[str]:
    """The values of ``field`` in a file's records that ``how.where`` keeps.

    Raises:
        BadInput: a record without it, or no record.
    """
    source = Source(files=[path], domain_field=field, text=how.text, where=how.where or None)
    try:
        return {document.domain for document in read_documents(source, domain="text")}
    except BadInput as error:
        if error.key != field:
            raise
        remedy = "name the field that says who wrote the text"
        raise BadInput(f"a record has no {field!r}", where=error.where, key="by", remedy=remedy) from None
