"""A corpus of tokens that exist, which stay where they are: its shards are other people's files, mapped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.corpus.corpus import DOCUMENTS
from synthmix.corpus.ingest import inputs_of
from synthmix.corpus.meta import Counts
from synthmix.corpus.pack import Packed
from synthmix.corpus.shards import Shard
from synthmix.corpus.sources import Source
from synthmix.corpus.token_files import IDS, Spelling, TokenFile, is_token_file, lacks_ends, open_tokens, shown
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.files import file_hash
from synthmix.progress import Progress
from synthmix.quantities import plural

_UNSIGNED = {"u2": "<u2", "i2": "<u2", "u4": "<u4", "i4": "<u4"}  # ids are no negative numbers
_GROUP_ROWS = 2**16


def token_files(sources: Any, tokenizer: Tokenizer, progress: Progress) -> list[tuple[Source, TokenFile]]:
    """The files of ids that ``sources`` name, opened and held to ``tokenizer``, with what the first of them says told;
    empty when there are none.

    Raises:
        BadInput: see :func:`synthmix.corpus.token_files.open_tokens`.
    """
    if not (isinstance(sources, Sequence) and all(isinstance(one, Source) and one.files for one in sources)):
        return []
    found = []
    for one in inputs_of(sources):
        if one.tokens and one.path is not None and one.source is not None and is_token_file(one.path):
            column = IDS if one.source.text == "text" else one.source.text
            found += [(one.source, part) for part in open_tokens(one.path, tokenizer, column)]
    if found:
        progress.say(f"{found[0][1].path} begins, with this tokenizer: {shown(found[0][1], tokenizer)!r}")
    return found


def why_copied(found: Sequence[tuple[Source, TokenFile]], inputs: int, tokenizer: Tokenizer, divided: bool) -> str:
    """Why the files cannot stay as they are; empty: they can.

    Args:
        inputs: how many files are named, those of text included.
        divided: something is held out, or kept out for other corpora.
    """
    if divided:
        return "documents are held out, or kept out for other corpora"
    if len({one.path for _, one in found}) < inputs:
        return "not all of it is in files that can be mapped"
    if any(source.limit is not None for source, _ in found):
        return "a limit takes some of their documents"
    if len({_UNSIGNED.get(one.ids.dtype.str[1:]) for _, one in found} | {None}) != 2:
        return "their ids are not of one width of 2 or 4 bytes"
    lacking = sum(lacks_ends(one, tokenizer) for _, one in found)
    return f"{plural(lacking, 'document')} without an end-of-document token" if lacking else ""


def map_files(
    found: Sequence[tuple[Source, TokenFile]], folder: Path, *, name: str, tokenizer: Tokenizer
) -> tuple[Packed, str]:
    """Write ``documents.parquet`` for files that stay where they are; what is known of them, and their dtype."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    spelling, shards, train, before = Spelling(tokenizer), list[Shard](), dict[str, Counts](), 0
    hashes = {path: file_hash(path) for path in {one.path.resolve() for _, one in found}}
    dtype = _UNSIGNED[found[0][1].ids.dtype.str[1:]]
    kinds = [pa.string(), pa.string(), pa.int64(), pa.int64(), pa.int64(), pa.string()]
    schema = pa.schema(list(zip(("split", "domain", "start", "tokens", "bytes", "key"), kinds, strict=True)))
    with pq.ParquetWriter(folder / DOCUMENTS, schema) as writer:
        for source, one in found:
            path, domain = one.path.resolve(), source.domain or name
            size = path.stat().st_size
            shards.append(
                Shard(path=str(path), tokens=len(one.ids), bytes=size, blake2b=hashes[path], header=one.header)
            )
            filled = np.flatnonzero(one.ends > one.starts)
            sizes = spelling.sizes(one, tokenizer.eos_id)[filled]
            starts, ends = one.starts[filled], one.ends[filled]
            for at in range(0, len(filled), _GROUP_ROWS):
                rows = slice(at, at + _GROUP_ROWS)
                numbers = filled[rows].tolist()
                columns: dict[str, Any] = {"split": ["train"] * len(numbers), "domain": [domain] * len(numbers)}
                lengths = ends[rows] - starts[rows]
                columns |= {"start": starts[rows] + before, "tokens": lengths, "bytes": sizes[rows]}
                columns["key"] = [f"{one.path}#{one.before + number + 1}" for number in numbers]
                writer.write_table(pa.table(columns, schema=schema))
            counted = Counts(documents=len(filled), tokens=len(one.ids), bytes=int(sizes.sum()))
            train[domain] = train.get(domain, Counts()) + counted
            before += len(one.ids)
    for _, one in found:
        about = one.path.stat()
        if (about.st_size, about.st_mtime_ns) != one.state:
            raise BadInput("changed while it was read", where=one.path, remedy="run it again once the file is whole")
    if not sum(counts.documents for counts in train.values()):
        raise BadInput("holds no documents", where=found[0][1].path)
    return Packed({"train": shards}, {}, dict(sorted(train.items())), {}, []), dtype
