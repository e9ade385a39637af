"""What is known about a corpus: ``corpus.json``, written last, so that a folder that has it is whole."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from synthmix.corpus.shards import Shard
from synthmix.errors import BadInput
from synthmix.files import content_hash, placed, read_json, url_of
from synthmix.validation import TextKind, validated

FORMAT = 1
FILE = "corpus.json"
REMEDY = "delete the corpus folder and build it again"


class Counts(BaseModel):
    """Documents, tokens (an end of document each included) and UTF-8 bytes of text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: int = 0
    tokens: int = 0
    bytes: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            documents=self.documents + other.documents,
            tokens=self.tokens + other.tokens,
            bytes=self.bytes + other.bytes,
        )


class Loss(BaseModel):
    """What the tokenizer lost of a domain's text: UTF-8 bytes that do not come back, of how many, and the documents
    that lost more than half of theirs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int = 0
    of: int = 0
    documents: int = 0

    @property
    def share(self) -> float:
        """Of the bytes."""
        return self.bytes / self.of if self.of else 0.0

    def __add__(self, other: "Loss") -> "Loss":
        return Loss(bytes=self.bytes + other.bytes, of=self.of + other.of, documents=self.documents + other.documents)


class Meta(BaseModel):
    """A corpus's metadata.

    Attributes:
        id: hash of the tokenizer and of every token in order: the content, whatever its name.
        heldout: the share asked for, as a fraction in text.
        train, heldout_counts: per domain.
        streams: shards per stream: ``train``, and ``heldout/...`` as named in ``heldout_streams`` per domain.
        removed: reason -> documents that were read and are in neither part.
        lost: what the tokenizer lost, per domain, of all that was read; empty where it is known to lose nothing.
        words: hashes of the words of every document, in the order of the table of documents, where something may be
            lost: duplicates are looked for in the text, not in what is left of it.
        generator: for synthetic text, what made it; free-form.
        sources: the sources as they were written.
        versions: of the packages that decide the content.
        checked: characters at the beginning, a million at most, for which `tiktoken` gave the ids that `tokenizers`
            gives, before it encoded the rest; 0: it was not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    name: str
    kind: TextKind
    id: str
    tokenizer_hash: str
    vocab_size: int
    end: str
    eos_id: int
    dtype: str
    heldout: str
    train: dict[str, Counts]
    heldout_counts: dict[str, Counts]
    heldout_streams: dict[str, str]
    streams: dict[str, list[Shard]]
    removed: dict[str, int]
    lost: dict[str, Loss] = {}
    words: list[Shard] = []
    origin: str
    license: str
    generator: dict[str, Any] | None
    sources: list[dict[str, Any]]
    against: list[str]
    versions: dict[str, str]
    checked: int = 0


def content_id(tokenizer_hash: str, streams: dict[str, list[Shard]]) -> str:
    """The corpus id: of the tokenizer and the shards' checksums, those of words among them where tokens lose text."""
    return content_hash(
        [FORMAT, tokenizer_hash, {name: [s.blake2b for s in shards] for name, shards in streams.items()}]
    )


def is_corpus(path: str | Path) -> bool:
    """Whether a built corpus lies there; anything else is text to be read."""
    if (url := url_of(path)) is not None:
        from synthmix.corpus.bucket import is_there

        return is_there(url)
    return (Path(placed(path)) / FILE).exists()


def read_meta(folder: Path) -> Meta:
    """Read and validate ``corpus.json``.

    Raises:
        BadInput: no corpus there, a damaged record, or one of another format version.
    """
    path = folder / FILE
    if not path.exists():
        raise BadInput("no corpus here (no corpus.json)", where=folder, remedy="build it with synthmix corpus build")
    raw = read_json(path, remedy=REMEDY)
    if isinstance(raw, dict) and raw.get("format") != FORMAT:
        raise BadInput(
            f"has format {raw.get('format')}; this version reads {FORMAT}", where=path, remedy="build the corpus again"
        )
    return validated(Meta, raw, where=path, problem="is damaged", remedy=REMEDY)
