"""One run or trunk in whichever process: what a worker is handed, and what it does from there to the record."""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synthmix.checksums import check_folder
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.tokenizer import Tokenizer, load_tokenizer
from synthmix.engine.places import visible_gpus
from synthmix.errors import BadInput
from synthmix.evaluation.along import Along, probe
from synthmix.evaluation.losses import HeldOut, average, evaluate_model
from synthmix.files import disk_errors
from synthmix.store import DomainScore, RunRecord, Store, TrunkRecord
from synthmix.study.corpora import EvaluationDomain
from synthmix.training.checkpoint import load_checkpoint, save_checkpoint
from synthmix.training.device import Diverged, device_name
from synthmix.training.divergence import divergence
from synthmix.training.memory import run_memory
from synthmix.training.parallel import ALONE, World
from synthmix.training.spec import RunSpec
from synthmix.training.tracking import Reporter
from synthmix.training.trainer import Trained, state_at, train_run, train_trunk


class Sized:
    """What an engine asks of a task that trains ``spec``: the memory that it would like, and what it can do with."""

    spec: RunSpec
    precision: str

    @property
    def memory_bytes(self) -> int:
        """With a whole batch at once."""
        return memory_of(self.spec, self.precision)

    @property
    def memory_least(self) -> int:
        """One sequence at a time."""
        return memory_of(self.spec, self.precision, sequences=1)


@dataclass(frozen=True)
class RunTask(Sized):
    """Everything that a worker needs; small, so that it travels to any process."""

    spec: RunSpec
    runs: Path
    corpora: dict[str, Path]
    tokenizer: Path
    domains: tuple[EvaluationDomain, ...]
    evaluate_tokens: int | None
    precision: str
    keep_checkpoint: bool = True
    save_every: float = field(default=60.0, compare=False)
    log: tuple[str, ...] = field(default=(), compare=False)
    shares_trunk: bool = False
    mark_diverged: bool = False  # a loss that is not finite is a record that says so, not a failure

    @property
    def run(self) -> str:
        """Name of its folder among the runs."""
        return self.spec.id

    @property
    def tokens(self) -> int:
        """Tokens that it trains itself."""
        return self.spec.tokens - self.began

    @property
    def began(self) -> int:
        """Tokens that its trunk trains for it."""
        return self.spec.branch * self.spec.protocol.batch if self.shares_trunk else 0

    @property
    def label(self) -> str:
        """For messages."""
        return self.spec.at()

    def is_done(self, store: Store) -> bool:
        """Its record is there, with a loss on every domain."""
        record = store.record(self.spec.id)
        return record is not None and not missing(record, self.domains)


@dataclass(frozen=True)
class TrunkTask(Sized):
    """The part that several runs share; ``spec`` is the longest of them, ``stops`` their branch points in steps."""

    spec: RunSpec
    stops: tuple[int, ...]
    runs: Path
    corpora: dict[str, Path]
    tokenizer: Path
    precision: str
    save_every: float = field(default=60.0, compare=False)
    log: tuple[str, ...] = field(default=(), compare=False)
    began: int = 0
    domains: tuple[EvaluationDomain, ...] = ()
    evaluate_tokens: int | None = None

    @property
    def run(self) -> str:
        """Name of its folder among the runs."""
        return f"trunk-{self.spec.trunk}"

    @property
    def tokens(self) -> int:
        """Tokens that it trains."""
        return max(self.stops) * self.spec.protocol.batch

    @property
    def label(self) -> str:
        """For messages."""
        return f"trunk of {self.spec.at()}"

    def is_done(self, store: Store) -> bool:
        """All its states are there, and the record of what they took."""
        record, folder = store.trunk_record(self.spec.trunk), store.trunk_folder(self.spec.trunk)
        written = record is not None and record.tokens >= self.tokens
        return written and all(state_at(folder, stop).exists() for stop in self.stops)


def missing(record: RunRecord, domains: tuple[EvaluationDomain, ...]) -> list[EvaluationDomain]:
    """Domains that a record has no loss for, or a loss on other text; none where there is no loss to be had."""
    if record.diverged == "not_finite":
        return []
    return [d for d in domains if d.name not in record.losses or record.losses[d.name].corpus != d.id]


def memory_of(spec: RunSpec, precision: str, sequences: int | None = None) -> int:
    """Bytes that a worker needs at its peak while it trains ``spec``, a whole batch or ``sequences`` at a time."""
    protocol = spec.protocol
    tokens = protocol.context * (sequences or protocol.sequences)
    return run_memory(spec.shape, spec.vocab, tokens, protocol.context, precision, device=_device())


@cache
def _device() -> str:
    return "cuda" if visible_gpus() else "cpu"


def execute(task: RunTask | TrunkTask, tell: Callable[[int], None] = lambda tokens: None, world: World = ALONE) -> str:
    """Do what is left of a run or a trunk: ``done``, or ``busy`` when another process works on it.

    A trunk is trained to its last branch point. A finished run: nothing, or scored from its checkpoint where a domain
    has no loss. Else trained, from its saved state or its trunk's where there is one; the record is written last.
    ``tell`` hears of the tokens done, about once a second. All processes of a ``world`` call this for its one run; the
    main one evaluates and writes.

    Raises:
        BadInput, Failure: see :func:`synthmix.training.trainer.train_run`.
    """
    store = Store(task.runs)
    with _claimed(store, task.run, world) as mine:
        if not mine:
            return "busy"
        if isinstance(task, TrunkTask):
            _train_trunk(task, store, tell)
            return "done"
        record = store.record(task.spec.id)
        if record is None:
            _train(task, store, tell, world)
        elif world.is_main and missing(record, task.domains):
            _score_again(task, store, record)
        world.barrier()
    return "done"


@contextmanager
def _claimed(store: Store, run: str, world: World) -> Iterator[bool]:
    """The run's lock, which the main process holds for all of them."""
    if not world.is_main:
        yield world.agree(False)
        return
    with store.claim(run) as mine:
        yield world.agree(mine)


def _train(task: RunTask, store: Store, tell: Callable[[int], None], world: World) -> None:
    spec, folder = task.spec, store.run_folder(task.spec.id)
    corpora = {name: _corpus(path, spec.tokenizer) for name, path in task.corpora.items()}
    tokenizer = open_tokenizer(task.tokenizer)
    log = task.log if world.is_main else ()
    try:
        with Reporter(folder, spec, spec.steps, tell, log, world.size) as reporter:
            trained: Trained = train_run(
                spec,
                {name: corpus.train for name, corpus in corpora.items()},
                folder,
                precision=task.precision,
                eos=tokenizer.eos_id,
                report=reporter,
                save_every=task.save_every,
                trunk=store.trunk_folder(spec.trunk) if task.shares_trunk else None,
                world=world,
                **_probed(task),
            )
    except Diverged as error:
        if not task.mark_diverged or error.trained is None:
            raise
        trained = error.trained
    if not world.is_main:
        return
    losses: dict[str, DomainScore] = {}
    if trained.model is not None:
        if task.keep_checkpoint:
            save_checkpoint(trained.model, tokenizer, store.checkpoint(spec.id))
        try:
            losses = _score(task, trained.model, list(task.domains))
        except Diverged:
            if not task.mark_diverged:
                raise
    loss = average({name: score.nats for name, score in losses.items()}) if losses else None
    record = RunRecord(
        id=spec.id,
        spec=spec,
        params=spec.shape.params,
        params_total=spec.shape.params_total(spec.vocab),
        tokens=spec.tokens,
        flops=spec.flops,
        seconds=round(trained.seconds, 3),
        epochs=trained.manifest.epochs,
        trace=trained.trace,
        precision=task.precision,
        device=device_name() if world.size == 1 else f"{world.size} x {device_name()}",
        versions=versions(),
        losses=losses,
        began=trained.began,
        heldout=trained.heldout,
        diverged=divergence(loss, spec.vocab, trained.trace) if task.domains else None,
    )
    store.write(record)
    with disk_errors(folder):
        (folder / "state.safetensors").unlink(missing_ok=True)
        (folder / "progress.json").unlink(missing_ok=True)


def _probed(task: RunTask | TrunkTask) -> dict[str, Any]:
    """How the held-out loss is scored along the training."""
    along = Along.of(task.spec, len(task.domains), task.evaluate_tokens)

    @cache
    def opened() -> dict[str, HeldOut]:
        return {domain.name: domain.open() for domain in task.domains}

    score = probe(opened, along, context=task.spec.protocol.context, precision=task.precision)
    return {"probe": score, "probe_at": along.steps}


def _train_trunk(task: TrunkTask, store: Store, tell: Callable[[int], None]) -> None:
    spec, folder = task.spec, store.trunk_folder(task.spec.trunk)
    with Reporter(folder, spec, max(task.stops), tell, task.log) as reporter:
        seconds = train_trunk(
            spec,
            task.stops,
            {name: _corpus(path, spec.tokenizer).train for name, path in task.corpora.items()},
            folder,
            precision=task.precision,
            eos=open_tokenizer(task.tokenizer).eos_id,
            report=reporter,
            save_every=task.save_every,
            **_probed(task),
        )
    record = TrunkRecord(
        id=spec.trunk,
        recipe=spec.recipe,
        params=spec.shape.params,
        seed=spec.seed,
        tokens=task.tokens,
        flops=spec.flops * task.tokens / spec.tokens,
        seconds=round(seconds, 3),
    )
    store.write_trunk(record)
    with disk_errors(folder):
        (folder / "progress.json").unlink(missing_ok=True)


def _score_again(task: RunTask, store: Store, record: RunRecord) -> None:
    domains = missing(record, task.domains)
    if not store.checkpoint(record.id).exists():
        names = ", ".join(domain.name for domain in domains)
        raise BadInput(
            f"has no loss on {names} and its checkpoint was not kept",
            where=store.run_folder(record.id),
            remedy="delete the run's folder to train it again, with keep_checkpoints: true",
        )
    model = load_checkpoint(store.checkpoint(record.id))
    store.write(record.model_copy(update={"losses": record.losses | _score(task, model, domains)}))


def _score(task: RunTask, model: object, domains: list[EvaluationDomain]) -> dict[str, DomainScore]:
    found = evaluate_model(
        model,
        {domain.name: domain.open() for domain in domains},
        context=task.spec.protocol.context,
        precision=task.precision,
        max_tokens=task.evaluate_tokens,
    )
    return {
        domain.name: DomainScore(
            corpus=domain.id,
            nats=found[domain.name].nats,
            bits_per_byte=found[domain.name].bits_per_byte,
            tokens=found[domain.name].tokens,
        )
        for domain in domains
    }


@cache
def _corpus(path: Path, tokenizer: str) -> Corpus:
    corpus = Corpus.open(path)
    corpus.check_tokenizer(tokenizer)
    return corpus


@cache
def open_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in ``path``, a corpus's, read once a process.

    Raises:
        BadInput: it is damaged.
    """
    check_folder(path.parent, [path.name])
    return load_tokenizer(path)


@cache
def versions() -> dict[str, str]:
    """Of what decides a run's numbers."""
    names = ("synthmix", "torch", "transformers", "tokenizers", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in names}
