"""``synthmix compare-generators``: texts of several generators and their sources."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import (
    Address,
    AsJson,
    EngineKind,
    Quiet,
    Workers,
    field_values,
    opened_engine,
    parse_named,
    telling,
)

if TYPE_CHECKING:
    from synthmix.generation.measures import Pair
    from synthmix.statistics.generators import Written
    from synthmix.statistics.representation import Representation
    from synthmix.statistics.style import StyleDistance, StyleMatch, StylePoint
    from synthmix.study.generator_gains import Gain
    from synthmix.table import Table

LEVEL = 0.95  # as the quality report's


def compare_generators(
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=PATH of each generator, weaker first; or one file with --by.", show_default=False),
    ] = None,
    sources: Annotated[str | None, typer.Option(help="What they were given; unset: faithfulness is left out.")] = None,
    against: Annotated[list[str] | None, typer.Option(help="Held-out text; may be repeated.")] = None,
    by: Annotated[str | None, typer.Option(help="One file: the field that names the generator.")] = None,
    human: Annotated[str, typer.Option(help="One file: the generator field's value of the sources.")] = "human",
    order: Annotated[str | None, typer.Option(help="Generators, weaker first: 'gpt2 gpt-4'; unset: as given.")] = None,
    pair: Annotated[str, typer.Option(help="Field that names the source document.")] = "pair_id",
    where: Annotated[list[str] | None, typer.Option(help="Keep generated records with FIELD=VALUE.")] = None,
    limit: Annotated[int, typer.Option(help="Texts of each that are read.", min=10)] = 2000,
    study: Annotated[Path | None, typer.Option(help="A study's file or folder: what each did for the loss.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the figures.")] = None,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Diversity, faithfulness, coverage, divergence and style distance of generators, and the loss of models trained
    on them: is bigger better here, and is the gain one of style?

    Example: synthmix compare-generators paired.jsonl --by source --order "gpt2-xl gpt-4o" --against web.jsonl

    Example: synthmix compare-generators small=a.jsonl large=b.jsonl --against web.jsonl --engine ray --address auto
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.generation.quality import quality_report
    from synthmix.report.generators import (
        fit_table,
        gain_table,
        representation_table,
        style_table,
        write_generators,
    )
    from synthmix.report.quality import measure_table, quality_rows
    from synthmix.statistics.generators import GeneratorRow
    from synthmix.statistics.generators import compare_generators as compare
    from synthmix.statistics.representation import Representation
    from synthmix.statistics.style import StylePoint

    if not texts and study is None:
        raise BadInput("nothing to compare", remedy="give NAME=PATH of each generator, or --study STUDY")
    value: dict[str, Any] = {}
    rows: list[GeneratorRow] = []
    others: list[Representation] = []
    points, match, sentence = list[StylePoint](), None, None
    blocks: list[Table | str] = []
    with telling(quiet=quiet) as progress, opened_engine(engine, address, workers, always=False) as running:
        if texts:
            written, given = gathered(texts, sources, by, human, pair, where or [], limit, order)
            named = parse_named(against or [])
            heldout = {part.name: held_texts(part.path, limit) for part in named}
            each = None if running is None else running.each
            rows = compare(written, given, heldout, level=LEVEL, each=each, progress=progress)
            quality = quality_report(paired(written, given), sample=limit).model_dump(mode="json")
            others = representations(written, given) if given else []
            value = {
                "generators": [asdict(row) for row in rows],
                "quality": [{"set": one, "measure": name, **asdict(mean)} for one, name, mean in quality_rows(quality)],
                "representation": [asdict(one) for one in others],
                "warnings": quality["warnings"],
            }
            blocks += [fit_table(rows), measure_table(quality), *([representation_table(others)] if others else [])]
            blocks += quality["warnings"]
        if study is not None:
            found, gains, styles, points, match = of_study(study, order.split() if order else None)
            value |= found
            sentence = found["bigger_is_better"]
            blocks += [gain_table(gains), *([style_table(styles)] if styles else [])]
            blocks += [line for line in (sentence, match.sentence if match else None) if line]
    if html is not None:
        write_generators(html, rows, others, points, match, sentence)
        blocks.append(f"page: {html}")
    show(value, *blocks, as_json=as_json)


def of_study(
    study: Path, order: Sequence[str] | None
) -> "tuple[dict[str, Any], list[Gain], dict[tuple[str, str], StyleDistance], list[StylePoint], StyleMatch | None]":
    """Gains by generator and their sentence as JSON; gains, style distances, points and the confound as objects.

    Raises:
        BadInput: no finished run, or none of natural text alone; a name in ``order`` without a run.
    """
    from synthmix.study.finished_study import read_study
    from synthmix.study.generator_gains import bigger_is_better, confound, generator_gains, study_styles

    text = read_study(study)
    gains = generator_gains(text)
    styles = study_styles(text)
    points, match = confound(gains, styles)
    names = list(dict.fromkeys(gain.generator for gain in gains))
    sentence = bigger_is_better(gains, order or names) if len(names) > 1 else None
    value = {
        "gains": [asdict(gain) for gain in gains],
        "bigger_is_better": sentence,
        "styles": [{"generator": g, "domain": d, **asdict(style)} for (g, d), style in styles.items()],
        "style_points": [asdict(point) for point in points],
        "style_match": None if match is None else asdict(match),
    }
    return value, gains, styles, points, match


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
    """Texts by generator, weaker first, and the sources (none: what needs them is left out).

    Raises:
        BadInput: a file that cannot be read, a field or a generator that is not there.
    """
    from synthmix.errors import BadInput
    from synthmix.human_eval.sheet import Reading, writers

    if by is None:
        parts = parse_named(texts)
        found = {part.name: _written(part.path, pair, field_values(where), limit) for part in parts}
        given = [] if sources is None else _written(sources, pair, {}, limit)
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
