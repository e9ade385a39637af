"""A human evaluation sheet: the texts that are drawn for it, what it asks, what stands where, and its key.

The page holds texts and nothing else; the key is a file of its own, so that no rater can look up there what a text is.
Texts are generated ones beside their sources, from folders of generation, built corpora or files. A text is paired with
its source by its key: the same id, or the source's id within the id that generation gives (``hq/<source>/0``). A
finished folder of generation holds pairs of its own, so no source need be named.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from synthmix.corpus.load import Documents
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.readers import read_documents
from synthmix.corpus.sources import Document, Source
from synthmix.errors import BadInput
from synthmix.files import content_hash, read_json
from synthmix.generation.quality import PAIRS, pairs_of
from synthmix.validation import validated

GRADES = (1, 2, 3, 4, 5)
Kind = Literal["pair", "apart", "single"]
Place = Literal["left", "right"]
PLACES: tuple[Place, ...] = ("left", "right")
BETTER = ("left", "same", "right")
WHO_OF_TWO = ("left", "unsure", "right")
WHO_OF_ONE = ("person", "unsure", "model")
SOURCE = "source"
LIMIT, EVERY = 20_000, 2**62  # documents of each corpus that are looked at
_SPARE = 8  # candidates held for each text wanted: some have no source, or share one
FORMAT: Literal["synthmix sheet 1"] = "synthmix sheet 1"
_MARK = '<meta name="synthmix-sheet" content="'


@dataclass(frozen=True)
class Choice:
    """One answer: its code in the file of ratings, its words and its key on the page."""

    code: str
    label: str
    key: str


PROBLEMS = (
    Choice("repeats", "Repeats itself", "r"),
    Choice("facts", "Says what is wrong or made up", "f"),
    Choice("lost", "Leaves out what matters", "l"),
    Choice("incoherent", "Does not hang together", "h"),
    Choice("broken_off", "Breaks off", "b"),
    Choice("task_talk", "Speaks of its task, or refuses", "t"),
)


def asked(kind: Kind) -> list[dict[str, object]]:
    """The questions about an item as a whole, as the page takes them: name, words and choices."""
    if kind == "single":
        who = [Choice("person", "A person", "z"), Choice("unsure", "Cannot tell", "x"), Choice("model", "A model", "c")]
        return [_question("person", "Who wrote it?", who)]
    better = [Choice("left", "Left", "a"), Choice("same", "Equal", "s"), Choice("right", "Right", "d")]
    who = [Choice("left", "Left", "z"), Choice("unsure", "Cannot tell", "x"), Choice("right", "Right", "c")]
    return [
        _question("better", "Which is the better text?", better),
        _question("person", "Which one did a person write?", who),
    ]


def _question(name: str, words: str, choices: list[Choice]) -> dict[str, object]:
    return {"name": name, "words": words, "choices": [vars(choice) for choice in choices]}


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
            yield Drawn(name, f"{name}-{number}", pair.text, key, given, bool(pair.truncated))


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


class Part(BaseModel):
    """Base of the parts of a key: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(Part):
    """A text of an item. ``corpus``: its name, or ``source`` for what people wrote; ``words``: as shown; ``measures``:
    automatic ones of the shown text, against the shown source where there is one."""

    corpus: str
    document: str
    words: int
    cut: bool
    measures: dict[str, float]

    @property
    def synthetic(self) -> bool:
        """Whether a model wrote it, so far as the sheet's maker said."""
        return self.corpus != SOURCE


class Item(Part):
    """One place of the sheet. ``pair``: a text beside its source; ``apart``: beside any text of the source;
    ``single``: alone, on the left."""

    kind: Kind
    left: Side
    right: Side | None = None

    def sides(self) -> list[tuple[Place, Side]]:
        """The texts with their places."""
        found = [(place, getattr(self, place)) for place in PLACES]
        return [(place, side) for place, side in found if side is not None]

    @property
    def synthetic_place(self) -> Place | None:
        """Where the model's text stands beside a person's; None for a text alone."""
        if self.right is None:
            return None
        return "left" if self.left.synthetic else "right"


class Sheet(Part):
    """The key of a sheet: ``id`` is a hash of the shown texts in their order, which the page and every file of ratings
    carry as well. ``items``: by the name that the page gives them."""

    format: Literal["synthmix sheet 1"] = FORMAT
    id: str
    seed: int
    corpora: list[str]
    items: dict[str, Item]

    @property
    def kind(self) -> Kind:
        """That of all its items."""
        return next(iter(self.items.values())).kind


def sheet_id(shown: list[list[str]], kind: str) -> str:
    """The id of a sheet of ``shown`` texts."""
    return content_hash([FORMAT, kind, shown])


def key_path(page: Path) -> Path:
    """Where the key of a page lies: ``sheet.key.json`` for ``sheet.html``."""
    return page.with_name(f"{page.name.removesuffix('.html')}.key.json")


def load_sheet(path: str | Path) -> Sheet:
    """The key of a sheet, from its own file or the one beside its page.

    Raises:
        BadInput: no such file, a page that is no sheet, a key that is missing, damaged or another sheet's.
    """
    path = Path(path)
    if path.suffix != ".html":
        return _key(path)
    try:
        head = path.read_text(encoding="utf-8", errors="replace")[:4000]
    except FileNotFoundError:
        raise BadInput("no such file", where=path, remedy="make it: synthmix look CORPUS --to sheet.html") from None
    if _MARK not in head:
        raise BadInput("is no human evaluation sheet", where=path, remedy="name the page that synthmix look wrote")
    own = head.split(_MARK, 1)[1].split('"', 1)[0]
    if not key_path(path).exists():
        raise BadInput("its key is not beside it", where=path, remedy=f"put {key_path(path).name} there")
    sheet = _key(key_path(path))
    if sheet.id != own:
        problem = f"is the key of sheet {sheet.id}, and the page is {own}"
        raise BadInput(problem, where=key_path(path), remedy="put the page's own key there")
    return sheet


def _key(path: Path) -> Sheet:
    raw: Any = read_json(path)
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise BadInput("is no key of a human evaluation sheet", where=path, remedy="name SHEET.html or SHEET.key.json")
    sheet = validated(Sheet, raw, where=path, problem="is damaged", remedy="make the sheet again")
    if not sheet.items:
        raise BadInput("has no items", where=path, key="items", remedy="make the sheet again")
    return sheet
