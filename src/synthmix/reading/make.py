"""Making a sheet: from corpora to a page for the raters and a key for the maker."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthmix.corpus.sources import Fold
from synthmix.errors import BadInput
from synthmix.files import write_json, write_text
from synthmix.progress import Progress, Silent
from synthmix.reading.compose import Composed, compose, disjoint
from synthmix.reading.questions import PROBLEMS, Kind, asked
from synthmix.reading.sheet import Sheet, key_path, load_sheet
from synthmix.reading.texts import LIMIT, SOURCE, Drawn, Reading, drawn, with_sources, writers


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
    """Write a blind reading sheet, ``to`` (HTML, offline), and its key beside it (``sheet.key.json``).

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
