"""Shares over the run as people write them."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import BaseModel

from synthmix.errors import BadInput
from synthmix.mixture.recipe import make_recipe, make_scheduled_recipe, share_recipe
from synthmix.mixture.schedule import CurveField, Schedule, SourceShare, parse_entry, parse_schedule

F = Fraction


@pytest.mark.parametrize(
    ("written", "mean", "words"),
    [
        ({"form": "linear", "from": "10%", "to": "50%"}, F(3, 10), "linear 10% to 50%"),
        ("linear:0:50%", F(1, 4), "linear 0% to 50%"),
        ({"form": "step", "steps": {0: 0, 0.5: "60%"}}, F(3, 10), "step 0% from 0%, 60% from 50%"),
        ("step:0=1/3,50%=0,0.75=1", F(5, 12), "step 33.3% from 0%, 0% from 50%, 100% from 75%"),
        ({"form": "synthetic-first", "share": "33%"}, F(33, 100), "synthetic first"),
        ("synthetic-first:1/3:50%", F(1, 3), "synthetic first 50%"),
        ({"form": "real-last", "share": "33%", "last": "20%"}, F(33, 100), "natural last 20%"),
        ("natural-last:30%:70%", F(3, 10), "natural last 70%"),
        ("real-last:30%:70%", F(3, 10), "natural last 70%"),  # its former name
        ("33%", F(33, 100), "constant"),
        (0.25, F(1, 4), "constant"),
    ],
)
def test_the_mean_is_what_is_asked_for(written: Any, mean: Fraction, words: str) -> None:
    schedule = parse_schedule(written)
    assert schedule.curve().mean == mean
    assert schedule.in_words() == words
    assert parse_schedule(schedule.model_dump(mode="json", by_alias=True, exclude_none=True)) == schedule


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"form": "linear", "from": "10%"}, "a linear share needs from and to; to is missing"),
        ({"form": "linear", "from": 0, "to": 1, "share": 1}, "a linear share has no share; it has from, to"),
        ({"form": "linear", "from": 0, "to": "120%"}, "to: '120%' is not between 0 and 1"),
        ({"form": "wave"}, "form: Input should be 'constant', 'linear', 'step', 'synthetic-first' or 'natural-last'"),
        ({"from": 0, "to": 1}, "form: Field required"),
        ({"form": "linear", "frm": 0, "to": 1}, "frm: unknown key"),
        ({"form": "step", "steps": {0.2: 0, 0.5: 1}}, "steps: the first starts at 0"),
        ({"form": "step", "steps": {0: 0, 1: 1}}, "and all others before 1"),
        ({"form": "step", "steps": {}}, "steps: the first starts at 0"),
        ("step:0=0,50%=lots", "steps: 'lots' is not a share; write 33%, 1/3 or 0.33"),
        ("step:half", "steps: 'half' is not a share"),
        ({"form": "natural-last", "share": "90%", "last": "20%"}, "90% of the run do not fit before its last 20%"),
        ("natural-last:33%", "a natural-last share needs share and last; last is missing"),
        ("natural-last:0:1", "leave no room for the share"),
        ("synthetic-first:60%:50%", "a peak of 50% never makes 60% of the run"),
        ("linear:0:1:1", "'linear:0:1:1' is not a share over the run; write linear:0:50%"),
        ("wave:1", "'wave:1' is not a share over the run"),
        ("lots", "share: 'lots' is not a share"),
        ([], "Input should be a valid dictionary or instance of Schedule"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(written: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as caught:
        parse_schedule(written)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"web": "rest", "hq": "rest"}, "write 'rest' for one source"),
        ({"web": "most", "hq": F(1, 2)}, "write 'rest' for one source"),
        (
            {"web": "rest", "hq": parse_schedule("linear:0:90%"), "qa": F(1, 5)},
            "at 100% of the run the shares make 110%",
        ),
        ({"web": F(1, 2), "hq": parse_schedule("linear:0:50%")}, "at 0% of the run the shares make 50%, not 100%"),
        ({"web": F(1, 2), "hq": F(1, 3)}, "the shares web 50% + hq 33.3% make 83.3%, not 100%"),
        ({}, "at 0% of the run the shares make 0%, not 100%"),
    ],
)
def test_shares_that_do_not_make_a_whole_are_told_where(sources: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        make_scheduled_recipe("mine", sources, where="mix.recipes")
    assert message in str(caught.value)
    assert str(caught.value).startswith("mix.recipes: mine: ")


def test_a_schedule_that_never_changes_is_the_static_recipe() -> None:
    static = make_recipe("half", {"web": F(1, 2), "hq": F(1, 2)})
    assert make_scheduled_recipe("half", {"web": "rest", "hq": parse_schedule("linear:50%:50%")}) == static
    assert make_scheduled_recipe("half", {"web": F(1, 2), "hq": F(1, 2)}) == static
    assert static.is_static
    assert static.as_dict() == {"shares": {"web": "1/2", "hq": "1/2"}}
    assert share_recipe("web", "hq", parse_schedule("50%")) == share_recipe("web", "hq", F(1, 2))
    assert make_scheduled_recipe("web", {"web": "rest", "hq": F(0)}) == share_recipe("web", "hq", F(0))


def test_a_recipe_is_called_by_its_mean_share_and_known_by_its_schedule() -> None:
    ramp = share_recipe("web", "hq", parse_schedule("linear:0:2/3"))
    static = share_recipe("web", "hq", F(1, 3))
    assert ramp.name == "33.3% hq (linear 0% to 66.7%) + web"
    assert sorted(ramp.shares) == sorted(static.shares)
    assert not ramp.is_static
    assert ramp.content != static.content
    assert ramp.as_dict() == {
        "shares": {"web": "2/3", "hq": "1/3"},
        "schedule": {"web": [["0", "1", "1", "1/3"]], "hq": [["0", "1", "0", "2/3"]]},
    }
    turned = make_scheduled_recipe("other name", {"hq": parse_schedule("linear:0:2/3"), "web": "rest"})
    assert turned.content == ramp.content


def test_the_same_schedule_written_in_two_ways_has_one_content() -> None:
    first = share_recipe("web", "hq", parse_schedule("synthetic-first:30%"))
    step = share_recipe("web", "hq", parse_schedule("step:0=1,30%=0"))
    assert first.content == step.content


class Holder(BaseModel):
    """As a study file or a record would hold them."""

    recipe: dict[str, SourceShare]
    schedule: dict[str, CurveField] | None = None


def test_models_hold_entries_and_curves() -> None:
    held = Holder.model_validate({"recipe": {"web": "rest", "hq": {"form": "linear", "from": 0, "to": 1}, "qa": "10%"}})
    assert held.recipe == {"web": "rest", "hq": parse_schedule("linear:0:1"), "qa": F(1, 10)}
    recipe = share_recipe("web", "hq", parse_schedule("linear:0:1"))
    kept = Holder(recipe={}, schedule=dict(recipe.schedule or ()))
    assert Holder.model_validate_json(kept.model_dump_json()).schedule == dict(recipe.schedule or ())
    with pytest.raises(ValueError, match="a linear share needs from and to; to is missing"):
        Holder.model_validate({"recipe": {"hq": {"form": "linear", "from": 0}}})


def test_an_entry_may_be_any_of_three() -> None:
    assert parse_entry("rest") == "rest"
    assert parse_entry("1/3") == F(1, 3)
    assert parse_entry("linear:0:1") == Schedule.model_validate({"form": "linear", "from": 0, "to": 1})
