"""A sheet: what stands where on the page (for the raters) and what it is (the key, for whoever made it).

The page holds texts and nothing else; the key is a file of its own, so that no rater can look it up in the page.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from synthmix.errors import BadInput
from synthmix.files import content_hash, read_json
from synthmix.reading.questions import PLACES, Kind, Place
from synthmix.reading.texts import SOURCE
from synthmix.validation import validated

FORMAT: Literal["synthmix sheet 1"] = "synthmix sheet 1"
_MARK = '<meta name="synthmix-sheet" content="'


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
        raise BadInput("is no reading sheet", where=path, remedy="name the page that synthmix look wrote")
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
        raise BadInput("is no key of a reading sheet", where=path, remedy="name SHEET.html or SHEET.key.json")
    sheet = validated(Sheet, raw, where=path, problem="is damaged", remedy="make the sheet again")
    if not sheet.items:
        raise BadInput("has no items", where=path, key="items", remedy="make the sheet again")
    return sheet
