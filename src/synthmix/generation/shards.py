"""The finished text on disk: compressed JSON lines that every reader of corpora takes."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from synthmix.corpus.load import GENERATED_DATA
from synthmix.files import new_folder
from synthmix.generation.assemble import Generated

SHARD_BYTES = 100_000_000  # of text, before compression
_MARKER = "00000.jsonl.gz"


def write_shards(documents: Iterable[Generated], folder: Path, kind: str) -> list[Path]:
    """Write ``folder/data/00000.jsonl.gz`` and so on, all or nothing: ``{id, text, source, provenance}`` a line.

    Raises:
        Failure: the disk is full.
    """
    names: list[str] = []
    with new_folder(folder / GENERATED_DATA, marker=_MARKER) as staging:
        rest = iter(documents)
        while True:
            name = f"{len(names):05}.jsonl.gz"
            names.append(name)
            # No time in the header: the same text gives the same file.
            with (staging / name).open("wb") as raw, gzip.GzipFile("", "wb", 5, raw, mtime=0) as file:
                size = 0
                for document in rest:
                    line = json.dumps(_record(document, kind), ensure_ascii=False) + "\n"
                    size += file.write(line.encode())
                    if size >= SHARD_BYTES:
                        break
                else:
                    break
    return [folder / GENERATED_DATA / name for name in names]


def _record(document: Generated, kind: str) -> dict[str, object]:
    return {
        "id": f"{kind}/{document.document}/{document.rollout}",
        "text": document.text,
        "type": kind,
        "provenance": document.provenance,
    }
