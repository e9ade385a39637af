"""The next runs are those that narrow the answer, by as much as is said."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthmix.decisions import ask, fit_study
from synthmix.decisions.choose import Choice, choose
from synthmix.decisions.decide import loss_spread
from synthmix.decisions.next_runs import Candidate, candidates, next_runs, recipe_name, repeats
from synthmix.decisions.predict import Prediction, predictions
from synthmix.results import NextRun, Results
from synthmix.runs import RunsTable
from synthmix.runs.load import of_results

Make = Callable[..., Results]
BUILT = {"web": 10e6, "hq": 10e6, "bad": 10e6}


def asked(results: Results, *kinds: str, draws: int = 100) -> tuple[RunsTable, list[Prediction], Choice]:
    """What the laws predict at ten times the ladder, and what is chosen."""
    table = of_results(results)
    fits = fit_study(table, bootstrap=draws)
    question = ask("10M", "100M", synthetic=kinds or ["hq,price=1"])
    found = predictions(table, fits, question)
    return table, found, choose(found, question.tokens, fits.noise.sd or 0.0, 0.9, loss_spread(table))


def named(results: Results, table: RunsTable, found: list[Prediction], choice: Choice, **more: Any) -> list[NextRun]:
    return next_runs(table, found, choice, most_flops=results.spent.flops, built=BUILT, **more)


@pytest.mark.usefixtures("one_law")
def test_runs_that_are_made_narrow_the_gain_as_expected(make: Make) -> None:
    """Four of them: one narrows it by less than the noise, estimated anew, moves it."""
    results = make()
    table, found, choice = asked(results, draws=400)
    every = named(results, table, found, choice, count=4)
    assert all(one.sd_after < one.sd_before for one in every)
    assert all(one.flops <= results.spent.flops for one in every)
    runs, recipes = [*results.runs], [*results.recipes]
    for k, one in enumerate(every):
        slope, bend = (-0.4, 0.6) if one.kind else (0.0, 0.0)
        loss = 1.9 + 38 * one.params**-0.34 + 260 * one.tokens**-0.36 + slope * one.share + bend * one.share**2
        made = {
            "id": f"new{k}", "recipe": one.recipe if one.kind else "web", "synthetic": one.kind, "share": one.share,
            "params": one.params, "tokens": one.tokens, "loss": loss, "seed": 9,
        }  # fmt: skip
        runs.append(results.runs[0].model_copy(update=made))
        if made["recipe"] not in {recipe.name for recipe in recipes}:
            recipes.append(recipes[1].model_copy(update={"name": one.recipe, "share": one.share}))
    more = results.model_copy(update={"runs": runs, "recipes": recipes})
    top = int(np.argmin(found[0].laws[0].difference[0]))
    look = asked(more, draws=400)[1][0]
    place = int(np.argmin(np.abs(look.shares - found[0].shares[top])))
    narrowed = float(np.std(look.laws[0].difference[1:, place]))
    assert narrowed < every[0].sd_before
    assert narrowed == pytest.approx(every[-1].sd_after, rel=0.35), "noise is estimated anew with every run"


@pytest.mark.usefixtures("one_law")
def test_candidates_cost_what_is_allowed_and_reach_beyond_the_ladder(make: Make) -> None:
    results = make()
    table, found, _ = asked(results)
    every = candidates(table, found, results.spent.flops, BUILT)
    assert max(each.flops for each in every) <= results.spent.flops
    assert max(each.params for each in every) > 1_000_000
    assert max(each.tokens for each in every) > 9_000_000
    assert {round(each.share, 3) for each in every} == {0.0, 0.167, 0.333, 0.5, 0.667, 0.833, 1.0}
    inside = next(each for each in every if (each.params, each.tokens) == (300_000, 3_000_000))
    assert inside.flops == 12.0 * 300_000 * 3_000_000
    assert inside.seconds == pytest.approx(3_000_000 / 40_000)
    cheap = candidates(table, found, 2e12, BUILT)
    assert 0 < len(cheap) < len(every)


def test_a_candidate_in_words() -> None:
    assert recipe_name(Candidate(None, 0.0, 1, 1, 1.0, None)) == "natural text alone"
    assert recipe_name(Candidate("hq", 0.5, 1, 1, 1.0, None)) == "50% hq"


@pytest.mark.usefixtures("one_law")
def test_how_often_its_text_is_gone_through(make: Make) -> None:
    table = of_results(make())
    assert repeats(table, Candidate("hq", 0.75, 1, 20_000_000, 1.0, None), BUILT) == pytest.approx(1.5)
    assert repeats(table, Candidate(None, 0.0, 1, 20_000_000, 1.0, None), BUILT) == pytest.approx(2.0)


@pytest.mark.usefixtures("one_law")
def test_no_run_is_spent_on_a_kind_that_is_clearly_worse(make: Make) -> None:
    """Its gain is as open as the other's, and decides nothing."""
    results = make({"hq": (-0.4, 0.6), "bad": (0.5, 0.2)})
    table, found, choice = asked(results, "hq,price=1", "bad,price=0")
    runs = named(results, table, found, choice)
    assert {run.kind for run in runs} <= {None, "hq"}
    alone = named(results, table, found[:1], choice)
    assert [run.sd_before for run in runs] == pytest.approx([run.sd_before for run in alone])
    everything = named(results, table, found, replace(choice, as_good=[mask | True for mask in choice.as_good]))
    assert everything[0].sd_before > runs[0].sd_before


@pytest.mark.usefixtures("one_law")
def test_without_regard_to_cost_more_is_told(make: Make) -> None:
    results = make()
    table, found, choice = asked(results)
    cheap, dear = (named(results, table, found, choice, nearly=part) for part in (0.5, 1.0))
    assert dear[0].sd_after <= cheap[0].sd_after
    assert dear[0].flops >= cheap[0].flops
