"""Make a human evaluation sheet: texts drawn, shuffled, measured and written as a page and its key."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthmix.corpus.sources import Fold, normalize
from synthmix.errors import BadInput
from synthmix.files import write_json, write_text
from synthmix.generation.measures import Pair, diversity, values_of
from synthmix.human_eval.sheet import (
    LIMIT,
    PROBLEMS,
    SOURCE,
    Drawn,
    Item,
    Kind,
    Reading,
    Sheet,
    Side,
    asked,
    drawn,
    key_path,
    load_sheet,
    sheet_id,
    with_sources,
    writers,
)
from synthmix.progress import Progress, Silent

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


def make_sheet(
    corpora: Mapping[str, str | Path] | str | Path,
    to: str | Path,
    *,
    source: str | Path | None = None,
    count: int = 40,
    words: int | None = 300,
    single: bool = False,
    by: str | None = None,
    human: str = "human",
    pair: str = "id",
    text: str = "text",
    where: Mapping[str, Any] | None = None,
    fold: Sequence[Fold] = (),
    limit: int = LIMIT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Sheet:
    """Write a blind human evaluation sheet, ``to`` (HTML, offline), and its key beside it (``sheet.key.json``).

    Texts stand beside their sources where these are known (folders of generation, or ``source`` and common ids), else
    beside any text of ``source``, else alone. A source stands on a sheet once. The same input gives the same files.

    Args:
        corpora: name -> folder of generation, built corpus, file or glob; one path is named after its file.
        source: what people wrote. count: items. words: longest text shown; None: all of it.
        single: one text at a time, half of them the source's (when there is one).
        by: one file of all: the field that names the writer, of which ``human`` wrote the sources.
        pair: field that names the source document. text: field of the text. where: field -> values to keep (of
            generated records). fold: typography that would tell the writers apart (:mod:`synthmix.corpus.sources`).
        limit: documents of each corpus that are looked at.

    Raises:
        BadInput: a corpus that cannot be read, is empty or is called ``source``; no writers; ``to`` is no .html file,
            or another sheet's key lies beside it.
    """
    to = Path(to)
    if to.suffix != ".html":
        raise BadInput("is no .html file", where=to, remedy="write --to sheet.html")
    if count < 1:
        raise BadInput(f"{count} items make no sheet", key="count", remedy="ask for 1 or more")
    named = {_name(corpora): corpora} if isinstance(corpora, str | Path) else dict(corpora)
    if not named or SOURCE in named:
        problem = "none may be called 'source'" if named else "there are none"
        raise BadInput(problem, key="corpora", remedy="write NAME=PATH")
    if by is not None:
        read = _written_by(named, by, human, Reading(text, pair, dict(where or {}), limit))
        of_source = Reading(text, pair, None if source else {by: [human]}, limit)
        source = source or next(iter(named.values()))
    else:
        read = {name: (str(path), Reading(text, pair, dict(where or {}), limit)) for name, path in named.items()}
        of_source = Reading(text, pair, None, limit)
    told = progress or Silent()
    told.start("draw texts", None, "texts")
    sets = {name: drawn(name, path, count, seed, how) for name, (path, how) in read.items()}
    made = _composed(sets, None if source is None else str(source), of_source, count, seed, words, single, fold)
    told.finish("draw texts", note=f"{len(made.sheet.items)} items")
    _keep(key_path(to), made.sheet)
    write_json(key_path(to), made.sheet.model_dump(mode="json"))
    write_text(to, page(made))
    return made.sheet


def page(made: Composed) -> str:
    """The page: texts, questions and the sheet's id; nothing that says who wrote what."""
    from synthmix.report.html import sheet_page

    kind = made.sheet.kind
    problems = [vars(one) for one in PROBLEMS if one.code != "lost" or kind == "pair"]  # lost: known by the source
    return sheet_page(made.sheet.id, made.texts, asked(kind), problems)


def _keep(path: Path, sheet: Sheet) -> None:
    """Another sheet's key is never written over: without it its ratings say nothing."""
    if path.exists() and load_sheet(path).id != sheet.id:
        raise BadInput(
            "is the key of another sheet, whose ratings need it",
            where=path,
            remedy="write --to another page, or delete it",
        )


def _written_by(named: Mapping[str, str | Path], by: str, human: str, how: Reading) -> dict[str, tuple[str, Reading]]:
    """Each writer of one file, by the field ``by``."""
    if len(named) != 1:
        raise BadInput(f"{len(named)} corpora are given", key="by", remedy="give the one file that holds all")
    path = str(next(iter(named.values())))
    found = sorted(writers(path, by, how) - {human})
    if not found:
        raise BadInput(f"{by} is {human} in all records", where=path, key="by", remedy="name another field")
    return {who: (path, replace(how, where={**(how.where or {}), by: [who]})) for who in found}


def _composed(
    sets: dict[str, list[Drawn]],
    source: str | None,
    of_source: Reading,
    count: int,
    seed: int,
    words: int | None,
    single: bool,
    fold: Sequence[Fold],
) -> Composed:
    own: list[Drawn] = []
    if source is not None:
        found = {name: with_sources(texts, source, count, seed, of_source) for name, texts in sets.items()}
        own = next(iter(found.values()))[1]
        if any(both for both, _ in found.values()):
            sets = {name: both for name, (both, _) in found.items() if both}
    paired = all(one.source is not None for texts in sets.values() for one in texts)
    kind: Kind = "single" if single or (not paired and not own) else "pair" if paired else "apart"
    if not single or not (own or paired):
        texts = disjoint(sets, count)
        beside = disjoint({SOURCE: own}, len(texts)) if kind == "apart" else []
        texts = texts[: len(beside)] if kind == "apart" else texts
        return compose(texts, beside, kind, seed=seed, words=words, fold=fold)
    texts = disjoint(sets, count - count // 2)
    taken = {text for one in texts for text in (one.text, one.source)}
    people = own or [Drawn(SOURCE, d.source_key or "", d.source or "") for each in sets.values() for d in each]
    beside = disjoint({SOURCE: [one for one in people if one.text not in taken]}, count // 2)
    return compose(texts, beside, kind, seed=seed, words=words, fold=fold)


def _name(path: str | Path) -> str:
    return Path(path).name.split(".")[0] or "corpus"
