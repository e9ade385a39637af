"""Seeds drawn by a gap: what carries lacking words, as often as the gap says, and never the reference."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from synthmix.corpus.sources import Document
from synthmix.errors import BadInput
from synthmix.generation.aim import MIN_P, NUCLEUS, Aim, draw_seeds
from synthmix.generation.filters import heldout_index
from synthmix.generation.prompts import Vocabulary
from synthmix.generation.requests import JobPlan
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.template import load_template

AIM = Aim({"quark": 3.0, "gluon": 1.0}, ("physics",), {"quark": 0.95})
PLAIN = "the plain words of a page that says nothing of it at all"


def documents() -> list[Document]:
    held = [Document(f"{PLAIN} {i}", "web", f"plain{i}") for i in range(20)]
    held += [Document(f"a page about the quark, number {i}", "web", f"quark{i}") for i in range(3)]
    return [*held, *(Document(f"a page about the gluon, number {i}", "web", f"gluon{i}") for i in range(10))]


def test_only_what_carries_a_lacking_word_is_a_seed() -> None:
    found = draw_seeds(documents(), AIM)
    assert {one.key for one in found.documents} == {f"quark{i}" for i in range(3)} | {f"gluon{i}" for i in range(10)}
    assert (found.read, found.carrying, found.avoided, found.words, found.gap) == (33, 13, 0, 2, 1.0)


def test_a_word_is_drawn_by_its_part_of_the_gap_and_then_one_of_its_passages() -> None:
    """Of the first seeds three in four carry the word with three quarters of the gap."""
    first = Counter(draw_seeds(documents(), AIM, seed=seed).documents[0].key for seed in range(400))
    quarks = sum(count for key, count in first.items() if str(key).startswith("quark"))
    assert quarks / 400 == pytest.approx(0.75, abs=0.07)
    assert all(first[f"quark{i}"] / 400 == pytest.approx(0.25, abs=0.07) for i in range(3))


def test_the_draw_does_not_depend_on_the_order_of_the_files() -> None:
    ahead = [one.key for one in draw_seeds(documents(), AIM, seed=1).documents]
    assert ahead == [one.key for one in draw_seeds(documents()[::-1], AIM, seed=1).documents]
    assert ahead != [one.key for one in draw_seeds(documents(), AIM, seed=2).documents]


def test_a_limit_keeps_the_first_of_the_draw() -> None:
    whole = draw_seeds(documents(), AIM).documents
    few = draw_seeds(documents(), AIM, tokens=200).documents
    assert [one.key for one in few] == [one.key for one in whole[: len(few)]]
    assert 1 < len(few) < 8


def test_long_documents_are_cut_to_passages_and_only_those_with_the_word_are_taken() -> None:
    long = Document(" ".join([f"{PLAIN}."] * 30 + ["Here the quark stands."] + [f"{PLAIN}."] * 30), "web", "long")
    found = draw_seeds([long], AIM, passage=60)
    assert len(found.documents) == 1
    assert "quark" in found.documents[0].text
    assert str(found.documents[0].key).startswith("long#")
    assert found.read > 10


def test_nothing_of_the_reference_is_shown_to_a_generator(tmp_path: Path) -> None:
    """Even where the training side holds a part of it: neither as a passage nor as a keyword."""
    held = "secret measurements of the quark at seventeen detectors in the northern hall gave nothing new this year"
    source = [*documents(), Document(f"quoted here: {held} and more", "web", "quoting")]
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(300)]
    source += [Document(" ".join([*rng.choice(words, 40), "gluon", "detector"]), "web", f"more{i}") for i in range(40)]
    drawn = draw_seeds(source, AIM, avoid=heldout_index([held]))
    assert drawn.avoided == 1
    for kind in ("hq", "textbook"):
        config = GenerateConfig(generate=kind, model="stub", endpoint="http://localhost:1/v1")
        plan = JobPlan(config, load_template(kind), drawn.documents, tmp_path, aim=AIM)
        shown = [message["content"] for prompt in plan.requests() for message in prompt.messages]
        assert shown
        assert not any("secret" in text or "seventeen" in text or "quoted" in text for text in shown)


def test_keywords_are_lacking_words_of_the_passage() -> None:
    rng = np.random.default_rng(1)
    words = [f"{a}{b}word" for a in "abcdefghij" for b in "abcdefghij"]
    texts = [" ".join(rng.choice(words, 50)) for _ in range(50)]
    own = f"{texts[0]} quark"
    plain, wanted = Vocabulary(texts), Vocabulary(texts, AIM.weights)
    drawn = [vocabulary.draw(own, str(i)) for vocabulary in (plain, wanted) for i in range(100)]
    has = [found is not None and "quark" in found.keywords for found in drawn]
    assert sum(has[:100]) < 80
    assert sum(has[100:]) > 95
    assert wanted.draw(texts[0], "1") == plain.draw(texts[0], "1")


def test_sampling_reaches_the_rarest_lacking_word_and_what_the_user_says_stays(tmp_path: Path) -> None:
    assert AIM.sampling("a quark") == {"temperature": 1.0, "top_p": 0.95, "min_p": 0.0}
    assert AIM.sampling("a quark and a gluon") == {"temperature": 1.0, "top_p": 1.0, "min_p": MIN_P}
    assert AIM.sampling("neither")["top_p"] == NUCLEUS
    config = GenerateConfig(model="stub", endpoint="http://localhost:1/v1", sampling={"temperature": 0.5})
    plan = JobPlan(config, load_template("hq"), [Document("a quark in a page", "web", "q")], tmp_path, aim=AIM)
    (prompt,) = plan.requests()
    assert {name: prompt.sampling[name] for name in ("temperature", "top_p")} == {"temperature": 0.5, "top_p": 0.95}
    assert plan.identity["towards"] == AIM.digest


def test_no_passage_with_a_lacking_word() -> None:
    with pytest.raises(BadInput, match="none of its 20 passages carries a lacking word"):
        draw_seeds(documents()[:20], AIM)
    with pytest.raises(BadInput, match="can be read only once"):
        draw_seeds(iter(documents()), AIM)


def test_a_word_that_is_shown_enough_lacks_no_longer() -> None:
    """Without a limit the word with most of the gap takes the first draws; with one both are written about."""
    held = [Document(f"{PLAIN} and the quark stands here, number {i}", "web", f"quark{i}") for i in range(60)]
    held += [Document(f"{PLAIN} and the gluon stands here, number {i}", "web", f"gluon{i}") for i in range(60)]
    free = Aim({"quark": 9.0, "gluon": 1.0})
    bound = Aim({"quark": 9.0, "gluon": 1.0}, most={"quark": 0.01, "gluon": 1.0})
    quarks = [
        sum("quark" in one.text for one in draw_seeds(held, aim, tokens=40 * 50).documents) for aim in (free, bound)
    ]
    assert quarks[0] > 30
    assert 10 < quarks[1] < 28
