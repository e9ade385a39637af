"""The gap on text whose gap is known: what the reference has and the mixture lacks was put there."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthmix.corpus import Corpus, Tokenizer, open_or_build, train_tokenizer
from synthmix.errors import BadInput
from synthmix.gaps import gap
from synthmix.gaps.learner import Pool, saving
from synthmix.gaps.words import Lexicon, contained
from synthmix.progress import Silent
from synthmix.report.gap import cutoff_sentence, gap_headline, gap_tables, write_gap
from synthmix.results.gap import Gap

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprstvz" for b in "aeiou" for c in "bdfgklmnprst"]  # 840
P = np.arange(1, len(WORDS) + 1) ** -1.05
LACKING = ["quark", "gluon", "boson"]
Texts = Callable[..., list[str]]


def texts(count: int, seed: int, *, known: int = len(WORDS), rare: float = 0.0, words: int = 60) -> list[str]:
    """Documents of Zipf words up to rank ``known``; a part ``rare`` of them about the lacking words."""
    rng, made = np.random.default_rng(seed), []
    p = np.where(np.arange(len(P)) < known, P, 0)
    for _ in range(count):
        drawn = [WORDS[i] for i in rng.choice(len(WORDS), words, p=p / p.sum())]
        if rng.random() < rare:
            for at in rng.choice(words, 8, replace=False):
                drawn[at] = str(rng.choice(LACKING))
        made.append(" ".join(drawn))
    return made


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(texts(200, 9, rare=0.5), 300)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Callable[..., Corpus]:
    folder = tmp_path_factory.mktemp("gap")

    def made(name: str, held: list[str], *, heldout: int = 0) -> Corpus:
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"text": text, "id": f"{name}{i}"}) + "\n" for i, text in enumerate(held)))
        return open_or_build(str(path), folder / "cache", tokenizer=tokenizer, name=name, heldout=heldout)

    return made


@pytest.fixture(scope="module")
def found(build: Callable[..., Corpus]) -> Gap:
    have = {
        "web": build("web", texts(1500, 0, rare=0.02)),
        "cut": build("cut", texts(1000, 1, known=100)),
    }
    need = {"physics": (build("physics", texts(300, 2, rare=0.5), heldout=1), "physics")}
    return gap(have, need, shares={"web": 0.5, "cut": 0.5}, synthetic=["cut"], tokens=10**9)


def test_what_was_left_out_is_what_it_lacks(found: Gap) -> None:
    assert found.state == "gap"
    assert (found.gap.low or 0) > 0
    assert {term.text for term in found.terms[:3]} == set(LACKING)
    first = found.terms[0]
    assert first.needed == pytest.approx(1e6 * 0.5 * 8 / 3 / 60, rel=0.2)
    assert first.shown == pytest.approx(1e6 * 0.5 * 0.02 * 8 / 3 / 60, rel=0.6)
    assert first.expected == pytest.approx(first.shown / 1e6 * found.budget / found.tokens_per_word)
    assert sum(term.gap for term in found.terms[:3]) > 0.5 * (found.gap.mid or 0)
    assert sum(one.of_gap for one in found.bins) == pytest.approx(1)
    assert sum(one.of_loss for one in found.bins) == pytest.approx(1)
    assert all(len(set(one.text.split()) & set(LACKING)) for one in found.phrases[:3])


def test_carriers_are_natural_documents_that_have_them(found: Gap, build: Callable[..., Corpus]) -> None:
    held = {one.key: one.text for one in build("web", texts(1500, 0, rare=0.02)).documents()}
    assert {one.source for one in found.carriers} == {"web"}
    for carrier in found.carriers[:5]:
        assert set(LACKING) & set(held[carrier.document].split())
        assert carrier.times > 10
    assert found.carriers[0].probability == pytest.approx(found.carriers[0].times / 1500)


def test_the_cutoff_and_its_breakpoints(found: Gap) -> None:
    by_words = next(one for one in found.cutoffs if one.order == 1)
    assert by_words.source == "cut"
    assert by_words.shape == "cut"
    assert by_words.k.mid == pytest.approx(100, rel=0.2)
    at = (P / P.sum())[99]
    assert by_words.n1.mid == pytest.approx(found.tokens_per_word / at, rel=0.3)
    assert by_words.n2.mid == pytest.approx(2 * (by_words.n1.mid or 0))
    assert by_words.phase == 3
    said = cutoff_sentence(found, by_words)
    assert said.startswith("From ")
    assert "tokens on, cut adds nothing below rank" in said
    assert "beyond n2" in said


def test_text_like_the_mixture_is_no_gap(build: Callable[..., Corpus]) -> None:
    have = {"web": build("same", texts(1500, 3, rare=0.1))}
    found = gap(have, {"more": (build("more", texts(300, 4, rare=0.1), heldout=1), "more")})
    assert found.state == "none"
    assert found.gap.low is not None
    assert found.gap.low < 0 < (found.gap.high or 0)
    assert gap_headline(found).startswith("No gap: ")
    assert found.cutoffs == []


def test_the_difference_is_zero_in_expectation_where_documents_are_exchangeable() -> None:
    gains = []
    for seed in range(12):
        rng, lexicon = np.random.default_rng(seed), Lexicon()
        # Documents with words of their own, as topics have: clumps must not look like a gap.
        pool = []
        for _ in range(240):
            topic = rng.integers(0, 60)
            pool.append(lexicon.ids(" ".join([*rng.choice(WORDS[:200], 30), *[f"topic{topic}"] * 5])))
        documents = [pool[i] for i in rng.permutation(len(pool))]
        found = saving(documents[:60], [Pool(documents[60:], 1.0)], len(lexicon), 1e9)
        gains.append(found.gained.mean(axis=0).sum() / found.tokens.sum())
    assert abs(np.mean(gains)) < 3 * np.std(gains, ddof=1) / np.sqrt(len(gains))
    assert np.std(gains) < 0.02


def test_domains_weigh_the_same(build: Callable[..., Corpus]) -> None:
    """The words of a small domain and of one ten times as large are as much of the gap."""

    def about(word: str, count: int, seed: int) -> list[str]:
        return [f"{text} {' '.join([word] * 6)}" for text in texts(count, seed)]

    small, large = about("quark", 60, 12), about("gluon", 600, 13)
    have = {"web": build("web11", [*texts(1500, 14), *about("quark", 5, 15), *about("gluon", 5, 16)])}
    need = {name: (build(name, held, heldout=1), name) for name, held in (("small", small), ("large", large))}
    found = gap(have, need)
    by_word = {term.text: term for term in found.terms}
    assert by_word["quark"].needed == pytest.approx(by_word["gluon"].needed, rel=0.1)
    assert 0.4 < by_word["quark"].gap / by_word["gluon"].gap < 1.1


def test_a_reference_in_the_training_text_is_refused(build: Callable[..., Corpus]) -> None:
    held = texts(400, 5)
    have = {"web": build("holding", [*texts(300, 6), *held])}
    with pytest.raises(BadInput, match="web holds 400 of its 400 documents"):
        gap(have, {"held": (build("held", held, heldout=1), "held")})


def test_part_of_it_is_left_out_with_a_warning(build: Callable[..., Corpus]) -> None:
    held = texts(400, 7)
    have = {"web": build("part", [*texts(600, 8), *held[:30]])}
    found = gap(have, {"held": (build("held7", held, heldout=1), "held7")})
    assert found.sources[0].contained == 30
    assert found.reference_documents == 370
    assert [warning.code for warning in found.warnings] == ["contained"]


def test_runs_of_words_find_a_document_inside_another() -> None:
    one = np.arange(1, 40)
    assert contained([one, one[::-1]], [np.concatenate([[99], one, [98]])]).tolist() == [True, False]
    short = np.array([1, 2, 3])
    assert contained([short], [np.array([1, 2, 3])]).tolist() == [True]


@pytest.mark.parametrize(
    ("shares", "synthetic", "says"),
    [
        ({"web": 0.5}, None, "50%, not 100%"),
        ({"other": 1.0}, None, "other: is no source"),
        (None, ["hq"], "--synthetic hq: is no source"),
    ],
)
def test_what_does_not_fit(
    build: Callable[..., Corpus], shares: dict[str, float] | None, synthetic: list[str] | None, says: str
) -> None:
    need = {"physics": (build("physics", texts(300, 2, rare=0.5), heldout=1), "physics")}
    with pytest.raises(BadInput, match=says):
        gap({"web": build("same", texts(1500, 3, rare=0.1))}, need, shares=shares, synthetic=synthetic)


def test_a_short_reference(build: Callable[..., Corpus]) -> None:
    with pytest.raises(BadInput, match=r"tiny: reference: holds \d+ words"):
        gap({"web": build("same", texts(1500, 3, rare=0.1))}, {"tiny": (build("tiny", texts(5, 1), heldout=1), "tiny")})


def test_the_page_and_its_tables(found: Gap, tmp_path: Path) -> None:
    write_gap(found, tmp_path / "gap.html")
    page = (tmp_path / "gap.html").read_text(encoding="utf-8")
    assert all(word in page for word in LACKING)
    assert "Where synthetic sources end" in page
    tables = gap_tables(found, 5)
    assert len(tables["terms"].rows) == 5
    assert Gap.model_validate(found.model_dump(mode="json")) == found


def test_the_losses_of_a_model_fall_on_the_words_of_its_tokens(
    build: Callable[..., Corpus], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    from synthmix.evaluation.losses import document_nats
    from synthmix.gaps.model import word_losses
    from synthmix.gaps.words import read_words
    from synthmix.training.checkpoint import save_checkpoint
    from synthmix.training.model import make_model
    from synthmix.training.shape import shape_for

    model = make_model(shape_for(25_000), tokenizer.vocab_size, 16, 0, eos=tokenizer.eos_id)
    save_checkpoint(model, tokenizer, tmp_path)
    corpus, lexicon = build("same", texts(1500, 3, rare=0.1)), Lexicon()
    reference = read_words("same", corpus.documents(limit=3), lexicon, 10**6)
    found = word_losses(tmp_path, corpus, reference, len(lexicon), 16, Silent())
    ids = [np.array([tokenizer.eos_id, *one]) for one in tokenizer.encode_batch(reference.texts)]
    assert found.sum() == pytest.approx(sum(document_nats(model, one, context=16).sum() for one in ids), rel=1e-4)
    assert set(np.flatnonzero(found)) == set(np.concatenate(reference.documents))
    need = {"more": (build("more", texts(300, 4, rare=0.1), heldout=1), "more")}
    weighed = gap({"web": corpus}, need, checkpoint=tmp_path, context=16)
    assert weighed.learner == str(tmp_path)
    assert weighed.loss == pytest.approx(np.log(tokenizer.vocab_size) * weighed.tokens_per_word, rel=0.1)  # untrained
