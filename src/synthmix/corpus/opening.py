"""From a path or glob, here or in a bucket, to a stream of decompressed bytes."""

import glob
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from synthmix.errors import BadInput

# The widest window the zstd format's decoders are asked for with `--long=31`; the library's own default is 2^27.
ZSTD_MAX_WINDOW = 2**31


def expand(pattern: str) -> list[str]:
    """The files a path or glob stands for, sorted by name, as paths or URLs that :func:`open_bytes` takes.

    Raises:
        BadInput: no such file, a glob without a match, a folder, or a bucket without the extra ``cloud``.
    """
    from fsspec.core import url_to_fs

    try:
        fs, path = url_to_fs(pattern)
    except (ImportError, ValueError) as error:
        raise BadInput(
            f"cannot be reached ({error})",
            where=pattern,
            key="files",
            remedy="for s3:// and gs:// run pip install 'synthmix[cloud]'",
        ) from None
    is_glob = any(sign in path for sign in "*?[") and not fs.exists(path)
    with read_errors(pattern):
        if is_glob and "://" not in pattern:  # keeps relative paths relative, which is how people name them
            found = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
        elif is_glob:
            found = sorted(fs.unstrip_protocol(name) for name in fs.glob(path) if fs.isfile(name))
        elif fs.isdir(path):
            raise BadInput("is a folder", where=pattern, key="files", remedy=f"write {pattern.rstrip('/')}/*.jsonl")
        else:
            found = [pattern] if fs.exists(path) else []
    if not found:
        problem = "no file matches" if is_glob else "no such file"
        raise BadInput(problem, where=pattern, key="files", remedy="check the path")
    return found


@contextmanager
def open_bytes(path: str) -> Iterator[IO[bytes]]:
    """Open ``path`` for reading, decompressed when it ends in .gz or .zst (any window).

    Raises:
        BadInput: missing, unreadable or damaged.
    """
    import fsspec
    import zstandard

    with read_errors(path), fsspec.open(path, "rb") as raw:
        if path.endswith(".gz"):
            with gzip.GzipFile(fileobj=raw) as file:
                yield cast(IO[bytes], file)
        elif path.endswith(".zst"):
            decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_MAX_WINDOW)
            with decoder.stream_reader(raw, read_across_frames=True) as stream:
                yield _buffered(stream)
        else:
            yield raw


def _buffered(stream: Any) -> IO[bytes]:
    return io.BufferedReader(stream, buffer_size=1 << 20)


@contextmanager
def read_errors(where: str) -> Iterator[None]:
    """Turn what goes wrong while reading ``where`` into one line that names it."""
    import zstandard

    try:
        yield
    except FileNotFoundError:
        raise BadInput("no such file", where=where, remedy="check the path") from None
    except PermissionError:
        raise BadInput("cannot be read (no permission)", where=where) from None
    except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise BadInput(f"is damaged ({error})", where=where, remedy="copy or download it again") from None
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror or error})", where=where) from None
