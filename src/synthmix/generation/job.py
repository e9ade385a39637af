"""A generation job: documents in, a folder of finished text out, resumable at every request.

::

    data/00000.jsonl.gz   the text, with provenance on every record     generation.json   counts, written last
    requests/             the journal of answers                        failed.jsonl      requests that stay unanswered
    dropped.jsonl         what the filters dropped, and why             README.md         the dataset card
    quality.json          diversity and faithfulness of a sample        job.json          what decides the text
    aim.json              what the seeds were drawn for, if anything
"""

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence, Sized
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthmix.corpus.load import GENERATED, GENERATED_DATA
from synthmix.corpus.sources import Document
from synthmix.errors import BadInput, Failure
from synthmix.files import disk_errors, read_json, write_json
from synthmix.generation.aim import Aim
from synthmix.generation.budget import Prices
from synthmix.generation.endpoints import keys_for
from synthmix.generation.failures import RunCounts
from synthmix.generation.filters import heldout_index
from synthmix.generation.journal import records, sizes, write_failed
from synthmix.generation.keys import permissions
from synthmix.generation.language import detector
from synthmix.generation.output import DROPPED, Finished, Requests, Summary, Tokens, finish, publish
from synthmix.generation.requests import JobPlan, WorkerPool, ask, ask_on_workers
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.template import load_template
from synthmix.progress import Progress, Silent
from synthmix.quantities import format_count
from synthmix.training.checkpoint import check_checkpoint, checkpoint_of

FAILED = "failed.jsonl"
JOB = "job.json"
AIM = "aim.json"
_ROUNDS = 12  # of asking for more, when the filters drop some of what was asked for


class NothingWritten(Failure):
    """No document passed the filters."""


def generate_corpus(
    config: GenerateConfig,
    documents: Iterable[Document],
    heldout: Iterable[str],
    folder: str | Path,
    progress: Progress | None = None,
    *,
    retry_failed: bool = False,
    engine: WorkerPool | None = None,
    about: Mapping[str, Any] | None = None,
    allow_keys: Sequence[str] = (),
    first: int | None = None,
    aim: Aim | None = None,
) -> Summary:
    """Generate the text of ``config`` from ``documents`` into ``folder``; a job that is there is continued.

    Args:
        documents: the source; iterated over several times, always in the same order. Streams: memory does not grow
            with it but by 24 bytes a request while asking, and by the filters' index afterwards.
        heldout: texts that no output may share long n-grams with.
        retry_failed: ask those requests again that failed for good.
        engine: spreads the requests over workers, each with a shard of the documents and a journal of its own; the
            folder must be one that all of them see, and ``documents`` must survive pickling.
        about: what is known of the source (``name``, ``license``, ...), for the card.
        allow_keys: where keys may be sent (``EXAMPLE_KEY@api.example.com``), beside what the environment and the user's
            configuration allow.
        first: ask about the first documents only. Unlike ``documents`` of the settings, which cuts the source, that
            changes no request (keywords are weighed by the whole source): a call with a higher number goes on.
        aim: what ``documents`` were drawn for (:func:`synthmix.generation.aim.draw_seeds`); kept in ``aim.json``.

    Raises:
        BadInput: an empty source, no key, an endpoint or model that is not there, a budget that is spent, or a folder
            with another job in it: known before the first request that costs anything.
        Failure: half of the requests fail, or all of them; no document passes the filters; a full disk. The same call
            goes on from there.
    """
    folder, progress, begun = Path(folder), progress or Silent(), time.monotonic()
    plan = prepared(config, documents, folder, retry_failed=retry_failed, allow_keys=allow_keys, first=first, aim=aim)
    claim(folder, plan.identity)
    if aim is not None:
        write_json(folder / AIM, aim.as_json(), digest=True)
    index = heldout_index(heldout, config.filters.contamination_words)
    asked, before = config.tokens, sizes(plan.journals)
    counts = RunCounts(generators=_generators(folder / GENERATED))
    with disk_errors(folder):
        for _ in range(_ROUNDS):
            counts = _ask(plan, asked, counts, progress, engine)
            plan = replace(plan, retry_failed=False)
            with closing(plan.journal()) as journal:
                made = finish(plan, journal, index, progress, before)
                failed = write_failed(journal, folder / FAILED)
            if config.tokens is None or counts.stopped != "target" or made.tokens >= config.tokens:
                break
            kept = max(made.tokens / max(1, made.text_tokens), 0.02)
            asked = made.text_tokens + round(1.02 * (config.tokens - made.tokens) / kept) + 1
    if not made.answers and failed:
        one = next(iter(records(folder / FAILED)))
        raise Failure(f"no request was answered ({one['reason']})", where=folder / FAILED, remedy="fix the cause")
    if not made.documents.written:
        raise _nothing(folder, made)
    summary = _summary(plan, made, counts, folder / FAILED if failed else None, time.monotonic() - begun)
    publish(folder, config, plan.template, made, about or {}, counts.generators)
    write_json(folder / GENERATED, summary.model_dump(mode="json"), digest=True)
    return summary


def _nothing(folder: Path, made: Finished) -> NothingWritten:
    """A job without a document; what an earlier one may have left of its own is no longer true."""
    shutil.rmtree(folder / GENERATED_DATA, ignore_errors=True)
    (folder / GENERATED).unlink(missing_ok=True)
    reasons = [f"{row['documents']} {row['reason'].replace('_', ' ')}" for row in made.dropped if row["documents"]]
    counts = made.documents
    problem = (
        f"no document was written: {counts.filtered} were filtered ({', '.join(reasons) or 'none'}), {counts.failed} "
        f"failed, {counts.unfinished} were begun and not finished"
    )
    remedy = f"look at {folder / DROPPED}" if counts.filtered else "raise the budget, or ask again"
    return NothingWritten(problem, where=folder, remedy=f"{remedy}; answers are kept")


def prepared(
    config: GenerateConfig,
    documents: Iterable[Document],
    folder: Path,
    *,
    retry_failed: bool = False,
    allow_keys: Sequence[str] = (),
    first: int | None = None,
    aim: Aim | None = None,
) -> JobPlan:
    """The plan of a job, with what can be seen before anything is written or asked.

    Raises:
        BadInput: the template, the key, an address, no model there, an empty source, or no detector for the filters.
    """
    if iter(documents) is documents:
        raise BadInput("can be read only once", key="documents", remedy="give a list, or Documents([files])")
    allowed = permissions(allow_keys) if config.place == "endpoint" else ()
    plan = JobPlan(
        config,
        load_template(config.generate),
        documents,
        folder,
        retry_failed=retry_failed,
        first=first,
        allowed=allowed,
        aim=aim,
    )
    if config.filters.language is not None:
        detector()
    if config.place == "endpoint":
        keys_for(config, allowed)
    else:
        check_checkpoint(checkpoint_of(config.model))
    next(plan.requests())
    return plan


def _generators(path: Path) -> list[dict[str, Any]]:
    """Identities that an earlier run wrote down."""
    return list(read_json(path).get("generator", {}).get("generators", [])) if path.exists() else []


def claim(folder: Path, identity: dict[str, Any]) -> None:
    """Keep different jobs out of one folder: their answers would be mixed.

    Raises:
        BadInput: another job's folder, or one that holds other files.
    """
    path = folder / JOB
    if path.exists():
        found = read_json(path)
        other = [key for key in identity if not isinstance(found, dict) or found.get(key) != identity[key]]
        if other:
            raise BadInput(f"holds a job with another {other[0]}", where=folder, remedy="name another folder with --to")
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise BadInput(f"holds other files (and no {JOB})", where=folder, remedy="name a new or an empty folder")
    write_json(path, identity, digest=True)


def _ask(
    plan: JobPlan, target: int | None, before: RunCounts, progress: Progress, engine: WorkerPool | None
) -> RunCounts:
    """One round of requests, here or ask_on_workers over an engine; the counts of all rounds."""
    config, task = plan.config, f"generate {plan.template.name}"
    total = len(plan.documents) if target is None and isinstance(plan.documents, Sized) else None
    if total is not None:
        total = min(total, config.documents or total, plan.first or total) * config.rollouts
    progress.start(task, total if target is None else target, "documents" if target is None else "tokens")

    def tick(counts: RunCounts, at_once: int) -> None:
        have = counts.documents if target is None else journal.text_tokens
        cost = Prices(config.price_in, config.price_out).cost(journal.input_tokens, journal.output_tokens)
        progress.update(task, have, note=counts.note(cost, at_once))

    if engine is not None:
        counts = ask_on_workers(
            plan, target, engine, lambda size: progress.update(task, 0, note=f"{format_count(size)} bytes")
        )
    else:
        with closing(plan.journal()) as journal:
            counts = ask(plan, journal, target, tick)
    progress.finish(task, note=f"{counts.answered} answers")
    return before.plus(counts)


def _summary(plan: JobPlan, made: Finished, counts: RunCounts, failed: Path | None, seconds: float) -> Summary:
    config = plan.config
    prices = Prices(config.price_in, config.price_out)
    return Summary(
        folder=plan.folder,
        name=plan.template.name,
        documents=made.documents,
        requests=Requests(
            answered=made.answers,
            now=counts.answered,
            before=made.answers - counts.answered,
            failed=made.failed_requests,
            retried=counts.retried,
            truncated=made.truncated,
            uncounted=made.uncounted,
        ),
        tokens=Tokens(input=made.input_tokens, output=made.output_tokens, written=made.tokens, lost=counts.lost),
        cost=prices.cost(made.input_tokens, made.output_tokens),
        seconds=round(seconds, 3),
        stopped=counts.stopped,
        files=[str(path.relative_to(plan.folder)) for path in made.files],
        failed_file=failed.name if failed else None,
        dropped=made.dropped,
        generator={**config.identity(plan.template), "rollouts": config.rollouts, "generators": counts.generators},
    )
