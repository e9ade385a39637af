"""Rounds of generation: decide, write, value, until the budget ends or nothing is worth its price.

::

    data/00000.jsonl.gz   the text, with arm and provenance on every record     decisions.json    every decision
    arms/NAME/            the generation job of an arm                          generation.json   counts, written last
    quality.json          diversity and faithfulness, arm by arm                README.md         the dataset card

A decision is written down before its round begins and completed after it; a round is a range of an arm's documents. So
the same call, after a kill, asks what was not answered and decides what it would have decided.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmix.corpus.load import Documents as Named
from synthmix.corpus.load import HeldoutTexts, built_tokenizer
from synthmix.corpus.sources import Document, text_hash
from synthmix.errors import BadInput, SynthmixError
from synthmix.files import content_hash, disk_errors, placed, read_json, write_json
from synthmix.generation.aim import draw_seeds
from synthmix.generation.filters import heldout_index
from synthmix.generation.job import claim
from synthmix.generation.measures import Pair
from synthmix.interval import Interval
from synthmix.locking import lock
from synthmix.loop.arms import Generator, Pool, Writer, sources_of
from synthmix.loop.bandit import Beliefs, Judged, Offer, judge, worth_it
from synthmix.loop.limits import Limits, Tally, measures_of, tallied
from synthmix.loop.publish import Part, publish, published
from synthmix.loop.record import DECISIONS, ArmRow, Considered, Decision, Decisions, LoopSummary, Stop, Unit
from synthmix.loop.settings import Loop, PoolArm
from synthmix.loop.toward import aim_toward
from synthmix.loop.worth import Worth, halves
from synthmix.progress import Progress, Silent
from synthmix.quantities import fixed, format_count
from synthmix.statistics.representation import SMALLEST, TopicModel
from synthmix.validation import validated

LEAST = 2  # documents of a round, where the budget allows them
NATURAL = 1_000  # documents of what there is that measures are compared with
TASK = "loop"


@dataclass
class State:
    """An arm's rounds so far. ``closed``: why it gives no more."""

    writer: Writer
    asked: int = 0
    seen: int = 0
    tokens: float = 0.0
    cost: float = 0.0
    gain: float = 0.0
    rounds: int = 0
    closed: str | None = None
    tally: Tally = field(default_factory=Tally)

    def per_document(self) -> tuple[float, float]:
        """(tokens, cost) of a document: as it was, before the first round as it is guessed."""
        if not self.asked or not self.tokens:
            return self.writer.guess()
        return self.tokens / self.asked, self.cost / self.asked

    def offer(self, number: int, cost: float, left: float, rounds: int) -> Offer | None:
        """A round of about ``cost``, of an arm that costs nothing one of ``rounds`` parts of its supply; None: it has
        no more, or what is left does not pay for a document."""
        tokens, each = self.per_document()
        most = self.writer.supply - self.asked
        if each > 0:
            most = min(most, int(left / each))
        count = min(most, max(LEAST, int(cost / each) if each > 0 else self.writer.supply // rounds))
        return Offer(number, count * tokens, count * each) if count > 0 else None

    def documents(self, offer: Offer) -> int:
        """How many an offer asks about."""
        return round(offer.tokens / self.per_document()[0])


def generate_loop(
    loop: Loop | Mapping[str, Any] | str | Path,
    to: str | Path,
    *,
    tokens: float | None = None,
    money: float | None = None,
    worth: float | None = None,
    confidence: float = 0.9,
    progress: Progress | None = None,
    allow_keys: Sequence[str] = (),
) -> LoopSummary:
    """Write what is worth most for its price, round after round, into ``to``; a loop that is there is continued.

    Args:
        loop: settings, the same as plain data, or the file that holds them (:mod:`synthmix.loop.settings`).
        tokens, money: the budget, one of them; never passed. Tokens are those that generators read and write and those
            of pools.
        worth: what a hundredth of a nat per token is worth in the budget's unit; None: the loop stops when nothing is
            expected to add anything.
        confidence: with which every arm must be below its price before the loop stops.
        allow_keys: as for :func:`synthmix.generation.job.generate_corpus`.

    Raises:
        BadInput: no budget or two of them, an arm without a price when money is the budget, a limit that no arm meets,
            and what a generation job or a valuer raises; what was written is kept.
        Failure: an endpoint is lost in the middle, or half of its requests fail. The same call goes on from there.
    """
    settings = loop if isinstance(loop, Loop) else Loop.of(loop) if isinstance(loop, Mapping) else Loop.read(loop)
    unit, budget = _budget(settings, tokens, money)
    _check(worth, confidence)
    folder, told = Path(placed(to)), progress or Silent()
    with disk_errors(folder), ExitStack() as stack:
        running = _Running(settings, folder, unit, budget, worth, confidence, told, allow_keys, stack)
        return running.run()


def _budget(loop: Loop, tokens: float | None, money: float | None) -> tuple[Unit, float]:
    if (tokens is None) == (money is None):
        problem = "a loop needs a budget" if tokens is None else "there are two budgets"
        raise BadInput(problem, key="budget", remedy="give --budget 20M (tokens) or --money 50, one of them")
    if money is None:
        assert tokens is not None
        if tokens <= 0:
            raise BadInput("is no budget", key="budget", remedy="give --budget 20M")
        return "tokens", float(tokens)
    if not 0 < money < float("inf"):
        raise BadInput("is no budget", key="money", remedy="give --money 50")
    for name, arm in loop.arms.items():
        if not arm.priced:
            key = "price" if isinstance(arm, PoolArm) else "price_in and price_out"
            raise BadInput(
                "has no price, and money is the limit",
                key=f"arms.{name}",
                remedy=f"give it {key}, money per million tokens (0 where it costs nothing), or use --budget",
            )
    return "money", money


def _check(worth: float | None, confidence: float) -> None:
    if worth is not None and not 0 < worth < float("inf"):
        raise BadInput(f"{worth:g} is not above 0", key="worth", remedy="say what .01 nats are worth to you")
    if not 0.5 <= confidence < 1:
        raise BadInput(f"{confidence:g} is not from .5 to below 1", key="stop_confidence", remedy="0.9 is usual")


def decisions_of(folder: str | Path) -> Decisions:
    """What the loop in ``folder`` decided so far.

    Raises:
        BadInput: there is none, or the file is damaged.
    """
    path = Path(placed(folder)) / DECISIONS
    if not path.exists():
        raise BadInput(f"holds no loop (no {DECISIONS})", where=folder, remedy="name its folder with --to")
    return validated(Decisions, read_json(path), where=path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes out.

    Raises:
        BadInput: one is there.
    """
    from filelock import Timeout

    held = lock(folder / ".loop.lock")
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise BadInput("another process generates here", where=folder, remedy="wait for it") from None
    try:
        yield
    finally:
        held.release()


@contextmanager
def _named(arm: str) -> Iterator[None]:
    """What goes wrong with an arm is said with its name."""
    try:
        yield
    except SynthmixError as error:
        key = f"arms.{arm}" + (f".{error.key}" if error.key else "")
        raise type(error)(error.problem, where=error.where, key=key, remedy=error.remedy) from error


def said_gain(decision: Decision) -> str:
    """``adds 0.0123 (0.0101 to 0.0145) nats``."""
    if decision.gain is None:
        return "nothing that the filters let through"
    return f"adds {decision.gain} nats"


class _Running:
    def __init__(
        self,
        loop: Loop,
        folder: Path,
        unit: Unit,
        budget: float,
        worth: float | None,
        confidence: float,
        progress: Progress,
        allow_keys: Sequence[str],
        stack: ExitStack,
    ) -> None:
        self.loop, self.folder, self.unit, self.budget = loop, folder, unit, budget
        self.worth_of, self.confidence, self.progress = worth, confidence, progress
        self.limits: Limits = loop.file.limits
        self.names = list(loop.arms)
        need = [document.text for document in Named(loop.file.need, split="heldout", text=loop.file.text)]
        need += [] if need else [document.text for document in Named(loop.file.need, text=loop.file.text)]
        try:
            self.choose, self.check = halves([text for text in need if text.strip()])
        except BadInput as error:
            where = ", ".join(loop.file.need)
            raise BadInput(error.problem, where=where, remedy=error.remedy) from None
        heldout = [*need, *HeldoutTexts([], loop.file.have)]
        self.states = self._states(heldout, allow_keys)
        self.parts: list[Part] = []  # a finished round each
        # Only when all of this is sound is anything written.
        self.have = Named(loop.file.have, text=loop.file.text)
        self.worth = self._worth()
        claim(folder, self._identity())
        stack.enter_context(_alone(folder))
        self.path = folder / DECISIONS
        self.decisions = self._kept()
        self.topics, self.natural = self._natural()
        self._replay()

    def _worth(self) -> Worth:
        self.progress.start("value", None, "documents")
        try:
            found = Worth(
                self.have, self.choose, tokenizer=built_tokenizer([*self.loop.file.have, *self.loop.file.need])
            )
        except BadInput as error:
            where = ", ".join(self.loop.file.need if error.key == "need" else self.loop.file.have)
            raise BadInput(error.problem, where=error.where or where, remedy=error.remedy) from None
        self.progress.finish("value", note="the text there is, for the reference")
        return found

    def _states(self, heldout: list[str], allow_keys: Sequence[str]) -> list[State]:
        file, index = self.loop.file, heldout_index(heldout)
        held: dict[tuple[str, ...], list[Document]] = {}
        states, aim = [], None
        for name, arm in self.loop.arms.items():
            names = tuple(arm.files if isinstance(arm, PoolArm) else arm.source or file.source or file.have)
            text = arm.text if isinstance(arm, PoolArm) else file.text
            if (*names, text) not in held:
                held[(*names, text)] = sources_of(names, text, file.sample, file.seed, index)
            documents = held[(*names, text)]
            money = self.unit == "money"
            if isinstance(arm, PoolArm):
                writer: Writer = Pool(name, arm, documents, money)
            else:
                where, mine = self.folder / "arms" / name, None
                with _named(name):
                    if arm.toward:
                        mine = aim = aim or aim_toward(file.have, file.text, self.choose, self.progress)
                        documents = draw_seeds(
                            documents, aim, passage=arm.chunk_tokens, seed=file.seed, avoid=index
                        ).documents
                    writer = Generator(
                        name,
                        arm,
                        documents,
                        where,
                        heldout,
                        self.progress,
                        money=money,
                        allow_keys=allow_keys,
                        aim=mine,
                    )
            states.append(State(writer))
        return states

    def _identity(self) -> dict[str, Any]:
        """What decides a loop's text beside the budget and the limits, which may be raised."""
        arms = {state.writer.name: content_hash(state.writer.identity()) for state in self.states}
        need = content_hash([f"{text_hash(text):016x}" for text in (*self.choose, *self.check)])
        return {"loop": 1, "unit": self.unit, "have": self.loop.file.have, "need": need, "arms": arms}

    def _kept(self) -> list[Decision]:
        return list(decisions_of(self.folder).rounds) if self.path.exists() else []

    def _natural(self) -> tuple[TopicModel | None, Tally]:
        """The topics of what there is and of the reference, and the sums over what there is."""
        texts = [document.text for document in sources_of(self.loop.file.have, self.loop.file.text, NATURAL, 0,
                                                          heldout_index([]))]  # fmt: skip
        topics = None
        if len(texts) >= SMALLEST:
            try:
                topics = TopicModel.fit([*texts, *self.choose[:NATURAL]])
            except BadInput:  # texts without words in common have no topics, and the measure is not defined
                topics = None
        return topics, tallied([Pair(text) for text in texts], "", 1.0, topics)

    def _replay(self) -> None:
        """The state after the rounds that were made before."""
        for decision in self.decisions:
            state = self._state_of(decision.arm)
            if decision.done:
                texts = state.writer.texts(*decision.texts)
                if texts:
                    _, read = self.worth.would_add([text.record["text"] for text in texts])
                    self.worth.add(read)
                self._take(state, decision, [text.pair for text in texts])

    def _take(self, state: State, decision: Decision, pairs: list[Pair]) -> None:
        state.asked, state.seen = decision.asked, decision.texts[1]
        state.tokens += decision.tokens
        state.cost += decision.cost
        state.gain += 0.0 if decision.gain is None else decision.gain.mid or 0.0
        state.rounds += 1
        if decision.stop == "supply" or not decision.tokens:
            state.closed = decision.stop or "supply"
        harmful = decision.gain is not None and decision.gain.sign() < 0
        part = Part(decision.arm, tallied(pairs, state.writer.voice, decision.tokens, self.topics), harmful)
        self.parts.append(part)
        state.tally = state.tally + part.tally

    def run(self) -> LoopSummary:
        """Rounds until something ends them, then the text."""
        self.progress.start(TASK, self.budget, self.unit)
        tried: set[int] = set()  # arms whose next request what is left may not pay for
        try:
            while True:
                pending = self.decisions[-1] if self.decisions and not self.decisions[-1].done else None
                if pending is None:
                    chosen = self._choose(tried)
                    if not isinstance(chosen, Decision):
                        break
                    self.decisions.append(chosen)
                    self._write()
                    pending = chosen
                if self._round(pending):
                    tried.add(self.names.index(pending.arm))
        except SynthmixError:
            self._write()
            raise
        self.progress.finish(TASK, note=f"{len(self.decisions)} rounds, stopped: {chosen}")
        return self._finish(chosen)

    def _left(self) -> float:
        return self.budget - sum(state.writer.spent() for state in self.states)

    def _offers(self, tried: set[int]) -> tuple[list[Offer], bool]:
        """What every arm offers, and whether some are only kept by what is left of the budget."""
        left, per_round = self._left(), self.budget / self.loop.file.rounds
        offers, poor = [], False
        for number, state in enumerate(self.states):
            if state.closed is not None or state.asked >= state.writer.supply:
                continue
            cost = per_round if state.rounds else per_round / 2
            offer = None if number in tried else state.offer(number, min(cost, left), left, self.loop.file.rounds)
            poor |= offer is None
            if offer is not None:
                offers.append(offer)
        return offers, poor

    def _choose(self, tried: set[int]) -> Decision | Stop:
        offers, poor = self._offers(tried)
        if not offers:
            return "budget" if poor else "supply"
        beliefs = self._beliefs()
        looks = {offer.arm for offer in offers if not self.states[offer.arm].rounds}
        now = self._whole()
        allowed = {
            offer.arm: offer.arm in looks or self.limits.allows(self._measures(now), self._after(now, offer))
            for offer in offers
        }
        price = 0.0 if self.worth_of is None else 0.01 / self.worth_of
        judged = judge(beliefs, offers, price=price, confidence=self.confidence)
        judged.sort(key=lambda each: each.offer.arm not in looks)
        fitting = [each for each in judged if allowed[each.offer.arm]]
        if not fitting:
            self._nobody()
            return "limits"
        if not looks and not worth_it(fitting, confidence=self.confidence):
            return "budget" if poor else "price"
        best = fitting[0]
        state = self.states[best.offer.arm]
        return Decision(
            round=len(self.decisions) + 1,
            arm=state.writer.name,
            look=best.offer.arm in looks,
            asked=state.asked + state.documents(best.offer),
            considered=[self._considered(each, looks, allowed[each.offer.arm]) for each in judged],
        )

    def _considered(self, each: Judged, looks: set[int], allowed: bool) -> Considered:
        new = each.offer.arm in looks
        known = bool(self.decisions)
        gain = self._expected(each.low, each.gain, each.high)
        return Considered(
            arm=self.names[each.offer.arm],
            tokens=each.offer.tokens,
            cost=each.offer.cost,
            gain=gain if known else Interval(mid=None, why="no arm was looked at yet"),
            index=None if new else each.index,
            pays=None if new else each.pays,
            allowed=allowed,
        )

    def _expected(self, low: float, mid: float, high: float) -> Interval:
        """A gain whose ends are one-sided at the confidence."""
        return Interval(low=low, mid=mid, high=high, level=2 * self.confidence - 1 or 1e-6)

    def _beliefs(self) -> Beliefs:
        """What the rounds say; scale: the tokens that the budget buys at the mean price of the arms."""
        costs = [cost / tokens for tokens, cost in (state.per_document() for state in self.states) if tokens and cost]
        scale = self.budget * len(costs) / sum(costs) if costs else sum(s.tokens for s in self.states)
        return Beliefs(len(self.states), [each.as_round(self.names) for each in self.decisions if each.done], scale)

    def _whole(self) -> Tally:
        return sum((state.tally for state in self.states), Tally())

    def _measures(self, tally: Tally) -> dict[str, float | None]:
        return measures_of(tally, self.natural)

    def _after(self, now: Tally, offer: Offer) -> dict[str, float | None]:
        """The measures after a round, by the arm's own text so far."""
        tally = self.states[offer.arm].tally
        written = sum(tally.voices.values())
        return self._measures(now + tally.scaled(offer.tokens / written) if written else now)

    def _nobody(self) -> None:
        """
        Raises:
            BadInput: there is a limit that no arm meets by itself.
        """
        for name, limit in self.limits.given.items():
            if name == "one_generator":
                continue
            own = {s.writer.name: self._measures(s.tally)[name] for s in self.states if s.tally.documents}
            alone = Limits.model_validate({name: limit})
            if own and all(alone.broken({name: value}) for value in own.values()):
                listed = ", ".join(f"{arm} {fixed(value)}" for arm, value in own.items())
                raise BadInput(
                    f"no arm meets {limit:g}: {listed}",
                    where=self.folder,
                    key=f"limits.{name}",
                    remedy="loosen it or add another arm; what was written is kept below arms/",
                )

    def _round(self, decision: Decision) -> bool:
        """One round; whether it ended because what is left may not pay for its next request."""
        state = self._state_of(decision.arm)
        left = self._left()
        with _named(decision.arm):
            drawn = state.writer.draw(decision.asked, state.seen, state.cost, max(left, 0.0))
        pairs = [text.pair for text in drawn.texts]
        gain, error = None, 0.0
        if drawn.texts:
            gained, read = self.worth.would_add([text.record["text"] for text in drawn.texts])
            self.worth.add(read)
            gain, error = gained.interval, gained.error
        if drawn.stop == "budget" and not drawn.texts:
            self.decisions.pop()
            self._write()
            return True
        done = decision.model_copy(
            update={
                "done": True,
                "texts": (state.seen, state.seen + len(drawn.texts)),
                "tokens": drawn.tokens,
                "cost": drawn.cost,
                "gain": gain,
                "error": error,
                "stop": drawn.stop,
            }
        )
        self._take(state, done, pairs)
        before = self.decisions[-2].value if len(self.decisions) > 1 else 0.0
        value = before + (0.0 if gain is None else gain.mid or 0.0)
        measures = self._measures(self._whole())
        self.decisions[-1] = done.model_copy(update={"value": value, "measures": measures})
        self._write()
        spent = self.budget - self._left()
        self.progress.update(
            TASK, spent, note=f"round {done.round}, {done.arm}: {said_gain(done)}, in all {value:+.4f}"
        )
        self.progress.say(f"round {done.round}: {done.arm}, {format_count(done.tokens)} tokens, {said_gain(done)}")
        return drawn.stop == "budget"

    def _write(self) -> None:
        kept = Decisions(unit=self.unit, budget=self.budget, rounds=self.decisions)
        write_json(self.path, kept.model_dump(mode="json"), digest=True)

    def _finish(self, stopped: Stop) -> LoopSummary:
        rounds = [each for each in self.decisions if each.done]
        kept = published(self.parts, self.natural, self.limits)
        if not any(kept):
            self._nobody()
            problem = "no arm wrote anything that adds to the text there is within the limits"
            raise BadInput(problem, where=self.folder, remedy="look at decisions.json, and at arms/")
        chosen = [each for each, keep in zip(rounds, kept, strict=True) if keep]
        texts = [text for each in chosen for text in self._state_of(each.arm).writer.texts(*each.texts)]
        whole = sum((part.tally for part, keep in zip(self.parts, kept, strict=True) if keep), Tally())
        told = [text.record["text"] for text in texts]
        checked = Worth(self.have, self.check, tokenizer=self.worth.valuer.tokenizer).added(told)
        spent = sum(state.writer.spent() for state in self.states)
        summary = LoopSummary(
            folder=str(self.folder),
            unit=self.unit,
            budget=self.budget,
            spent=spent,
            lost=max(spent - sum(state.cost for state in self.states), 0.0),
            stopped=stopped,
            confidence=self.confidence,
            worth=self.worth_of,
            rounds=len(rounds),
            documents=len(texts),
            tokens=sum(each.tokens for each in chosen),
            held_back=sum(each.texts[1] - each.texts[0] for each in rounds) - len(texts),
            value=rounds[-1].value,
            checked=checked,
            measures=self._measures(whole),
            limits=self.limits.given,
            arms=self._rows(chosen),
            files=[],
            generator={"generators": sorted({state.writer.voice for state in self.states if state.tokens})},
        )
        return publish(summary, self.folder, texts, self.decisions, self.have)

    def _state_of(self, arm: str) -> State:
        return self.states[self.names.index(arm)]

    def _rows(self, chosen: Sequence[Decision]) -> list[ArmRow]:
        beliefs, rows = self._beliefs(), []
        for number, state in enumerate(self.states):
            parts = self.loop.file.rounds
            open_ = state.rounds and state.closed is None
            offer = state.offer(number, self.budget / parts, self.budget, parts) if open_ else None
            further = None
            if offer is not None:
                outlook = beliefs.outlook(number, offer.tokens)
                low, high = outlook.quantile(1 - self.confidence), outlook.quantile(self.confidence)
                further = self._expected(low, outlook.mean, high)
            name = state.writer.name
            rows.append(
                ArmRow(
                    arm=name,
                    voice=state.writer.voice,
                    rounds=state.rounds,
                    documents=state.seen,
                    published=sum(each.texts[1] - each.texts[0] for each in chosen if each.arm == name),
                    tokens=state.tokens,
                    cost=state.cost,
                    gain=state.gain,
                    next=further,
                    next_cost=None if offer is None else offer.cost,
                    measures=self._measures(state.tally),
                )
            )
        return rows
