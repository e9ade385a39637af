"""Where text comes from, as it is written in a study file: ``{files: data/web/*.jsonl.gz, limit: 5M tokens}``."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator

from synthmix.corpus.meta import is_corpus
from synthmix.files import placed
from synthmix.quantities import parse_count

Fold = Literal["whitespace", "punctuation"]
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        "\u2026": "...",
        "\u00a0": " ",
        "\u00ad": None,  # soft hyphen
        "\u200b": None,  # zero-width space
    }
)
_SPACES = re.compile(r"\s+")
Scalar = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Document:
    """``text`` of one ``domain``; ``key`` says where it came from (an id, or file and line); ``place``: the lines, rows
    or pieces before it in its file."""

    text: str
    domain: str
    key: str | None = None
    place: int = field(default=0, compare=False)


class Part(NamedTuple):
    """Part of a file: bytes, or row groups, from ``start`` to before ``stop``; ``before``: the lines, rows or pieces
    that lie before it."""

    start: int
    stop: int
    before: int = 0


def text_hash(text: str) -> int:
    """64 bits of blake2b of the text's UTF-8: decides the split, the order and what is an exact duplicate."""
    return bytes_hash(text.encode())


def bytes_hash(data: bytes) -> int:
    """:func:`text_hash` of UTF-8."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def normalize(text: str, folds: tuple[Fold, ...] | list[Fold]) -> str:
    """``text`` with ``folds`` applied.

    ``whitespace``: every run of white space, newlines too, becomes one space. ``punctuation``: curly quotes, dashes,
    the ellipsis and invisible characters become their ASCII forms. A corpus without a single newline pays some 11
    nats for each newline of a held-out text, which no share of anything is about (docs/log.md).
    """
    if "punctuation" in folds:
        text = text.translate(_PLAIN)
    if "whitespace" in folds:
        text = _SPACES.sub(" ", text).strip()
    return text


class Limit(NamedTuple):
    """``amount`` documents, or as many as hold ``amount`` tokens."""

    amount: int
    unit: str


def parse_limit(value: Any) -> Limit:
    """``"10k documents"`` or ``"5M tokens"`` -> :class:`Limit`.

    Raises:
        ValueError: the unit is missing or is neither, or the count is not a positive whole number.
    """
    if isinstance(value, Limit):
        return value
    count, _, unit = str(value).strip().rpartition(" ")
    if unit not in ("documents", "tokens"):
        raise ValueError(f"{value!r} is not a limit; write '10k documents' or '5M tokens'")
    return Limit(parse_count(count), unit)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Strings = Annotated[list[str], BeforeValidator(_as_list)]


class Source(BaseModel):
    """One origin of documents: files, a Hugging Face dataset, or the embedded sample; exactly one of them.

    Attributes:
        files: path, glob (``**`` too) or list of them; ``s3://`` and ``gs://`` with the extra ``cloud``.
        format: how to read the files; by their suffix when absent. ``tokens``: of other trainers, as they are
            (:mod:`synthmix.corpus.token_files`); only a corpus is built of them.
        separator: divides a plain text file into documents, whatever its line ends; absent, a file is one document.
        text, id_field: fields that hold the text and the document's id (JSONL, Parquet, datasets).
        domain, domain_field: one domain for all documents, or the field that holds it.
        where: keeps only records whose field equals the value, or one of the values: of the same type (``true`` is
            not 1, ``"3"`` not 3), and null only where the field is there.
        dataset: id on the Hugging Face hub, a ``save_to_disk`` folder or a folder of data files.
        config, split, revision, streaming: passed on to ``datasets``.
        sample: ``all``, or the domains of the embedded sample.
        markup: ``strip`` takes off a language model's markup (:mod:`synthmix.corpus.markup`), reasoning above all, and
            drops and counts the documents in which some is left.
        normalize: typography to fold away, ``whitespace`` and ``punctuation``: for texts that were saved differently.
        limit: ``10k documents`` or ``5M tokens``, empty documents and repeated ones not counted. Of files a uniform
            sample by the hash of the text, which is read twice for it: that of a smaller limit is part of a larger one.
        limit_by: ``first`` takes the first ones in reading order instead (files sorted by name), and reads no further.
            So it is with datasets, which are not read twice; the embedded sample has the order of hashes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ORIGINS: ClassVar[tuple[str, ...]] = ("files", "dataset", "sample")

    files: Strings | None = None
    format: Literal["text", "jsonl", "parquet", "tokens"] | None = None
    separator: str | None = None
    text: str = "text"
    id_field: str = "id"
    domain: str | None = None
    domain_field: str | None = None
    where: dict[str, Scalar | list[Scalar]] | None = None
    dataset: str | None = None
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    streaming: bool = True
    sample: Literal["all"] | list[str] | None = None
    markup: Literal["keep", "strip"] = "keep"
    normalize: Annotated[list[Fold], BeforeValidator(_as_list)] = []
    limit: Annotated[Limit, BeforeValidator(parse_limit), PlainSerializer(lambda v: f"{v[0]} {v[1]}")] | None = None
    limit_by: Literal["hash", "first"] = "hash"

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in self.ORIGINS if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"found {' and '.join(given)}" if given else "found none"
            raise ValueError(f"exactly one of {', '.join(self.ORIGINS)} says where the text comes from; {found}")
        if self.domain is not None and self.domain_field is not None:
            raise ValueError("domain and domain_field exclude each other")
        if self.files is not None and not self.files:
            raise ValueError("files: the list is empty")
        if empty := [field for field, wanted in (self.where or {}).items() if wanted == []]:
            raise ValueError(f"where: the list of values of {empty[0]} is empty")
        if self.separator == "":
            raise ValueError("separator: must not be empty")
        if self.separator is not None and self.files is None:
            raise ValueError("separator: divides plain text files, so it needs files")
        return self

    @property
    def by_hash(self) -> bool:
        """Whether a limit takes a sample by hash, and not the first documents."""
        return self.files is not None and self.limit_by == "hash"

    @property
    def built(self) -> Path | None:
        """The folder of a built corpus, when ``files`` names just one."""
        one = self.files[0] if self.files is not None and len(self.files) == 1 else None
        return Path(placed(one)) if one is not None and is_corpus(one) else None

    def resolved(self, base: Path) -> Self:
        """The same source with relative local paths made absolute against ``base`` (the study file's folder)."""
        change: dict[str, Any] = {}
        if self.files is not None:
            change["files"] = [placed(name, base) for name in self.files]
        if self.dataset is not None and Path(placed(self.dataset, base)).is_dir():
            change["dataset"] = placed(self.dataset, base)
        return self.model_copy(update=change)
