"""Files too large for one worker, divided: Parquet by row groups, JSON Lines and separated text by bytes.

A part ends where a line, or a separator that cannot overlap another one, ends; so the documents of the parts, one part
after the other, are those of the file. What is packed, or one text without a separator, stays whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import IO

from synthmix.corpus.readers import count_before, format_of
from synthmix.corpus.sources import Part, Source
from synthmix.corpus.spread import Tasks, spread
from synthmix.errors import BadInput
from synthmix.reading import limits, open_bytes, packing

_LOOK = 2**16
PART_BYTES = 64_000_000  # of a file, as it lies on disk


@dataclass(frozen=True)
class Counting:
    """A part whose lines, or pieces, are to be counted."""

    path: str
    source: Source
    part: Part

    @property
    def label(self) -> str:
        """In messages."""
        return self.path


def counted(work: Counting) -> int:
    """How many there are."""
    return count_before(work.path, work.source, work.part._replace(before=0))


def divide(files: Sequence[tuple[str, Source, int]], engine: Tasks | None) -> list[list[Part]]:
    """The parts of each file (path, source, bytes), in order; none where it stays whole.

    Args:
        engine: whose workers count the lines before each part: a key names a document's line, and so do messages.

    Raises:
        BadInput: a file cannot be read.
    """
    parts = [_parts(*file) for file in files]
    works = [
        Counting(path, source, part)
        for (path, source, _), own in zip(files, parts, strict=True)
        for part in own[:-1]  # nothing lies behind the last
        if part.before < 0
    ]
    counts = {(work.path, work.part.start): lines for work, lines in spread(engine, counted, works)}
    return [
        [part._replace(before=lines) for part, lines in zip(own, _before(path, own, counts), strict=True)]
        for (path, _, _), own in zip(files, parts, strict=True)
    ]


def _before(path: str, parts: Sequence[Part], counts: dict[tuple[str, int], int]) -> list[int]:
    if not parts or parts[0].before >= 0:
        return [part.before for part in parts]
    return list(accumulate((counts[path, part.start] for part in parts[:-1]), initial=0))


def _parts(path: str, source: Source, size: int) -> list[Part]:
    """With -1 for the lines before them, where these are to be counted."""
    if size < 2 * PART_BYTES or packing(path):
        return []
    kind = source.format or format_of(path)
    if kind == "parquet":
        return _row_groups(path)
    if kind != "jsonl" and (kind != "text" or not source.separator):
        return []
    separator = "\n" if kind == "jsonl" else str(source.separator)
    with open_bytes(path) as file:
        cuts = [0, *_cuts(file, separator.encode(), size), size]
    return [Part(start, stop, -1) for start, stop in pairwise(cuts)] if len(cuts) > 2 else []


def _cuts(file: IO[bytes], separator: bytes, size: int) -> Iterator[int]:
    """Ends of separators, one behind each multiple of the size of a part."""
    at = 0
    while (at := max(at, 0) + PART_BYTES) < size - PART_BYTES // 2:
        if (cut := _next_cut(file, separator, at)) is None or cut >= size:
            return
        yield cut
        at = cut


def _next_cut(file: IO[bytes], separator: bytes, at: int) -> int | None:
    overlap, longest = len(separator) - 1, at + 2 * limits().longest
    file.seek(at)
    held = b""
    while data := file.read(_LOOK):
        held += data
        place = held.find(separator, overlap)
        while place >= 0:
            # One that starts before it would be found first, and \r\n may be half of a separator's \n.
            before = held[place - overlap : place]
            if b"\r" not in before and held.find(separator, place - overlap) == place:
                return at + place + len(separator)
            place = held.find(separator, place + 1)
        if at + len(held) > longest:
            return None
    return None


def _row_groups(path: str) -> list[Part]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_bytes(path) as file:
            about = pq.read_metadata(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"not a Parquet file ({error})", where=path) from None
    parts, start, rows, size, before = list[Part](), 0, 0, 0, 0
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        rows += group.num_rows
        size += sum(group.column(column).total_compressed_size for column in range(group.num_columns))
        if size >= PART_BYTES or number == about.num_row_groups - 1:
            parts.append(Part(start, number + 1, before))
            start, before, size = number + 1, before + rows, 0
            rows = 0
    return parts if len(parts) > 1 else []
