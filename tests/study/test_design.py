"""Mixtures of many sources in a study: which runs a design becomes."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.runs import read_runs
from synthmix.runs.mixtures import mixture_points
from synthmix.study.conclude import study_question
from synthmix.study.ladder import cells, largest_need, study_design, study_recipes
from synthmix.study.load import study_from
from synthmix.study.run import run_study

from ..in_process import InProcess

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


QUESTION = {
    "params": "1B", "tokens": "100B", "supply": {"web": "unlimited", "hq": "5B", "qa": "3B", "textbook": "200B"},
    "epochs": {"hq": 8}, "prices": {"hq": 0.4},
}  # fmt: skip


def test_simulated_epochs_cut_the_text_as_at_the_question(study: Callable[..., StudyConfig]) -> None:
    mix = {**MIX, "design": {"runs": 20, "simulated_epochs": 4}}
    config = study(mix=mix, question=QUESTION)
    assert study_design(config)[:20] == study_design(study(mix={**MIX, "design": {"runs": 20}}))
    cut = [recipe for recipe, run in study_design(config) if run.kind == "simulated epochs"]
    assert [recipe.name for recipe in cut[:2]] == ["60% hq + web, repeated", "40% qa + web, repeated"]
    assert [recipe.unique for recipe in cut[:2]] == [(("hq", Fraction(1, 20)),), (("qa", Fraction(3, 100)),)]
    assert len(cut) == 4
    assert len(cells(config)) == 2 * 24
    assert {cell.seed for cell in cells(config) if cell.recipe in cut} == {0}
    need = largest_need(config)
    assert need["hq"] > 0.05 * 100_000, "the uncut runs need more"


def test_recipes_of_ones_own_are_cut_as_at_the_question(study: Callable[..., StudyConfig]) -> None:
    recipes = {"plain": {"web": 1}, "chosen": {"web": "70%", "hq": "30%"}, "little": {"web": "96%", "hq": "4%"}}
    asked = QUESTION | {"supply": {"web": "unlimited", "hq": "5B"}}
    mix = {"natural": "web", "recipes": recipes, "simulated_epochs": True}
    config = study(mix=mix, question=asked, ladder={"params": ["25k"], "budgets": ["100k"], "seeds": 3})
    unique = {recipe.name: dict(recipe.unique) for recipe in study_recipes(config)}
    assert unique == {"plain": {}, "chosen": {"hq": Fraction(1, 20)}, "little": {}}, "4% of 100B are less than 5B"
    assert len(cells(config)) == 9


def test_a_question_holds_supply_epochs_and_prices(study: Callable[..., StudyConfig]) -> None:
    asked = study_question(study(question=QUESTION))
    assert asked is not None
    assert asked.natural is None
    assert {kind.name: kind.tokens for kind in asked.kinds} == {"hq": 5e9, "qa": 3e9, "textbook": 2e11}
    assert {kind.name: kind.price for kind in asked.kinds} == {"hq": 0.4, "qa": 0.0, "textbook": 0.0}
    assert asked.kinds[0].epochs == 8
    listed = {"gpu_hour": 2, "flops": "989e12", "mfu": "40%", "generated": {"qa": 0.1}}
    with_list = study_question(study(question={**QUESTION, "prices": listed}))
    assert with_list is not None
    assert with_list.prices is not None
    assert [kind.price for kind in with_list.kinds] == [0.0, 0.1, 0.0]


def test_the_runs_table_holds_what_was_unique(make_study: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """Runs on cut text are points of their own: no replicates of the uncut mixture, and in no law without repeats."""
    raw = make_study(tmp_path / "many")
    raw["corpora"] = {
        "web": raw["corpora"]["web"],
        "hq": {"files": str(Path(raw["evaluate"]["other"]).parent / "hq.jsonl"), "kind": "synthetic"},
    }
    raw["mix"] = {"sources": {"web": None, "hq": None}, "design": {"runs": 6, "simulated_epochs": 2}}
    raw["ladder"] = {"params": ["25k"], "budgets": [2560]}
    raw["question"] = {"params": "1M", "tokens": "1M", "supply": {"web": "unlimited", "hq": "100k"}}
    found = run_study(study_from(raw), engine=InProcess())
    table = read_runs(tmp_path / "many" / "runs.parquet")
    names, unique = table.text("recipe"), table.column("unique.hq")
    assert (len(table), len(table.uncut)) == (8, 6)
    assert unique[names.index("hq")] == 2560
    assert unique[names.index("hq, repeated")] == 256, "a tenth of the budget, as at the question"
    assert len(set(table.replicates.tolist())) == 8
    points = mixture_points(table)
    assert points.epochs[names.index("hq, repeated")].tolist() == [1, 10]
    assert points.repeats
    assert found.decision is not None
    assert not any("repeated" in option.recipe for option in found.decision.options)
    again = read_runs(tmp_path / "many")
    assert sorted(again.text("mixture")) == sorted(table.text("mixture"))
    assert sorted(again.text("stage")) == sorted(table.text("stage"))
