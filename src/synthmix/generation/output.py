"""The second half of a job: answers joined, filtered and written from the journal, with the report and the card."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from synthmix.corpus.load import GENERATED_DATA
from synthmix.files import new_folder, write_bytes, write_json
from synthmix.generation.assemble import Generated, answers, assemble, with_origin
from synthmix.generation.card import write_card
from synthmix.generation.filtering import filter_generated
from synthmix.generation.journal import Journal
from synthmix.generation.measures import Pair, Sample
from synthmix.generation.ngrams import NgramIndex
from synthmix.generation.prompts import Prompt, Reply
from synthmix.generation.quality import PAIRS, quality_report
from synthmix.generation.requests import JobPlan
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.template import Template
from synthmix.progress import Progress

SHARD_BYTES = 100_000_000  # of text, before compression
_MARKER = "00000.jsonl.gz"
DROPPED = "dropped.jsonl"
CARD, QUALITY = "README.md", "quality.json"


class Documents(BaseModel):
    """Counts of documents (a source document has as many as there are rollouts).

    Attributes:
        written: in the output. filtered: dropped by a filter. failed: a request of theirs failed for good.
        unfinished: begun, and stopped by a budget. resumed: of all these, answered before this run.
    """

    model_config = ConfigDict(frozen=True)

    written: int
    filtered: int
    failed: int
    unfinished: int
    resumed: int


class Requests(BaseModel):
    """Counts of requests: all that were ever answered, answered now, answered before, failed, tried again now;
    ``truncated``: answers at their token limit; ``uncounted``: answers whose server said no tokens, and that count with
    what was set aside for them."""

    model_config = ConfigDict(frozen=True)

    answered: int
    now: int
    before: int
    failed: int
    retried: int
    truncated: int
    uncounted: int = 0


class Tokens(BaseModel):
    """Tokens that are paid, as the server counts them: of all answers; ``written``: of the written text, never more
    than we count in it; ``lost``: what tries without an answer
    may have cost at the most."""

    model_config = ConfigDict(frozen=True)

    input: int
    output: int
    written: int
    lost: int


class Summary(BaseModel):
    """The outcome of :func:`synthmix.generation.job.generate_corpus`, also kept as ``generation.json``.

    Attributes:
        folder: where all of it lies. files: the text. failed_file: the list of failed requests, if there are any.
        stopped: ``target`` or ``budget`` when that ended the job before the source did.
        dropped: a row for each filter. cost: money, for the tokens of all answers. seconds: of this run.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path = Field(exclude=True)
    name: str
    documents: Documents
    requests: Requests
    tokens: Tokens
    cost: float
    seconds: float
    stopped: str | None
    files: list[str]
    failed_file: str | None
    dropped: list[dict[str, Any]]
    generator: dict[str, Any]

    @property
    def paths(self) -> list[Path]:
        """The files of text, as a corpus takes them."""
        return [self.folder / name for name in self.files]


def write_shards(documents: Iterable[Generated], folder: Path, kind: str) -> list[Path]:
    """Write ``folder/data/00000.jsonl.gz`` and so on, all or nothing: ``{id, text, source, provenance}`` a line.

    Raises:
        Failure: the disk is full.
    """
    return write_records((_record(document, kind) for document in documents), folder)


def write_records(records: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    """:func:`write_shards` of records."""
    names: list[str] = []
    with new_folder(folder / GENERATED_DATA, marker=_MARKER) as staging:
        rest = iter(records)
        while True:
            name = f"{len(names):05}.jsonl.gz"
            names.append(name)
            # No time in the header: the same text gives the same file.
            with (staging / name).open("wb") as raw, gzip.GzipFile("", "wb", 5, raw, mtime=0) as file:
                size = 0
                for record in rest:
                    size += file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
                    if size >= SHARD_BYTES:
                        break
                else:
                    break
    return [folder / GENERATED_DATA / name for name in names]


def _record(document: Generated, kind: str) -> dict[str, object]:
    return {
        "id": f"{kind}/{document.document}/{document.rollout}",
        "text": document.text,
        "type": kind,
        "provenance": document.provenance,
    }


@dataclass(frozen=True)
class Finished:
    """What came out.

    Attributes:
        tokens: of the written text. input_tokens, output_tokens: of all answers; text_tokens: of the text in them.
        uncounted: see :class:`Requests`. truncated: answers at their token limit; truncated_documents: written ones.
        sample: for the report.
    """

    files: list[Path]
    documents: Documents
    tokens: int
    input_tokens: int
    output_tokens: int
    text_tokens: int
    uncounted: int
    answers: int
    failed_requests: int
    truncated: int
    truncated_documents: int
    dropped: list[dict[str, Any]]
    sample: Sample


def finish(
    plan: JobPlan, journal: Journal, heldout: NgramIndex, progress: Progress, before: Mapping[str, int]
) -> Finished:
    """Write the text that passes the filters, and the list of what does not.

    Args:
        before: bytes of each file of answers when this run began.

    Raises:
        Failure: a full disk.
    """
    config, name = plan.config, plan.template.name
    progress.start(f"filter {name}", len(journal), "answers")
    counting = _Counting(journal, progress, f"filter {name}", before)
    found = assemble(counting.answers(answers(plan.requests(), journal)))
    dropped = plan.folder / f".{DROPPED}.partial"
    with dropped.open("w", encoding="utf-8") as file:

        def note(document: Generated, reasons: list[str]) -> None:
            where = {"document": document.document, "rollout": document.rollout, "reasons": reasons}
            file.write(json.dumps({**where, "text": document.text}, ensure_ascii=False) + "\n")

        kept = filter_generated(
            counting.documents(found),
            heldout=heldout,
            template=plan.template,
            filters=config.filters,
            sources=(document.text for document in plan.source()),
            on_dropped=note,
        )
        sample = Sample()
        written = sample.pass_on(counting.written(kept), seeded=plan.template.kind == "seeded")
        files = write_shards(written, plan.folder, name)
    dropped.replace(plan.folder / DROPPED)
    failed = sum((one.document, one.document_hash, one.rollout) in counting.failed for one in found.incomplete)
    progress.finish(f"filter {name}", note=f"{kept.kept} of {kept.read} documents kept")
    return Finished(
        files=files,
        documents=Documents(
            written=kept.kept,
            filtered=kept.read - kept.kept,
            failed=failed,
            unfinished=len(found.incomplete) - failed,
            resumed=counting.resumed,
        ),
        tokens=counting.tokens,
        input_tokens=journal.input_tokens,
        output_tokens=journal.output_tokens,
        text_tokens=journal.text_tokens,
        uncounted=journal.uncounted,
        answers=len(journal),
        failed_requests=journal.resolved_count - len(journal),
        truncated=counting.truncated,
        truncated_documents=counting.truncated_documents,
        dropped=[row.model_dump() for row in kept.table],
        sample=sample,
    )


class _Counting:
    """Counts what passes by."""

    def __init__(self, journal: Journal, progress: Progress, task: str, before: Mapping[str, int]) -> None:
        self._journal, self._progress, self._task, self._before = journal, progress, task, before
        self.failed: set[tuple[str, str, int]] = set()
        self.seen = self.resumed = self.truncated = self.truncated_documents = self.tokens = 0

    def answers(self, pairs: Iterable[tuple[Prompt, Reply | None]]) -> Iterator[tuple[Prompt, Reply | None]]:
        for prompt, reply in pairs:
            if reply is None:
                self.failed.add((prompt.document, prompt.document_hash, prompt.rollout))
            else:
                self.truncated += reply.finish == "length"
            self.seen += 1
            if self.seen % 500 == 0:
                self._progress.update(self._task, self.seen)
            yield prompt, reply

    def documents(self, found: Iterable[Generated]) -> Iterator[Generated]:
        for document in found:
            self.resumed += all(map(self._was_there, document.provenance["requests"]))
            yield document

    def written(self, kept: Iterable[Generated]) -> Iterator[Generated]:
        for document in kept:
            self.tokens += document.provenance["text_tokens"]
            self.truncated_documents += document.truncated
            yield with_origin(document, self._journal)

    def _was_there(self, key: str) -> bool:
        name, at = self._journal.place(key) or ("", 0)
        return at < self._before.get(name, 0)


def write_pairs(pairs: Iterable[Pair], folder: Path) -> None:
    """What ``synthmix quality`` reads: texts with their sources."""
    lines = (json.dumps([pair.text, pair.source, pair.truncated], ensure_ascii=False) for pair in pairs)
    write_bytes(folder / PAIRS, gzip.compress("".join(f"{line}\n" for line in lines).encode(), 5, mtime=0))


def publish(
    folder: Path,
    config: GenerateConfig,
    template: Template,
    made: Finished,
    about: Mapping[str, Any],
    generators: Iterable[Mapping[str, Any]],
) -> None:
    """Write them, or nothing of them when no document came through.

    Args:
        about: what is known of the source; ``name`` and ``license`` among it.
        generators: identities of the generators.
    """
    report = None
    if made.sample.pairs:
        report = quality_report({template.name: made.sample.pairs}, sample=len(made.sample.pairs))
        write_json(folder / QUALITY, report.model_dump(mode="json"))
        write_pairs(made.sample.pairs, folder)
    write_card(
        folder / CARD,
        name=f"{template.name} from {about.get('name', 'a corpus')}",
        template=template,
        generator={**config.identity(template), "generators": [dict(each) for each in generators]},
        source={key: value for key, value in about.items() if value},
        files=["data/*.jsonl.gz"],
        documents=made.documents.written,
        tokens=made.tokens,
        dropped=made.dropped,
        read=made.documents.written + made.documents.filtered,
        failed=made.documents.failed,
        truncated=made.truncated_documents,
        quality=report,
        license=str(about.get("license") or "unknown"),
        version=version("synthmix"),
    )
