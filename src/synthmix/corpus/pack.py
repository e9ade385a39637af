"""The second pass of a build: the documents that stay, in the order of their hash, into shards and a table."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthmix.corpus.intake import Intake
from synthmix.corpus.meta import Counts
from synthmix.corpus.shards import SHARD_TOKENS, Shard, ShardWriter
from synthmix.files import content_hash


@dataclass
class Packed:
    """What was written: shards per stream, held-out stream per domain, counts per domain on each side."""

    streams: dict[str, list[Shard]]
    heldout_streams: dict[str, str]
    train: dict[str, Counts]
    heldout: dict[str, Counts]


def pack(intake: Intake, stays: np.ndarray, folder: Path, *, eos_id: int, shard_tokens: int = SHARD_TOKENS) -> Packed:
    """Write ``train/``, ``heldout/`` and ``documents.parquet`` below ``folder``.

    Reads the spool at random, so it is quick while the spool fits the page cache and never needs it in memory.
    """
    tokens, starts = intake.tokens()
    order = np.argsort(np.array(intake.digests, dtype=np.uint64), kind="stable")
    order = order[stays[order]]
    held = sorted({intake.domains[i] for i in order.tolist() if intake.heldout[i]})
    names = {domain: f"heldout/{folder_name(domain)}" for domain in held}
    writers = {name: ShardWriter(folder, name, intake.dtype, shard_tokens) for name in ["train", *names.values()]}
    packed = Packed({}, names, {}, {})
    table: dict[str, list] = {name: [] for name in ("split", "domain", "start", "tokens", "bytes", "key")}
    end = np.array([eos_id], dtype=intake.dtype)
    for i in order.tolist():
        domain, length = intake.domains[i], intake.lengths[i]
        writer = writers[names[domain] if intake.heldout[i] else "train"]
        side = packed.heldout if intake.heldout[i] else packed.train
        row = ("heldout" if intake.heldout[i] else "train", domain, writer.tokens, length + 1, intake.sizes[i])
        for column, value in zip(table, (*row, intake.keys[i]), strict=True):
            table[column].append(value)
        writer.write(tokens[starts[i] : starts[i] + length])
        writer.write(end)
        counted = Counts(documents=1, tokens=length + 1, bytes=intake.sizes[i])
        side[domain] = side.get(domain, Counts()) + counted
    packed.streams = {name: writer.close() for name, writer in writers.items()}
    packed.train, packed.heldout = dict(sorted(packed.train.items())), dict(sorted(packed.heldout.items()))
    _write_table(table, folder / "documents.parquet")
    return packed


def folder_name(domain: str) -> str:
    """A folder's name for a domain: itself where that is plain, else with its hash so that none collide."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", domain)[:60]
    return plain if plain == domain else f"{plain}-{content_hash(domain)[:8]}"


def _write_table(table: dict[str, list], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = [pa.string(), pa.string(), pa.int64(), pa.int64(), pa.int64(), pa.string()]
    pq.write_table(pa.table(table, schema=pa.schema(list(zip(table, types, strict=True)))), path)
