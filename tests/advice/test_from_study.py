"""Advice from a study whose truth is known."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synthmix
from synthmix.advice.asked import ask
from synthmix.advice.found import Advice
from synthmix.advice.from_study import advise_from
from synthmix.errors import BadInput
from synthmix.results import Results, Warn
from synthmix.scaling import Generation, speedup
from synthmix.study.families import fit_shares
from synthmix.study.fits import Reading, as_runs

Make = Callable[..., Results]
DRAWS = 100
ONE = pytest.mark.usefixtures("one_law")


def advice(results: Results, *synthetic: str, **more: Any) -> Advice:
    return advise_from(results, ask("3M", "30M", synthetic=synthetic or ["hq,price=1"], **more), draws=DRAWS)


@pytest.fixture(scope="module")
def helps() -> dict[str, Advice]:
    """Filled once by :func:`helped`."""
    return {}


@pytest.fixture
def helped(helps: dict[str, Advice], make: Make, one_law: None) -> Advice:
    if not helps:
        helps["one"] = advice(make(), "hq,price=1,params=1M", price_training=3)
    return helps["one"]


def test_a_kind_that_helps_is_recommended_at_its_best_share(helped: Advice) -> None:
    found = helped.recommended
    assert found is not None
    assert found.kind == "hq"
    best = helped.curves[0].best
    assert best.low is not None
    assert best.high is not None
    assert best.low <= 1 / 3 <= best.high
    assert found.difference.low is not None
    assert found.difference.low <= -(0.4**2) / (4 * 0.6) <= (found.difference.high or 0)
    assert found.shares == pytest.approx({"web": 1 - found.share, "hq": found.share})
    assert not helped.options[0].as_good, "real text alone is clearly worse"
    assert all(each.kind == "hq" for each in helped.alternatives)
    around = helped.alternatives[0]
    assert around.low < found.share < around.high
    assert found.money == pytest.approx(30 * found.share)
    assert (around.money_low, around.money_high) == pytest.approx((30 * around.low, 30 * around.high))
    assert helped.headline.startswith("At 3M parameters and 30M tokens: ")
    assert f"its generation takes {found.share * 4 / 18:.2g} times the training's FLOPs" in helped.headline
    assert helped.next_runs_note == ""


def test_the_options_are_what_the_studys_own_laws_say(helped: Advice, make: Make) -> None:
    """Loss, difference and both speed-ups, by the functions of the report."""
    results = make()
    _, (law,) = fit_shares(as_runs(list(results.runs)), bootstrap=DRAWS, level=0.9)
    N, D = 3e6, 30e6
    for option in helped.options[1:]:
        expected = Reading(law, option.share).loss("mean", N=N, D=D)
        assert option.loss.mid == pytest.approx(expected.mid, rel=1e-9)
        assert option.loss.low == pytest.approx(expected.low, rel=1e-9)
        drawn = law.draw(N=N, D=D, share=option.share)[:, 0] - law.draw(N=N, D=D, share=0.0)[:, 0]
        assert option.difference.high == pytest.approx(np.quantile(drawn, 0.95), abs=1e-9)
        faster = speedup(law, law, tokens=D, N=N, mixture_share=option.share)
        cost = Generation(4e6, option.share)
        charged = speedup(law, law, tokens=D, N=N, mixture_share=option.share, generation=cost)
        assert option.charged is not None
        for mine, theirs in ((option.speedup, faster), (option.charged, charged)):
            assert mine.mid == pytest.approx(theirs.mid, rel=1e-6)
            assert mine.low == pytest.approx(theirs.low, rel=1e-6)
            assert mine.high == pytest.approx(theirs.high, rel=1e-6)


def test_what_is_saved_and_what_it_is_worth(helped: Advice) -> None:
    found = helped.recommended
    assert found is not None
    assert found.speedup.mid is not None
    needed = 30e6 / found.speedup.mid
    assert found.tokens_saved.mid == pytest.approx(30e6 - needed)
    assert found.worth.mid == pytest.approx((30e6 - needed) / (needed * found.share))
    assert found.pays_below is not None
    assert found.pays_below.mid == pytest.approx(3 * found.worth.mid)


def test_how_far_and_what_next(helped: Advice) -> None:
    assert helped.decades_params == pytest.approx(np.log10(3))
    assert helped.decades_tokens == pytest.approx(np.log10(30 / 9))
    assert len(helped.next_runs) == 3
    sds = [helped.next_runs[0].sd_before, *(run.sd_after for run in helped.next_runs)]
    assert sds == sorted(sds, reverse=True)
    assert [run.sd_before for run in helped.next_runs] == sds[:-1]
    assert any("covers 99.00% of the held-out tokens" in line for line in helped.evidence)
    assert any("as trained at 1M parameters and 9M tokens" in line for line in helped.evidence)


@ONE
def test_a_kind_that_does_nothing_is_not_paid_for(make: Make) -> None:
    found = advice(make({"hq": (0.0, 0.0)}))
    assert found.recommended is not None
    assert found.recommended.kind is None
    assert found.alternatives[0].kind is None
    assert "real text alone" in found.headline
    flip = next(flip for flip in found.flips if flip.what == "price of hq")
    assert flip.value in (0.0, None)


@ONE
def test_a_kind_that_hurts_is_left_alone(make: Make) -> None:
    found = advice(make({"hq": (0.5, 0.2)}))
    assert found.recommended is not None
    assert found.recommended.kind is None
    assert found.best is not None
    assert found.best.kind is None
    assert "no share of hq is expected to do better" in found.headline
    assert not any(each.kind == "hq" and each.high > 0.5 for each in found.alternatives)


@ONE
def test_of_two_equal_kinds_the_cheaper_until_its_price_flips(make: Make) -> None:
    results = make({"dear": (-0.4, 0.6), "cheap": (-0.4, 0.6)})
    found = advice(results, "dear,price=5", "cheap,price=1")
    assert found.recommended is not None
    assert found.recommended.kind == "cheap"
    assert {each.kind for each in found.alternatives} == {"dear", "cheap"}
    assert "no run mixes dear and cheap" in found.next_runs_note
    assert re.search(r"both: \{web: rest, dear: 1[4-9]%, cheap: 1[4-9]%\}", found.next_runs_note)
    flip = next(flip for flip in found.flips if flip.what == "price of cheap")
    assert flip.value is not None
    assert 3 < flip.value < 8, "about the other's price"
    beyond = advice(results, "dear,price=5", f"cheap,price={flip.value * 1.01}")
    assert beyond.recommended is not None
    assert beyond.recommended.kind == "dear"
    below = advice(results, "dear,price=5", f"cheap,price={flip.value * 0.99}")
    assert below.recommended is not None
    assert below.recommended.kind == "cheap"


@ONE
def test_real_text_that_is_short_makes_room_for_more(make: Make) -> None:
    results = make()
    enough, short = advice(results), advice(results, real="1M")
    assert enough.best is not None
    assert short.best is not None
    assert short.best.share > enough.best.share
    alone = short.options[0]
    assert alone.real_epochs == pytest.approx(30)
    assert (alone.loss.mid or 0) > (enough.options[0].loss.mid or 9)
    assert any("gone through 30 times" in doubt for doubt in short.doubts)
    assert (short.best.speedup.mid or 0) > (enough.best.speedup.mid or 9), "against repeated real text"


@ONE
def test_money_bounds_what_is_bought_and_the_rest_is_repeated(make: Make) -> None:
    results = make()
    none = advice(results, "hq,price=1", budget_money=0)
    assert none.recommended is not None
    assert none.recommended.kind is None
    assert {option.kind for option in none.options} == {None}
    little = advice(results, "hq,price=1", budget_money=2)
    for option in little.options[1:]:
        assert option.money <= 2 + 1e-9
        assert option.synthetic_epochs == pytest.approx(max(1.0, option.share * 30 / 2))


def test_two_laws_widen_what_one_says(make: Make, one_law: None, monkeypatch: pytest.MonkeyPatch) -> None:
    one = advice(make())
    monkeypatch.setattr("synthmix.study.families.CANDIDATES", ("joint_quadratic", "three_phase_size"))
    two = advice(make())
    assert {two.curves[0].law, *two.curves[0].rivals} == {"joint_quadratic", "three_phase_size"}
    mine, theirs = (each.options[-1].difference for each in (one, two))
    assert mine.low is not None
    assert theirs.low is not None
    assert (theirs.high or 0) - theirs.low >= (mine.high or 0) - mine.low


def test_without_replicates_nothing_is_shown_and_it_is_said(make: Make, one_law: None) -> None:
    found = advice(make(seeds=1))
    assert found.doubts[0].startswith("no run was repeated with another seed")


def test_the_studys_own_question_is_asked_when_none_is(make: Make, saved: Callable[..., Path], one_law: None) -> None:
    results = make()
    folder = saved(results)
    with pytest.raises(BadInput, match="--params: is missing"):
        synthmix.advise(synthetic=["hq,price=1"], study=folder)
    found = synthmix.advise("3M", "30M", synthetic=["hq,price=1"], study=folder / "results.json", draws=DRAWS)
    assert "no run is finished yet" in found.scores_note
    assert found.model_copy(update={"scores_note": ""}) == advice(results).model_copy(update={"scores_note": ""})
    assert Advice.model_validate_json(found.model_dump_json()) == found


UNFINISHED = Warn(code="unfinished", message="3 of 48 runs are not finished: this is a preliminary report.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"natural": False}, "no run is on real text alone, the yardstick of the answer; add share 0"),
        ({"shares": [1 / 3]}, "'hq' was trained at shares 0%, 33.3% only, and a best share needs 3 or more"),
        ({"sizes": [100_000]}, "no law for 'hq'"),
        ({"warnings": [UNFINISHED]}, "3 of 48 runs are not finished; finish them with synthmix study run"),
        ({"sources": {"qa": (0.0, 0.0)}}, "the study has no runs of 'hq'; it has qa; ask about these"),
        ({"sources": {}}, "the study has no runs of 'hq'; it has none"),
    ],
    ids=["no natural run", "one share", "one size", "unfinished", "other kind", "no kind"],
)
def test_a_study_without_the_runs_that_the_question_needs(
    change: dict[str, Any], said: str, make: Make, saved: Callable[..., Path]
) -> None:
    folder = saved(make(**change))
    with pytest.raises(BadInput) as caught:
        synthmix.advise("3M", "30M", synthetic=["hq,price=1"], study=folder)
    assert said in str(caught.value)
    assert str(folder) in str(caught.value)
    assert sorted(path.name for path in folder.iterdir()) == ["results.json"]
