"""Shares that change along a run, in a study: exact, with names of their own, and outside the law of shares."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.mixture.manifest import make_manifest
from synthmix.study.ladder import cells, find_trunks, study_recipes
from synthmix.study.load import study_from
from synthmix.study.run import run_study

from ..in_process import InProcess

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def raw(make_study: Make, tmp_path: Path, data: Path) -> dict[str, Any]:
    return make_study(
        tmp_path / "study",
        corpora={"web": {"files": str(data / "web.jsonl"), "heldout": "5%"}, "hq": str(data / "hq.jsonl")},
        mix={
            "natural": "web",
            "synthetic": "hq",
            "shares": [0, "1/2", "synthetic-first:50%"],
            "recipes": {"rising": {"web": "rest", "hq": "linear:0:100%"}},
        },
        ladder={"params": ["25k"], "budgets": [2560, 5120]},
        question=None,
    )


def test_recipes_of_one_mean_share_and_different_order_are_different_runs(raw: dict[str, Any]) -> None:
    found = run_study(study_from(raw), engine=InProcess())
    by_name = {run.recipe: run for run in found.runs if run.tokens == 5120}
    assert set(by_name) == {"web", "50% hq + web", "50% hq (synthetic first) + web", "rising"}
    half = [run for name, run in by_name.items() if name != "web"]
    assert {run.share for run in half} == {0.5}
    assert len({run.id for run in half}) == len({run.loss for run in half}) == 3
    assert by_name["rising"].synthetic is None, "no law of shares is asked about it"
    assert run_study(study_from(raw), engine=InProcess()).runs == found.runs, "and their records are found again"


def test_every_prefix_of_a_run_holds_what_the_curve_says(raw: dict[str, Any]) -> None:
    rising = next(recipe for recipe in study_recipes(study_from(raw)) if recipe.name == "rising")
    order = make_manifest(rising, 200, 16, {"web": 10_000, "hq": 10_000}, seed=0).order
    taken = np.cumsum(order == rising.sources.index("hq"))
    wanted = [Fraction(t, 200) ** 2 / 2 * 200 for t in range(1, 201)]
    assert max(abs(int(n) - exact) for n, exact in zip(taken, wanted, strict=True)) < 1


def test_a_share_that_changes_has_no_trunk(raw: dict[str, Any]) -> None:
    training = {"context": 16, "batch": 256, "schedule": "wsd", "warmup_steps": 2}
    trunks = find_trunks(cells(study_from(raw | {"training": training})))
    assert {trunk.cell.recipe.name for trunk in trunks.values()} == {"web", "50% hq + web"}


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"web": "linear:0:50%", "hq": "50%"}, r"at 0% of the run the shares make 50%, not 100%"),
        ({"web": "rest", "hq": "rest"}, r"write 'rest' for one source"),
        ({"web": "rest", "hq": "zigzag:1:2"}, r"is not a share over the run; write linear:0:50%"),
        ({"web": "rest", "hq": {"form": "linear", "from": 0}}, r"a linear share needs from and to; to is missing"),
    ],
)
def test_bad_schedules_are_named(raw: dict[str, Any], recipe: dict[str, Any], said: str) -> None:
    raw["mix"]["recipes"] = {"mine": recipe}
    with pytest.raises(BadInput, match=said):
        study_recipes(study_from(raw))
