"""A corpus on disk: token streams, what is known about them, and the way back to documents.

::

    corpus.json        metadata, written last          tokenizer.json     so that the folder is self-contained
    train/00000.npy    one stream, all domains         documents.parquet  where each document lies
    heldout/<domain>/00000.npy                         a stream a domain
    inputs.json        the files it was made from, with their sizes and hashes

In every stream the documents stand in the order of the hash of their text, each followed by the end-of-document
token: any prefix is a uniform sample of the documents, whatever the order of the files was.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from synthmix.checksums import check_folder
from synthmix.corpus.meta import REMEDY, Counts, Meta, read_meta
from synthmix.corpus.shards import TokenStream
from synthmix.corpus.sources import Document
from synthmix.corpus.tokenizer import Tokenizer, load_tokenizer
from synthmix.errors import BadInput
from synthmix.files import placed, url_of

DOCUMENTS = "documents.parquet"
TOKENIZER = "tokenizer.json"
WORDS = "words"
INPUTS = "inputs.json"
_ROW = ["split", "domain", "start", "tokens", "bytes", "key"]


class Corpus:
    """An opened corpus; cheap to make, to hold and to send to another process (the tokens stay on disk)."""

    def __init__(self, folder: Path, meta: Meta) -> None:
        self.folder, self.meta = folder, meta

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a corpus folder; of one in a bucket this machine's copy, which is made first
        (:mod:`synthmix.corpus.bucket`).

        Raises:
            BadInput: no corpus there, a damaged record, a missing or truncated shard, a bucket that may not be read.
        """
        if (url := url_of(folder)) is not None:
            from synthmix.corpus.bucket import local_copy

            folder = local_copy(url)
        folder = Path(placed(folder))
        corpus = cls(folder, read_meta(folder))
        for name in corpus.meta.streams:
            corpus._stream(name)  # looks at the shards' sizes
        corpus._words()
        return corpus

    @property
    def id(self) -> str:
        """Hash of the content."""
        return self.meta.id

    @property
    def name(self) -> str:
        """The name given when it was built."""
        return self.meta.name

    @cached_property
    def train(self) -> TokenStream:
        """The training part, all domains."""
        return self._stream("train")

    @property
    def heldout_domains(self) -> list[str]:
        """Domains of which something is held out, sorted."""
        return sorted(self.meta.heldout_streams)

    def heldout(self, domain: str) -> TokenStream:
        """The held-out documents of one domain.

        Raises:
            BadInput: nothing of that domain is held out.
        """
        if domain not in self.meta.heldout_streams:
            have = ", ".join(self.heldout_domains) or "none"
            raise BadInput(f"nothing held out of domain {domain!r}; there is {have}", where=self.folder)
        return self._stream(self.meta.heldout_streams[domain])

    @property
    def train_counts(self) -> Counts:
        """Of the training part, all domains together."""
        return sum(self.meta.train.values(), Counts())

    def heldout_counts(self, domain: str) -> Counts:
        """Of the held-out part of one domain."""
        return self.meta.heldout_counts.get(domain, Counts())

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that made the shards.

        Raises:
            BadInput: its file is not the one the corpus was built with.
        """
        tokenizer = load_tokenizer(self.folder / TOKENIZER, end=self.meta.end)
        if tokenizer.hash != self.meta.tokenizer_hash:
            raise BadInput(
                "the tokenizer does not match the shards",
                where=self.folder / TOKENIZER,
                remedy="build the corpus again",
            )
        return tokenizer

    def check_tokenizer(self, expected: str) -> None:
        """Hold the corpus to the tokenizer hash ``expected``.

        Raises:
            BadInput: it was built with another tokenizer.
        """
        if self.meta.tokenizer_hash != expected:
            raise BadInput(
                f"was built with another tokenizer ({self.meta.tokenizer_hash}, not {expected})",
                where=self.folder,
                remedy="build it again with this tokenizer",
            )

    def check(self) -> bool:
        """Compare everything with its checksum, unless this machine has found it right since it was last written;
        whether all of it has one (earlier versions wrote none for the documents).

        Raises:
            BadInput: the first that differs.
        """
        for name in self.meta.streams:
            self._stream(name).check()
        return check_folder(self.folder, remedy=REMEDY)

    def verify(self) -> None:
        """Compare every shard with its checksum and the tokenizer with its hash (reads everything).

        Raises:
            BadInput: the first that differs.
        """
        for name in self.meta.streams:
            self._stream(name).verify()
        self._words().verify()
        check_folder(self.folder, remedy=REMEDY)
        self.tokenizer()

    def token_documents(
        self, split: str = "train", domain: str | None = None, *, group: int | None = None
    ) -> Iterator[tuple[dict, np.ndarray]]:
        """Rows of the table of documents with their token ids (end of document left out), in stream order; ``group``:
        of one row group of it."""
        import pyarrow.parquet as pq

        streams = {name: self.heldout(name) for name in self.heldout_domains} if split == "heldout" else {}
        check_folder(self.folder, [DOCUMENTS], remedy=REMEDY)
        table = pq.ParquetFile(self.folder / DOCUMENTS)
        groups = list(range(table.num_row_groups)) if group is None else [group]
        for batch in table.iter_batches(batch_size=4096, columns=_ROW, row_groups=groups):
            for row in batch.to_pylist():
                if row["split"] == split and domain in (None, row["domain"]):
                    stream = self.train if split == "train" else streams[row["domain"]]
                    yield row, stream.read(row["start"], row["start"] + row["tokens"] - 1)

    def compared_documents(
        self, split: str = "train", domain: str | None = None, *, group: int | None = None
    ) -> Iterator[np.ndarray]:
        """What near-duplicates are found by, in stream order: a document's token ids, or where the tokenizer may have
        lost something the hashes of its words.

        Args:
            group: only this row group of the table of documents.
        """
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        if not self.meta.words:
            yield from (ids for _, ids in self.token_documents(split, domain, group=group))
            return
        words, at, table = self._words(), 0, pq.ParquetFile(self.folder / DOCUMENTS)
        groups = range(table.num_row_groups) if group is None else [group]
        for before in range(group or 0):
            at += pc.sum(table.read_row_group(before, columns=["words"]).column("words")).as_py() or 0
        for batch in table.iter_batches(batch_size=4096, row_groups=list(groups), columns=["split", "domain", "words"]):
            for row in batch.to_pylist():
                if row["split"] == split and domain in (None, row["domain"]):
                    yield words.read(at, at + row["words"])
                at += row["words"]

    def documents(
        self, split: str = "train", domain: str | None = None, limit: int | None = None
    ) -> Iterator[Document]:
        """The documents decoded back (exact for a tokenizer trained here), at most ``limit`` of them.

        Args:
            split: ``train`` or ``heldout``.
        """
        tokenizer = self.tokenizer()
        for number, (row, ids) in enumerate(self.token_documents(split, domain)):
            if number == limit:
                return
            yield Document(tokenizer.decode(ids), row["domain"], row["key"])

    def texts(self, split: str = "train", domain: str | None = None, limit: int | None = None) -> Iterator[str]:
        """The texts of :meth:`documents`."""
        return (document.text for document in self.documents(split, domain, limit))

    def _stream(self, name: str) -> TokenStream:
        return TokenStream(self.folder, self.meta.streams[name], np.dtype(self.meta.dtype))

    def _words(self) -> TokenStream:
        return TokenStream(self.folder, self.meta.words, np.dtype("<u4"))

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "meta": self.meta}
