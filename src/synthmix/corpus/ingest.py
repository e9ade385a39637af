"""The first pass of a build: read, drop what is empty or repeated, decide the side of the split, tokenise.

Tokens go to a spool on disk in reading order; in memory stays a row a document (about 250 bytes with its key).
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from synthmix.batching import batched
from synthmix.corpus.encoding import Encoding
from synthmix.corpus.meta import Loss
from synthmix.corpus.readers import described, read_documents
from synthmix.corpus.sample import prepare_sample
from synthmix.corpus.sources import Document, Source
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.progress import Progress

BATCH_DOCUMENTS = 1024
BATCH_CHARACTERS = 4_000_000
# A word, a character of a script without spaces, or a sign.
_WORD = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]|\\w+|[^\\w\\s]")


def text_hash(text: str) -> int:
    """64 bits of blake2b of the text's UTF-8: decides the split, the order and what is an exact duplicate."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def is_heldout(digest: int, share: Fraction) -> bool:
    """Whether a document falls on the held-out side: the same text does so in every corpus with this share."""
    return digest * share.denominator < share.numerator * 2**64


def hashed_words(text: str) -> np.ndarray:
    """32 bits of each word of a text: what is compared for near-duplicates where tokens do not hold all of it."""
    return np.array([zlib.crc32(word.encode()) for word in _WORD.findall(text)], dtype=np.uint32)


@dataclass
class Ingested:
    """What the first pass leaves: the spool, and a column per property of the documents in reading order.

    ``lost`` and the spool of ``words`` are filled with a tokenizer that may lose something of the text.
    """

    spool: Path
    dtype: np.dtype
    removed: dict[str, int] = field(default_factory=lambda: {"empty": 0, "exact_duplicates": 0})
    digests: list[int] = field(default_factory=list)
    heldout: list[bool] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)  # tokens, end of document left out
    sizes: list[int] = field(default_factory=list)  # UTF-8 bytes
    keys: list[str | None] = field(default_factory=list)
    checked: int = 0  # characters that tiktoken and tokenizers encoded alike; 0: tiktoken was not used
    lost: dict[str, Loss] = field(default_factory=dict)
    words: list[int] = field(default_factory=list)  # of each document

    @property
    def word_spool(self) -> Path:
        """Where the words lie."""
        return self.spool.with_suffix(".words")

    def compared(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What near-duplicates are found by: tokens, or words where tokens may have lost something: the spool mapped,
        where each document starts and how long it is, shape (documents,)."""
        if not self.words:
            return *self.tokens(), np.array(self.lengths, dtype=np.int64)
        counts = np.array(self.words, dtype=np.int64)
        mapped = np.memmap(self.word_spool, np.uint32, "r") if counts.sum() else np.empty(0, dtype=np.uint32)
        return mapped, np.cumsum(counts) - counts, counts

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
    encode = Encoding(tokenizer, progress.say)
    with spool.open("wb") as file, ingested.word_spool.open("wb") as words:
        for where, documents, limit in _each(sources, name, progress, ingested.removed):
            tokens = before = 0
            for batch in batches(documents):
                kept = [document for document in batch if document.text.strip()]
                ingested.removed["empty"] += len(batch) - len(kept)
                before += len(kept)
                texts = [document.text for document in kept]
                encoded = encode(texts)
                lost = tokenizer.lost_bytes(texts, encoded)
                for document, ids, gone in zip(kept, encoded, lost, strict=True):
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
                    if not tokenizer.lossless:
                        own = hashed_words(document.text)
                        words.write(own.tobytes())
                        ingested.words.append(len(own))
                        loss = Loss(bytes=gone, of=ingested.sizes[-1], documents=2 * gone > ingested.sizes[-1])
                        ingested.lost[document.domain] = ingested.lost.get(document.domain, Loss()) + loss
                progress.update(f"corpus {name}", len(ingested))
                if limit is not None and tokens >= limit:
                    break
            if not before:
                what = "empty documents" + (" and such with a model's markup" if ingested.removed.get("markup") else "")
                raise BadInput(f"holds only {what}", where=where)
    ingested.checked = encode.checked
    return ingested


def _note(ingested: Ingested, document: Document, digest: int, heldout: Fraction, tokens: int) -> None:
    ingested.digests.append(digest)
    ingested.heldout.append(is_heldout(digest, heldout))
    ingested.domains.append(document.domain)
    ingested.lengths.append(tokens)
    ingested.sizes.append(len(document.text.encode()))
    ingested.keys.append(document.key)


def _each(
    sources: Sequence[Source] | Iterable[Document], name: str, progress: Progress, removed: dict[str, int]
) -> Iterator[tuple[str, Iterable[Document], int | None]]:
    def with_markup(document: Document) -> None:
        removed["markup"] += 1

    if isinstance(sources, Sequence) and all(isinstance(source, Source) for source in sources):
        for source in sources:
            assert isinstance(source, Source)
            limit = source.limit.amount if source.limit is not None and source.limit.unit == "tokens" else None
            if source.sample is not None:
                prepare_sample(source.sample, progress)
            if source.markup == "strip":
                removed.setdefault("markup", 0)
            yield described(source), read_documents(source, domain=name, on_markup=with_markup), limit
    else:
        yield name, sources, None  # type: ignore[misc]


def batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Batches for the tokenizer: many documents, or few long ones."""
    return batched(documents, lambda document: len(document.text), BATCH_CHARACTERS, count=BATCH_DOCUMENTS)
