"""Which texts stand on a sheet, in which order and on which side: drawn, shuffled and measured."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthmix.corpus.sources import Fold, normalize
from synthmix.generation.measures import Pair, diversity, values_of
from synthmix.reading.questions import Kind
from synthmix.reading.sheet import Item, Sheet, Side, sheet_id
from synthmix.reading.texts import SOURCE, Drawn

_WORD = re.compile(r"\S+")
_DIVERSE = ("distinct_1", "distinct_2", "compression")
_CUT = " […]"
_DIVERSE_WORDS = 100  # these depend on length, so they are taken of the first hundred words


@dataclass(frozen=True)
class Shown:
    """A text as it stands on the page, of which ``drawn`` is the whole."""

    drawn: Drawn
    text: str
    cut: bool

    @property
    def page(self) -> str:
        """With a mark where it was cut."""
        return self.text + _CUT * self.cut


@dataclass(frozen=True)
class Composed:
    """The key, and the texts by item: left, or left and right."""

    sheet: Sheet
    texts: dict[str, list[str]]


def disjoint(sets: Mapping[str, Sequence[Drawn]], count: int) -> list[Drawn]:
    """``count`` texts, as many of each set as there are, and no source twice: a text that comes back would be known
    as the source."""
    queues = {name: iter(texts) for name, texts in sets.items()}
    taken: set[str] = set()
    found: list[Drawn] = []
    while queues and len(found) < count:
        for name in list(queues):
            one = next((d for d in queues[name] if not {d.source or d.text, d.text} & taken), None)
            if one is None:
                del queues[name]
            elif len(found) < count:
                found.append(one)
                taken |= {one.text, one.source or one.text}
    return found


def compose(
    texts: Sequence[Drawn],
    sources: Sequence[Drawn],
    kind: Kind,
    *,
    seed: int,
    words: int | None = None,
    fold: Sequence[Fold] = (),
) -> Composed:
    """Shuffle ``texts`` into a sheet; a pair's model text stands as often on the left as on the right.

    Args:
        texts: for ``pair`` with their sources. sources: for ``apart`` one for each text; for ``single`` those that are
            mixed in.
        words: longest text shown, the rest is cut; None: whole texts.
    """
    rng = random.Random(seed)
    rows: list[tuple[Drawn, Drawn | None]] = []
    for number, one in enumerate(texts):
        if kind == "single":
            rows.append((one, None))
        elif kind == "apart":
            rows.append((one, sources[number]))
        else:
            rows.append((one, Drawn(SOURCE, one.source_key or "", one.source or "")))
    if kind == "single":
        rows += [(one, None) for one in sources]
    rng.shuffle(rows)
    on_left = [number % 2 == 0 for number in range(len(rows))]
    rng.shuffle(on_left)
    items: dict[str, Item] = {}
    shown: dict[str, list[str]] = {}
    for number, ((one, other), left) in enumerate(zip(rows, on_left, strict=True), start=1):
        mine, theirs = _shown(one, words, fold), None if other is None else _shown(other, words, fold)
        given = theirs.text if theirs is not None and kind == "pair" else ""
        sides = [_side(mine, given), *([] if theirs is None else [_side(theirs, "")])]
        pages = [mine.page, *([] if theirs is None else [theirs.page])]
        if not left:
            sides, pages = sides[::-1], pages[::-1]
        items[str(number)] = Item(kind=kind, left=sides[0], right=sides[1] if len(sides) > 1 else None)
        shown[str(number)] = pages
    corpora = list(dict.fromkeys(one.corpus for one in texts))
    sheet = Sheet(id=sheet_id(list(shown.values()), kind), seed=seed, corpora=corpora, items=items)
    return Composed(sheet, shown)


def _shown(one: Drawn, words: int | None, fold: Sequence[Fold]) -> Shown:
    text = normalize(one.text, list(fold)).strip() if fold else one.text.strip()
    if words is not None:
        for number, match in enumerate(_WORD.finditer(text), start=1):
            if number > words:
                return Shown(one, text[: match.start()].rstrip(), True)
    return Shown(one, text, False)


def _side(shown: Shown, source: str) -> Side:
    return Side(
        corpus=shown.drawn.corpus,
        document=shown.drawn.key,
        words=len(shown.text.split()),
        cut=shown.cut,
        measures=measures(shown.text, source, truncated=shown.drawn.truncated),
    )


def measures(text: str, source: str, *, truncated: bool = False) -> dict[str, float]:
    """The automatic measures of one text (:mod:`synthmix.generation.measures`); those against a source need one, and
    those of variety a hundred words, of which they are taken."""
    found = {name: values[0][1] for name, values in values_of([Pair(text, source, truncated)]).items()}
    own = text.split()
    if len(own) >= _DIVERSE_WORDS:
        varied = diversity([" ".join(own[:_DIVERSE_WORDS])])
        found |= {name: varied[name] for name in _DIVERSE}
    return found
