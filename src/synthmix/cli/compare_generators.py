"""``synthmix compare-generators``: the same sources through weaker and stronger generators."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.common import AsJson, Quiet, telling

if TYPE_CHECKING:
    from synthmix.statistics.style import StyleMatch, StylePoint

LEVEL = 0.95  # as the quality report's


def compare_generators(
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=PATH of each generator, weaker first; or one file with --by.", show_default=False),
    ] = None,
    sources: Annotated[str | None, typer.Option(help="What they were given: a file or corpus.")] = None,
    against: Annotated[list[str] | None, typer.Option(help="Held-out text; may be repeated.")] = None,
    by: Annotated[str | None, typer.Option(help="One file: the field that names the generator.")] = None,
    human: Annotated[str, typer.Option(help="One file: the generator field's value of the sources.")] = "human",
    order: Annotated[str | None, typer.Option(help="Generators, weaker first: 'gpt2 gpt-4'; unset: as given.")] = None,
    pair: Annotated[str, typer.Option(help="Field that names the source document.")] = "pair_id",
    where: Annotated[list[str] | None, typer.Option(help="Keep generated records with FIELD=VALUE.")] = None,
    limit: Annotated[int, typer.Option(help="Texts of each that are read.", min=10)] = 2000,
    study: Annotated[Path | None, typer.Option(help="A study's file or folder: what each did for the loss.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the figures.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Diversity, faithfulness, coverage, divergence and style distance of generators, and the loss of models trained
    on them: is bigger better here, and is the gain one of style?

    Example: synthmix compare-generators paired.jsonl --by source --order "gpt2-xl gpt-4o" --against web.jsonl
    """
    from synthmix.cli.common import parse_named
    from synthmix.cli.generator_texts import gathered, held_texts, paired, representations
    from synthmix.cli.generators_text import quality_text, representation_text, rows_text
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.generation.quality import quality_report
    from synthmix.report.quality import quality_rows
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
    blocks: list[str] = []
    with telling(quiet=quiet) as progress:
        if texts:
            written, given = gathered(texts, sources, by, human, pair, where or [], limit, order)
            named = parse_named(against or [])
            heldout = {part.name: held_texts(part.path, limit) for part in named}
            rows = compare(written, given, heldout, level=LEVEL, progress=progress)
            quality = quality_report(paired(written, given), sample=limit)
            measured = quality.model_dump(mode="json")
            others = representations(written, given)
            value = {
                "generators": [asdict(row) for row in rows],
                "quality": [
                    {"set": one, "measure": name, **asdict(mean)} for one, name, mean in quality_rows(measured)
                ],
                "representation": [asdict(one) for one in others],
            }
            blocks += [rows_text(rows), quality_text(quality), representation_text(others)]
        if study is not None:
            found, text, points, match = of_study(study, order.split() if order else None)
            value |= found
            sentence = found["bigger_is_better"]
            blocks.append(text)
    if html is not None:
        from synthmix.report.generators_page import write_generators

        write_generators(html, rows, others, points, match, sentence)
        blocks.append(f"page: {html}")
    show(value, "\n\n".join(blocks), as_json=as_json)


def of_study(
    study: Path, order: Sequence[str] | None
) -> "tuple[dict[str, Any], str, list[StylePoint], StyleMatch | None]":
    """Gains by generator, their sentence, and the style-match confound: as JSON, as text, and as objects.

    Raises:
        BadInput: no finished run, or none of natural text alone; a name in ``order`` without a run.
    """
    from synthmix.cli.generators_text import gains_text
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
    return value, gains_text(gains, styles, sentence, match), points, match
