"""From documents to requests: chunks or seeds, filled into a template, with their sampling drawn."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from synthmix.corpus.ingest import text_hash
from synthmix.corpus.sources import Document
from synthmix.errors import BadInput
from synthmix.generation.chunks import Counter, estimated_tokens, split_text
from synthmix.generation.keywords import Vocabulary
from synthmix.generation.parameters import draw_sampling
from synthmix.generation.prompt import Prompt
from synthmix.generation.template import Template

_VOCABULARY_DOCUMENTS = 2_000
_VOCABULARY_CHARACTERS = 20_000_000


def prompts(
    documents: Iterable[Document],
    template: Template,
    *,
    seed: int,
    sampling: Mapping[str, Any],
    rollouts: int = 1,
    chunk_tokens: float = 300,
    count: Counter = estimated_tokens,
    vocabulary: Vocabulary | None = None,
) -> Iterator[Prompt]:
    """The requests of a job, document after document; for the same arguments the same ones, with the same keys.

    A document without a key is named by its hash. Blank ones are left out, and for a seeded template those with too
    few words. Memory: one document; a seeded template without ``vocabulary`` first holds 2,000 of them (or 20 MB).

    Args:
        sampling: parameters, fixed or as distributions; drawn once per document and rollout, so that the chunks of a
            document are sampled alike.
        rollouts: answers per document.
        chunk_tokens: longest piece of a document in one request.
        count: tokens of a piece, if better than by rule of thumb.
        vocabulary: document frequencies to choose keywords by; of the first documents when absent.

    Raises:
        BadInput: there is nothing to ask for: no documents, or only blank ones; what the template raises.
    """
    if rollouts < 1:
        raise BadInput(f"{rollouts} answers per document are too few", key="rollouts", remedy="ask for 1 or more")
    if chunk_tokens < 1:
        raise BadInput(f"pieces of {chunk_tokens} tokens are too short", key="chunk_tokens")
    if template.kind == "seeded" and vocabulary is None:
        first, documents = _first(documents)
        vocabulary = Vocabulary(document.text for document in first)
    asked = read = 0
    for document in documents:
        read += 1
        made = _asks(document, template, seed, rollouts, vocabulary, lambda text: split_text(text, chunk_tokens, count))
        for rollout, chunk, chunks, source, variables in made:
            digest = f"{text_hash(document.text):016x}"
            name = document.key or digest
            asked += 1
            yield Prompt(
                document=name,
                document_hash=digest,
                chunk=chunk,
                chunks=chunks,
                rollout=rollout,
                messages=template.messages(variables),
                source=source,
                template=template.id,
                sampling=draw_sampling(sampling, seed, f"{name}/{digest}/{rollout}"),
            )
    if not asked:
        what = f"its {read} documents are blank or too short" if read else "it holds no documents"
        raise BadInput(f"there is nothing to generate from: {what}", key="from", remedy="name a corpus with text")


def _asks(
    document: Document,
    template: Template,
    seed: int,
    rollouts: int,
    vocabulary: Vocabulary | None,
    split: Callable[[str], list[str]],
) -> Iterator[tuple[int, int, int, str, dict[str, Any]]]:
    """(rollout, chunk, chunks, source, variables) of each request about one document."""
    if vocabulary is not None and template.kind == "seeded":
        for rollout in range(rollouts):
            seeds = vocabulary.draw(document.text, f"{seed}/{text_hash(document.text)}/{rollout}")
            if seeds is not None:
                found = {"keywords": list(seeds.keywords), "audience": seeds.audience, "level": seeds.level}
                yield rollout, 0, 1, str(seeds), {**found, "domain": document.domain}
        return
    chunks = split(document.text)
    for rollout in range(rollouts):
        for number, chunk in enumerate(chunks):
            variables = {"text": chunk.strip(), "words": len(chunk.split()), "domain": document.domain}
            yield rollout, number, len(chunks), chunk, {**variables, "part": number + 1, "parts": len(chunks)}


def _first(documents: Iterable[Document]) -> tuple[list[Document], Iterable[Document]]:
    """The first documents, and all of them once more."""
    rest, held, characters = iter(documents), list[Document](), 0
    for document in rest:
        held.append(document)
        characters += len(document.text)
        if len(held) == _VOCABULARY_DOCUMENTS or characters >= _VOCABULARY_CHARACTERS:
            break
    return held, chain(held, rest)
