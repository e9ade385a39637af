"""What the first pass of a build found: chunks on disk, and a column per property of the documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from synthmix.corpus.chunks import Chunk
from synthmix.corpus.meta import Loss
from synthmix.files import read_json, write_json

_COLUMNS = ("digests", "heldout", "domains", "lengths", "kept", "starts")


class Piece(NamedTuple):
    """Rows ``first`` to before ``last`` of chunk number ``chunk``: what one task takes."""

    chunk: int
    first: int
    last: int


@dataclass
class Ingested:
    """What the first pass leaves: chunks, and a column per property of the documents, chunk after chunk.

    ``lost`` is filled with a tokenizer that may lose something of the text.
    """

    chunks: list[Chunk]
    digests: np.ndarray  # uint64, shape (documents,)
    heldout: np.ndarray  # bool
    domains: np.ndarray  # int32, numbers within ``names``
    lengths: np.ndarray  # int64, tokens
    kept: np.ndarray  # bool: neither a duplicate nor beyond a limit
    starts: np.ndarray  # int64, shape (chunks + 1,): the number of each chunk's first document, then that of all
    names: list[str]
    lossless: bool
    removed: dict[str, int] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    checked: int = 0  # characters that tiktoken and tokenizers encoded alike; 0: tiktoken was not used
    lost: dict[str, Loss] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the tokens."""
        return self.chunks[0].dtype

    def save(self, folder: Path) -> Path:
        """Write what tasks need of it, 30 bytes a document, into ``folder``, which is given back."""
        folder.mkdir(exist_ok=True)
        for name in _COLUMNS:
            np.save(folder / f"{name}.npy", getattr(self, name))
        told = {"names": self.names, "lossless": self.lossless, "dtype": self.dtype.str}
        write_json(folder / "chunks.json", told | {"chunks": [str(chunk.base) for chunk in self.chunks]})
        return folder

    @classmethod
    def of(cls, data: "Ingested | Path") -> "Ingested":
        """Itself, or what :meth:`save` wrote into a folder, mapped."""
        if isinstance(data, Ingested):
            return data
        told = read_json(data / "chunks.json")
        chunks = [Chunk(Path(base), np.dtype(told["dtype"])) for base in told["chunks"]]
        columns = {name: np.load(data / f"{name}.npy", mmap_mode="r") for name in _COLUMNS}
        return cls(chunks, names=told["names"], lossless=told["lossless"], **columns)

    def some(self, first: int, last: int) -> "Ingested":
        """What lies in chunks ``first`` to before ``last``."""
        rows = slice(int(self.starts[first]), int(self.starts[last]))
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS if name != "starts"}
        starts = self.starts[first : last + 1] - self.starts[first]
        return Ingested(self.chunks[first:last], starts=starts, names=self.names, lossless=self.lossless, **columns)

    def pieces(self, most: int) -> list[Piece]:
        """All documents in pieces of about ``most`` tokens, each of one chunk."""
        found = []
        for number, (start, stop) in enumerate(pairwise(self.starts.tolist())):
            ends = np.cumsum(self.lengths[start:stop])
            cuts = [0, *(np.flatnonzero(np.diff(ends // most)) + 1).tolist(), stop - start]
            found += [Piece(number, a, b) for a, b in pairwise(cuts) if a < b]
        return found

    def numbers(self, piece: Piece, taken: np.ndarray) -> np.ndarray:
        """Of the documents of a piece those that are ``taken``, bool, shape (documents,)."""
        rows = self._rows(piece)
        return np.flatnonzero(taken[rows]) + rows.start

    def training(self, piece: Piece) -> np.ndarray:
        """The numbers of a piece's documents that are to be trained on, as far as the first pass knows."""
        rows = self._rows(piece)
        return np.flatnonzero(self.kept[rows] & ~self.heldout[rows]) + rows.start

    def _rows(self, piece: Piece) -> slice:
        start = int(self.starts[piece.chunk])
        return slice(start + piece.first, start + piece.last)

    def compared(self, numbers: np.ndarray, most: int) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """What near-duplicates are found by, tokens or words where tokens may have lost something, of the documents
        ``numbers``, ascending, in batches of about ``most``."""
        if not len(numbers):
            return
        first, last = np.searchsorted(self.starts, (numbers[0], numbers[-1]), side="right") - 1
        for number in range(int(first), int(last) + 1):
            chunk, start, stop = self.chunks[number], *self.starts[number : number + 2]
            own = numbers[np.searchsorted(numbers, start) : np.searchsorted(numbers, stop)] - start
            lengths = chunk.places(words=not self.lossless)[1][own] if len(own) else own
            cuts = np.flatnonzero(np.diff(np.cumsum(lengths) // most)) + 1
            for part in np.split(own, cuts):
                if len(part):
                    yield part + start, chunk.documents(part, words=not self.lossless)

    def scattered(self, numbers: Sequence[int]) -> list[np.ndarray]:
        """The same of documents that lie anywhere, each read by itself."""
        found = []
        for number in numbers:
            at = int(np.searchsorted(self.starts, number, side="right")) - 1
            row = np.array([number - self.starts[at]])
            found += self.chunks[at].documents(row, words=not self.lossless)
        return found
