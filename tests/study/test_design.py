"""Mixtures of many sources in a study: which runs a design becomes."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.study.ladder import cells, study_design, study_recipes
from synthmix.study.load import study_from

CORPORA = {
    "web": {"files": "web.jsonl", "heldout": "2%"},
    "hq": {"files": "hq.jsonl", "kind": "synthetic"},
    "qa": {"files": "qa.jsonl", "kind": "synthetic"},
    "textbook": {"files": "textbook.jsonl", "kind": "synthetic"},
}
MIX: dict[str, Any] = {
    "sources": {"web": None, "hq": {"max": "60%"}, "qa": {"max": "40%"}, "textbook": None},
    "groups": {"synthetic": {"sources": ["hq", "qa", "textbook"], "max": "60%"}},
    "design": {"runs": 30},
}


@pytest.fixture
def study() -> Callable[..., StudyConfig]:
    def made(**changes: Any) -> StudyConfig:
        raw = {
            "study": "many", "corpora": CORPORA, "evaluate": {"web": "heldout"}, "mix": MIX,
            "ladder": {"params": ["25k", "50k"], "budgets": ["100k"]}, **changes,
        }  # fmt: skip
        return study_from(raw)

    return made


def test_a_design_is_so_many_runs_at_each_size_and_budget(study: Callable[..., StudyConfig]) -> None:
    config = study()
    assert config.mix.natural == "web", "the first source, unless it is named"
    recipes = study_recipes(config)
    assert recipes[0].name == "web"
    assert [recipe.name for recipe in recipes[1:4]] == ["60% hq + web", "40% qa + web", "60% textbook + web"]
    assert len({recipe.content for recipe in recipes}) == len(recipes) == 28
    runs = Counter((cell.recipe.name, cell.params) for cell in cells(config))
    assert sum(runs.values()) == 2 * 30
    assert {runs["web", params] for _, params in runs} == {3}, "repeated for noise, with other seeds"
    assert set(runs.values()) == {1, 3}
    synthetic = [1 - dict(recipe.shares).get("web", Fraction(0)) for recipe in recipes]
    assert max(synthetic) == Fraction(3, 5)


def test_twenty_runs_are_the_first_of_thirty_and_keep_their_names(study: Callable[..., StudyConfig]) -> None:
    thirty = study_design(study())
    assert study_design(study(mix={**MIX, "design": {"runs": 20}})) == thirty[:20]


def test_seeds_of_the_ladder_multiply_a_design(study: Callable[..., StudyConfig]) -> None:
    config = study(ladder={"params": ["25k"], "budgets": ["100k"], "seeds": 2})
    assert len(cells(config)) == 60
    assert len({(cell.recipe.content, cell.seed) for cell in cells(config)}) == 60


def test_recipes_by_hand_stand_beside_a_design(study: Callable[..., StudyConfig]) -> None:
    by_hand = {"synthetic": "textbook", "shares": [0, "60%"], "recipes": {"even": dict.fromkeys(CORPORA, "1/4")}}
    recipes = study_recipes(study(mix={**MIX, **by_hand}))
    names = [recipe.name for recipe in recipes]
    assert names[:3] == ["web", "60% textbook + web", "even"]
    assert len(recipes) == 29, "what is given by hand is not designed again"
    third = {"synthetic": "qa", "shares": [0, "1/3"], "sources": {**MIX["sources"], "qa": {"max": "333/1000"}}}
    names = [recipe.name for recipe in study_recipes(study(mix={**MIX, **third}))]
    assert "33.3% qa + web" in names
    assert "mixture 3" in names, "a third and 33.3% have one name and are two mixtures"


def test_natural_text_may_be_of_several_sources(study: Callable[..., StudyConfig]) -> None:
    corpora = {**CORPORA, "books": {"files": "books.jsonl"}}
    sources = {"web": {"natural": "80%"}, "books": {"natural": "20%"}, "hq": {"max": "50%"}}
    config = study(corpora=corpora, mix={"sources": sources, "design": {"runs": 12}})
    first = study_recipes(config)[0]
    assert (first.name, dict(first.shares)) == ("20% books + web", {"web": Fraction(4, 5), "books": Fraction(1, 5)})
    assert Counter(cell.recipe.name for cell in cells(config))[first.name] == 4, "2 sizes, each of them twice"


def test_a_name_of_the_design_is_not_for_another_recipe(study: Callable[..., StudyConfig]) -> None:
    mix = {**MIX, "recipes": {"mixture 5": {"web": "1/2", "hq": "1/4", "qa": "1/4"}}}
    with pytest.raises(BadInput, match="two recipes are called 'mixture 5'"):
        study(mix=mix | {"design": {"runs": 30, "natural_every": 50}})
