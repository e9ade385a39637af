"""The best part of a pool under a token budget: by a filter, or by what each document adds to the score.

A filter judges each document by itself (:class:`synthmix.valuation.methods.baseline.DocumentMethod`), and the highest
are taken; copies of a text that was taken come last.

The score has no value of a single document but its influence. CHOSEN: an influence holds to first order around what is
already there, so documents are taken in a few rounds. The first one values them on top of an even sample of the pool of
the budget's size; each later one on top of what was taken, the rest of the budget still filled evenly. A document that
repeats what was taken gains less in the next round.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.corpus import Corpus, Tokenizer, build_corpus
from synthmix.corpus.load import Documents
from synthmix.errors import BadInput
from synthmix.files import write_bytes
from synthmix.interval import Interval
from synthmix.names import name_fault
from synthmix.progress import Progress, Silent
from synthmix.valuation.load import open_pool
from synthmix.valuation.methods import METHODS
from synthmix.valuation.methods.baseline import DocumentMethod
from synthmix.valuation.parallel import SpreadPool
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.score import Score
from synthmix.valuation.summary import Summary, summarise
from synthmix.valuation.terms.counts import item_hash
from synthmix.valuation.terms.term import REFERENCE_BLOCKS
from synthmix.valuation.uncertainty import around, half_width, parts_of
from synthmix.valuation.valuer import Valuer

LEAST, MOST = 8, 20_000  # documents of a reference that can be halved, and that are
# What rounding may make of a term, relative to its scale or, where that is more, to its value: items' features are
# float32, of 24 bits. That also covers the discrepancy, the root of a difference of numbers of about 1: a double knows
# such a difference to 2^-53 or so, and its root, where it is 0, to 2^-26.
ROUNDING = 2.0**-23

ROUNDS = 4
SCORE = "score"  # choosing by influences on the score; every other way is the name of a method
CAVEAT = (
    "dataset_method: the discrepancy and the balance are made for datasets; of a single document they say only what it "
    "does to the whole. A document's own quality is seen by the transfer term alone."
)


@dataclass(frozen=True)
class Selection:
    """What was taken.

    Attributes:
        chosen: (n,) True where the pool's document is taken, in the pool's order.
        gains: (n,) of each document the filter's value, or its influence a token in the round in which it was judged
            last.
        tokens: (n,) of each document.
        score: of what was taken, by the reference that chose it, so it says too much (:func:`.check_selection`);
            ``even``: of an even sample of as many tokens; ``whole``: of the pool.
    """

    chosen: np.ndarray
    gains: np.ndarray
    tokens: np.ndarray
    score: Score
    even: Score
    whole: Score

    @property
    def taken(self) -> int:
        """Tokens taken."""
        return int(self.tokens[self.chosen].sum())


def select(
    valuer: Valuer,
    pool: Pool,
    tokens: int,
    *,
    method: str = SCORE,
    rounds: int = ROUNDS,
    lengths: Callable[[Batch], np.ndarray] | None = None,
    report: Callable[[int, str], None] = lambda number, line: None,
) -> Selection:
    """Take documents of ``pool`` worth ``tokens`` tokens.

    Args:
        valuer: fitted on the reference.
        method: ``score`` or one of :func:`choosing_methods`.
        rounds: in which the score judges documents anew; a filter judges them once.
        lengths: tokens of each item of a batch; None: those of the valuer's tokenizer, or 1 an item without one.
        report: told the number of each round and what it took.

    Each round reads the pool once; memory is a few numbers a document.

    Raises:
        BadInput: a budget of nothing, or one that the pool does not exceed, or a method that chooses no documents.
    """
    if tokens < 1:
        raise BadInput("a budget of nothing", key="--tokens")
    filtering = None if method == SCORE else _filter(method, valuer.reference)
    seen = _Seen(pool, lengths or valuer.lengths)
    whole = valuer.summarise(seen, keep_copies=True)
    sizes, copies = np.concatenate(seen.sizes), np.concatenate(seen.copies)
    total = int(sizes.sum())
    if tokens >= total:
        raise BadInput(f"holds {total} tokens, not more than the budget", where=pool.name, remedy="take all of it")
    if filtering is not None:
        gains = filtering.documents(pool)
        order = np.lexsort((-gains, copies))
        chosen = np.zeros(len(sizes), bool)
        chosen[order[np.cumsum(sizes[order]) <= tokens]] = True
        report(rounds, f"{int(chosen.sum())} documents, {int(sizes[chosen].sum())} tokens")
    else:
        chosen, gains = _by_influence(valuer, pool, whole, sizes, tokens, rounds, report)
    if not chosen.any():
        raise BadInput("the budget is smaller than the best document", where=pool.name, key="--tokens")
    score = valuer.score_summary(summarise(subset(pool, chosen), valuer.terms, keep_copies=True))
    even = valuer.score_summary(whole.sampled(float(sizes[chosen].sum()) / total))
    return Selection(chosen, gains, sizes, score, even, valuer.score_summary(whole))


def _by_influence(
    valuer: Valuer,
    pool: Pool,
    whole: Summary,
    sizes: np.ndarray,
    tokens: int,
    rounds: int,
    report: Callable[[int, str], None],
) -> tuple[np.ndarray, np.ndarray]:
    """(what is chosen (n,), influences a token (n,))."""
    total = int(sizes.sum())
    chosen, gains = np.zeros(len(sizes), bool), np.zeros(len(sizes))
    for number in range(1, rounds + 1):
        taken = int(sizes[chosen].sum())
        there = whole.weighted((tokens - taken) / total)
        if chosen.any():
            there = there + summarise(subset(pool, chosen), valuer.terms, keep_copies=True)
        gains[~chosen] = document_gains(valuer, pool, there)[~chosen]
        per_token = np.where(chosen, -np.inf, gains / np.maximum(sizes, 1))
        order = np.argsort(-per_token, kind="stable")[: int((~chosen).sum())]
        goal = tokens * number // rounds - taken
        fits = np.cumsum(sizes[order]) <= goal
        chosen[order[fits]] = True
        report(number, f"{int(chosen.sum())} documents, {int(sizes[chosen].sum())} tokens")
    return chosen, gains / np.maximum(sizes, 1)


def choosing_methods() -> list[str]:
    """The methods that judge single documents of text, by name."""
    return [name for name, method in METHODS.items() if issubclass(method, DocumentMethod)]


def _filter(name: str, reference: Pool) -> DocumentMethod:
    if name not in choosing_methods():
        ways = ", ".join([SCORE, *choosing_methods()])
        raise BadInput(f"{name!r} chooses no documents", key="--method", remedy=f"one of {ways}")
    made = METHODS[name]()
    assert isinstance(made, DocumentMethod)
    made.fit(reference)
    return made


class _Seen(Pool):
    """A pool that keeps, of the one pass over it, each document's tokens, and whether its text came before."""

    def __init__(self, pool: Pool, measure: Callable[[Batch], np.ndarray]) -> None:
        super().__init__(pool.name, pool.batches, share=pool.share)
        self._measure = measure
        self.sizes: list[np.ndarray] = []
        self.copies: list[np.ndarray] = []

    def batches(self) -> Iterator[Batch]:
        """See :class:`.Pool`."""
        known: set[bytes] = set()
        for batch in super().batches():
            yield batch
            self.sizes.append(self._measure(batch).astype(np.int64))  # the tokens were made by then, and are kept
            hashes = [item_hash(item) for item in batch.items]
            copy = np.zeros(len(hashes), bool)
            for at, each in enumerate(hashes):
                copy[at] = each in known
                known.add(each)
            self.copies.append(copy)


def subset(pool: Pool, chosen: np.ndarray) -> Pool:
    """The chosen items, in their order."""

    def read() -> Iterator[Batch]:
        place = 0
        for batch in pool.batches():
            which = np.flatnonzero(chosen[place : place + len(batch)])
            place += len(batch)
            yield batch.rows(which)

    return Pool(f"part of {pool.name}", read, share=pool.share)


def document_gains(valuer: Valuer, pool: Pool, beside: Summary | None = None) -> np.ndarray:
    """(n,) influence of each item on top of ``beside`` (None: of the pool itself)."""
    there = beside if beside is not None else valuer.summarise(pool, keep_copies=True)
    gains = valuer.influence_on(there)
    return pool.values(gains)


@dataclass(frozen=True)
class SelectionCheck:
    """Scores on the half that compared: of the documents that the other half chose, of an even sample of as many
    tokens, and the ``interval`` around their difference (of the sampling of pool and reference, and of rounding)."""

    chosen: float
    even: float
    interval: Interval

    @property
    def gain(self) -> float:
        """The difference."""
        return self.chosen - self.even

    @property
    def better(self) -> bool:
        """Whether the interval is above 0."""
        return self.interval.sign() > 0

    def as_json(self) -> dict[str, Any]:
        return {"chosen": self.chosen, "even": self.even, "gain": self.gain, "interval": asdict(self.interval)}


def check_selection(
    valuer: Valuer,
    pool: Pool,
    tokens: int,
    *,
    method: str = SCORE,
    rounds: int = ROUNDS,
    lengths: Callable[[Batch], np.ndarray] | None = None,
    report: Callable[[int, str], None] = lambda number, line: None,
) -> SelectionCheck | None:
    """What :func:`.select` of the same pool gains; None for a reference of fewer than :data:`LEAST` documents,
    or too few for halves that the method can be fitted to. It
    reads the pool as often as the selection did."""
    halves = split_reference(valuer.reference)
    least = METHODS[method].least if method in choosing_methods() else 0  # type: ignore[attr-defined]
    if halves is None or min(len(half.all()) for half in halves) < least:
        return None
    one, other = (valuer.on(half) for half in halves)
    found = select(one, pool, tokens, method=method, rounds=rounds, lengths=lengths, report=report)
    chosen, whole = (other.summarise(each, keep_copies=True) for each in (subset(pool, found.chosen), pool))
    even = whole.sampled(found.taken / max(int(found.tokens.sum()), 1))
    return compare(other, chosen, even)


def compare(valuer: Valuer, chosen: Summary, even: Summary) -> SelectionCheck:
    """The pools' noise is independent, the reference's the same for both."""
    made = [valuer.score_summary(each) for each in (chosen, even)]
    chosen_score, even_score = (each.value for each in made)
    first, second = (parts_of(each, valuer.terms, valuer.weights) for each in (chosen, even))
    common = first[-REFERENCE_BLOCKS:] - second[-REFERENCE_BLOCKS:]
    parts = np.concatenate([first[:-REFERENCE_BLOCKS], second[:-REFERENCE_BLOCKS], common])
    half = float(half_width(parts, valuer.level))
    half += ROUNDING * sum(
        abs(weight) * max(1.0, *(abs(each.terms[term.name]) / term.scale for each in made))
        for term in valuer.terms
        if (weight := valuer.weights.values.get(term.name, 0.0))
    )
    return SelectionCheck(chosen_score, even_score, around(chosen_score - even_score, half, valuer.level))


def split_reference(reference: Pool) -> tuple[Pool, Pool] | None:
    """Two random halves; None of too few documents."""
    held = reference.take(MOST)
    if len(held) < LEAST:
        return None
    order = np.random.default_rng(0).permutation(len(held))
    first, second = (held.rows(np.sort(order[start::2])) for start in (0, 1))
    return Pool.of(reference.name, first.items, first.labels), Pool.of(reference.name, second.items, second.labels)


def select_documents(
    valuer: Valuer,
    where: str,
    tokens: int,
    to: str | Path,
    *,
    tokenizer: Tokenizer,
    text: str = "text",
    method: str = SCORE,
    rounds: int = ROUNDS,
    check: bool = True,
    engine: Any = None,
    progress: Progress | None = None,
) -> tuple[Selection, Corpus, SelectionCheck | None]:
    """:func:`.select` from what ``where`` names, written as a corpus in ``to``; with ``check`` also what
    :func:`.check_selection` says of it.

    Args:
        engine: whose workers judge the documents (:func:`synthmix.engine.open_engine`); None: this process. The
            selection is the same.

    Raises:
        BadInput: see :func:`.select`, :func:`.open_pool` and :func:`synthmix.build_corpus`.
    """
    progress = progress or Silent()
    pool = open_pool(where, text=text)
    if engine is not None:
        pool = SpreadPool(pool, engine)
    documents = Documents([where], text=text)
    progress.start("selection", rounds, "rounds")
    found = select(valuer, pool, tokens, method=method, rounds=rounds, report=partial(progress.update, "selection"))
    progress.finish("selection")
    compared = None
    if check:
        stage = "check by halves of the reference"
        progress.start(stage, rounds, "rounds")
        compared = check_selection(
            valuer, pool, tokens, method=method, rounds=rounds, report=partial(progress.update, stage)
        )
        progress.finish(stage)
    kept = (document for document, keep in zip(documents, found.chosen, strict=True) if keep)
    name = os.path.basename(os.path.abspath(to))  # `.` has a name too
    corpus = build_corpus(
        kept,
        to,
        name=name if name_fault(name) is None else "selection",
        tokenizer=tokenizer,
        kind="synthetic" if pool.share == 0 else "natural",
        origin=f"{found.taken} of {int(found.tokens.sum())} tokens of {pool.name}, chosen by {method} for a reference",
        progress=progress,
    )
    return found, corpus, compared


def write_documents(valuer: Valuer, pools: Sequence[Pool], summaries: Sequence[Summary], path: Path) -> None:
    """Parquet with ``dataset``, ``number`` (in reading order), ``gain`` (influence on the dataset's score) and
    ``tokens``; see :data:`synthmix.valuation.selection.CAVEAT` for what a single document's number can say.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for pool, summary in zip(pools, summaries, strict=True):
        gains = document_gains(valuer, pool, summary)
        tokens = [int(n) for batch in pool.batches() for n in valuer.lengths(batch)]
        names = [pool.name] * len(gains)
        tables.append(pa.table({"dataset": names, "number": range(len(gains)), "gain": gains, "tokens": tokens}))
    held = io.BytesIO()
    pq.write_table(pa.concat_tables(tables), held)
    write_bytes(path, held.getvalue())
