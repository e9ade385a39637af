import random

import pytest

from synthmix.corpus.sources import Document
from synthmix.generation.assemble import Incomplete, assemble
from synthmix.generation.prompts import Prompt, Reply, prompts
from synthmix.generation.template import load_template

LONG = " ".join(f"This is sentence {i} of the long document about ladders." for i in range(60))
DOCUMENTS = [Document(LONG, "web", "long"), Document("A short one.", "web", "short")]


@pytest.fixture(scope="module")
def asked() -> list[Prompt]:
    return list(
        prompts(DOCUMENTS, load_template("hq"), seed=1, sampling={"temperature": 0.7}, rollouts=2, chunk_tokens=200)
    )


def answer(prompt: Prompt, text: str | None = None, finish: str = "stop") -> tuple[Prompt, Reply]:
    text = prompt.source.strip().upper() if text is None else text
    return prompt, Reply(prompt.key, text, finish, 10, 5, "echo", 0.5)


@pytest.mark.parametrize("seed", range(5))
def test_chunks_come_back_in_order_whatever_order_they_were_answered_in(asked: list[Prompt], seed: int) -> None:
    pairs = [answer(prompt) for prompt in asked]
    random.Random(seed).shuffle(pairs)
    found = assemble(pairs)
    documents = {(document.document, document.rollout): document for document in found}
    assert (len(documents), found.incomplete) == (4, [])
    for (name, rollout), document in documents.items():
        source = LONG if name == "long" else "A short one."
        assert document.source_text == source
        assert document.text.split() == source.upper().split()
        kept = document.provenance
        assert (kept["source"], kept["rollout"], kept["template"]) == (name, rollout, load_template("hq").id)
        assert (kept["input_tokens"], kept["output_tokens"]) == (10 * kept["chunks"], 5 * kept["chunks"])
        assert (kept["model"], kept["finish"], kept["seconds"]) == ("echo", "stop", 0.5 * kept["chunks"])
        assert kept["sampling"]["temperature"] == 0.7
        assert not document.truncated
        ours = [p for p in asked if (p.document, p.rollout) == (name, rollout)]
        assert kept["requests"] == [prompt.key for prompt in ours]


def test_documents_are_passed_on_when_their_last_chunk_comes(asked: list[Prompt]) -> None:
    read = []

    def pairs() -> object:
        for prompt in asked:
            read.append(prompt)
            yield answer(prompt)

    first = next(assemble(pairs()))  # type: ignore[arg-type]
    assert (first.document, len(read)) == ("long", asked[0].chunks)


def test_what_is_missing_or_failed_is_reported(asked: list[Prompt]) -> None:
    chunks = asked[0].chunks
    pairs: list[tuple[Prompt, Reply | None]] = [answer(p) for p in asked if p.rollout or p.document == "short"]
    pairs = [pair for pair in pairs if pair[0] != asked[chunks]]  # the first chunk of the second rollout never came
    pairs += [(p, None) if p.chunk < 2 else answer(p) for p in asked if not p.rollout and p.document == "long"]
    found = assemble(pairs)
    assert [document.document for document in found] == ["short", "short"]
    digest = asked[0].document_hash
    assert sorted(found.incomplete, key=lambda one: one.rollout) == [
        Incomplete("long", digest, 0, chunks, 2),
        Incomplete("long", digest, 1, chunks, 1),
    ]


def test_a_second_answer_is_ignored(asked: list[Prompt]) -> None:
    pairs = [answer(asked[0], "Other."), *[answer(prompt) for prompt in asked[: asked[0].chunks]]]
    [document] = assemble(pairs)
    assert document.text.startswith("Other.")


def test_an_answer_at_its_limit_is_kept_and_marked(asked: list[Prompt]) -> None:
    [document] = assemble([answer(asked[-1], "Cut o", "length")])
    assert document.truncated
    assert document.text == "Cut o"
    [document] = assemble([answer(asked[-1], "Hm.", "content_filter")])
    assert document.provenance["finish"] == "content_filter"


def test_answers_are_cleaned_unless_told_otherwise(asked: list[Prompt]) -> None:
    pair = answer(asked[-1], "Here is the rewritten passage:\n\nA short one.")
    assert [document.text for document in assemble([pair])] == ["A short one."]
    assert [document.text for document in assemble([pair], cleaning=None)] == [pair[1].text]
