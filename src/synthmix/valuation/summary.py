"""All that a score needs of a pool, from one pass: sums of every term, by block of items."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from synthmix.valuation.pool import Batch, Pool, Sample
from synthmix.valuation.terms.counts import NATURAL, Balance
from synthmix.valuation.terms.guards import Copies
from synthmix.valuation.terms.term import COUNT, Sums, Term, add, block_of, scaled

JOINED = 8_000_000  # characters (or bytes of an array) that are read at once, or what one batch holds
BLOCKS = 16  # of items; their spread gives the interval


@dataclass(frozen=True)
class Summary:
    """What was added up.

    Attributes:
        items: how many were read. copies: of these, left out of the sums since the same item stood before.
        sums: for each term the sums of each block; a block without items has none.
        groups: how many blocks each pool has, in a mixture of several; empty: all are of one.
        taken: how often each block's items count; empty: once.
    """

    name: str
    items: int
    sums: Mapping[str, Sequence[Sums]]
    groups: tuple[int, ...] = ()
    taken: tuple[float, ...] = ()
    copies: int = 0
    _totals: dict[str, Sums] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> tuple[float, str]:
        """How much there is, and its unit: tokens of text where they were counted, else items."""
        if "tokens" in (total := self.total("transfer") if "transfer" in self.sums else {}):
            return float(total["tokens"]), "tokens"
        return float(self.items), "items"

    def total(self, term: str) -> Sums:
        """Of all blocks; added up once."""
        if term not in self._totals:
            made: Sums = {}
            for block in self.sums[term]:
                _gather(made, block)
            self._totals[term] = made
        return self._totals[term]

    def __add__(self, other: "Summary") -> "Summary":
        """Of both parts of one pool: what two machines read."""
        sums = {t: [add(a, b) for a, b in zip(self.sums[t], other.sums[t], strict=True)] for t in self.sums}
        return Summary(self.name, self.items + other.items, sums, copies=self.copies + other.copies)

    def weighted(self, weight: float) -> "Summary":
        """As if every item counted ``weight`` times. Below 1 that is not a smaller pool: what is in it only once still
        is, a little (:meth:`sampled`)."""
        return self._by(np.full(self._blocks, weight))

    def sampled(self, weight: float, offset: int = 0) -> "Summary":
        """An even sample of the share ``weight`` of the pool: whole blocks from block ``offset`` on, and the last of
        them by weight; from 1 on every item ``weight`` times."""
        if weight >= 1:
            return self.weighted(weight)
        order = np.roll(np.arange(self._blocks), -offset)
        sizes = self._sizes()[order]
        left = weight * sizes.sum() - (np.cumsum(sizes) - sizes)
        taken = np.zeros(self._blocks)
        taken[order] = np.clip(left / np.maximum(sizes, 1e-9), 0.0, 1.0)
        return self._by(taken)

    @property
    def _blocks(self) -> int:
        return len(next(iter(self.sums.values())))

    def _sizes(self) -> np.ndarray:
        """(blocks,) tokens of text where they were counted, else items."""
        name, key = ("transfer", "tokens") if self.size[1] == "tokens" else (None, COUNT)
        blocks = self.sums[name] if name else next(b for b in self.sums.values() if any(COUNT in each for each in b))
        return np.array([float(each.get(key, 0.0)) for each in blocks])

    def _by(self, weights: np.ndarray) -> "Summary":
        """Each block's items as if they counted so many times (blocks,)."""
        sums = {
            term: [
                {} if not weight else block if weight == 1 else scaled(block, float(weight))
                for block, weight in zip(blocks, weights, strict=True)
            ]
            for term, blocks in self.sums.items()
        }
        return Summary(self.name, self.items, sums, taken=tuple(map(float, weights)), copies=self.copies)

    @property
    def bytes(self) -> int:
        """What is held."""
        return sum(array.nbytes for blocks in self.sums.values() for sums in blocks for array in sums.values())


def summarise(pool: Pool, terms: Sequence[Term], blocks: int = BLOCKS, *, keep_copies: bool = False) -> Summary:
    """Read ``pool`` once for ``terms``.

    An item that stood before is left out of the sums, unless ``keep_copies``: a model that may go through its data
    several times learns from copies what it learns from one.

    Raises:
        BadInput: it is empty, or holds what a term cannot read.
    """
    reading = [term for term in terms if term.reads == term.name]
    whole = [term for term in reading if term.most is None]
    samples = {term.name: Sample(term.most, 0) for term in reading if term.most is not None}
    sums: dict[str, list[Sums]] = {term.name: [{} for _ in range(blocks)] for term in reading}
    items, known = 0, Copies()
    for batch in _joined(pool.batches() if keep_copies else known.left_out(pool.batches())):
        block = block_of(np.arange(items, items + len(batch)), blocks)
        items += len(batch)
        for sample in samples.values():
            sample.add(batch)
        for term in whole:
            _spread(term, batch, block, sums[term.name])
    for term in reading:
        if term.most is not None:
            drawn = samples[term.name].batch()
            _spread(term, drawn, block_of(np.arange(len(drawn)), blocks), sums[term.name])
            sums[term.name] = [scaled(each, items / len(drawn)) for each in sums[term.name]]
    share = 1.0 if pool.share is None else pool.share
    for name in (term.name for term in whole if isinstance(term, Balance)):
        sums[name] = [each | {NATURAL: each[COUNT] * share} if each else each for each in sums[name]]
    return Summary(pool.name, items + known.count, sums, copies=known.count)


def _joined(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Fewer, larger ones: the sums of a block are as long as the reference has n-grams, however few items add to it."""
    held: list[Batch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        items = batch.items
        size += items.nbytes if isinstance(items, np.ndarray) else sum(map(len, items))
        if size >= JOINED:
            yield Batch.joined(held)
            held, size = [], 0
    if held:
        yield Batch.joined(held)


def _spread(term: Term, batch: Batch, block: np.ndarray, sums: list[Sums]) -> None:
    """Add what each block's items add; what is made of the items is made once, for all blocks and terms."""
    if term.prepares is not None:
        batch.by(term.prepares)
    for b in np.unique(block):
        _gather(sums[b], term.read(batch.rows(np.flatnonzero(block == b))))


def _gather(held: Sums, more: Sums) -> None:
    """Add to ``held`` where it is: sums of a few megabytes are added thousands of times."""
    for name, array in more.items():
        if name in held:
            held[name] += array
        else:
            held[name] = np.array(array)
