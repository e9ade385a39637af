import math
from collections.abc import Iterator
from typing import Any

import pytest

from synthmix.corpus.sources import Document
from synthmix.errors import BadInput
from synthmix.generation.prompts import READERS, Prompt, Vocabulary, prompts
from synthmix.generation.template import load_template

LONG = " ".join(f"This is sentence {i} of the long document about ladders." for i in range(60))
DOCUMENTS = [
    Document("A short one about budgets.", "web", "a"),
    Document(" \n", "web", "blank"),
    Document(LONG, "books", "b"),
    Document("It has no key.", "web"),
]


def asked(documents: list[Document] = DOCUMENTS, name: str = "hq", **changes: Any) -> list[Prompt]:
    return list(prompts(documents, load_template(name), **{"seed": 1, "sampling": {}, **changes}))


def test_each_chunk_is_a_request_and_blank_documents_are_none() -> None:
    found = asked()
    chunks = [prompt for prompt in found if prompt.document == "b"]
    assert [p.document for p in found if p.document != "b"] == ["a", found[-1].document_hash]
    assert len(chunks) > 1
    assert [p.chunk for p in chunks] == [*range(len(chunks))]
    assert {p.chunks for p in chunks} == {len(chunks)}
    assert "".join(p.source for p in chunks) == LONG
    for prompt in found:
        assert prompt.source.strip() in prompt.messages[-1]["content"]
        assert prompt.template == load_template("hq").id
    assert len({p.key for p in found}) == len(found)


def test_the_same_job_asks_the_same_and_another_seed_samples_otherwise() -> None:
    spec = {"temperature": {"uniform": [0.6, 1.0]}, "top_p": 0.9}
    one, again, other = (asked(sampling=spec, seed=seed) for seed in (1, 1, 2))
    assert [p.key for p in one] == [p.key for p in again]
    assert not {p.key for p in one} & {p.key for p in other}
    assert {p.sampling["top_p"] for p in one} == {0.9}
    chunks = [p.sampling["temperature"] for p in one if p.document == "b"]
    assert len(set(chunks)) == 1, "one document is sampled alike"
    assert len({p.sampling["temperature"] for p in one}) == 3


def test_rollouts_are_requests_of_their_own() -> None:
    found = asked(rollouts=3)
    assert len(found) == 3 * len(asked())
    assert len({p.key for p in found}) == len(found)
    assert {p.rollout for p in found} == {0, 1, 2}
    assert len({p.sampling["seed"] for p in found if p.document == "a"}) == 3


def test_documents_are_read_one_at_a_time() -> None:
    read = []

    def reader() -> Iterator[Document]:
        for i in range(1_000):
            read.append(i)
            yield Document(f"Document {i}.", "web", str(i))

    first = next(prompts(reader(), load_template("hq"), seed=1, sampling={}))
    assert (first.document, len(read)) == ("0", 1)


def topics(count: int = 60) -> list[Document]:
    common = "these words stand here every time without exception"
    fields = ["volcano magma crater eruption basalt", "sonnet stanza rhyme metre verse"]
    return [Document(f"{common} {fields[i % 2]} lone{'x' * i}", "web", f"t{i}") for i in range(count)]


def test_seeded_requests_show_salient_words_of_one_document_an_audience_and_a_level() -> None:
    words = [{"volcano", "magma", "crater", "eruption", "basalt"}, {"sonnet", "stanza", "rhyme", "metre", "verse"}]
    vocabulary = Vocabulary(
        [*[d.text for d in topics()], *["these words stand here every time without exception"] * 600]
    )
    found = asked(topics(), "textbook", rollouts=2, vocabulary=vocabulary)
    assert len(found) == 120
    for i, prompt in enumerate(found):
        keywords = prompt.source.removeprefix("keywords: ").split(";")[0].split(", ")
        assert 3 <= len(keywords) <= 5
        assert set(keywords) <= words[(i // 2) % 2], "neither the words of all documents nor those of one alone"
        assert ", ".join(keywords) in prompt.messages[-1]["content"]
        assert (prompt.chunk, prompt.chunks) == (0, 1)
    readers = {p.source.split("; ", 1)[1] for p in found}
    assert len(readers) == len(READERS), "all of them are drawn"
    assert found == asked(topics(), "textbook", rollouts=2, vocabulary=vocabulary)
    assert found != asked(topics(), "textbook", rollouts=2, vocabulary=vocabulary, seed=2)


def test_the_vocabulary_comes_from_the_first_documents_when_none_is_given() -> None:
    found = asked(topics(), "textbook")
    assert [p.document for p in found] == [d.key for d in topics()], "those looked at first are asked about as well"


def test_keywords_are_drawn_in_proportion_to_their_salience() -> None:
    vocabulary = Vocabulary(["rare common", "rare common", *["common filler"] * 4, *["filler"] * 8])
    text = "rare common common common"
    weights = vocabulary.salience(text)
    assert vocabulary.salience("solo").keys() == {"solo"}
    assert weights["common"] == pytest.approx((3 * math.log(15 / 6)) ** 2)
    assert 0.2 < weights["rare"] / sum(weights.values()) < 0.5
    drawn = [vocabulary.draw(text, str(i), least=1, most=1) for i in range(300)]
    share = sum(seeds is not None and seeds.keywords == ("rare",) for seeds in drawn) / 300
    assert share == pytest.approx(weights["rare"] / sum(weights.values()), abs=0.07)
    assert vocabulary.draw("two words", "k") is None


@pytest.mark.parametrize(
    ("documents", "changes", "message"),
    [
        ([], {}, "nothing to generate from: it holds no documents; name a corpus"),
        ([DOCUMENTS[1]], {}, "its 1 documents are blank or too short"),
        ([DOCUMENTS[0]], {"rollouts": 0}, "rollouts: 0 answers per document are too few"),
        ([DOCUMENTS[0]], {"chunk_tokens": 0}, "chunk_tokens: pieces of 0 tokens"),
    ],
)
def test_nothing_to_ask_for_is_bad_input(documents: list[Document], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        asked(documents, **changes)
    if not documents:
        with pytest.raises(BadInput, match=message):
            asked(documents, "textbook")
