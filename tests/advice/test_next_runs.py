"""The next runs are those that narrow the answer, by as much as is said."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthmix.advice.asked import ask
from synthmix.advice.candidates import Candidate, candidates, recipe_name, repeats
from synthmix.advice.decide import decide
from synthmix.advice.knowledge import learn
from synthmix.advice.next_runs import Belief, next_runs
from synthmix.advice.outlook import outlooks
from synthmix.results import Results

Make = Callable[..., Results]


def test_the_sum_is_bayes() -> None:
    """Against the posterior of a linear Gaussian model, one observation and then another."""
    rng = np.random.default_rng(0)
    root, design = rng.standard_normal((4, 4)), rng.standard_normal((6, 4))
    prior, noise = root @ root.T, 0.3
    joint = design @ prior @ design.T
    belief = Belief(np.arange(5), joint.copy(), noise)

    def posterior(rows: list[int]) -> float:
        seen = design[rows]
        precision = np.linalg.inv(prior) + seen.T @ seen / noise
        return float(design[0] @ np.linalg.inv(precision) @ design[0])

    expected = [joint[0, 0] - posterior([i]) for i in range(1, 6)]
    np.testing.assert_allclose(belief.reductions(), expected, rtol=1e-9)
    belief.observe(1)
    np.testing.assert_allclose(belief.variance, posterior([2]), rtol=1e-9)
    belief.observe(3)
    np.testing.assert_allclose(belief.variance, posterior([2, 4]), rtol=1e-9)
    belief.observe(99)
    np.testing.assert_allclose(belief.variance, posterior([2, 4]), rtol=1e-9)


@pytest.mark.usefixtures("one_law")
def test_a_run_that_is_made_narrows_the_gain_as_expected(make: Make) -> None:
    results = make()
    asked = ask("10M", "100M", synthetic=["hq,price=1"])
    known = learn(results, asked, results_path(), draws=400)
    looks = outlooks(known, asked)
    decision = decide(looks, asked.tokens, known.noise, known.level)
    first = next_runs(known, asked, looks, decision, count=1)[0]
    assert first.sd_after < first.sd_before
    assert first.flops <= results.spent.flops
    model = next(row for row in results.runs if row.share in (0.0, first.share) or first.kind)
    sizes, shares = (first.params, first.tokens), first.share
    slope, bend = (-0.4, 0.6) if first.kind else (0.0, 0.0)
    loss = 1.9 + 38 * sizes[0] ** -0.34 + 260 * sizes[1] ** -0.36 + slope * shares + bend * shares**2
    made = model.model_copy(
        update={
            "id": "new", "recipe": first.recipe if first.kind else "web", "synthetic": first.kind, "share": shares,
            "params": sizes[0], "tokens": sizes[1], "loss": loss, "seed": 9,
        }
    )  # fmt: skip
    recipes = list(results.recipes)
    if made.recipe not in {recipe.name for recipe in recipes}:
        recipes.append(recipes[1].model_copy(update={"name": made.recipe, "share": shares}))
    more = results.model_copy(update={"runs": [*results.runs, made], "recipes": recipes})
    again = learn(more, asked, results_path(), draws=400)
    top = int(np.argmin(looks[0].said[0].difference[0]))
    look = outlooks(again, asked)[0]
    place = int(np.argmin(np.abs(look.shares - looks[0].shares[top])))
    narrowed = float(np.std(look.said[0].difference[1:, place]))
    assert narrowed < first.sd_before
    assert narrowed == pytest.approx(first.sd_after, rel=0.35), "noise is estimated anew with every run"


@pytest.mark.usefixtures("one_law")
def test_candidates_cost_what_is_allowed_and_reach_beyond_the_ladder(make: Make) -> None:
    results = make()
    asked = ask("10M", "100M", synthetic=["hq,price=1"])
    known = learn(results, asked, results_path(), draws=100)
    every = candidates(known, results.spent.flops)
    assert max(each.flops for each in every) <= results.spent.flops
    assert max(each.params for each in every) > 1_000_000
    assert max(each.tokens for each in every) > 9_000_000
    assert {round(each.share, 3) for each in every} == {0.0, 0.167, 0.333, 0.5, 0.667, 0.833, 1.0}
    inside = next(each for each in every if (each.params, each.tokens) == (300_000, 3_000_000))
    assert inside.flops == 12.0 * 300_000 * 3_000_000
    assert inside.seconds == pytest.approx(3_000_000 / 40_000)
    cheap = candidates(known, 2e12)
    assert 0 < len(cheap) < len(every)


def test_a_candidate_in_words() -> None:
    assert recipe_name(Candidate(None, 0.0, 1, 1, 1.0, None)) == "real text alone"
    assert recipe_name(Candidate("hq", 0.5, 1, 1, 1.0, None)) == "50% hq"


@pytest.mark.usefixtures("one_law")
def test_how_often_its_text_is_gone_through(make: Make) -> None:
    results = make()
    known = learn(results, ask("10M", "100M", synthetic=["hq,price=1"]), results_path(), draws=100)
    assert repeats(known, Candidate("hq", 0.75, 1, 20_000_000, 1.0, None)) == pytest.approx(1.5)
    assert repeats(known, Candidate(None, 0.0, 1, 20_000_000, 1.0, None)) == pytest.approx(2.0)


@pytest.mark.usefixtures("one_law")
def test_no_run_is_spent_on_a_kind_that_is_clearly_worse(make: Make) -> None:
    """Its gain is as open as the other's, and decides nothing."""
    results = make({"hq": (-0.4, 0.6), "bad": (0.5, 0.2)})
    asked = ask("10M", "100M", synthetic=["hq,price=1", "bad,price=0"])
    known = learn(results, asked, results_path(), draws=100)
    looks = outlooks(known, asked)
    decision = decide(looks, asked.tokens, known.noise, known.level)
    runs = next_runs(known, asked, looks, decision)
    assert {run.kind for run in runs} <= {None, "hq"}
    alone = next_runs(known, ask("10M", "100M", synthetic=["hq,price=1"]), looks[:1], decision)
    assert [run.sd_before for run in runs] == pytest.approx([run.sd_before for run in alone])
    everything = next_runs(known, asked, looks, replace(decision, as_good=[mask | True for mask in decision.as_good]))
    assert everything[0].sd_before > runs[0].sd_before


@pytest.mark.usefixtures("one_law")
def test_without_regard_to_cost_more_is_told(make: Make) -> None:
    results = make()
    asked = ask("10M", "100M", synthetic=["hq,price=1"])
    known = learn(results, asked, results_path(), draws=100)
    looks = outlooks(known, asked)
    decision = decide(looks, asked.tokens, known.noise, known.level)
    cheap, dear = (next_runs(known, asked, looks, decision, nearly=part) for part in (0.5, 1.0))
    assert dear[0].sd_after <= cheap[0].sd_after
    assert dear[0].flops >= cheap[0].flops


def results_path() -> Path:
    return Path("made")
