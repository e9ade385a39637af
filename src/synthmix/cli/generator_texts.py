"""The texts of several generators and their sources, from files, one file, or corpora."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthmix.generation.measures import Pair
    from synthmix.statistics.generators import Written
    from synthmix.statistics.representation import Representation


def gathered(
    texts: Sequence[str],
    sources: str | None,
    by: str | None,
    human: str,
    pair: str,
    where: Sequence[str],
    limit: int,
    order: str | None,
) -> "tuple[dict[str, list[Written]], list[Written]]":
    """Texts by generator, weaker first, and the sources.

    Raises:
        BadInput: a file that cannot be read, a field or a generator that is not there, no sources.
    """
    from synthmix.cli.common import field_values, parse_named
    from synthmix.errors import BadInput
    from synthmix.reading.texts import Reading, writers

    if by is None:
        if sources is None:
            raise BadInput("what were they made from?", key="--sources", remedy="name the file, or --by FIELD")
        parts = parse_named(texts)
        found = {part.name: _written(part.path, pair, field_values(where), limit) for part in parts}
        given = _written(sources, pair, {}, limit)
    else:
        if len(texts) != 1:
            raise BadInput(
                f"{len(texts)} files are given", key="--by", remedy="give one file, or NAME=PATH without --by"
            )
        named = writers(texts[0], by, Reading()) - {human}
        chosen = order.split() if order else sorted(named)
        for name in chosen:
            if name not in named:
                raise BadInput(f"no record has {by}={name}", where=texts[0], key="--order", remedy=_some(named))
        found = {name: _written(texts[0], pair, {by: [name], **field_values(where)}, limit) for name in chosen}
        given = _written(sources or texts[0], pair, {} if sources else {by: [human]}, limit)
    return found, given


def paired(written: "Mapping[str, Sequence[Written]]", sources: "Sequence[Written]") -> "dict[str, list[Pair]]":
    """Each text beside its source (empty where it is not known)."""
    from synthmix.generation.measures import Pair

    known = {one.pair: one.text for one in sources if one.pair is not None}
    return {name: [Pair(one.text, known.get(one.pair or "", "")) for one in texts] for name, texts in written.items()}


def representations(written: "Mapping[str, Sequence[Written]]", sources: "Sequence[Written]") -> "list[Representation]":
    """What each over- and under-represents: against its own sources, pair by pair, where ten or more are known."""
    from synthmix.statistics.representation import represented

    known, found = {one.pair: one.text for one in sources if one.pair is not None}, []
    for name, texts in written.items():
        both = [(one.text, known[one.pair]) for one in texts if one.pair in known]
        if len(both) >= 10:
            mine, theirs = [a for a, _ in both], [b for _, b in both]
        else:
            mine, theirs = [one.text for one in texts], [one.text for one in sources]
        found.append(represented(name, mine, theirs, paired=len(both) >= 10, level=0.95))
    return found


def held_texts(path: str, limit: int) -> list[str]:
    """Held-out text of a corpus (its held-out part) or of a plain file."""
    from synthmix.corpus import Corpus, is_corpus
    from synthmix.corpus.load import Documents
    from synthmix.errors import BadInput

    if is_corpus(path):
        corpus = Corpus.open(path)
        if not corpus.heldout_domains:
            raise BadInput("holds nothing out", where=path, key="--against", remedy="build it again with --heldout 5%")
        return list(corpus.texts("heldout", limit=limit))
    return [document.text for document in islice(Documents([path]), limit)]


def _written(path: str, pair: str, where: dict[str, Any], limit: int) -> "list[Written]":
    from synthmix.corpus.load import Documents
    from synthmix.statistics.generators import Written

    documents = (d for d in Documents([path], id_field=pair, where=where) if d.text.strip())
    # A record without an id is known by its file and line, which pairs it with nothing.
    return [
        Written(d.text, None if d.key and (d.key == path or d.key.startswith((f"{path}:", f"{path}#"))) else d.key)
        for d in islice(documents, limit)
    ]


def _some(names: set[str]) -> str:
    return "there are " + ", ".join(sorted(names)[:20])
