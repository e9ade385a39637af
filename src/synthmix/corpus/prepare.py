"""Wherever a corpus is expected, a plain file will do as well: it is built on the way, once."""

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, overload

from filelock import FileLock

from synthmix.corpus.build import build_corpus
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import FORMAT, is_corpus
from synthmix.corpus.opening import expand
from synthmix.corpus.readers import described
from synthmix.corpus.sources import Source
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.files import content_hash, disk_errors, file_hash
from synthmix.progress import Progress


@overload
def open_or_build(
    what: Source | Sequence[Source] | str | Path,
    cache: str | Path,
    *,
    tokenizer: Tokenizer,
    name: str | None = ...,
    heldout: Fraction | int = ...,
    against: Sequence[Corpus] = ...,
    kind: Literal["real", "synthetic"] = ...,
    origin: str = ...,
    license: str = ...,
    progress: Progress | None = ...,
    build: Literal[True] = ...,
) -> Corpus: ...


@overload
def open_or_build(
    what: Source | Sequence[Source] | str | Path,
    cache: str | Path,
    *,
    tokenizer: Tokenizer,
    name: str | None = ...,
    heldout: Fraction | int = ...,
    against: Sequence[Corpus] = ...,
    kind: Literal["real", "synthetic"] = ...,
    origin: str = ...,
    license: str = ...,
    progress: Progress | None = ...,
    build: bool,
) -> Corpus | None: ...


def open_or_build(
    what: Source | Sequence[Source] | str | Path,
    cache: str | Path,
    *,
    tokenizer: Tokenizer,
    name: str | None = None,
    heldout: Fraction | int = 0,
    against: Sequence[Corpus] = (),
    kind: Literal["real", "synthetic"] = "real",
    origin: str = "",
    license: str = "",
    progress: Progress | None = None,
    build: bool = True,
) -> Corpus | None:
    """Open a corpus folder (``heldout`` and what follows it are then its own affair), or build one from text.

    Built corpora lie below ``cache`` under a key of the content of the local files (of name and size for those in a
    bucket, of the id and revision for a hub dataset, of the library versions for the sample) and of everything else
    that shapes them, so that a changed file is built anew and an unchanged one is not. Safe for two processes.
    With ``build=False`` nothing is built or written: None says that it is not there yet.

    Raises:
        BadInput: a corpus made by another tokenizer; what :func:`build_corpus` raises.
    """
    if isinstance(what, str | Path):
        if is_corpus(what):
            corpus = Corpus.open(what)
            corpus.check_tokenizer(tokenizer.hash)
            return corpus
        name = name or re.split(r"[.*?\[]", Path(what).name)[0] or "corpus"
        what = Source(files=[str(what)])
    sources = [what] if isinstance(what, Source) else list(what)
    name = name or "corpus"
    shaping: list[Any] = [FORMAT, tokenizer.hash, name, str(Fraction(heldout)), kind, origin, license]
    key = content_hash([*shaping, [other.id for other in against], [identity(source) for source in sources]])
    folder = Path(cache) / f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)}-{key}"
    if not build:
        return Corpus.open(folder) if is_corpus(folder) else None
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if is_corpus(folder):
                return Corpus.open(folder)
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


def identity(source: Source) -> list[Any]:
    """What decides a source's content, as a JSON-like value: its keys and what its origin holds now."""
    keys = source.model_dump(mode="json", include=set(Source.model_fields) - {"files"})
    if source.files is not None:
        paths = [path for pattern in source.files for path in expand(pattern)]
        return [keys, [_file_identity(path) for path in paths]]
    if source.sample is not None:
        from synthmix.corpus.sample import sample_versions

        return [keys, sample_versions(source.sample)]
    local = Path(described(source))
    return [keys, [[str(p.relative_to(local)), file_hash(p)] for p in sorted(local.rglob("*")) if p.is_file()]]


def _file_identity(path: str) -> list[Any]:
    if "://" not in path:
        return [file_hash(Path(path))]
    from fsspec.core import url_to_fs

    fs, name = url_to_fs(path)
    return [path, fs.size(name), str(fs.ukey(name))]
