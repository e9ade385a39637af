"""The first pass of a build: read, drop what is empty or repeated, decide the side of the split, tokenise.

Tokens go to a spool on disk in reading order; in memory stays a row a document (about 250 bytes with its key).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from synthmix.batching import batched
from synthmix.corpus.readers import described, read_documents
from synthmix.corpus.sample import prepare_sample
from synthmix.corpus.sources import Document, Source
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.progress import Progress

BATCH_DOCUMENTS = 1024
BATCH_CHARACTERS = 4_000_000


def text_hash(text: str) -> int:
    """64 bits of blake2b of the text's UTF-8: decides the split, the order and what is an exact duplicate."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def is_heldout(digest: int, share: Fraction) -> bool:
    """Whether a document falls on the held-out side: the same text does so in every corpus with this share."""
    return digest * share.denominator < share.numerator * 2**64


@dataclass
class Ingested:
    """What the first pass leaves: the spool, and a column per property of the documents in reading order."""

    spool: Path
    dtype: np.dtype
    removed: dict[str, int] = field(default_factory=lambda: {"empty": 0, "exact_duplicates": 0})
    digests: list[int] = field(default_factory=list)
    heldout: list[bool] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)  # tokens, end of document left out
    sizes: list[int] = field(default_factory=list)  # UTF-8 bytes
    keys: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.digests)

    def tokens(self) -> tuple[np.ndarray, np.ndarray]:
        """The spool mapped, shape (tokens,), and where each document starts, shape (documents,)."""
        lengths = np.array(self.lengths, dtype=np.int64)
        if not lengths.sum():
            return np.empty(0, dtype=self.dtype), np.zeros(len(lengths), dtype=np.int64)
        return np.memmap(self.spool, dtype=self.dtype, mode="r"), np.cumsum(lengths) - lengths


def ingest(
    sources: Sequence[Source] | Iterable[Document],
    spool: Path,
    *,
    name: str,
    tokenizer: Tokenizer,
    heldout: Fraction,
    progress: Progress,
) -> Ingested:
    """Read everything into ``spool``.

    Raises:
        BadInput: what the readers raise; a source with only empty documents.
    """
    ingested, seen = Ingested(spool, tokenizer.dtype), set[int]()
    with spool.open("wb") as file:
        for where, documents, limit in _each(sources, name, progress):
            tokens = before = 0
            for batch in batches(documents):
                kept = [document for document in batch if document.text.strip()]
                ingested.removed["empty"] += len(batch) - len(kept)
                before += len(kept)
                encoded = tokenizer.encode_batch([document.text for document in kept])
                for document, ids in zip(kept, encoded, strict=True):
                    if limit is not None and tokens >= limit:
                        break
                    digest = text_hash(document.text)
                    if digest in seen:
                        ingested.removed["exact_duplicates"] += 1
                        continue
                    seen.add(digest)
                    file.write(ids.tobytes())
                    tokens += len(ids) + 1
                    _note(ingested, document, digest, heldout, len(ids))
                progress.update(f"corpus {name}", len(ingested))
                if limit is not None and tokens >= limit:
                    break
            if not before:
                raise BadInput("holds only empty documents", where=where)
    return ingested


def _note(ingested: Ingested, document: Document, digest: int, heldout: Fraction, tokens: int) -> None:
    ingested.digests.append(digest)
    ingested.heldout.append(is_heldout(digest, heldout))
    ingested.domains.append(document.domain)
    ingested.lengths.append(tokens)
    ingested.sizes.append(len(document.text.encode()))
    ingested.keys.append(document.key)


def _each(
    sources: Sequence[Source] | Iterable[Document], name: str, progress: Progress
) -> Iterator[tuple[str, Iterable[Document], int | None]]:
    if isinstance(sources, Sequence) and all(isinstance(source, Source) for source in sources):
        for source in sources:
            assert isinstance(source, Source)
            limit = source.limit.amount if source.limit is not None and source.limit.unit == "tokens" else None
            if source.sample is not None:
                prepare_sample(source.sample, progress)
            yield described(source), read_documents(source, domain=name), limit
    else:
        yield name, sources, None  # type: ignore[misc]


def batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Batches for the tokenizer: many documents, or few long ones."""
    return batched(documents, lambda document: len(document.text), BATCH_CHARACTERS, count=BATCH_DOCUMENTS)
