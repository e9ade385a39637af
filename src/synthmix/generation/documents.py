"""What a command names as its source: re-iterable, and small enough to be sent to another process."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthmix.corpus.corpus import Corpus
from synthmix.corpus.document import Document
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.readers import read_documents
from synthmix.corpus.sources import Source
from synthmix.generation.shards import DATA
from synthmix.generation.summary import FILE as GENERATION


class Documents:
    """Documents of corpora, of generated folders, of files and globs, or of ``sample``, one after the other.

    Args:
        split: of corpora: ``train`` or ``heldout``.
        text, id_field: fields that hold the text and the id, in files. where: field -> values of the records to keep.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        split: str = "train",
        text: str = "text",
        id_field: str = "id",
        where: Mapping[str, Any] | None = None,
    ) -> None:
        self.names, self.split = list(names), split
        self.fields: dict[str, Any] = {"text": text, "id_field": id_field, "where": dict(where) if where else None}
        self._count: int | None = None

    def __iter__(self) -> Iterator[Document]:
        for name in self.names:
            if is_corpus(name):
                corpus = Corpus.open(name)
                if self.split == "train" or corpus.heldout_domains:
                    yield from corpus.documents(self.split)
            else:
                yield from read_documents(self._source(name), domain=Path(name).name.split(".")[0] or "text")

    def __len__(self) -> int:
        """How many there are; reads everything once."""
        if self._count is None:
            self._count = sum(1 for _ in self)
        return self._count

    def _source(self, name: str) -> Source:
        if name == "sample":
            return Source(sample="all")
        if (Path(name) / GENERATION).exists():
            return Source(files=[str(Path(name) / DATA / "*.jsonl.gz")])
        return Source(files=[name], **self.fields)


class Held:
    """The texts that no output may resemble: of held-out files, and what the corpora in ``names`` hold out."""

    def __init__(self, heldout: Sequence[str], names: Sequence[str]) -> None:
        self.heldout, self.names = list(heldout), [name for name in names if is_corpus(name)]

    def __iter__(self) -> Iterator[str]:
        for name in self.heldout:
            if is_corpus(name):
                corpus = Corpus.open(name)
                yield from corpus.texts("heldout" if corpus.heldout_domains else "train")
            else:
                yield from (document.text for document in Documents([name]))
        yield from (document.text for document in Documents(self.names, split="heldout"))
