"""A corpus built again when files were added to its text: what it holds of files as they were is taken over."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.checksums import check_folder
from synthmix.corpus.chunks import ChunkWriter
from synthmix.corpus.corpus import DOCUMENTS, INPUTS, Corpus
from synthmix.corpus.ingest import Input, read_state
from synthmix.corpus.meta import REMEDY
from synthmix.corpus.sources import Source
from synthmix.files import read_json
from synthmix.quantities import plural

_BATCH_ROWS = 2**16
_LEFT_OUT = ("exact_duplicates", "near_duplicates_of_heldout", "heldout_trained_on_elsewhere")


class Update:
    """The corpus that is there, and which of its files are as they were.

    A file is what its content is (size and blake2b), wherever it lies now. Files of which something was left out as a
    duplicate are read again once another file is gone or changed: what they repeated may be gone with it.

    Attributes:
        new, changed, gone: names of files.
        kept: how many files are as they were.
    """

    def __init__(self, corpus: Corpus, inputs: Sequence[Input]) -> None:
        import pyarrow.parquet as pq

        check_folder(corpus.folder, [DOCUMENTS, INPUTS], remedy=REMEDY)
        self.corpus = corpus
        self._before: list[dict[str, Any]] = read_json(corpus.folder / INPUTS, remedy=REMEDY)
        had = {(one.get("bytes"), _version(one)): number for number, one in enumerate(self._before)}
        sizes = {size for size, _ in had}
        self._old: dict[int, int] = {}  # number of an input -> its number in the corpus
        for one in inputs:
            if one.state is not None and one.state[0] in sizes:
                found = had.get((one.state[0], _version(read_state(one))))
                if found is not None and found not in self._old.values():
                    self._old[one.number] = found
        self.kept, there = len(self._old), set(self._old.values())
        names, told = {one.where for one in inputs}, {one["name"] for one in self._before}
        self.new = [one.where for one in inputs if one.number not in self._old and one.where not in told]
        self.changed = [one.where for one in inputs if one.number not in self._old and one.where in told]
        lost = [one["name"] for number, one in enumerate(self._before) if number not in there]
        self.gone = [name for name in lost if name not in names]
        self.whole = not lost
        if lost:
            rows = pq.read_table(corpus.folder / DOCUMENTS, columns=["input"]).column("input").to_numpy()
            held = np.bincount(rows, minlength=len(self._before))
            whole = {number for number, one in enumerate(self._before) if held[number] == one["documents"]}
            self._old = {new: old for new, old in self._old.items() if old in whole}

    @property
    def removed(self) -> dict[str, int]:
        """Documents that the corpus left out for what it still holds; they are not read again."""
        return {reason: self.corpus.meta.removed.get(reason, 0) for reason in _LEFT_OUT} if self.whole else {}

    def told(self) -> str:
        """What is new, changed and gone, in words."""
        parts = [f"{plural(self.kept, 'file')} as before"]
        for names, what in ((self.new, "new"), (self.changed, "changed"), (self.gone, "gone")):
            if names:
                parts.append(f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})")
        return "; ".join(parts)

    def take(self, inputs: Sequence[Input], folder: Path) -> dict[str, dict[str, Any]]:
        """Write chunks of those of ``inputs`` that are as they were; see :class:`synthmix.corpus.ingest.Known`."""
        import pyarrow.parquet as pq

        old = {self._old[one.number]: one.number for one in inputs if one.number in self._old}
        if not old:
            return {}
        corpus, prefix = self.corpus, f"known-{min(old.values()):06d}"
        numbers = np.full(len(self._before), -1, dtype=np.int64)
        numbers[list(old)] = list(old.values())
        writer = ChunkWriter(folder, prefix, np.dtype(corpus.meta.dtype), lossy=False)
        heldout = {name: corpus.heldout(name) for name in corpus.heldout_domains}
        tokens = 0
        for batch in pq.ParquetFile(corpus.folder / DOCUMENTS).iter_batches(batch_size=_BATCH_ROWS):
            mine = np.flatnonzero(numbers[batch.column("input").to_numpy()] >= 0)
            for row in batch.take(mine).to_pylist():
                stream = corpus.train if row["split"] == "train" else heldout[row["domain"]]
                ids = stream.read(row["start"], row["start"] + row["tokens"] - 1)
                columns = {name: row[name] for name in ("digest", "place", "domain", "key")}
                writer.add(ids, size=row["bytes"], input=int(numbers[row["input"]]), **columns)
                tokens += row["tokens"]
        about = {str(new): {k: v for k, v in self._before[was].items() if k != "name"} for was, new in old.items()}
        counts = {"repeated": 0, "tokens": tokens, "checked": corpus.meta.checked}
        return {prefix: {**counts, "chunks": writer.close(), "inputs": about}}


def _version(about: dict[str, Any]) -> str | None:
    """Of a file: the hash of its content, or in a bucket of what that says of it."""
    return about.get("blake2b", about.get("version"))


def why_not(corpus: Corpus, sources: Sequence[Source], expected: dict[str, Any], *, deduplicate: bool = False) -> str:
    """Why nothing of ``corpus`` can be taken over into one made of ``sources``; empty: nothing is in the way.

    Args:
        expected: fields of the metadata that must be the same.
        deduplicate: near-duplicates within the training part are to be removed.
    """
    import pyarrow.parquet as pq

    if deduplicate or "near_duplicates" in corpus.meta.removed:
        return "what was removed as a near-duplicate may be none of what is there now"
    for name, value in expected.items():
        if (had := getattr(corpus.meta, name)) != value:
            return f"{name.replace('_', ' ')} is {value}, and was {had}"
    if not (corpus.folder / INPUTS).exists() or "digest" not in pq.read_schema(corpus.folder / DOCUMENTS).names:
        return "an earlier version built it, which did not list its files"
    if corpus.meta.words or corpus.meta.lost:
        return "its tokenizer may lose text, which is not there to be compared"
    if any(source.files is None or source.limit is not None for source in sources):
        return "only files without a limit can be told apart"
    keys = [{k: v for k, v in one.items() if k != "files"} for one in corpus.meta.sources]
    now = [one.model_dump(mode="json", exclude_defaults=True, exclude={"files"}) for one in sources]
    return "" if keys == now else "the sources have other keys than they had"
