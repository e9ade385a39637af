"""What goes beside the text of a finished job: the quality report, the pairs that it was measured on, the card."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.files import write_bytes, write_json
from synthmix.generation.card import write_card
from synthmix.generation.finish import Finished
from synthmix.generation.pairs import Pair
from synthmix.generation.quality import QualityReport, quality_report
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.template import Template

CARD, QUALITY, PAIRS = "README.md", "quality.json", "quality-pairs.jsonl.gz"


def publish(
    folder: Path,
    config: GenerateConfig,
    template: Template,
    made: Finished,
    about: Mapping[str, Any],
    generators: Iterable[Mapping[str, Any]],
) -> None:
    """Write them, or nothing of them when no document came through.

    Args:
        about: what is known of the source; ``name`` and ``license`` among it.
        generators: identities of the generators.
    """
    report = None
    if made.sample.pairs:
        report = quality_report({template.name: made.sample.pairs}, sample=len(made.sample.pairs))
        write_json(folder / QUALITY, report.model_dump(mode="json"))
        lines = (json.dumps([p.text, p.source, p.truncated], ensure_ascii=False) for p in made.sample.pairs)
        write_bytes(folder / PAIRS, gzip.compress("".join(f"{line}\n" for line in lines).encode(), 5, mtime=0))
    write_card(
        folder / CARD,
        name=f"{template.name} from {about.get('name', 'a corpus')}",
        template=template,
        generator={**config.identity(template), "generators": [dict(each) for each in generators]},
        source={key: value for key, value in about.items() if value},
        files=["data/*.jsonl.gz"],
        documents=made.documents.written,
        tokens=made.tokens,
        dropped=made.dropped,
        read=made.documents.written + made.documents.filtered,
        failed=made.documents.failed,
        truncated=made.truncated_documents,
        quality=report,
        license=str(about.get("license") or "unknown"),
        version=version("synthmix"),
    )


def compare_quality(folders: Mapping[str, Path]) -> QualityReport:
    """One report of several finished jobs, each against the sources and against the others.

    Args:
        folders: name -> folder of the job.

    Raises:
        BadInput: a folder without a finished job.
    """
    return quality_report({name: pairs_of(folder) for name, folder in folders.items()})


def pairs_of(folder: Path) -> Iterator[Pair]:
    """The uniform sample of a finished job's texts, each with its source, that its quality was measured on.

    Raises:
        BadInput: there is none.
    """
    if not (folder / PAIRS).exists():
        raise BadInput(f"holds no finished text (no {PAIRS})", where=folder, remedy="run synthmix generate --to there")
    with gzip.open(folder / PAIRS, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield Pair(*json.loads(line))
