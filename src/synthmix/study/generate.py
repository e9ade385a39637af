"""Text sampled from a trained generator: its parts, then its corpus."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from synthmix.config import SampledCorpus, StudyConfig
from synthmix.corpus.build import build_corpus
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.sources import Document
from synthmix.engine import Engine
from synthmix.errors import BadInput, SynthmixError
from synthmix.files import disk_errors
from synthmix.generation.sampler import part_path, read_parts, sample_part, sampled, write_part
from synthmix.progress import Progress
from synthmix.study.corpora import Prepared
from synthmix.study.execute import open_tokenizer
from synthmix.study.generators import places
from synthmix.study.workspace import Workspace
from synthmix.training.spec import RunSpec


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
    entry = config.corpora[name]
    if not isinstance(entry, SampledCorpus):
        raise TypeError(name)
    at = places(config, name, space, prepared)
    with disk_errors(at.folder):
        at.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(at.folder.with_suffix(".lock")):
            if not is_corpus(at.folder):
                _sample_all(entry, name, at.parts, at.spec, space, prepared, engine, progress)
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
                    generator={
                        "run": at.spec.id,
                        "params": at.spec.shape.params,
                        "trained_on": at.spec.tokens,
                        **at.how,
                    },
                    progress=progress,
                )
    return prepared.with_corpus(name, Corpus.open(at.folder))


def _sample_all(
    entry: SampledCorpus,
    name: str,
    parts: Path,
    spec: RunSpec,
    space: Workspace,
    prepared: Prepared,
    engine: Engine[Any, str],
    progress: Progress,
) -> None:
    progress.start(f"sample {name}", entry.tokens, "tokens")
    tokenizer = prepared.corpora[entry.source].folder / "tokenizer.json"
    while (found := sampled(parts))[1] < entry.tokens:
        there, have = found  # without a gap: what a killed worker left out is sampled now
        if there and not have:
            raise BadInput("the generator wrote only empty documents", key=f"corpora.{name}", remedy="train it longer")
        # As many more as the average part says, at least one a worker.
        more = engine.workers if not have else -(-(entry.tokens - have) * there // have)
        tasks = [
            PartTask(space.runs.checkpoint(spec.id), prepared.corpora[entry.source].folder, tokenizer, parts, i, entry)
            for i in range(there, there + more)
        ]
        for _, outcome in engine.each(
            sample, tasks, tick=lambda: progress.update(f"sample {name}", min(entry.tokens, sampled(parts)[1]))
        ):
            if isinstance(outcome, SynthmixError):
                raise outcome
    progress.finish(f"sample {name}")


def _documents(parts: Path, tokens: int, name: str) -> Iterator[Document]:
    for i, (text, _) in enumerate(read_parts(parts, tokens)):
        yield Document(text=text, domain=name, key=f"{name}-{i}")


@cache
def _model(checkpoint: Path) -> Any:
    from synthmix.training.checkpoint import load_checkpoint

    return load_checkpoint(checkpoint)
