"""Token shards: one-dimensional ``.npy`` files of a fixed dtype, written once and memory-mapped ever after."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from synthmix.checksums import check_file
from synthmix.errors import BadInput
from synthmix.files import file_hash

SHARD_TOKENS = 2**25
_DAMAGED = "damaged shard (its checksum differs)"
_REMEDY = "delete the corpus folder and build it again"


class Shard(BaseModel):
    """A shard as recorded: path relative to the corpus folder, tokens, file size, blake2b of the file.

    Attributes:
        header: of a file that is not ours, taken as it is: bytes before its first id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    tokens: int
    bytes: int
    blake2b: str
    header: int | None = None

    @model_serializer(mode="wrap")
    def _without_none(self, ordinary: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in ordinary(self).items() if value is not None}


class ShardWriter:
    """Collects tokens and writes a shard whenever ``shard_tokens`` are there (so that much memory is held)."""

    def __init__(
        self, folder: Path, stream: str, dtype: np.dtype[Any], shard_tokens: int = SHARD_TOKENS, first: int = 0
    ) -> None:
        """``first``: the number of the first shard that is written."""
        self.first = first
        self.folder, self.stream, self.dtype, self.shard_tokens = folder, stream, dtype, shard_tokens
        self.shards: list[Shard] = []
        self.tokens = 0
        self._held: list[np.ndarray] = []
        self._held_tokens = 0
        (folder / stream).mkdir(parents=True, exist_ok=True)

    def write(self, tokens: np.ndarray) -> None:
        """Append ``tokens``, shape (n,)."""
        self.tokens += len(tokens)
        while len(tokens):
            part = tokens[: self.shard_tokens - self._held_tokens]
            self._held.append(np.asarray(part, dtype=self.dtype))
            self._held_tokens += len(part)
            tokens = tokens[len(part) :]
            if self._held_tokens == self.shard_tokens:
                self._flush()

    def close(self) -> list[Shard]:
        """Write what is left; the shards in order."""
        if self._held_tokens:
            self._flush()
        return self.shards

    def _flush(self) -> None:
        name = f"{self.stream}/{self.first + len(self.shards):05d}.npy"
        path = self.folder / name
        np.save(path, np.concatenate(self._held), allow_pickle=False)
        self.shards.append(
            Shard(path=name, tokens=self._held_tokens, bytes=path.stat().st_size, blake2b=file_hash(path))
        )
        self._held, self._held_tokens = [], 0


class TokenStream:
    """The tokens of consecutive shards as one long array that stays on disk.

    Raises (when made): :class:`BadInput` when a shard is missing or has not its recorded size.
    """

    def __init__(self, folder: Path, shards: Iterable[Shard], dtype: np.dtype[Any]) -> None:
        self.folder, self.shards, self.dtype = folder, list(shards), dtype
        self._ends = np.cumsum([shard.tokens for shard in self.shards], dtype=np.int64).tolist()
        self._maps: dict[int, np.ndarray] = {}
        for shard in self.shards:
            _check_size(folder / shard.path, shard)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getstate__(self) -> dict[str, Any]:  # a worker process maps the files anew
        return {**self.__dict__, "_maps": {}}

    def read(self, start: int, stop: int) -> np.ndarray:
        """Tokens ``start`` to ``stop``, shape (stop - start,), a copy, across shards where need be.

        Raises:
            IndexError: outside the stream: asking for more tokens than there are is never silent.
            BadInput: a damaged shard.
        """
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"tokens {start} to {stop} of a stream of {len(self)}")
        out, at = np.empty(stop - start, dtype=self.dtype), start
        number = bisect_right(self._ends, start)
        while at < stop:
            first = self._ends[number] - self.shards[number].tokens
            last = min(stop, self._ends[number])
            out[at - start : last - start] = self._map(number)[at - first : last - first]
            at, number = last, number + 1
        return out

    def sequences(self, blocks: np.ndarray, context: int) -> np.ndarray:
        """Sequences ``blocks``, shape (n,), of ``context`` predicted tokens and the input before the first of them:
        tokens ``block * context`` to ``(block + 1) * context``, the last one included, shape (n, context + 1).

        Raises:
            IndexError: outside the stream.
            BadInput: a damaged shard.
        """
        starts = np.asarray(blocks, dtype=np.int64) * context
        out = np.empty((len(starts), context + 1), dtype=self.dtype)
        if len(starts) == 0:
            return out
        if starts.min() < 0 or starts.max() + context + 1 > len(self):
            raise IndexError(f"sequences up to token {starts.max() + context + 1} of a stream of {len(self)}")
        ends = np.array(self._ends, dtype=np.int64)
        numbers = np.searchsorted(ends, starts, side="right")
        within = starts + context + 1 <= ends[numbers]  # the others lie across two shards or more
        for number in np.unique(numbers[within]).tolist():
            mine = np.flatnonzero((numbers == number) & within)
            windows = np.lib.stride_tricks.sliding_window_view(self._map(number), context + 1)
            out[mine] = windows[starts[mine] - (self._ends[number] - self.shards[number].tokens)]
        for row in np.flatnonzero(~within).tolist():
            out[row] = self.read(int(starts[row]), int(starts[row]) + context + 1)
        return out

    def blocks(self, size: int, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """The tokens from ``start`` to ``stop`` in blocks of at most ``size``."""
        stop = len(self) if stop is None else stop
        for at in range(start, stop, size):
            yield self.read(at, min(at + size, stop))

    def check(self) -> None:
        """Compare every shard with its checksum, unless this machine has found it right since it was last written.

        Raises:
            BadInput: one that differs.
        """
        for shard in self.shards:
            _check_size(self.folder / shard.path, shard)
            check_file(self.folder / shard.path, shard.blake2b, problem=_DAMAGED, remedy=_REMEDY)

    def verify(self) -> None:
        """Compare every shard with its checksum (reads it whole).

        Raises:
            BadInput: one that differs.
        """
        for shard in self.shards:
            path = self.folder / shard.path
            _check_size(path, shard)
            if file_hash(path) != shard.blake2b:
                raise BadInput(_DAMAGED, where=path, remedy=_REMEDY)

    def _map(self, number: int) -> np.ndarray:
        if number not in self._maps:
            shard = self.shards[number]
            path = self.folder / shard.path
            _check_size(path, shard)
            check_file(path, shard.blake2b, problem=_DAMAGED, remedy=_REMEDY)
            try:
                if shard.header is None:
                    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
                else:
                    mapped = np.memmap(path, dtype=self.dtype, mode="r", offset=shard.header, shape=(shard.tokens,))
            except (ValueError, EOFError) as error:
                raise BadInput(f"damaged shard ({error})", where=path, remedy=_REMEDY) from None
            if mapped.shape != (shard.tokens,) or mapped.dtype != self.dtype:
                raise BadInput("damaged shard (another shape or dtype)", where=path, remedy=_REMEDY)
            self._maps[number] = mapped
        return self._maps[number]


def _check_size(path: Path, shard: Shard) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise BadInput("missing shard", where=path, remedy=_REMEDY) from None
    if size != shard.bytes:
        raise BadInput(f"damaged shard ({size} bytes, {shard.bytes} recorded)", where=path, remedy=_REMEDY)
