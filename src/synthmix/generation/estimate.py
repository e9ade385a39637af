"""What a whole job will take, by a few of its requests."""

from collections.abc import Sequence
from itertools import islice

from pydantic import BaseModel, ConfigDict

from synthmix.generation.ledger import Prices
from synthmix.generation.prompt import Prompt, Reply
from synthmix.generation.work import Work

LOOKED_AT = 2_000  # requests that are made to see how many a document has, and how long they are
AT_ONCE = 32  # requests, for the estimate of the time (CHOSEN: what one GPU serves easily)


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


def estimate(work: Work, pairs: Sequence[tuple[Prompt, Reply]], kept: float) -> Estimate:
    """Reckon up a job: every document's length is read, requests are made for the first ones, and tokens follow in
    proportion to the characters of prompts and sources in ``pairs``. Generated text is far less even than that: expect
    the result to be off by tens of percent after five examples.
    """
    config = work.config
    documents = characters = 0
    for document in work.source():
        documents += 1
        characters += len(document.text)
    asked = list(islice(work.requests(), LOOKED_AT))
    seeded = work.template.kind == "seeded"
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
    if config.tokens is not None and kept and output_tokens * kept > config.tokens:
        share = config.tokens / (output_tokens * kept)
        requests, input_tokens, output_tokens = requests * share, input_tokens * share, output_tokens * share
        documents = round(documents * share)
    each = sum(reply.seconds for _, reply in pairs) / len(pairs)
    at_once = min(AT_ONCE, config.concurrency) * len(config.endpoint) if config.endpoint else config.batch
    return Estimate(
        documents=documents,
        requests=round(requests),
        input_tokens=round(input_tokens),
        output_tokens=round(output_tokens),
        written_tokens=round(output_tokens * kept),
        kept=kept,
        cost=Prices(config.price_in, config.price_out).cost(input_tokens, output_tokens),
        seconds=requests * each / at_once,
        seconds_each=each,
        at_once=at_once,
    )


def _length(prompt: Prompt) -> int:
    return sum(len(message["content"]) for message in prompt.messages)
