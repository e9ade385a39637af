"""Decisions on studies whose truth is known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.decisions import StudyFits, ask, decide, fit_study
from synthmix.decisions.fits import RecipeLaw, fits_key
from synthmix.report import sentences
from synthmix.results import Decision, Option, Question, Results
from synthmix.results.decisions import CAVEATS, UNDETERMINED
from synthmix.runs.load import of_results
from synthmix.scaling import Generation, speedup

Make = Callable[..., Results]
DRAWS = 100
ONE = pytest.mark.usefixtures("one_law")


def decided(results: Results, *synthetic: str, **more: Any) -> Decision:
    table = of_results(results)
    question = ask("3M", "30M", synthetic=synthetic or ["hq,price=1"], **more)
    return decide(table, fit_study(table, bootstrap=DRAWS), question, most_flops=results.spent.flops)


def best(found: Decision) -> Option:
    assert found.best is not None
    return found.options[found.best]


def recommended(found: Decision) -> Option:
    assert found.recommended is not None
    return found.options[found.recommended]


@pytest.fixture(scope="module")
def helps() -> dict[str, Decision]:
    """Filled once by :func:`helped`."""
    return {}


@pytest.fixture
def helped(helps: dict[str, Decision], make: Make, one_law: None) -> Decision:
    if not helps:
        helps["one"] = decided(make(), "hq,price=1,params=1M", price_training=3)
    return helps["one"]


def test_a_kind_that_helps_is_recommended_at_its_best_share(helped: Decision) -> None:
    found = recommended(helped)
    assert found.kind == "hq"
    share = helped.curves[0].best
    assert share.holds(1 / 3)
    assert found.difference.holds(-(0.4**2) / (4 * 0.6))
    assert found.sign == -1
    assert found.shares == pytest.approx({"web": 1 - found.share, "hq": found.share})
    assert helped.options[0].is_natural
    assert not helped.options[0].as_good, "natural text alone is clearly worse"
    assert all(each.kind == "hq" for each in helped.alternatives)
    around = helped.alternatives[0]
    assert around.low <= found.share <= around.high
    assert found.money == pytest.approx(30 * found.share)
    assert (around.money_low, around.money_high) == pytest.approx((30 * around.low, 30 * around.high))
    assert found.overhead == pytest.approx(found.share * 4 / 18)
    assert helped.next_run_to_mix is None
    (verdict,) = helped.verdicts
    assert (verdict.source, verdict.state, verdict.edge) == ("hq", "helps", "none")
    assert verdict.option is not None
    assert helped.options[verdict.option].recipe == found.recipe


def test_the_options_are_what_the_fitted_law_predicts(helped: Decision, make: Make) -> None:
    """Loss, difference and both speed-ups, by the functions of the scaling room."""
    table = of_results(make())
    law = fit_study(table, bootstrap=DRAWS).sources["hq"].fit
    N, D = 3e6, 30e6
    for option in helped.options[1:]:
        for mine, kind in ((option.loss, "mean"), (option.new_run, "new_run")):
            expected = RecipeLaw(law, option.share).loss(kind, N=N, D=D)  # type: ignore[arg-type]
            assert mine.mid == pytest.approx(expected.mid, rel=1e-9)
            assert mine.low == pytest.approx(expected.low, rel=1e-9)
            assert mine.covers == expected.covers
        drawn = law.draw(N=N, D=D, share=option.share)[:, 0] - law.draw(N=N, D=D, share=0.0)[:, 0]
        assert option.difference.high == pytest.approx(np.quantile(drawn, 0.95), abs=1e-9)
        faster = speedup(law, law, tokens=D, N=N, mixture_share=option.share)
        cost = Generation(4e6, option.share)
        charged = speedup(law, law, tokens=D, N=N, mixture_share=option.share, generation=cost)
        if option.speedup.why == "outside the budgets that were measured":
            assert faster.mid is not None
            assert not 1 / 9 <= faster.mid <= 9
            continue
        assert option.charged is not None
        for mine, theirs in ((option.speedup, faster), (option.charged, charged)):
            assert mine.mid == pytest.approx(theirs.mid, rel=1e-6)
            assert mine.low == pytest.approx(theirs.low, rel=1e-6)
            assert mine.high == pytest.approx(theirs.high, rel=1e-6)


def test_what_is_saved_and_what_it_is_worth(helped: Decision) -> None:
    found = recommended(helped)
    assert found.speedup.mid is not None
    needed = 30e6 / found.speedup.mid
    assert found.tokens_saved.mid == pytest.approx(30e6 - needed)
    assert found.worth.mid == pytest.approx((30e6 - needed) / (needed * found.share))
    assert found.pays_below is not None
    assert found.pays_below.mid == pytest.approx(3 * found.worth.mid)


def test_how_far_and_what_next(helped: Decision) -> None:
    assert helped.decades_params == pytest.approx(np.log10(3))
    assert helped.decades_tokens == pytest.approx(np.log10(30 / 9))
    assert helped.decades_compute == pytest.approx(1)
    assert len(helped.next_runs) == 3
    sds = [helped.next_runs[0].sd_before, *(run.sd_after for run in helped.next_runs)]
    assert sds == sorted(sds, reverse=True)
    assert [run.sd_before for run in helped.next_runs] == sds[:-1]


def test_what_was_measured_stands_beside_what_is_predicted(helped: Decision, make: Make) -> None:
    results = make()
    assert [each.recipe for each in helped.measured] == ["web", "33% hq", "67% hq", "100% hq"]
    largest = {row.recipe: row.loss for row in results.runs if (row.params, row.tokens) == (1_000_000, 9_000_000)}
    assert {each.recipe: each.loss.mid for each in helped.measured} == pytest.approx(largest)
    assert helped.measured[1].difference.mid == pytest.approx(largest["33% hq"] - largest["web"])
    for option in helped.options:
        assert option.measured is not None
        assert option.measured.recipe == min(helped.measured, key=lambda each: abs(each.share - option.share)).recipe


@ONE
def test_a_kind_that_does_nothing_is_not_paid_for(make: Make) -> None:
    found = decided(make({"hq": (0.0, 0.0)}))
    assert recommended(found).is_natural
    assert found.alternatives[0].kind is None
    assert found.verdicts[0].state == "not determined"
    assert found.verdicts[0].confidence == "not determined"
    row = next(row for row in found.sensitivity if row.what == "price")
    assert row.value in (0.0, None)


@ONE
def test_nothing_is_generated_for_a_gain_that_is_not_shown(make: Make) -> None:
    results = make({"hq": (-0.08, 0.12)})  # a best share near a third, its gain within the noise
    there, made = decided(results, "hq,price=0"), decided(results, "hq,price=0,params=1M")
    for found in (there, made):
        assert best(found).kind == "hq"
        assert found.options[0].as_good, "natural text alone is as good within the noise"
        assert found.verdicts[0].state == "not determined"
    assert recommended(there).kind == "hq", "it is there already"
    assert recommended(made).is_natural, "its generation takes compute"


@ONE
def test_a_kind_that_hurts_is_left_alone(make: Make) -> None:
    found = decided(make({"hq": (0.5, 0.2)}))
    assert recommended(found).is_natural
    assert best(found).is_natural
    assert found.verdicts[0].state == "hurts"
    assert not any(each.kind == "hq" and each.high > 0.5 for each in found.alternatives)


@ONE
def test_of_two_equal_kinds_the_cheaper_until_its_price_flips(make: Make) -> None:
    results = make({"dear": (-0.4, 0.6), "cheap": (-0.4, 0.6)})
    found = decided(results, "dear,price=5", "cheap,price=1")
    assert recommended(found).kind == "cheap"
    assert {each.kind for each in found.alternatives} == {"dear", "cheap"}
    assert found.next_run_to_mix is not None
    assert set(found.next_run_to_mix) == {"dear", "cheap"}
    assert all(0.14 <= share <= 0.19 for share in found.next_run_to_mix.values())
    row = next(row for row in found.sensitivity if (row.what, row.about) == ("price", "cheap"))
    assert row.value is not None
    assert 3 < row.value < 8, "about the other's price"
    beyond = decided(results, "dear,price=5", f"cheap,price={row.value * 1.01}")
    assert recommended(beyond).kind == "dear"
    below = decided(results, "dear,price=5", f"cheap,price={row.value * 0.99}")
    assert recommended(below).kind == "cheap"


@ONE
def test_natural_text_that_is_short_makes_room_for_more(make: Make) -> None:
    results = make()
    enough, short = decided(results), decided(results, natural="1M")
    assert best(short).share > best(enough).share
    alone = short.options[0]
    assert alone.natural_epochs == pytest.approx(30)
    assert (alone.loss.mid or 0) > (enough.options[0].loss.mid or 9)
    (caveat,) = [caveat for caveat in short.caveats if caveat.code == "repetition"]
    assert caveat.numbers["epochs"] == pytest.approx(30)


@ONE
def test_money_bounds_what_is_bought_and_the_rest_is_repeated(make: Make) -> None:
    results = make()
    none = decided(results, "hq,price=1", budget_money=0)
    assert recommended(none).is_natural
    assert {option.kind for option in none.options} == {None}
    little = decided(results, "hq,price=1", budget_money=2)
    for option in little.options[1:]:
        assert option.money <= 2 + 1e-9
        assert option.synthetic_epochs == pytest.approx(max(1.0, option.share * 30 / 2))


def test_two_laws_widen_what_one_predicts(make: Make, one_law: None, monkeypatch: pytest.MonkeyPatch) -> None:
    one = decided(make())
    monkeypatch.setattr("synthmix.decisions.fits.CANDIDATES", ("joint_quadratic", "three_phase_size"))
    monkeypatch.setattr("synthmix.decisions.fits.OUT_OF_THE_RACE", 1e9)
    two = decided(make())
    assert {two.curves[0].law, *two.curves[0].rivals} == {"joint_quadratic", "three_phase_size"}
    mine, theirs = (each.options[-1].difference for each in (one, two))
    assert mine.low is not None
    assert theirs.low is not None
    assert (theirs.high or 0) - theirs.low >= (mine.high or 0) - mine.low


def test_a_law_that_the_held_out_runs_refute_widens_nothing(
    make: Make, one_law: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = decided(make())
    monkeypatch.setattr("synthmix.decisions.fits.CANDIDATES", ("joint_quadratic", "three_phase_size"))
    table = of_results(make())
    fits = fit_study(table, bootstrap=DRAWS)
    assert fits.sources["hq"].rivals == ()
    (choice,) = [warn for warn in fits.warnings if warn.code == "law_choice"]
    assert choice.message.endswith("the intervals do not hold what three_phase_size predicts.")
    assert decided(make()).options == one.options


@ONE
def test_without_replicates_nothing_is_shown_and_it_is_said(make: Make) -> None:
    found = decided(make(seeds=1))
    assert found.verdicts[0].caveats[0].code == "no_replicates"
    assert found.verdicts[0].confidence != "high"


@ONE
def test_the_fits_that_are_kept_decide_the_same(make: Make, tmp_path: Path) -> None:
    table = of_results(make())
    fits = fit_study(table, bootstrap=DRAWS)
    fits.save(tmp_path / "fits.safetensors")
    kept = StudyFits.load(tmp_path / "fits.safetensors", fits_key(table))
    assert kept is not None
    question = ask("3M", "30M", synthetic=["hq,price=1"])
    decision = decide(table, kept, question)
    assert decision == decide(table, fits, question)
    assert Decision.model_validate_json(decision.model_dump_json()) == decision
    assert kept.summaries == fits.summaries
    assert kept.warnings == fits.warnings
    other = of_results(make(sd=0.01))
    assert StudyFits.load(tmp_path / "fits.safetensors", fits_key(other)) is None, "of other runs"
    (tmp_path / "fits.safetensors").write_bytes(b"damaged")
    assert StudyFits.load(tmp_path / "fits.safetensors", fits_key(table)) is None


# What is not determined


def codes(found: Decision) -> set[str]:
    return {code for option in found.options for code in option.undetermined}


def is_blank(option: Option) -> bool:
    predicted = (option.loss, option.new_run, option.difference, option.speedup, option.tokens_saved, option.worth)
    return all(each.mid is None for each in predicted)


@ONE
def test_an_exponent_at_its_bound_is_no_answer(make: Make) -> None:
    """Losses that no longer fall with N after the smallest size: alpha goes to its bound."""
    results = make(sizes=(50_000, 100_000, 200_000))
    flat = []
    for row in results.runs:
        loss = 3.0 + 260 * row.tokens**-0.36 + (0.5 if row.params == 50_000 else 0.0)
        loss += -0.4 * row.share + 0.6 * row.share**2 + 0.002 * row.seed
        flat.append(row.model_copy(update={"loss": loss}))
    found = decided(results.model_copy(update={"runs": flat}))
    assert "exponent_at_bound" in codes(found)
    assert all(is_blank(option) for option in found.options if not option.is_natural)
    assert found.verdicts[0].state == "not determined"
    assert found.verdicts[0].caveats[0].code == "not_determined"
    assert "exponent_at_bound" in found.verdicts[0].caveats[0].names
    assert recommended(found).is_natural
    assert found.curves[0].shares == []
    assert found.curves[0].best.mid is None
    assert all(option.measured is not None for option in found.options), "what was measured stays"


@ONE
def test_an_interval_wider_than_what_was_measured_is_no_answer(make: Make) -> None:
    results = make(sd=0.08)
    table = of_results(results)
    question = ask("10B", "1T", synthetic=["hq,price=1"])
    found = decide(table, fit_study(table, bootstrap=DRAWS), question)
    spread = max(r.loss for r in results.runs) - min(r.loss for r in results.runs)
    for option in found.options[1:]:
        wide = not option.determined
        assert wide or (option.difference.high or 0) - (option.difference.low or 0) <= spread
    assert all(low >= 0 for curve in found.curves for low in curve.loss_low), "no band below zero"


def test_laws_are_not_fitted_to_three_points(make: Make, one_law: None) -> None:
    results = make(sizes=(100_000,))
    fits = fit_study(of_results(results), bootstrap=DRAWS)
    assert fits.own == {}
    assert {warning.code for warning in fits.warnings} >= {"not_fitted", "no_joint_law"}
    found = decided(results)
    assert found.basis == "measured", "there is no law at all"
    assert found.decades_tokens == 0
    assert (found.params, found.tokens) == (100_000, 9_000_000)


@ONE
def test_a_speed_up_outside_the_measured_budgets_has_no_number(make: Make) -> None:
    found = decided(make({"hq": (-4.5, 6.75)}))
    row = recommended(found)
    assert row.kind == "hq"
    assert row.difference.mid is not None
    assert (row.speedup.mid, row.speedup.why) == (None, "outside the budgets that were measured")


def test_without_a_question_the_largest_cell_decides(make: Make) -> None:
    table = of_results(make())
    found = decide(table, fit_study(table, bootstrap=DRAWS), None)
    assert (found.basis, found.question) == ("measured", None)
    assert [option.recipe for option in found.options] == [each.recipe for each in found.measured]
    for option, seen in zip(found.options, found.measured, strict=True):
        assert (option.loss, option.difference, option.law) == (seen.loss, seen.difference, None)
    assert found.verdicts[0].state == "helps"
    assert recommended(found).recipe == "33% hq"
    assert found.sensitivity == []


@pytest.mark.parametrize(
    ("change", "code"),
    [({"natural": False}, "no_natural"), ({"sources": {}}, "one_recipe")],
)
def test_why_nothing_can_be_compared(change: dict[str, Any], code: str, make: Make) -> None:
    table = of_results(make(**change))
    found = decide(table, fit_study(table, bootstrap=DRAWS), Question(params=10**9, tokens=10**11))
    assert found.uncompared == code
    assert found.verdicts == []


def test_every_code_that_is_used_is_explained(helped: Decision) -> None:
    for verdict in helped.verdicts:
        assert {caveat.code for caveat in verdict.caveats} <= set(CAVEATS)
    assert codes(helped) <= set(UNDETERMINED)


@ONE
def test_natural_text_that_would_repeat_too_often_is_no_answer(make: Make) -> None:
    """Where synthetic text hurts, natural text alone wins while its repeats are allowed, and not beyond."""
    hurts = make({"hq": (0.2, 0.1)})
    free = decided(hurts, natural="10M")
    assert recommended(free).is_natural
    assert all(option.allowed for option in free.options)
    limited = decided(hurts, natural="6M,epochs=4")
    natural = limited.natural
    assert natural is not None
    assert natural.natural_epochs == 5
    assert not natural.allowed
    assert not natural.as_good
    chosen = recommended(limited)
    assert not chosen.is_natural
    assert chosen.natural_epochs is not None
    assert chosen.natural_epochs <= 4 + 1e-6
    assert chosen.share == min(option.share for option in limited.options if option.allowed)
    caveat = next(caveat for caveat in limited.caveats if caveat.code == "too_often")
    assert caveat.numbers == {"epochs": 5.0, "allowed": 4.0}
    assert "gone through 5 times, and 4 are allowed" in sentences.caveat_text(caveat)
    assert "against natural text alone, gone through 5 times" in sentences.recommendation(limited)


@ONE
def test_synthetic_text_is_gone_through_no_more_often_than_allowed(make: Make) -> None:
    found = decided(make(), "hq=2M,price=1,epochs=3")
    assert {option.share: option.allowed for option in found.options if option.kind} == {
        option.share: option.share * 30 <= 6 + 1e-6 for option in found.options if option.kind
    }
    assert best(found).share == pytest.approx(0.2)


@ONE
def test_twenty_epochs_of_natural_text_are_said(make: Make) -> None:
    found = decided(make({"hq": (0.5, 0.3)}), natural="1.5M")
    assert recommended(found).is_natural
    assert "natural text alone, gone through 20 times" in sentences.recommendation(found)
    said = [sentences.then(row) for row in found.sensitivity if row.what == "natural"]
    assert said
    assert not any("no change" in text for text in said)
