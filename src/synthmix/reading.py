"""The one way in for files of text: unpacked to the end of every frame, by lines or in chunks, within limits.

What a file's packing is, where a line ends, what a byte order mark is and how large things may be is decided here, for
corpora, tables of runs and study files alike. Limits are environment variables (:class:`Limits`), so that they hold for
commands, Python and worker processes.
"""

import bz2
import codecs
import io
import json
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, Protocol, cast

from synthmix.errors import BadInput
from synthmix.quantities import parse_count, parsed

# The widest window the zstd format's decoders are asked for with `--long=31`; the library's own default is 2^27.
ZSTD_MAX_WINDOW = 2**31
LZMA_MEMORY = 2**31  # xz -9 takes 2^26; a file may ask for more than a machine has
FLOOR = 64_000_000  # bytes of one file that may be unpacked before its expansion is looked at
CHUNK = 1 << 20
BOM = codecs.BOM_UTF8
BOOL, MERGE = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:merge"
_MAGIC = {
    b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ": ".xz", b"\x28\xb5\x2f\xfd": ".zst", b"\x04\x22\x4d\x18": ".lz4",
    b"PAR1": ".parquet",
}  # fmt: skip
# Packages of buckets, whose errors are no OSErrors: of missing credentials, wrong names, the network.
_CLOUDS = {"botocore", "aiobotocore", "gcsfs", "google", "aiohttp", "azure", "adlfs"}
_CONVERT = "convert it with iconv, or leave it out"
_DAMAGED = "copy or download it again"


@dataclass(frozen=True)
class Limits:
    """How large input may be. Each is set by an environment variable, ``SYNTHMIX_LONGEST`` and so on.

    Attributes:
        longest: bytes of one document or one line; tokenising one takes some 130 bytes of memory for each.
        expansion: times that a packed file may grow, once it has grown to 64 MB.
        depth: how deeply JSON and YAML may be nested.
        nodes: values of a YAML text, every alias written out.
    """

    longest: int = 16_000_000
    expansion: int = 200
    depth: int = 100
    nodes: int = 200_000


def limits() -> Limits:
    """The limits that hold now.

    Raises:
        BadInput: a variable is no positive count.
    """
    given = {each.name: os.environ.get(variable(each.name)) for each in fields(Limits)}
    return Limits(**{name: parsed(parse_count, value, variable(name)) for name, value in given.items() if value})


def variable(name: str) -> str:
    """The environment variable of a limit."""
    return f"SYNTHMIX_{name.upper()}"


def too_much(
    problem: str, limit: str, *, where: str | Path | None, key: str | None = None, remedy: str = ""
) -> BadInput:
    """What is said of input beyond the limit named ``limit``."""
    more = f"raise {variable(limit)} if it is meant"
    return BadInput(problem, where=where, key=key, remedy=f"{remedy}, or {more}" if remedy else more)


# Unpacking


class _Decoder(Protocol):
    """What ``zlib``, ``bz2``, ``lzma``, ``zstandard`` and ``lz4`` have in common: one frame."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes) -> bytes: ...


class _Bounded:
    """A decoder that is asked for one chunk at a time, whatever a few bytes expand to."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def decompress(self, data: bytes) -> bytes:
        return self._decoder.decompress(data, CHUNK)


def _zstd() -> _Decoder:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=ZSTD_MAX_WINDOW).decompressobj()  # type: ignore[return-value]


def _lz4() -> _Decoder:
    try:
        import lz4.frame
    except ImportError:
        raise BadInput("reading .lz4 needs the package lz4", remedy="run pip install 'synthmix[lz4]'") from None
    return cast(_Decoder, _Bounded(lz4.frame.LZ4FrameDecompressor()))


@dataclass(frozen=True)
class _Packing:
    """``slice``: bytes fed at a time, few enough that what they expand to fits (1 KB of zstd is at most 32 MB).
    ``padding``: zeros may stand after a frame, as the format says."""

    start: Callable[[], _Decoder]
    slice: int
    padding: bool = False


_PACKINGS = {
    ".gz": _Packing(lambda: cast(_Decoder, zlib.decompressobj(31)), 16_384, padding=True),
    ".bz2": _Packing(lambda: cast(_Decoder, _Bounded(bz2.BZ2Decompressor())), 65_536),
    ".xz": _Packing(
        lambda: cast(_Decoder, _Bounded(lzma.LZMADecompressor(lzma.FORMAT_XZ, LZMA_MEMORY))), 65_536, padding=True
    ),
    ".lzma": _Packing(lambda: cast(_Decoder, _Bounded(lzma.LZMADecompressor(lzma.FORMAT_ALONE, LZMA_MEMORY))), 65_536),
    ".zst": _Packing(_zstd, 1024),
    ".zstd": _Packing(_zstd, 1024),
    ".lz4": _Packing(_lz4, 65_536),
}
PACKED = tuple(_PACKINGS)


def packing(path: str | Path) -> str | None:
    """The suffix that says how a file is packed, in whatever case: ``.gz``, ``.bz2``, ``.xz``, ``.zst``; or None."""
    name = str(path).lower()
    return next((suffix for suffix in PACKED if name.endswith(suffix)), None)


def unpacked_name(path: str | Path) -> str:
    """The name in lower case without the suffix of its packing: what says how the content is read."""
    suffix = packing(path)
    return str(path).lower().removesuffix(suffix or "")


class _Unpacked(io.RawIOBase):
    """The content of consecutive frames. The end of the file must be the end of a frame, and nothing else may follow.

    Raises (while read): :class:`BadInput` for a cut or damaged frame, trailing bytes, or too much expansion.
    """

    def __init__(self, raw: IO[bytes], packed: _Packing, where: str) -> None:
        self._raw, self._packed, self._where, self._limits = raw, packed, where, limits()
        self._decoder: _Decoder | None = None
        self._pending, self._ready = b"", memoryview(b"")
        self._frames = self._read = self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._advance():
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _advance(self) -> bool:
        """Decode a little more; False at the end."""
        if self._decoder is None or getattr(self._decoder, "needs_input", True):
            data = self._pending or self._raw.read(self._packed.slice)
            self._pending = b""
            self._read += len(data)
            if self._decoder is None:
                if self._frames and self._packed.padding:
                    stripped = data.lstrip(b"\0")
                    if data and not stripped:
                        return True
                    data = stripped
                if not data:
                    if not self._frames:
                        raise BadInput("is damaged (it is empty)", where=self._where, remedy=_DAMAGED)
                    return False
                self._decoder = self._packed.start()
            elif not data:
                raise BadInput(
                    f"is damaged (cut short: it ends within a frame, after {self._given} bytes of content)",
                    where=self._where,
                    remedy=_DAMAGED,
                )
        else:
            data = b""
        try:
            out = self._decoder.decompress(data)
        except Exception as error:  # noqa: BLE001 - every library has errors of its own, lz4 a bare RuntimeError
            after = " after the last whole frame" if self._frames else ""
            raise BadInput(f"is damaged ({error}){after}", where=self._where, remedy=_DAMAGED) from None
        self._given += len(out)
        if self._given > FLOOR and self._given > self._limits.expansion * self._read:
            raise too_much(f"expands more than {self._limits.expansion} times", "expansion", where=self._where)
        if self._decoder.eof:
            self._pending = self._decoder.unused_data or b""
            self._read -= len(self._pending)  # read again with the next frame
            self._decoder, self._frames = None, self._frames + 1
        self._ready = memoryview(out)
        return True


Span = tuple[int, int]  # bytes of a file that is not packed: the first, and the one behind the last


class _Within(io.RawIOBase):
    """Some bytes of a file as if they were all of it."""

    def __init__(self, raw: IO[bytes], span: Span) -> None:
        raw.seek(span[0])
        self._raw, self._left = raw, span[1] - span[0]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


@contextmanager
def open_bytes(path: str | Path, span: Span | None = None) -> Iterator[IO[bytes]]:
    """Open a path or URL for reading, unpacked by its suffix: .gz, .bz2, .xz, .lzma, .zst, .lz4, in any case.

    Args:
        span: only these bytes, of a file that is not packed.

    Raises:
        BadInput: missing, unreadable, damaged, cut short, followed by other bytes, or expanding beyond the limit.
    """
    name = str(path)
    suffix = packing(name)
    with read_errors(name), _raw(name) as raw:
        if span is not None:
            yield io.BufferedReader(_Within(raw, span), buffer_size=CHUNK)
        elif suffix is None:
            yield raw
        else:
            yield io.BufferedReader(_Unpacked(raw, _PACKINGS[suffix], name), buffer_size=CHUNK)


def _raw(name: str) -> Any:
    if "://" in name:
        import fsspec

        return fsspec.open(name, "rb")
    return Path(name).expanduser().open("rb")  # not by fsspec, to which `::` in a name is a chain of file systems


@contextmanager
def read_errors(where: str | Path) -> Iterator[None]:
    """Turn what goes wrong while reading ``where`` into one line that names it."""
    try:
        yield
    except FileNotFoundError:
        raise BadInput("no such file", where=where, remedy="check the path") from None
    except PermissionError:
        remedy = "check the credentials and what they allow" if "://" in str(where) else None
        raise BadInput("cannot be read (no permission)", where=where, remedy=remedy) from None
    except IsADirectoryError:
        raise BadInput("is a folder", where=where, remedy="name the files in it") from None
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror or error})", where=where) from None
    except Exception as error:
        if type(error).__module__.split(".")[0] not in _CLOUDS:
            raise
        remedy = "check the bucket's name, the credentials and the network"
        raise BadInput(f"cannot be reached ({error})", where=where, remedy=remedy) from None


# Lines and text


def read_lines(path: str | Path, span: Span | None = None, before: int = 0) -> Iterator[tuple[int, str]]:
    """Lines of a UTF-8 file that are not blank, with their numbers, counted from 1; white space around them removed.

    Args:
        span: only these bytes; ``before``: the lines before them.

    A line ends with ``\\n``, ``\\r\\n`` or ``\\r`` and with nothing else: U+2028 and its like are text. A byte order
    mark at the start of a line is dropped (files that were joined have several).

    Raises:
        BadInput: see :func:`open_bytes`; a line that is not UTF-8 or longer than the limit.
    """
    with open_bytes(path, span) as file:
        for number, raw in enumerate(_raw_lines(file, path, before), start=before + 1):
            try:
                line = raw.removeprefix(BOM).decode().strip()
            except UnicodeDecodeError as error:
                at = error.start + len(raw) - len(raw.removeprefix(BOM))
                problem, remedy = (
                    f"not UTF-8 at byte {at} of the line",
                    _packed_remedy(raw) if number == 1 else _CONVERT,
                )
                raise BadInput(problem, where=f"{path}:{number}", remedy=remedy) from None
            if line:
                yield number, line


def count_lines(path: str | Path, span: Span) -> int:
    """Lines in these bytes, blank ones too."""
    with open_bytes(path, span) as file:
        return sum(1 for _ in _raw_lines(file, path, 0))


def _raw_lines(file: IO[bytes], path: str | Path, before: int) -> Iterator[bytes]:
    longest, held, size, number = limits().longest, list[bytes](), 0, before + 1
    after_return = False  # the chunk before ended with \r, so a \n at the start of this one belongs to it
    while chunk := file.read1(CHUNK) if hasattr(file, "read1") else file.read(CHUNK):
        if after_return:
            chunk = chunk.removeprefix(b"\n")
            if not chunk:
                after_return = False
                continue
        after_return = chunk.endswith(b"\r")
        parts = chunk.splitlines(keepends=True)
        if len(parts) > 2 and len(chunk) <= longest - size:  # lines within the chunk are whole, and none is too long
            yield b"".join([*held, parts[0]])
            yield from parts[1:-1]
            held.clear()
            size, number, parts = 0, number + len(parts) - 1, parts[-1:]
        for part in parts:
            size += len(part)
            if size > longest:
                raise too_much(
                    f"is longer than {longest} bytes", "longest", where=f"{path}:{number}", remedy="break it into lines"
                )
            held.append(part)
            if part.endswith((b"\n", b"\r")):
                yield b"".join(held)
                held.clear()
                size, number = 0, number + 1
    if held:
        yield b"".join(held)


def read_text_chunks(path: str | Path, span: Span | None = None) -> Iterator[str]:
    """A UTF-8 file's text in chunks: line ends become ``\\n``, a byte order mark at the start is dropped.

    Raises:
        BadInput: see :func:`open_bytes`; it is not UTF-8.
    """
    decoder, read, held = codecs.getincrementaldecoder("utf-8-sig")(), 0, ""
    if span is not None and span[0]:
        decoder, read = codecs.getincrementaldecoder("utf-8")(), span[0]
    with open_bytes(path, span) as file:
        while True:
            raw = file.read(CHUNK)
            try:
                text = held + decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"not UTF-8 ({error.reason}, within the {CHUNK} bytes from {read})",
                    where=path,
                    remedy=_packed_remedy(raw) if not read else _CONVERT,
                ) from None
            # A \r at the end may be half of \r\n: it waits for the next chunk.
            held = "\r" if raw and text.endswith("\r") else ""
            yield newlines(text[: len(text) - len(held)])
            if not raw:
                return
            read += len(raw)


def _packed_remedy(start: bytes) -> str:
    """What to do about a file that is no text: it may be packed under a name that does not say so."""
    suffix = next((suffix for magic, suffix in _MAGIC.items() if start.startswith(magic)), None)
    return f"it is packed: let its name end with {suffix}" if suffix else _CONVERT


def newlines(text: str) -> str:
    """``text`` with ``\\n`` for ``\\r\\n`` and ``\\r``."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_whole(path: str | Path) -> str:
    """A small UTF-8 file's text, :func:`newlines` applied.

    Raises:
        BadInput: see :func:`read_text_chunks`; it is longer than the limit.
    """
    longest, parts, size = limits().longest, list[str](), 0
    for part in read_text_chunks(path):
        parts.append(part)
        size += len(part)
        if size > longest:
            raise too_much(f"is longer than {longest} characters", "longest", where=path)
    return "".join(parts)


# JSON and YAML


def parse_json(
    text: str | bytes,
    *,
    where: str | Path,
    problem: str = "not JSON",
    remedy: str | None = None,
    deepest: int | None = None,
) -> Any:
    """The value of a JSON text. ``deepest``: the limit of its depth, where many lines are parsed; None: ask for it.

    Raises:
        BadInput: it is not JSON (said as ``problem``), or nested more deeply than the limit.
    """
    deepest = limits().depth if deepest is None else deepest
    try:
        value = json.loads(text)
        marks = ("[", "{") if isinstance(text, str) else (b"[", b"{")
        deep = sum(map(text.count, marks)) > deepest and _deeper(value, deepest)  # type: ignore[arg-type]
    except RecursionError:
        deep = True
    except ValueError as error:  # also a number of more digits than Python converts
        raise BadInput(f"{problem} ({error})", where=where, remedy=remedy) from None
    if deep:
        raise too_much(f"{problem} (nested more than {deepest} deep)", "depth", where=where)
    return value


def _deeper(value: Any, deepest: int) -> bool:
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        if depth > deepest:
            return True
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return False


def parse_yaml(text: str, *, where: str | Path | None, problem: str = "is not YAML") -> Any:
    """The value of a YAML text, read safely: plain data only, no key twice, only ``true`` and ``false`` truth values.

    Raises:
        BadInput: it is not YAML (said as ``problem``), is nested more deeply than the limit, or its aliases stand for
            more values than that.
    """
    import yaml

    try:
        loader = _loader()(text)
        try:
            _check_depth(yaml.parse(text, yaml.SafeLoader), where)
            node = loader.get_single_node()
            if node is None:
                return None
            _check_nodes(node, where)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark and "\n" in text else None
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise BadInput(f"{problem}: {said}", where=where, key=line) from None
    except (ValueError, OverflowError, LookupError, AttributeError, TypeError) as error:
        # What PyYAML's constructors raise for `2026-13-45`, `!!int x` and numbers of thousands of digits.
        raise BadInput(f"{problem}: a value cannot be read ({error})", where=where) from None


def _check_depth(events: Any, where: str | Path | None) -> None:
    import yaml

    most, depth = limits(), 0
    for number, event in enumerate(events):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > most.depth:
            line = f"line {event.start_mark.line + 1}"
            raise too_much(f"is nested more than {most.depth} deep", "depth", where=where, key=line)
        if number > 2 * most.nodes:  # a collection is two events
            raise too_much(f"holds more than {most.nodes} values", "nodes", where=where)


def _check_nodes(root: Any, where: str | Path | None) -> None:
    """Count values with every alias written out: ten lines of aliases can stand for millions."""
    import yaml

    most, sizes, within = limits(), dict[int, int](), set[int]()

    def size(node: Any, depth: int) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) in within:
            raise BadInput("an alias stands within what it names", where=where, key=f"line {node.start_mark.line + 1}")
        if depth > most.depth:
            raise too_much(f"is nested more than {most.depth} deep", "depth", where=where)
        if id(node) not in sizes:
            within.add(id(node))
            pairs = node.value if isinstance(node, yaml.SequenceNode) else [one for pair in node.value for one in pair]
            sizes[id(node)] = 1 + sum(size(one, depth + 1) for one in pairs)
            within.discard(id(node))
        return sizes[id(node)]

    if (count := size(root, 1)) > most.nodes:
        raise too_much(f"its aliases stand for {count} values, {most.nodes} are the most", "nodes", where=where)


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key given twice: plain YAML would silently keep the last. Only true and false are truth values:
        in YAML 1.1 ``on``, ``off``, ``yes``, ``no`` are too, and ``tokenizer: {on: web}`` would have the key True."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - the loader's own attribute
            first: [(tag, pattern) for tag, pattern in known if tag != BOOL or first in "tTfF"]
            for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key_node, _ in node.value:
                if not isinstance(key_node, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(None, None, "a key that is no word", key_node.start_mark)
                if key_node.tag == MERGE:  # `<<: *anchor`: its keys may be given anew
                    continue
                key = self.construct_object(key_node, deep=True)
                if key in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"key '{key}' twice", key_node.start_mark)
                seen.add(key)
            return super().construct_mapping(node, deep)

    return Loader
