"""A dataset card in the Hugging Face format for a corpus of generated text: YAML front matter, then Markdown.

https://huggingface.co/docs/hub/datasets-cards
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthmix.files import write_text
from synthmix.generation.filtering import Dropped
from synthmix.generation.measures import MEASURES
from synthmix.generation.quality import QualityReport
from synthmix.generation.template import Template
from synthmix.interval import Interval
from synthmix.markdown import cell, front_matter, size_category
from synthmix.quantities import format_count
from synthmix.table import Column, Table, facts

RISKS = (
    "The text was written by a model. It may state what is false with confidence; nobody has checked it.",
    "What the generator does not know or avoids is missing here; training on much of it narrows what a model knows.",
    "Biases of the generator and of the source are carried on, and may be stronger than in the source.",
    "The terms of the generator and the licence of the source both apply to the text.",
    "Contamination is looked for in the held-out texts of this study alone, by long runs of equal words: a paraphrase"
    " of a test question is not found.",
)


def dataset_card(
    *,
    name: str,
    template: Template,
    generator: Mapping[str, Any],
    source: Mapping[str, Any],
    files: Sequence[str],
    documents: int,
    tokens: int | None = None,
    dropped: Sequence[Dropped | Mapping[str, Any]] = (),
    read: int | None = None,
    failed: int = 0,
    truncated: int = 0,
    quality: QualityReport | None = None,
    language: str = "en",
    license: str = "unknown",
    version: str = "",
) -> str:
    """The card as text.

    Args:
        generator: model, sampling, seed, ... as a mapping; shown key by key.
        source: name, id, licence, ... of the corpus that the text was made from; the same.
        files: data files relative to the card.
        documents, tokens: in the data files.
        dropped: rows of the filters' table. read: documents that the filters looked at.
        failed: documents of which a request failed for good. truncated: documents at their token limit, kept.
    """
    front = {
        "pretty_name": name,
        "language": [language],
        "license": license or "unknown",
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "task_categories": ["text-generation"],
        "tags": ["synthetic", "synthmix", template.name],
        "size_categories": [size_category(documents)],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": list(files)}]}],
    }
    parts = [
        front_matter(front),
        f"# {cell(name)}",
        f"{documents:,} documents of synthetic text"
        + (f", {format_count(tokens)} tokens as the generator counts them" if tokens is not None else "")
        + f", of the type **{cell(template.name)}**: "
        + cell(template.front.description or "see the template below"),
        "Each line holds `text`, and in `provenance` where it comes from: source and its hash, template and its hash,"
        " model, sampling and seed, tokens, how the answer ended, and the seconds it took.",
        "## How it was made",
        _mapping(generator),
        "### Source",
        _mapping(source),
        f"### Template {cell(template.id)}",
        _fenced(template.body.strip()),
        "## What was left out",
        _left_out(dropped, read, documents, failed, truncated),
        *quality_section(quality),
        "## Known risks",
        "\n".join(f"- {risk}" for risk in RISKS),
        *([f"Made with synthmix {version}."] if version else []),
    ]
    return "\n\n".join(parts) + "\n"


def write_card(path: Path, **about: Any) -> None:
    """Write :func:`dataset_card` to ``path`` (``README.md`` beside the data), atomically."""
    write_text(path, dataset_card(**about))


def _left_out(
    dropped: Sequence[Dropped | Mapping[str, Any]], read: int | None, kept: int, failed: int, truncated: int
) -> str:
    rows = [Dropped.model_validate(row) if isinstance(row, Mapping) else row for row in dropped]
    lines = [
        f"Of {read if read is not None else kept + sum(row.documents for row in rows):,} documents {kept:,} were kept."
    ]
    if failed:
        lines.append(f"{failed:,} more have a request that failed for good.")
    if truncated:
        lines.append(f"{truncated:,} answers ran into their token limit; they are kept, with `finish: length`.")
    columns = [
        Column("reason"),
        Column("documents"),
        Column("share", form=lambda share: f"{100 * share:.2f} %"),
        Column("bytes"),
        Column("also", "one of several reasons"),
    ]
    table = Table("dropped", columns, [(row.reason, row.documents, row.share, row.bytes, row.also) for row in rows])
    return " ".join(lines) + (f"\n\n{table.markdown()}" if rows else "")


def quality_section(report: QualityReport | None) -> list[str]:
    """Every measure of every set, as blocks of Markdown; none without a report."""
    if report is None:
        return []
    names = [name for name in MEASURES if any(name in one.measures for one in report.sets)]
    rows = []
    for name in names:
        about = MEASURES[name]
        cells = []
        for one in report.sets:
            measure, scale = one.measures.get(name), 100 if about.share else 1
            cells.append(None if measure is None else measure.mean.scaled(scale))
        rows.append((f"{about.label}{' (%)' if about.share else ''}", *cells, about.says))
    text = (
        f"Measured on a sample ({', '.join(f'{one.name}: {one.documents:,}' for one in report.sets)} documents), with"
        f" 95 % intervals; diversity on blocks of {report.block_words:,} words."
    )
    sets = [Column(f"set {i}", one.name, ".3g", kind=Interval, missing="") for i, one in enumerate(report.sets)]
    table = Table("quality", [Column("measure"), *sets, Column("says", "what it is")], rows)
    return ["## Quality", text, table.markdown()]


def _mapping(values: Mapping[str, Any]) -> str:
    rows = [(key.replace("_", " "), _plain(value)) for key, value in values.items() if value not in (None, "", [], {})]
    return facts("", rows).markdown() if rows else "Not recorded."


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _fenced(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}jinja\n{text}\n{fence}"
