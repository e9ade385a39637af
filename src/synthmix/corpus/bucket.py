"""Corpora in buckets (``s3://``, ``gs://``, whatever fsspec opens): built here and copied there, and read from a copy.

A corpus is memory-mapped, so one in a bucket is copied once into the cache folder of this machine (``SYNTHMIX_CACHE``)
and held to its checksums like any other. ``corpus.json`` is copied last in either direction, and removed first where an
older corpus is replaced: what stands in a bucket half-copied is no corpus.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthmix.corpus.meta import FILE
from synthmix.errors import BadInput
from synthmix.files import cache_folder, content_hash, disk_errors, new_folder
from synthmix.reading import read_errors

_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "mtime", "LastModified", "created")
_OF_OBJECTS = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"}
_REMEDY = "check the bucket's name, the credentials and what they allow"


def opened(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path within it.

    Raises:
        BadInput: it is none that can be opened, or its package is not installed.
    """
    from fsspec.core import url_to_fs

    try:
        return url_to_fs(url.rstrip("/"))
    except (ImportError, ValueError) as error:
        raise BadInput(
            f"cannot be reached ({error})",
            where=url,
            remedy="for s3:// and gs:// run pip install 'synthmix[cloud]'",
        ) from None


def state_of(url: str, *, again: bool = False) -> tuple[int | None, str]:
    """Size of a file, None where its bucket does not say it, and its version: what changes when it is written anew.

    Not fsspec's `ukey`, which hashes all that is known of a file, and a listing knows other things than a single look.

    Args:
        again: ask the bucket, though its listing is known.

    Raises:
        BadInput: the file is gone, or may not be read.
    """
    with read_errors(url):
        fs, path = opened(url)
        if again:
            fs.invalidate_cache()
        about = fs.info(path)
        version = next((about[key] for key in _VERSIONS if about.get(key) is not None), "")
    return about.get("size"), str(version).strip('"')


def is_there(url: str) -> bool:
    """Whether a corpus stands at ``url``; False also where the bucket does not say."""
    if any(sign in url for sign in "*?["):
        return False
    try:
        with read_errors(url):
            fs, path = opened(url)
            return bool(fs.exists(f"{path}/{FILE}"))
    except BadInput:  # whoever reads it is told why
        return False


def local_copy(url: str) -> Path:
    """The folder of this machine's copy of the corpus at ``url``; made, or made anew, where it is not that one.

    Raises:
        BadInput: there is no corpus, or the bucket may not be read.
    """
    with read_errors(url):
        fs, path = opened(url)
        fs.invalidate_cache()
        try:
            about = fs.cat_file(f"{path}/{FILE}")
        except FileNotFoundError:
            remedy = "build it with synthmix corpus build"
            raise BadInput("no corpus here (no corpus.json)", where=url, remedy=remedy) from None
        folder = _place(url, about)
        if not (folder / FILE).exists():
            names = [name.removeprefix(path).lstrip("/") for name in sorted(fs.find(path))]
            with new_folder(folder, marker=FILE) as staging:
                for name in [name for name in names if name != FILE]:
                    (staging / name).parent.mkdir(parents=True, exist_ok=True)
                    fs.get_file(f"{path}/{name}", str(staging / name))
                (staging / FILE).write_bytes(about)
    return folder


@contextmanager
def new_corpus(url: str) -> Iterator[Path]:
    """Yield a folder of this machine for a corpus that is copied to ``url`` when the block ends well.

    An interrupted build finds the same folder again.

    Raises:
        BadInput: the bucket may not be written to, which is tried before anything is built, or other files lie there.
    """
    with _write_errors(url):
        fs, path = opened(url)
        fs.invalidate_cache()
        there = set(fs.find(path)) if fs.exists(path) else set()
        if there and f"{path}/{FILE}" not in {name.rstrip("/") for name in there}:
            raise BadInput(f"holds other files (and no {FILE})", where=url, remedy="name a new or an empty folder")
        marker = f"{path}/.may-be-written"
        _make_folder(fs, path)
        fs.pipe_file(marker, b"")
        fs.rm_file(marker)
    folder = cache_folder() / "building" / f"{path.rsplit('/', 1)[-1]}-{content_hash(url)}"
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    yield folder
    with _write_errors(url):
        if f"{path}/{FILE}" in there:
            fs.rm_file(f"{path}/{FILE}")
        files = [name for name in sorted(folder.rglob("*")) if name.is_file() and name != folder / FILE]
        names = [f"{path}/{name.relative_to(folder).as_posix()}" for name in files]
        for name, file in zip(names, files, strict=True):
            _make_folder(fs, name.rsplit("/", 1)[0])
            fs.put_file(str(file), name)
        for old in there - {*names, f"{path}/{FILE}"}:
            fs.rm_file(old)
        fs.put_file(str(folder / FILE), f"{path}/{FILE}")
    place = _place(url, (folder / FILE).read_bytes())
    with disk_errors(place):
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)


def _make_folder(fs: Any, path: str) -> None:
    """Where files need one; a store of objects would make a bucket of a name that was mistyped."""
    names = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
    if not names & _OF_OBJECTS:
        fs.makedirs(path, exist_ok=True)


def _place(url: str, about: bytes) -> Path:
    """Where a corpus is copied to: by its URL and what its corpus.json says."""
    return cache_folder() / "corpora" / content_hash([url.rstrip("/"), json.loads(about)])


@contextmanager
def _write_errors(url: str) -> Iterator[None]:
    try:
        with read_errors(url):
            yield
    except BadInput as error:
        if not isinstance(error.__context__, PermissionError | FileNotFoundError):
            raise
        what = "no permission" if isinstance(error.__context__, PermissionError) else "no such bucket"
        raise BadInput(f"cannot be written to ({what})", where=url, remedy=_REMEDY) from None
