"""The third-party files: a folder named by SYNTHMIX_SHARED, by default `shared` beside the checkout."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.corpus.readers import open_bytes
from synthmix.errors import BadInput

SHARED = Path(os.environ.get("SYNTHMIX_SHARED", Path(__file__).parents[3] / "shared"))


def rows(name: str) -> Iterator[dict[str, Any]]:
    """The records of one JSON Lines file below ``data``.

    Raises:
        BadInput: the folder is not there.
    """
    path = SHARED / "data" / name
    if not path.exists():
        raise BadInput("no such file", where=path, remedy="set SYNTHMIX_SHARED to the folder that holds data/")
    with open_bytes(str(path)) as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


@dataclass(frozen=True)
class Source:
    """Items that contributors draw from: texts or an array (n, ...), labels (n,) or None, natural or not."""

    items: Any
    labels: np.ndarray | None = None
    natural: bool = False

    def __len__(self) -> int:
        return len(self.items)

    def at(self, places: Any) -> "Source":
        """The items at ``places``, in that order."""
        chosen = self.items[places] if isinstance(self.items, np.ndarray) else [self.items[int(at)] for at in places]
        return Source(chosen, None if self.labels is None else self.labels[places], self.natural)

    def split(self, sizes: dict[str, int], seed: int) -> dict[str, "Source"]:
        """Disjoint random parts of the given sizes, and ``rest``."""
        order, parts, start = np.random.default_rng(seed).permutation(len(self)), {}, 0
        for name, size in sizes.items():
            parts[name] = self.at(order[start : start + size])
            start += size
        return parts | {"rest": self.at(order[start:])}


def joined(parts: list[Source]) -> Source:
    """One after the other; natural if all are."""
    first = parts[0]
    items: Any = (
        np.concatenate([each.items for each in parts])
        if isinstance(first.items, np.ndarray)
        else [item for each in parts for item in each.items]
    )
    labels = [each.labels for each in parts if each.labels is not None]
    return Source(items, np.concatenate(labels) if labels else None, all(each.natural for each in parts))


def texts_of(name: str, words: int, **where: Any) -> Source:
    """Labelled texts of at most ``words`` words, of the records whose fields are as in ``where``."""
    kept = [row for row in rows(name) if all(row.get(key) == value for key, value in where.items())]
    texts = [" ".join(row["text"].split()[:words]) for row in kept]
    full = [at for at, text in enumerate(texts) if text]
    labels = np.array([int(kept[at]["label"]) for at in full])
    return Source([texts[at] for at in full], labels, natural=all(row["source"] == "human" for row in kept))
