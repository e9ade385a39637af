"""Recipes of several kinds at once: by a law of their own, as measured, or said not to be known."""

from collections.abc import Callable
from typing import Any

import pytest

from synthmix.decisions import ask, decide, fit_study
from synthmix.results import Decision, Recipe, Results
from synthmix.runs.load import of_results

Make = Callable[..., Results]
KINDS = ("hq,price=2", "qa,price=1")


def mixed(results: Results, effect: float, *, name: str = "both", kinds: tuple[str, ...] = ("hq", "qa")) -> Results:
    """With a recipe of two kinds, ``effect`` nats from each run on natural text alone."""
    shares = {"web": 0.6} | dict.fromkeys(kinds, 0.4 / len(kinds))
    recipe = Recipe(name=name, shares=shares, synthetic=None, share=0.4)
    rows = [
        row.model_copy(update={"id": f"{name}{row.id}", "recipe": name, "share": 0.4, "loss": row.loss + effect})
        for row in results.runs
        if row.recipe == "web"
    ]
    return results.model_copy(update={"recipes": [*results.recipes, recipe], "runs": [*results.runs, *rows]})


def decided(results: Results, *synthetic: str, **more: Any) -> Decision:
    table = of_results(results)
    return decide(table, fit_study(table, bootstrap=50), ask("3M", "30M", synthetic=synthetic or KINDS, **more))


@pytest.fixture
def two(make: Make, one_law: None) -> Results:
    return make({"hq": (-0.4, 0.6), "qa": (-0.2, 0.3)})


def test_a_recipe_of_two_kinds_is_an_option_with_what_was_measured(two: Results) -> None:
    found = decided(mixed(mixed(two, -0.1), 0.3, name="bad"))
    best, bad = found.option("both"), found.option("bad")
    assert best is not None
    assert bad is not None
    assert (best.kind, best.share, best.law) == (None, 0.4, "chinchilla")
    assert best.shares == pytest.approx({"web": 0.6, "hq": 0.2, "qa": 0.2})
    assert best.measured is not None
    assert (best.measured.recipe, best.measured.params, best.measured.tokens) == ("both", 1_000_000, 9_000_000)
    assert best.measured.difference.mid == pytest.approx(-0.1)
    assert best.measured.difference.holds(-0.1)
    assert best.money == pytest.approx(0.2 * 30 * 2 + 0.2 * 30 * 1)
    assert best.difference.mid == pytest.approx(-0.1, abs=0.02), "each by its own law: a constant apart"
    assert bad.sign == 1
    assert not bad.as_good
    assert not any(row.what == "several kinds" for row in found.sensitivity)
    assert found.next_run_to_mix is None
    assert {verdict.source for verdict in found.verdicts} == {"hq", "qa", None}


def test_none_measured_is_said_among_what_would_change_the_answer(two: Results) -> None:
    (row,) = [row for row in decided(two).sensitivity if row.what == "several kinds"]
    assert (row.value, row.code, row.names) == (None, "never_mixed", ["hq", "qa"])
    alone = decided(two, KINDS[0])
    assert not any(row.what == "several kinds" for row in alone.sensitivity)


def test_a_mixture_with_a_kind_that_is_not_asked_about_is_none(two: Results) -> None:
    assert decided(mixed(two, -0.1), KINDS[0]).option("both") is None


def test_what_cannot_be_bought_is_not_paid_for(two: Results) -> None:
    option = decided(mixed(two, -0.1), "hq=3M,price=2", "qa,price=1").option("both")
    assert option is not None
    assert option.money == pytest.approx(3 * 2 + 6 * 1)


def test_a_recipe_without_a_law_is_shown_as_measured(two: Results) -> None:
    both = mixed(two, -0.1)
    few = both.model_copy(
        update={"runs": [r for r in both.runs if r.recipe != "both" or (r.params, r.tokens) == (1_000_000, 9_000_000)]}
    )
    option = decided(few).option("both")
    assert option is not None
    assert option.undetermined == ["no_law"]
    assert option.difference.mid is None
    assert option.measured is not None
    assert option.measured.difference.mid == pytest.approx(-0.1)
