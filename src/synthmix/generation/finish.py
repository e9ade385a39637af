"""The second half of a job: answers joined, filtered and written, from the journal alone."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.generation.answers import answers, with_origin
from synthmix.generation.assemble import Generated, assemble
from synthmix.generation.filtering import filter_generated
from synthmix.generation.journal import Journal
from synthmix.generation.ngram_index import NgramIndex
from synthmix.generation.pairs import Sample
from synthmix.generation.prompt import Prompt, Reply
from synthmix.generation.shards import write_shards
from synthmix.generation.summary import Documents
from synthmix.generation.work import Work
from synthmix.progress import Progress

DROPPED = "dropped.jsonl"


@dataclass(frozen=True)
class Finished:
    """What came out. ``tokens``: of the written text; ``input_tokens``, ``output_tokens``: of all answers;
    ``truncated``: answers at their token limit, ``truncated_documents``: written ones; ``sample``: for the report."""

    files: list[Path]
    documents: Documents
    tokens: int
    input_tokens: int
    output_tokens: int
    answers: int
    failed_requests: int
    truncated: int
    truncated_documents: int
    dropped: list[dict[str, Any]]
    sample: Sample


def finish(
    work: Work, journal: Journal, heldout: NgramIndex, progress: Progress, before: Mapping[str, int]
) -> Finished:
    """Write the text that passes the filters, and the list of what does not.

    Args:
        before: bytes of each file of answers when this run began.

    Raises:
        Failure: a full disk.
    """
    config, name = work.config, work.template.name
    progress.start(f"filter {name}", len(journal), "answers")
    watch = _Watch(journal, progress, f"filter {name}", before)
    found = assemble(watch.answers(answers(work.requests(), journal)))
    dropped = work.folder / f".{DROPPED}.partial"
    with dropped.open("w", encoding="utf-8") as file:

        def note(document: Generated, reasons: list[str]) -> None:
            where = {"document": document.document, "rollout": document.rollout, "reasons": reasons}
            file.write(json.dumps({**where, "text": document.text}, ensure_ascii=False) + "\n")

        kept = filter_generated(
            watch.documents(found),
            heldout=heldout,
            template=work.template,
            filters=config.filters,
            sources=(document.text for document in work.source()),
            on_dropped=note,
        )
        sample = Sample()
        written = sample.watch(watch.written(kept), seeded=work.template.kind == "seeded")
        files = write_shards(written, work.folder, name)
    dropped.replace(work.folder / DROPPED)
    failed = sum((one.document, one.document_hash, one.rollout) in watch.failed for one in found.incomplete)
    progress.finish(f"filter {name}", note=f"{kept.kept} of {kept.read} documents kept")
    return Finished(
        files=files,
        documents=Documents(
            written=kept.kept,
            filtered=kept.read - kept.kept,
            failed=failed,
            unfinished=len(found.incomplete) - failed,
            resumed=watch.resumed,
        ),
        tokens=watch.tokens,
        input_tokens=journal.input_tokens,
        output_tokens=journal.output_tokens,
        answers=len(journal),
        failed_requests=journal.settled_count - len(journal),
        truncated=watch.truncated,
        truncated_documents=watch.truncated_documents,
        dropped=[row.model_dump() for row in kept.table],
        sample=sample,
    )


class _Watch:
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
            self.tokens += document.provenance["output_tokens"]
            self.truncated_documents += document.truncated
            yield with_origin(document, self._journal)

    def _was_there(self, key: str) -> bool:
        name, at = self._journal.place(key) or ("", 0)
        return at < self._before.get(name, 0)
