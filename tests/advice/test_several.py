"""Recipes of several kinds at once: as measured, or said not to be known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.advice.asked import ask
from synthmix.advice.found import Advice
from synthmix.advice.from_study import advise_from
from synthmix.advice.page import write_advice
from synthmix.cli.advise_text import advice_text
from synthmix.results import Recipe, Results

Make = Callable[..., Results]
KINDS = ("hq,price=2", "qa,price=1")


def mixed(results: Results, effect: float, *, name: str = "both", kinds: tuple[str, ...] = ("hq", "qa")) -> Results:
    """With a recipe of two kinds, ``effect`` nats from each run on real text alone."""
    shares = {"web": 0.6} | dict.fromkeys(kinds, 0.4 / len(kinds))
    recipe = Recipe(name=name, shares=shares, synthetic=None, share=0.4)
    rows = [
        row.model_copy(update={"id": f"{name}{row.id}", "recipe": name, "share": 0.4, "loss": row.loss + effect})
        for row in results.runs
        if row.recipe == "web"
    ]
    return results.model_copy(update={"recipes": [*results.recipes, recipe], "runs": [*results.runs, *rows]})


def advice(results: Results, *synthetic: str, **more: Any) -> Advice:
    return advise_from(results, ask("3M", "30M", synthetic=synthetic or KINDS, **more), draws=50)


@pytest.fixture
def two(make: Make, one_law: None) -> Results:
    return make({"hq": (-0.4, 0.6), "qa": (-0.2, 0.3)})


def test_a_measured_recipe_of_two_kinds_is_an_alternative_with_its_difference(two: Results, tmp_path: Path) -> None:
    found = advice(mixed(mixed(two, -0.1), 0.3, name="bad"))
    best, bad = found.several
    assert (best.recipe, best.params, best.tokens, best.runs) == ("both", 1_000_000, 9_000_000, 1)
    assert best.difference.mid == pytest.approx(-0.1)
    assert best.difference.low is not None
    assert best.difference.low < -0.1 < (best.difference.high or 0)
    assert best.money == pytest.approx(0.2 * 30 * 2 + 0.2 * 30 * 1)
    assert best.as_good
    assert best.rival == "33% hq", "the best recipe of one kind, by what was measured"
    assert not bad.as_good
    assert not any(flip.what == "several kinds at once" for flip in found.flips)
    assert found.next_runs_note == ""
    text = advice_text(found)
    assert "Several kinds at once, as measured (no law holds them)\n  both (60% web, 20% hq, 20% qa), for 18: " in text
    assert "as good within the noise as the best of one kind there, 33% hq" in text
    assert "clearly worse than the best of one kind there, 33% hq (+0." in text
    write_advice(found, tmp_path / "advice.html")
    assert "both (60% web, 20% hq, 20% qa), for 18" in (tmp_path / "advice.html").read_text()


def test_none_measured_is_said_among_what_would_change_the_answer(two: Results) -> None:
    flip = next(flip for flip in advice(two).flips if flip.what == "several kinds at once")
    assert flip.value is None
    assert "no run of this study mixes two of hq and qa" in flip.then
    alone = advice(two, KINDS[0])
    assert not any(flip.what == "several kinds at once" for flip in alone.flips)
    assert alone.several == []


def test_a_mixture_with_a_kind_that_is_not_asked_about_is_none(two: Results) -> None:
    assert advice(mixed(two, -0.1), KINDS[0]).several == []


def test_what_cannot_be_bought_is_not_paid_for(two: Results) -> None:
    found = advice(mixed(two, -0.1), "hq=3M,price=2", "qa,price=1")
    assert found.several[0].money == pytest.approx(3 * 2 + 6 * 1)


def test_without_replicates_the_difference_has_no_interval(make: Make, one_law: None) -> None:
    found = advice(mixed(make({"hq": (-0.4, 0.6), "qa": (-0.2, 0.3)}, seeds=1), -0.1))
    assert found.several[0].difference.low is None
    assert found.several[0].as_good, "nothing shows it to be worse"
