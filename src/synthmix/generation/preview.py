"""A few finished examples, and what the whole job will take. Their answers are kept: the job does not pay twice."""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from synthmix.corpus.sources import Document
from synthmix.errors import Failure
from synthmix.files import disk_errors
from synthmix.generation.aim import Aim
from synthmix.generation.assemble import Generated, answers, assemble
from synthmix.generation.budget import Prices
from synthmix.generation.filtering import filter_generated
from synthmix.generation.filters import heldout_index
from synthmix.generation.job import claim, prepared
from synthmix.generation.prompts import Prompt, Reply
from synthmix.generation.requests import JobPlan, ask
from synthmix.generation.settings import GenerateConfig
from synthmix.progress import Progress, Silent

LOOKED_AT = 2_000  # requests that are made to see how many a document has, and how long they are
AT_ONCE = 32  # requests, for the estimate of the time (CHOSEN: what one GPU serves easily)
EXAMPLES = 5


class Estimate(BaseModel):
    """The whole job.

    Attributes:
        documents, requests: to be asked. input_tokens, output_tokens, cost: of them.
        kept: share of the examples that the filters let through; written_tokens: output tokens times that.
        seconds: with ``at_once`` requests at once that take ``seconds_each``.
    """

    model_config = ConfigDict(frozen=True)

    documents: int
    requests: int
    input_tokens: int
    output_tokens: int
    written_tokens: int
    kept: float
    cost: float
    seconds: float
    seconds_each: float
    at_once: int


def estimate(plan: JobPlan, pairs: Sequence[tuple[Prompt, Reply]], kept: float) -> Estimate:
    """Estimate a job: every document's length is read, requests are made for the first ones, and tokens follow in
    proportion to the characters of prompts and sources in ``pairs``. Generated text is far less even than that: expect
    the result to be off by tens of percent after five examples.
    """
    config = plan.config
    documents = characters = 0
    for document in plan.source():
        documents += 1
        characters += len(document.text)
    asked = list(islice(plan.requests(), LOOKED_AT))
    seeded = plan.template.kind == "seeded"
    seen = {(prompt.document, prompt.document_hash): 0 for prompt in asked}
    if len(asked) == LOOKED_AT:  # the last one's requests may be incomplete
        last = (asked[-1].document, asked[-1].document_hash)
        asked = [prompt for prompt in asked if (prompt.document, prompt.document_hash) != last] or asked
        seen.pop(last, None) if len(seen) > 1 else None
        # By documents for seeds, by length for passages.
        sources = sum(len(prompt.source) for prompt in asked) / config.rollouts
        times = documents / len(seen) if seeded else characters / max(1.0, sources)
    else:
        times = 1.0
    requests = len(asked) * times
    shown = sum(_length(prompt) for prompt, _ in pairs)
    input_tokens = sum(map(_length, asked)) * times * sum(reply.input_tokens for _, reply in pairs) / max(1, shown)
    answered = sum(reply.output_tokens for _, reply in pairs)
    if seeded:
        output_tokens = requests * answered / len(pairs)
    else:
        per_character = answered / max(1, sum(len(prompt.source) for prompt, _ in pairs))
        output_tokens = sum(len(prompt.source) for prompt in asked) * times * per_character
    text = sum(reply.written for _, reply in pairs) / max(1, answered)
    if config.tokens is not None and kept and text and output_tokens * text * kept > config.tokens:
        share = config.tokens / (output_tokens * text * kept)
        requests, input_tokens, output_tokens = requests * share, input_tokens * share, output_tokens * share
        documents = round(documents * share)
    each = sum(reply.seconds for _, reply in pairs) / len(pairs)
    at_once = min(AT_ONCE, config.concurrency) * len(config.endpoint) if config.endpoint else config.batch
    return Estimate(
        documents=documents,
        requests=round(requests),
        input_tokens=round(input_tokens),
        output_tokens=round(output_tokens),
        written_tokens=round(output_tokens * text * kept),
        kept=kept,
        cost=Prices(config.price_in, config.price_out).cost(input_tokens, output_tokens),
        seconds=requests * each / at_once,
        seconds_each=each,
        at_once=at_once,
    )


def _length(prompt: Prompt) -> int:
    return sum(len(message["content"]) for message in prompt.messages)


class Example(BaseModel):
    """One finished document with the requests that made it. ``dropped``: the filters that would drop it."""

    model_config = ConfigDict(frozen=True)

    document: str
    prompts: list[list[dict[str, str]]]
    text: str
    dropped: list[str]
    finish: str
    input_tokens: int
    output_tokens: int
    cost: float
    seconds: float


class Preview(BaseModel):
    """Examples, and the whole job by what they took."""

    model_config = ConfigDict(frozen=True)

    examples: list[Example]
    whole: Estimate


def preview_corpus(
    config: GenerateConfig,
    documents: Iterable[Document],
    heldout: Iterable[str],
    folder: str | Path,
    progress: Progress | None = None,
    *,
    examples: int = EXAMPLES,
    allow_keys: Sequence[str] = (),
    aim: Aim | None = None,
) -> Preview:
    """Generate the first ``examples`` documents of a job and estimate the rest. See
    :func:`synthmix.generation.job.generate_corpus` for the arguments and what is raised.

    Raises:
        Failure: none of the examples was answered.
    """
    progress, folder = progress or Silent(), Path(folder)
    plan = prepared(config, documents, folder, allow_keys=allow_keys, aim=aim)
    claim(folder, plan.identity)
    few = replace(plan, first=examples)
    progress.start("preview", examples, "documents")
    with disk_errors(folder), closing(few.journal()) as journal:
        begun = time.monotonic()
        ask(few, journal, None, lambda counts, at_once: progress.update("preview", 0, counts.note(0.0, at_once)))
        progress.finish("preview", note=f"{time.monotonic() - begun:.1f} s")
        pairs = [(prompt, reply) for prompt, reply in answers(few.requests(), journal) if reply is not None]
        why = next((failure["reason"] for failure in journal.failures()), "no answer")
    made = list(assemble(pairs))
    if not made:
        raise Failure(f"none of the {examples} examples was answered ({why})", where=folder, remedy="fix the cause")
    dropped: dict[tuple[str, int], list[str]] = {}

    def note(document: Generated, reasons: list[str]) -> None:
        dropped[document.document, document.rollout] = reasons

    index = heldout_index(heldout, config.filters.contamination_words)
    kept = filter_generated(made, heldout=index, template=plan.template, filters=config.filters, on_dropped=note)
    share = sum(1 for _ in kept) / len(made)
    prices = Prices(config.price_in, config.price_out)
    shown: dict[tuple[str, int], list[list[dict[str, str]]]] = {}
    for prompt, _ in pairs:
        shown.setdefault((prompt.document, prompt.rollout), []).append([dict(each) for each in prompt.messages])
    return Preview(
        examples=[
            Example(
                document=one.document,
                prompts=shown[one.document, one.rollout],
                text=one.text,
                dropped=dropped.get((one.document, one.rollout), []),
                finish=one.provenance["finish"],
                input_tokens=one.provenance["input_tokens"],
                output_tokens=one.provenance["output_tokens"],
                cost=prices.cost(one.provenance["input_tokens"], one.provenance["output_tokens"]),
                seconds=one.provenance["seconds"],
            )
            for one in made
        ],
        whole=estimate(plan, pairs, share),
    )
