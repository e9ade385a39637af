"""Arms at work: a generation job of which more is asked every round, or a pool of which more is taken.

What an arm has written is a prefix of what it will have: documents are asked about in one order, and the filters decide
on each by those before it. So a round is a range of documents, and the same requests are made whatever was killed when.
"""

import gzip
import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from synthmix.corpus.load import GENERATED_DATA, Documents
from synthmix.corpus.sources import Document, text_hash
from synthmix.errors import BadInput
from synthmix.files import content_hash
from synthmix.generation.aim import Aim
from synthmix.generation.budget import Budget, Prices
from synthmix.generation.job import NothingWritten, generate_corpus, prepared
from synthmix.generation.measures import Pair
from synthmix.generation.ngrams import NgramIndex, batches_of, words_of
from synthmix.generation.prompts import estimated_tokens
from synthmix.generation.requests import JobPlan, spending
from synthmix.generation.template import load_template
from synthmix.generation.usage import counted_tokens
from synthmix.loop.settings import PoolArm, WrittenArm
from synthmix.progress import Progress

SHARED = 0.1  # of a document's runs of words that may be the reference's, as in the filters of generation
LOOKED_AT = 200  # documents whose length says what one costs, before anything is known
INSTRUCTIONS = 200  # tokens of a request beside its passage, until they are counted
SEEDED = 600  # tokens of a text from keywords, until they are counted


@dataclass(frozen=True)
class Text:
    """One written document: its ``record`` as it is published, and the ``pair`` of text and source."""

    record: dict[str, Any]
    pair: Pair


@dataclass(frozen=True)
class Drawn:
    """What a round brought.

    Attributes:
        texts: new ones. tokens: in them. cost: of the round's answers, in the unit of the budget.
        stop: why this arm gives no more: ``supply`` or ``budget``; None: it may.
    """

    texts: list[Text]
    tokens: float
    cost: float
    stop: str | None


class Writer(Protocol):
    """An arm at work.

    Attributes:
        supply: documents that it can be asked about.
    """

    name: str
    voice: str
    supply: int

    def guess(self) -> tuple[float, float]:
        """(tokens written, cost) of a document, before anything is known."""

    def draw(self, first: int, seen: int, paid: float, left: float) -> Drawn:
        """Ask about the ``first`` documents, of which the first ones are asked about already.

        Args:
            seen: texts that earlier rounds brought. paid: what their answers cost.
            left: of the budget, never passed.
        """

    def texts(self, start: int, stop: int) -> list[Text]:
        """Texts of earlier rounds."""

    def spent(self) -> float:
        """All that it may have cost, lost tries included."""

    def identity(self) -> Any:
        """What decides its text."""


class Generator:
    """A generation job in ``folder``, asked about ever more of ``documents``.

    Args:
        heldout: texts that no output may share long runs of words with.
        money: whether costs are money, not tokens.
        aim: what the documents were drawn for, if anything.
    """

    def __init__(
        self,
        name: str,
        arm: WrittenArm,
        documents: Sequence[Document],
        folder: Path,
        heldout: Sequence[str],
        progress: Progress,
        *,
        money: bool,
        allow_keys: Sequence[str] = (),
        aim: Aim | None = None,
    ) -> None:
        self.aim = aim
        self.name, self.voice, self.documents, self.folder = name, arm.generator, documents, folder
        self.config, self.heldout, self.progress = arm.job(), heldout, progress
        self.money, self.allow_keys, self.supply = money, allow_keys, len(documents)
        self.prices = Prices(arm.price_in, arm.price_out)
        self.template = load_template(arm.generate)
        self.about = {"name": ", ".join(arm.source or ["a corpus"])}
        self._spent: float | None = None
        self._sources = {f"{text_hash(document.text):016x}": document.text for document in documents}
        prepared(
            self.config, documents, folder, allow_keys=allow_keys, aim=aim
        )  # what can be seen before anything is asked

    def guess(self) -> tuple[float, float]:
        """See :class:`Writer`."""
        sizes = [estimated_tokens(document.text) for document in self.documents[:LOOKED_AT]]
        shown = sum(sizes) / len(sizes)
        asked = max(1.0, -(-shown // self.config.chunk_tokens))
        written, read = (shown, shown) if self.template.kind == "rewrite" else (SEEDED, 0.0)
        written, read = written * self.config.rollouts, (read + asked * INSTRUCTIONS) * self.config.rollouts
        return written, self._cost(read, written)

    def draw(self, first: int, seen: int, paid: float, left: float) -> Drawn:
        """See :class:`Writer`.

        Raises:
            Failure: the endpoint is lost, or half of the requests fail: what was answered is kept.
        """
        limit = self.spent() + left
        budget = {"budget_money": limit} if self.money else {"budget_tokens": int(limit)}
        config, self._spent = self.config.model_copy(update=budget), None
        try:
            made = generate_corpus(
                config,
                self.documents,
                self.heldout,
                self.folder,
                self.progress,
                about=self.about,
                allow_keys=self.allow_keys,
                first=first,
                aim=self.aim,
            )
        except NothingWritten:
            return Drawn([], 0.0, max(self._answered() - paid, 0.0), "supply")
        except BadInput as error:
            if error.key in ("budget_tokens", "budget_money"):  # its next request may cost more than is left
                return Drawn([], 0.0, max(self._answered() - paid, 0.0), "budget")
            raise
        counts = made.documents
        met = counts.written + counts.filtered + counts.failed + counts.unfinished
        texts = self.texts(seen, counts.written)
        tokens = float(sum(text.record["provenance"]["text_tokens"] for text in texts))
        stop = "budget" if made.stopped == "budget" else "supply" if met < first * config.rollouts else None
        return Drawn(texts, tokens, self._cost(made.tokens.input, made.tokens.output) - paid, stop)

    def texts(self, start: int, stop: int) -> list[Text]:
        """See :class:`Writer`."""
        if stop <= start:
            return []
        found = []
        for number, record in enumerate(_records(self.folder / GENERATED_DATA)):
            if number >= stop:
                break
            if number >= start:
                source = "" if self.template.kind == "seeded" else self._sources[record["provenance"]["source_hash"]]
                found.append(Text({**record, "arm": self.name}, Pair(record["text"], source)))
        return found

    def spent(self) -> float:
        """See :class:`Writer`."""
        if self._spent is None:
            spent = spending(self._plan()) if self.folder.exists() else Budget(log=None)
            self._spent = self._cost(spent.input_tokens + spent.lost_input, spent.output_tokens + spent.lost_output)
        return self._spent

    def identity(self) -> Any:
        """See :class:`Writer`."""
        keys = [f"{text_hash(document.text):016x}" for document in self.documents]
        filters = self.config.filters.model_dump(mode="json")
        towards = None if self.aim is None else self.aim.digest
        return [self.config.identity(self.template), self.config.rollouts, filters, content_hash(keys), towards]

    def _answered(self) -> float:
        spent = spending(self._plan())
        return self._cost(spent.input_tokens, spent.output_tokens)

    def _plan(self) -> JobPlan:
        counted = self.config.model_copy(update={"budget_tokens": 1})  # that lost tries are read, too
        return JobPlan(counted, self.template, self.documents, self.folder)

    def _cost(self, inputs: float, outputs: float) -> float:
        return self.prices.cost(inputs, outputs) if self.money else inputs + outputs


@dataclass
class Pool:
    """Text that is there, taken in the order of the hashes of its texts."""

    name: str
    arm: PoolArm
    documents: Sequence[Document]
    money: bool
    voice: str = field(init=False)
    supply: int = field(init=False)

    def __post_init__(self) -> None:
        self.voice, self.supply = self.arm.voice or self.name, len(self.documents)
        self._tokens = [counted_tokens(document.text) for document in self.documents]
        self._taken = 0

    def guess(self) -> tuple[float, float]:
        """See :class:`Writer`."""
        tokens = sum(self._tokens) / len(self._tokens)
        return tokens, self._cost(tokens)

    def draw(self, first: int, seen: int, paid: float, left: float) -> Drawn:
        """See :class:`Writer`."""
        stop, cost, at = None, 0.0, seen
        while at < min(first, self.supply):
            next_ = self._cost(self._tokens[at])
            if cost + next_ > left:
                stop = "budget"
                break
            cost, at = cost + next_, at + 1
        if at >= self.supply:
            stop = "supply"
        self._taken = max(self._taken, at)
        return Drawn(self.texts(seen, at), float(sum(self._tokens[seen:at])), cost, stop)

    def texts(self, start: int, stop: int) -> list[Text]:
        """See :class:`Writer`."""
        self._taken = max(self._taken, stop)
        made = []
        for number in range(start, stop):
            document = self.documents[number]
            key = document.key or f"{text_hash(document.text):016x}"
            about = {"source": key, "text_tokens": self._tokens[number]}
            record = {"id": f"{self.name}/{key}/0", "text": document.text, "type": "pool", "provenance": about}
            made.append(Text({**record, "arm": self.name}, Pair(document.text)))
        return made

    def spent(self) -> float:
        """See :class:`Writer`."""
        return self._cost(sum(self._tokens[: self._taken]))

    def identity(self) -> Any:
        """See :class:`Writer`."""
        return content_hash([f"{text_hash(document.text):016x}" for document in self.documents])

    def _cost(self, tokens: float) -> float:
        return tokens * (self.arm.price or 0.0) / 1e6 if self.money else tokens


def sources_of(names: Sequence[str], text: str, most: int, seed: int, heldout: NgramIndex) -> list[Document]:
    """At most ``most`` documents in a random order, those left out that are the reference's.

    Raises:
        BadInput: nothing there, or nothing but the reference's own text.
    """
    order = heapq.nsmallest(most, _ranked(Documents(names, text=text), seed), key=lambda ranked: ranked[0])
    documents = [document for _, document in order]
    kept = [
        document for document, theirs in zip(documents, of_reference(documents, heldout), strict=True) if not theirs
    ]
    if not kept:
        what = "holds no text" if not documents else f"holds only text of the reference ({len(documents)} documents)"
        raise BadInput(what, where=", ".join(names), remedy="name other text to write from")
    return kept


def of_reference(documents: Sequence[Document], heldout: NgramIndex) -> list[bool]:
    """Whether a tenth of a document's runs of words are the reference's: it is not shown to a generator."""
    found: list[bool] = []
    for batch in batches_of(document.text for document in documents):
        words = words_of(batch)
        runs = [max(int(count) - heldout.n + 1, 1) for count in words.counts]
        found += [bool(shared > SHARED * all_) for shared, all_ in zip(heldout.counts(words), runs, strict=True)]
    return found


def _ranked(documents: Iterable[Document], seed: int) -> Iterator[tuple[int, Document]]:
    """Each different text once, with a number that its text and the seed decide."""
    seen: set[int] = set()
    for document in documents:
        if document.text.strip() and (key := text_hash(document.text)) not in seen:
            seen.add(key)
            yield text_hash(f"{seed}/{key}"), document


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)
