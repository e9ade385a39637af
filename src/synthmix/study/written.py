"""Text that a language model writes for a study, from one of its natural corpora: the job, then its corpus."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.config import StudyConfig
from synthmix.corpus.build import build_corpus
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.sources import Document, Source
from synthmix.engine import Engine, RayEngine
from synthmix.errors import BadInput
from synthmix.files import content_hash, disk_errors
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.template import load_template
from synthmix.locking import lock
from synthmix.progress import Progress
from synthmix.study.corpora import Prepared
from synthmix.study.workspace import Workspace


@dataclass(frozen=True)
class TrainingText:
    """The documents of a corpus that may be trained on, any number of times and in any process."""

    folder: Path

    def __iter__(self) -> Iterator[Document]:
        return Corpus.open(self.folder).documents("train")


def written_folders(config: StudyConfig, name: str, space: Workspace, prepared: Prepared) -> tuple[Path, Path]:
    """Where the job and the corpus of ``name`` lie: keyed by everything that shapes them."""
    entry = config.written[name]
    template = load_template(entry.generate)
    job = content_hash([prepared.corpora[entry.source].id, entry.identity(template), entry.rollouts, entry.documents])
    ends = [entry.tokens, entry.filters.model_dump(mode="json"), [other.id for other in prepared.heldout]]
    return space.generated / f"{name}-{job}", space.corpora / f"{name}-{content_hash([job, ends])}"


def written_corpus(
    config: StudyConfig,
    name: str,
    space: Workspace,
    prepared: Prepared,
    progress: Progress,
    engine: Engine[Any, Any] | None = None,
) -> Prepared:
    """``prepared`` with the corpus ``name``, written by its model. Requests that were answered are not asked again.

    Raises:
        BadInput: no key, no such model or endpoint, a budget that is spent, nothing that passes the filters.
        Failure: half of the requests fail.
    """
    from synthmix.generation.job import generate_corpus  # which imports the statistics of text

    entry = config.written[name]
    source = prepared.corpora[entry.source]
    job, folder = written_folders(config, name, space, prepared)
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with lock(folder.with_suffix(".lock")):
            if not is_corpus(folder):
                plain = GenerateConfig(**{key: getattr(entry, key) for key in GenerateConfig.model_fields})
                heldout = (text for corpus in prepared.heldout for text in corpus.texts("heldout"))
                everywhere = engine if isinstance(engine, RayEngine) else None
                summary = generate_corpus(plain, TrainingText(source.folder), heldout, job, progress, engine=everywhere)
                if not summary.paths:
                    raise BadInput(
                        f"the model wrote {summary.requests.answered} answers and none passed the filters",
                        where=job,
                        key=f"corpora.{name}",
                        remedy="look at dropped.jsonl there",
                    )
                build_corpus(
                    Source(files=[str(path) for path in summary.paths]),
                    folder,
                    name=name,
                    tokenizer=prepared.tokenizer,
                    against=prepared.heldout,
                    kind="synthetic",
                    origin=f"{Path(entry.generate).stem} text by {entry.model} from '{entry.source}'",
                    license=entry.license or source.meta.license,
                    generator=summary.generator,
                    progress=progress,
                )
    return prepared.with_corpus(name, Corpus.open(folder))
