"""What would flatter or spoil a score is told, and mended where it can be."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.valuation.methods import METHODS
from synthmix.valuation.parallel import score_all
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.score import Score
from synthmix.valuation.terms import guards
from synthmix.valuation.terms.guards import Copies, Leak, runs_of
from synthmix.valuation.valuer import Valuer

from ..bigram_text import chain

TARGET = chain(60, 0, 0.8)


@pytest.fixture(scope="module")
def valuer() -> Valuer:
    return Valuer(order=3, features=128).fit(Pool.of("target", TARGET))


def codes(score: Score) -> set[str]:
    return {warning.split(":")[0] for warning in score.warnings}


def test_copies_count_once_in_any_order_and_in_any_parts(valuer: Valuer) -> None:
    texts = chain(120, 1, 0.8)
    alone = valuer.score(Pool.of("alone", texts))
    tenfold = valuer.score(Pool.of("tenfold", texts * 10))
    assert tenfold.value == alone.value
    assert (tenfold.cost.documents, codes(tenfold) - codes(alone)) == (1200, {"copies"})
    scores, _ = score_all(valuer, [Pool.of("tenfold", texts * 10)], parts=3)
    assert scores[0].value == pytest.approx(alone.value, rel=1e-12)
    assert "copies: 90.0% of its items" in " ".join(scores[0].warnings)


def test_copies_are_known_beyond_what_is_held_unsorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "MERGED", 5)
    known = Copies()
    found = [known.of(Batch([str(i % 20) for i in range(start, start + 8)])) for start in range(0, 64, 8)]
    assert np.concatenate(found).tolist() == [False] * 20 + [True] * 44
    marked = Copies().of(Batch(["a", "a", "a", "", ""], np.array([0, 1, 0, 0, 0])))
    assert marked.tolist() == [False, False, True, False, False]
    monkeypatch.setattr(guards, "REMEMBERED", 2)
    few = Copies()
    few.of(Batch(["a", "b"]))
    assert few.of(Batch(["c", "c", "a"])).tolist() == [False, False, True], "c is beyond what is remembered"


@pytest.mark.parametrize(
    "leaked",
    [
        [text + " " for text in TARGET],
        [text.replace(" ", ", ").upper() for text in TARGET],
        [" ".join(TARGET[i : i + 20]) for i in range(0, 60, 20)],
    ],
    ids=["a trailing space", "other punctuation", "joined"],
)
def test_a_leaked_reference_is_seen_whatever_stands_between_its_words(valuer: Valuer, leaked: list[str]) -> None:
    score = valuer.score(Pool.of("leaked", leaked))
    assert score.terms["leak"] == 1
    assert "leak: 100% of the reference's runs of 8 words stand in it" in " ".join(score.warnings)
    half = valuer.score(Pool.of("half", [*TARGET[:30], *chain(200, 5, 0.0)]))
    assert 0.4 < half.terms["leak"] < 0.75
    assert "leak" not in codes(valuer.score(Pool.of("other", chain(200, 6, 0.0))))


def test_runs_stay_inside_texts() -> None:
    words = "a b c d e f g h i"
    assert len(runs_of([words])[0]) == 2
    assert len(runs_of(["a b c d", "e f g h"])[0]) == 0
    runs, owner = runs_of(["x", words, words.replace(" ", " - ")])
    assert owner.tolist() == [1, 1, 2, 2]
    assert runs[:2].tolist() == runs[2:].tolist()


def test_a_large_reference_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "MOST_RUNS", 100)
    term = Leak()
    term.fit(Pool.of("target", TARGET))
    assert 20 < len(term._runs) < 200
    assert term.value(term.read(Batch(TARGET))) == 1


def test_odd_texts_are_counted(valuer: Valuer) -> None:
    texts = chain(100, 1, 0.8)
    score = valuer.score(Pool.of("odd", [*texts, *[""] * 20, "\ufffd and \x00", "a \ufffd", "b"]))
    assert codes(score) >= {"empty", "short", "odd"}
    assert "empty: 16.3% of its texts are empty" in score.warnings
    assert not codes(valuer.score(Pool.of("fine", texts))) & {"empty", "short", "odd", "copies"}


def test_halves_of_surrogate_pairs_are_mended_and_told(valuer: Valuer) -> None:
    texts = chain(100, 1, 0.8)
    broken = Pool.of("broken", [*texts[:90], *(f"{text} \ud800" for text in texts[90:])])
    assert valuer.score(broken).warnings[-1] == "odd: 10.0% of its texts are of characters that no encoding has"
    assert np.isfinite(Valuer(order=3, features=64).fit(broken).score(Pool.of("p", texts)).value)
    for name in ("kneser_ney", "classifier", "coverage", "dsir", "stacked"):
        assert np.isfinite(METHODS[name]().fit(Pool.of("target", TARGET)).score(broken).value), name


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (["a", None], "p: item 1 is NoneType, where text is needed; give strings, or an array of numbers"),
        ([1.5], "p: item 0 is float, where text is needed"),
        ([b"a"], "p: item 0 is bytes, where text is needed"),
        ("one text", "p: is one text, where a list of texts is needed; put it in a list"),
    ],
)
def test_what_is_no_text_is_refused_by_its_place(items: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Pool.of("p", items)  # type: ignore[arg-type]


def test_one_document_is_bounded(valuer: Valuer) -> None:
    score = valuer.score(Pool.of("one", chain(1, 1, 0.8)))
    assert 0 <= score.terms["discrepancy"] <= 2**0.5
    assert score.interval is not None
    assert np.isfinite([score.value, score.interval.low, score.interval.high]).all()
    term = next(each for each in valuer.terms if each.name == "discrepancy")
    sums = term.read(Batch(chain(1, 1, 0.8)))
    slope = term.slope(sums)
    step = 1e-6 * np.ones_like(sums["S"])
    moved = term.value({**sums, "S": sums["S"] + step}) - term.value({**sums, "S": sums["S"] - step})
    assert moved / 2e-6 == pytest.approx(float(slope["S"].sum()), rel=1e-4)


@pytest.mark.parametrize("count", [1, 5, 7])
def test_a_reference_too_small_to_rank_by_is_refused(count: int) -> None:
    with pytest.raises(BadInput, match=f"target: holds {count} documents, where a reference needs 8; give more"):
        Valuer().fit(Pool.of("target", TARGET[:count]))
    score = Valuer(features=64).fit(Pool.of("target", TARGET[:8])).score(Pool.of("p", chain(30, 1, 0.8)))
    assert np.isfinite([score.value, *score.terms.values()]).all()


def test_near_constant_text_is_below_real_text(valuer: Valuer) -> None:
    real = valuer.score(Pool.of("real", chain(100, 1, 0.8)))
    for text in ("the the the the", TARGET[0].split()[0] + " ", "A" * 200):
        assert valuer.score(Pool.of("constant", [text] * 100)).value < real.value - 0.1
