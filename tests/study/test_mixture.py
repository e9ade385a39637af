"""The best mixture of a designed study: its own question and bounds, known truths, the page that shows it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.made_study import make_results

import synthmix
from synthmix.decisions.supply import effective
from synthmix.exporting.mixture import find_mixture
from synthmix.report import headline
from synthmix.report.page import render
from synthmix.results import Recipe, Results, RunRow
from synthmix.runs.load import of_results
from synthmix.study.conclude import study_question
from synthmix.study.ladder import cells
from synthmix.study.load import study_from
from synthmix.study.mixture import mixture_of_results, mixture_question, study_mixture
from synthmix.study.rows import recipe_row

R_STAR = 6.0
WORTH = {"web": 1.0, "hq": 1.6, "qa": 0.0}
RAW: dict[str, Any] = {
    "study": "many",
    "corpora": {
        "web": {"files": "web.jsonl", "heldout": "2%"},
        "hq": {"files": "hq.jsonl", "kind": "synthetic"},
        "qa": {"files": "qa.jsonl", "kind": "synthetic"},
    },
    "evaluate": {"web": "heldout"},
    "mix": {
        "sources": {"web": {"min": "10%"}, "hq": None, "qa": {"max": "80%"}},
        "groups": {"synthetic": {"sources": ["hq", "qa"], "max": "90%"}},
        "design": {"runs": 24, "simulated_epochs": 6},
    },
    "ladder": {"params": ["100k"], "budgets": ["10M"]},
    "question": {
        "params": "100k", "tokens": "10M", "supply": {"web": "4M", "hq": "1M", "qa": "unlimited"}, "epochs": {"hq": 5},
    },
}  # fmt: skip


def truth(recipe: Recipe, tokens: float) -> float:
    """Effective tokens of each source, with diminishing returns, and R* = 6 where its text was cut."""
    parts = 0.0
    for name, share in recipe.shares.items():
        unique = recipe.unique[name] * tokens if name in recipe.unique else np.inf
        parts += WORTH[name] * (float(effective(share * tokens, unique, R_STAR)) / 1e6) ** 0.6
    return 2.0 + (0.4 + parts) ** -0.5


@pytest.fixture(scope="module")
def results() -> Results:
    config = study_from(RAW)
    rng, rows = np.random.default_rng(3), []
    recipes = {cell.recipe.name: recipe_row(config, cell.recipe) for cell in cells(config)}
    for place, cell in enumerate(cells(config)):
        recipe = recipes[cell.recipe.name]
        loss = truth(recipe, cell.tokens) * (1 + 0.001 * rng.standard_normal())
        epochs = {name: max(share / recipe.unique.get(name, 1.0), 1.0) for name, share in recipe.shares.items()}
        rows.append(
            RunRow(
                id=f"{place:016x}", recipe=recipe.name, synthetic=recipe.synthetic, share=recipe.share,
                params=cell.params, params_total=cell.params, tokens=cell.tokens, seed=cell.seed, loss=loss,
                losses={"web": loss}, bits={"web": loss}, flops=1e9, seconds=1.0, tokens_per_second=1.0, epochs=epochs,
            )
        )  # fmt: skip
    made = make_results(recipes=list(recipes.values()), runs=rows, study="many")
    corpora = [made.corpora[0], *(made.corpora[1].model_copy(update={"name": name}) for name in ("hq", "qa"))]
    made = made.model_copy(update={"corpora": corpora})
    mixture, warnings = study_mixture(config, of_results(made))
    assert not warnings
    return made.model_copy(update={"mixture": mixture})


def test_the_study_file_is_the_question(results: Results) -> None:
    asked = mixture_question(study_from(RAW), of_results(results))
    assert (asked.params, asked.tokens) == (100_000, 10_000_000)
    assert asked.supply == {"web": 4_000_000, "hq": 1_000_000}
    assert asked.epochs == {"hq": 5}
    assert (asked.least, asked.most) == ({"web": 0.1}, {"qa": 0.8})
    assert [(group.name, group.sources, group.most) for group in asked.groups] == [("synthetic", ("hq", "qa"), 0.9)]
    assert asked.natural == {"web": 1.0}
    without = study_from({**RAW, "question": None, "mix": {**RAW["mix"], "design": {"runs": 24}}})
    largest = mixture_question(without, of_results(results))
    assert (largest.params, largest.tokens, largest.supply) == (100_000, results.runs[0].tokens, {})


def test_recipes_of_ones_own_are_beside_the_answer(results: Results) -> None:
    recipes = {
        "now": {"web": "80%", "hq": "rest"},
        "rising": {"web": "rest", "hq": {"form": "linear", "from": "0%", "to": "20%"}},
    }
    config = study_from(RAW | {"mix": RAW["mix"] | {"recipes": recipes}})
    asked = mixture_question(config, of_results(results))
    assert asked.beside == {"now": {"web": 0.8, "hq": pytest.approx(0.2)}}, "a schedule is no one mixture"


def test_the_best_mixture_is_that_of_the_truth_within_its_limits(results: Results) -> None:
    """hq is worth most, and its million tokens may be gone through five times: half of the budget."""
    found = results.mixture
    assert found is not None
    best = found.mixture
    assert best.get("hq", 0) <= 0.5 + 1e-6
    grid = [(w, h) for w in np.linspace(0.1, 1, 91) for h in np.linspace(0, 0.5, 51) if w + h <= 1]

    def expected(web: float, hq: float) -> float:
        recipe = Recipe(
            name="", shares={"web": web, "hq": hq, "qa": max(1 - web - hq, 0.0)}, synthetic=None, share=0,
            unique={"web": 0.4, "hq": 0.1},
        )  # fmt: skip
        return truth(recipe, 1e7)

    lowest = min(expected(*point) for point in grid)
    assert expected(best.get("web", 0), best.get("hq", 0)) - lowest < 0.003
    assert best.get("qa", 0) < 0.05
    assert found.repetition is not None
    assert found.repetition.low is not None
    assert found.repetition.low < R_STAR < (found.repetition.high or 0)
    assert "repetition_quoted" not in found.caveats


def test_a_study_is_optimized_at_its_own_question_unless_told_otherwise(results: Results, tmp_path: Path) -> None:
    assert results.mixture is not None
    again = synthmix.optimize(results)
    assert again.question == results.mixture.question
    assert again.mixture == results.mixture.mixture
    (tmp_path / "results.json").write_text(results.model_dump_json())
    more = synthmix.optimize(tmp_path, supply={"web": "4M", "hq": "2M"}, most={"hq": 0.3})
    assert more.question.tokens == results.mixture.question.tokens
    assert more.question.supply == {"web": 4_000_000, "hq": 2_000_000}
    assert more.mixture["hq"] <= 0.3 + 1e-6
    assert more.question.groups == results.mixture.question.groups


def test_the_report_begins_with_the_best_mixture(results: Results) -> None:
    assert results.mixture is not None
    assert headline(results).startswith("The best mixture at 100k parameters and 10M tokens: ")
    page = render(results)
    assert 'id="mixture"' in page
    for figure in ("mixture-shares", "mixture-triangle", "mixture-curves", "mixture-measured"):
        assert f'data-figure="{figure}"' in page
    assert 'href="#mixture"' in page
    assert 'id="mixture"' not in render(results.model_copy(update={"mixture": None}))


def test_a_designed_study_is_not_told_that_it_has_no_share_curve(results: Results) -> None:
    without = results.model_copy(update={"share_curves": []})
    designed, plain = render(without), render(without.model_copy(update={"mixture": None}))
    for text in ("No share curve could be fitted", 'id="shares"', 'href="#shares"'):
        assert text not in designed
        assert text in plain


def test_runs_that_no_law_can_bear_are_a_warning_and_no_error(results: Results) -> None:
    some = of_results(results)
    few = some.select(np.isin(some.text("recipe"), some.recipes[:4]))
    mixture, warnings = study_mixture(study_from(RAW), few)
    assert mixture is None
    assert [warning.code for warning in warnings] == ["no_best_mixture"]
    assert "are too few" in warnings[0].message


def test_advice_on_a_designed_study_is_its_best_mixture(results: Results) -> None:
    asked = study_question(study_from(RAW))
    assert results.mixture is not None
    assert asked is not None
    assert mixture_of_results(results, asked) is results.mixture, "asked its own question"
    more = mixture_of_results(results, asked.model_copy(update={"natural": None, "natural_epochs": None}))
    assert more is not None
    assert more.question.supply == {"hq": 1_000_000}
    assert (more.loss.mid or 0) <= (results.mixture.loss.mid or 0) + 1e-6
    none = make_results()
    assert mixture_of_results(none, asked) is None


def test_what_is_exported_of_a_designed_study_is_its_best_mixture(results: Results) -> None:
    assert results.mixture is not None
    found = find_mixture(results)
    shares = {name: float(share) for name, share in found.recipe.shares}
    assert shares == pytest.approx(results.mixture.mixture, abs=1e-4)
    assert {each.name: each.tokens for each in found.ingredients if each.tokens} == {"web": 4_000_000, "hq": 1_000_000}
    assert found.budget == 10_000_000
