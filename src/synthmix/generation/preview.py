"""A few finished examples, and what the whole job will take. Their answers are kept: the job does not pay twice."""

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from synthmix.corpus.sources import Document
from synthmix.errors import Failure
from synthmix.files import disk_errors
from synthmix.generation.answers import answers
from synthmix.generation.assemble import Generated, assemble
from synthmix.generation.estimate import Estimate, estimate
from synthmix.generation.filtering import filter_generated
from synthmix.generation.filters import heldout_index
from synthmix.generation.job import claim, prepared
from synthmix.generation.ledger import Prices
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.work import ask
from synthmix.progress import Progress, Silent

EXAMPLES = 5


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
) -> Preview:
    """Generate the first ``examples`` documents of a job and reckon up the rest. See
    :func:`synthmix.generation.job.generate_corpus` for the arguments and what is raised.

    Raises:
        Failure: none of the examples was answered.
    """
    progress, folder = progress or Silent(), Path(folder)
    work = prepared(config, documents, folder)
    claim(folder, config.identity(work.template))
    few = replace(work, first=examples)
    progress.start("preview", examples, "documents")
    with disk_errors(folder), closing(few.journal()) as journal:
        begun = time.monotonic()
        ask(few, journal, None, lambda tally, at_once: progress.update("preview", 0, tally.note(0.0, at_once)))
        progress.finish("preview", note=f"{time.monotonic() - begun:.1f} s")
        pairs = [(prompt, reply) for prompt, reply in answers(few.requests(), journal) if reply is not None]
        why = next((failure["reason"] for failure in journal.failures()), "no answer")
    made = list(assemble(pairs))
    if not made:
        raise Failure(f"none of the {examples} examples was answered ({why})", where=folder, remedy="mend the cause")
    dropped: dict[tuple[str, int], list[str]] = {}

    def note(document: Generated, reasons: list[str]) -> None:
        dropped[document.document, document.rollout] = reasons

    index = heldout_index(heldout, config.filters.contamination_words)
    kept = filter_generated(made, heldout=index, template=work.template, filters=config.filters, on_dropped=note)
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
        whole=estimate(work, pairs, share),
    )
