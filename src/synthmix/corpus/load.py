"""From what a user names to a corpus or to documents: built corpora, generated folders, files and globs, ``sample``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, overload

from synthmix.corpus.bucket import state_of
from synthmix.corpus.build import build_corpus, hold_to_limit, train_texts
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import FORMAT, is_corpus
from synthmix.corpus.readers import described, expand, read_documents
from synthmix.corpus.sources import Document, Source
from synthmix.corpus.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from synthmix.files import content_hash, disk_errors, file_hash, placed
from synthmix.locking import lock
from synthmix.names import LONGEST
from synthmix.progress import Progress
from synthmix.quantities import parse_count, parsed
from synthmix.validation import TextKind

TRAINED_ON = 20_000_000  # bytes of the first text that a tokenizer is trained on
GENERATED, GENERATED_DATA = "generation.json", "data"  # of a generated folder: its summary, and the folder of its text


@overload
def open_or_build(
    what: Corpus | Source | Sequence[Source] | str | Path,
    cache: str | Path,
    *,
    tokenizer: Tokenizer,
    name: str | None = ...,
    heldout: Fraction | int = ...,
    against: Sequence[Corpus] = ...,
    kind: TextKind = ...,
    origin: str = ...,
    license: str = ...,
    progress: Progress | None = ...,
    build: Literal[True] = ...,
) -> Corpus: ...


@overload
def open_or_build(
    what: Corpus | Source | Sequence[Source] | str | Path,
    cache: str | Path,
    *,
    tokenizer: Tokenizer,
    name: str | None = ...,
    heldout: Fraction | int = ...,
    against: Sequence[Corpus] = ...,
    kind: TextKind = ...,
    origin: str = ...,
    license: str = ...,
    progress: Progress | None = ...,
    build: bool,
) -> Corpus | None: ...


def open_or_build(
    what: Corpus | Source | Sequence[Source] | str | Path,
    cache: str | Path,
    *,
    tokenizer: Tokenizer,
    name: str | None = None,
    heldout: Fraction | int = 0,
    against: Sequence[Corpus] = (),
    kind: TextKind = "natural",
    origin: str = "",
    license: str = "",
    progress: Progress | None = None,
    build: bool = True,
) -> Corpus | None:
    """Open a corpus or its folder (``heldout`` and what follows it do not apply then), or build one from text.

    Built corpora lie below ``cache`` under a key of the content of the local files (of name and size for those in a
    bucket, of the id and revision for a hub dataset, of the library versions for the sample) and of everything else
    that shapes them, so that a changed file is built anew and an unchanged one is not. Safe for two processes.
    With ``build=False`` nothing is built or written: None says that it is not there yet.

    Raises:
        BadInput: a corpus made by another tokenizer; what :func:`build_corpus` raises.
    """
    if isinstance(what, Corpus) or (isinstance(what, str | Path) and is_corpus(what)):
        corpus = what if isinstance(what, Corpus) else Corpus.open(what)
        corpus.check_tokenizer(tokenizer.hash)
        return corpus
    if isinstance(what, str | Path):
        name = name or re.split(r"[.*?\[]", Path(what).name)[0] or "corpus"
        what = Source(files=[str(what)])
    sources = [what] if isinstance(what, Source) else list(what)
    name = name or "corpus"
    kept = "real" if kind == "natural" else kind  # as the keys of corpora built before have it
    shaping: list[Any] = [FORMAT, tokenizer.hash, name, str(Fraction(heldout)), kept, origin, license]
    key = content_hash([*shaping, [other.id for other in against], [identity(source) for source in sources]])
    folder = Path(placed(cache)) / f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:LONGEST]}-{key}"
    if not build:
        return _within(Corpus.open(folder), tokenizer) if is_corpus(folder) else None
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with lock(folder.with_suffix(".lock")):
            if is_corpus(folder):
                return _within(Corpus.open(folder), tokenizer)
            return build_corpus(
                sources,
                folder,
                name=name,
                tokenizer=tokenizer,
                heldout=heldout,
                against=against,
                kind=kind,
                origin=origin,
                license=license,
                progress=progress,
            )


def _within(corpus: Corpus, tokenizer: Tokenizer) -> Corpus:
    """A corpus that was found built: perhaps when more could be lost."""
    hold_to_limit(corpus.meta.lost, tokenizer.lossy, corpus.name)
    return corpus


def shared_tokenizer(
    texts: Sequence[Corpus | Source | str | Path], asked: Tokenizer | str | Path | None, vocab: int | str
) -> Tokenizer:
    """The tokenizer for ``texts``: the one asked for, that of the first built corpus, or one trained on the first text.

    Raises:
        BadInput: it cannot be loaded, ``vocab`` is no count, or the first text cannot be read.
    """
    if asked is not None:
        return asked if isinstance(asked, Tokenizer) else load_tokenizer(asked)
    if (found := built_tokenizer(texts)) is not None:
        return found
    first = texts[0]
    source = first if isinstance(first, Source) else Source(files=[str(first)])
    return train_tokenizer(train_texts(source, limit_bytes=TRAINED_ON), parsed(parse_count, vocab, "vocab"))


def built_tokenizer(texts: Sequence[Corpus | Source | str | Path]) -> Tokenizer | None:
    """That of the first built corpus among ``texts``."""
    for text in texts:
        if isinstance(text, Corpus):
            return text.tokenizer()
        if isinstance(text, str | Path) and is_corpus(text):
            return Corpus.open(text).tokenizer()
    return None


def identity(source: Source) -> list[Any]:
    """What decides a source's content, as a JSON-like value: its keys and what its origin holds now."""
    keys = source.model_dump(mode="json", include=set(Source.model_fields) - {"files"})
    if source.markup == "keep":  # what corpora were before there was a choice: they stay valid
        del keys["markup"]
    if source.limit is None or not source.by_hash:
        del keys["limit_by"]
    if source.files is not None:
        paths = [path for pattern in source.files for path in expand(pattern)]
        return [keys, [_file_identity(path) for path in paths]]
    if source.sample is not None:
        from synthmix.corpus.sample import sample_versions

        return [keys, sample_versions(source.sample)]
    local = Path(placed(described(source)))
    return [keys, [[str(p.relative_to(local)), file_hash(p)] for p in sorted(local.rglob("*")) if p.is_file()]]


def _file_identity(path: str) -> list[Any]:
    if "://" not in path:
        return [file_hash(Path(path))]
    return [path, *state_of(path)]


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
        folder = Path(placed(name))
        if (folder / GENERATED).exists():
            return Source(files=[str(folder / GENERATED_DATA / "*.jsonl.gz")])
        return Source(files=[name], **self.fields)


class HeldoutTexts:
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
