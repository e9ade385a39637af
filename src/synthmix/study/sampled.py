"""Text sampled from a generator that the study trains: the generator's run, the parts, the corpus."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from synthmix.config import SampledCorpus, StudyConfig
from synthmix.corpus.build import build_corpus
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.sources import Document
from synthmix.engine import Engine
from synthmix.errors import BadInput, Failure, SynthmixError
from synthmix.files import content_hash, disk_errors
from synthmix.generation.sampler import Sampling, part_path, read_parts, sample_part, sampled, write_part
from synthmix.locking import lock
from synthmix.progress import Progress
from synthmix.study.corpora import Prepared
from synthmix.study.execute import open_tokenizer
from synthmix.study.workspace import Workspace
from synthmix.training.checkpoint import load_checkpoint
from synthmix.training.divergence import DIVERGED
from synthmix.training.hyperparameters import resolve
from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec


def generator_spec(config: StudyConfig, name: str, prepared: Prepared) -> RunSpec:
    """The run that trains the generator of corpus ``name``: the study's protocol at the generator's length."""
    entry = config.sampled[name]
    protocol, steps = generator_protocol(config, name)
    return RunSpec(
        params=entry.params,
        recipe=f"generator of {name}",
        stage="generator",
        shares={entry.source: Fraction(1)},
        corpora={entry.source: prepared.corpora[entry.source].id},
        tokenizer=prepared.tokenizer.hash,
        vocab=prepared.tokenizer.vocab_size,
        steps=steps,
        seed=entry.seed,
        protocol=protocol,
    )


def generator_protocol(config: StudyConfig, name: str) -> tuple[Protocol, int]:
    """The study's protocol at the generator's length, and the generator's steps.

    Raises:
        BadInput: too few steps.
    """
    entry = config.sampled[name]
    protocol = config.training.model_copy(update={"context": entry.length})
    if protocol.rules == "fixed" or "batch" in config.training.model_fields_set:
        rows = max(1, config.training.batch // entry.length)
        protocol = protocol.model_copy(update={"batch": rows * entry.length})
    try:
        if protocol.rules == "by_size":
            protocol = resolve(protocol, entry.params, entry.train)
        return protocol, protocol.steps(entry.train)
    except ValueError as error:
        raise BadInput(str(error), key=f"corpora.{name}.train") from None


@dataclass(frozen=True)
class Places:
    """Where a sampled corpus and its parts lie: both keyed by everything that shapes them."""

    spec: RunSpec
    parts: Path
    folder: Path
    how: dict[str, Any]

    def provenance(self) -> dict[str, Any]:
        """What made the text, for the corpus's metadata."""
        return {"run": self.spec.id, "params": self.spec.shape.params, "trained_on": self.spec.tokens, **self.how}


def places(config: StudyConfig, name: str, space: Workspace, prepared: Prepared) -> Places:
    """The generator's run, the parts' folder and the corpus's folder of the corpus ``name``."""
    entry = config.sampled[name]
    spec = generator_spec(config, name, prepared)
    how = entry.model_dump(mode="json", include={*Sampling.model_fields, "seed"})
    parts = space.generated / content_hash([spec.id, how])
    key = content_hash([parts.name, entry.tokens, [other.id for other in prepared.heldout]])
    return Places(spec, parts, space.corpora / f"{name}-{key}", how)


@dataclass(frozen=True)
class PartTask:
    """One part of a corpus to be sampled, in whichever process."""

    checkpoint: Path
    prompts: Path
    tokenizer: Path
    folder: Path
    part: int
    entry: SampledCorpus


def sample(task: PartTask) -> str:
    """Sample one part and write it, unless it is there."""
    if part_path(task.folder, task.part).exists():
        return "done"
    tokenizer = open_tokenizer(task.tokenizer)
    documents = sample_part(
        _model(task.checkpoint),
        Corpus.open(task.prompts).train,
        task.entry,
        seed=task.entry.seed * 1_000_003 + task.part,
        eos=tokenizer.eos_id,
        decode=tokenizer.decode,
    )
    # Counted as a corpus will count them: encoded anew, with an end of document.
    texts = [text for text, _ in documents]
    write_part(
        task.folder,
        task.part,
        [(text, len(ids) + 1) for text, ids in zip(texts, tokenizer.encode_batch(texts), strict=True)],
    )
    return "done"


def sampled_corpus(
    config: StudyConfig,
    name: str,
    space: Workspace,
    prepared: Prepared,
    engine: Engine[Any, str],
    progress: Progress,
) -> Prepared:
    """``prepared`` with the corpus ``name``, sampled from its trained generator. Parts that are there are kept.

    Raises:
        BadInput: the generator writes nothing but empty documents.
    """
    entry = config.sampled[name]
    at = places(config, name, space, prepared)
    with disk_errors(at.folder):
        at.folder.parent.mkdir(parents=True, exist_ok=True)
        with lock(at.folder.with_suffix(".lock")):
            if not is_corpus(at.folder):
                _sample_all(entry, name, at, space, prepared, engine, progress)
                source = prepared.corpora[entry.source]
                build_corpus(
                    _documents(at.parts, entry.tokens, name),
                    at.folder,
                    name=name,
                    tokenizer=prepared.tokenizer,
                    against=prepared.heldout,
                    kind="synthetic",
                    origin=f"sampled from a {at.spec.shape.params}-parameter Llama trained on '{entry.source}'",
                    license=source.meta.license,
                    generator=at.provenance(),
                    progress=progress,
                )
    return prepared.with_corpus(name, Corpus.open(at.folder))


def _sample_all(
    entry: SampledCorpus,
    name: str,
    at: Places,
    space: Workspace,
    prepared: Prepared,
    engine: Engine[Any, str],
    progress: Progress,
) -> None:
    progress.start(f"sample {name}", entry.tokens, "tokens")
    source = prepared.corpora[entry.source].folder
    checkpoint, tokenizer = space.runs.checkpoint(at.spec.id), source / "tokenizer.json"
    record = space.runs.record(at.spec.id)
    if record is not None and record.diverged is not None:
        raise Failure(
            f"the generator of '{name}' diverged ({DIVERGED[record.diverged]}), so its text is worth nothing",
            where=checkpoint.parent,
            remedy=f"lower training.learning_rate (it was {at.spec.peak:.3g})",
        )
    if not (checkpoint / "config.json").exists():
        raise BadInput(
            f"the checkpoint of the generator of '{name}' is not there",
            where=checkpoint,
            remedy=f"delete {checkpoint.parent} to train it again, and run the same command",
        )
    while (found := sampled(at.parts))[1] < entry.tokens:
        there, have = found  # without a gap: what a killed worker left out is sampled now
        if there and not have:
            raise BadInput("the generator wrote only empty documents", key=f"corpora.{name}", remedy="train it longer")
        # As many more as the average part says, at least one a worker.
        more = engine.workers if not have else -(-(entry.tokens - have) * there // have)
        tasks = [PartTask(checkpoint, source, tokenizer, at.parts, i, entry) for i in range(there, there + more)]
        for _, outcome in engine.each(
            sample, tasks, tick=lambda: progress.update(f"sample {name}", min(entry.tokens, sampled(at.parts)[1]))
        ):
            if isinstance(outcome, SynthmixError):
                raise outcome
    progress.finish(f"sample {name}")


def _documents(parts: Path, tokens: int, name: str) -> Iterator[Document]:
    for i, (text, _) in enumerate(read_parts(parts, tokens)):
        yield Document(text=text, domain=name, key=f"{name}-{i}")


@cache
def _model(checkpoint: Path) -> Any:
    return load_checkpoint(checkpoint)
