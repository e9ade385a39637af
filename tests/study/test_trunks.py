"""A study whose budgets share trunks: what is trained, what is counted, and what a budget added later costs."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.results import Results
from synthmix.study.ladder import cells, find_trunks, own_tokens
from synthmix.study.load import study_from
from synthmix.study.plan import Plan, make_plan
from synthmix.study.run import run_study
from synthmix.study.workspace import Workspace
from synthmix.training.trainer import states

from ..in_process import InProcess
from .conftest import stamps

Make = Callable[..., dict[str, Any]]
WSD = {"context": 16, "batch": 256, "precision": "float32", "schedule": "wsd", "warmup_steps": 2}
LADDER = {"params": ["25k"], "budgets": [2560, 5120], "seeds": 1}


@pytest.fixture(scope="module")
def raw(make_study: Make, tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[str, Any]:
    return make_study(
        tmp_path_factory.mktemp("trunks") / "study",
        corpora={"web": {"files": str(data / "web.jsonl"), "heldout": "5%"}, "hq": str(data / "hq.jsonl")},
        mix={"natural": "web", "synthetic": "hq", "shares": [0, "1/2"]},
        training=WSD,
        ladder=LADDER,
        question=None,
    )


@pytest.fixture(scope="module")
def results(raw: dict[str, Any]) -> Results:
    return run_study(study_from(raw), engine=InProcess())


def plan(raw: dict[str, Any]) -> Plan:
    config = study_from(raw)
    return make_plan(config, Workspace(config.root), InProcess())


def test_what_is_trained_is_less_than_the_budgets_and_both_are_told(results: Results) -> None:
    assert {run.tokens for run in results.runs} == {2560, 5120}
    assert results.spent.trunks == 2
    assert results.spent.tokens_separate == 2 * (2560 + 5120)
    # Ten and twenty steps: the trunk goes to step 16, two and four steps are each run's own.
    assert results.spent.tokens == 2 * (16 + 2 + 4) * 256
    assert "branch from one trunk" in results.protocol["schedule"]


def test_the_plan_says_the_same_as_the_results(raw: dict[str, Any], results: Results) -> None:
    found = plan(raw)
    assert found.tokens_trained == results.spent.tokens
    assert sum(run.flops for run in found.all_work) == pytest.approx(results.spent.flops)
    assert all(run.done for run in found.all_work)


def test_a_budget_added_later_goes_on_from_the_trunk_and_repeats_no_run(raw: dict[str, Any], results: Results) -> None:
    folder = Path(raw["folder"])
    before = stamps(folder)
    assert all(len(states(trunk)) == 1 for trunk in folder.glob("runs/trunk-*")), "the last state is kept"
    more = raw | {"ladder": LADDER | {"budgets": [2560, 5120, 6400]}}
    found = run_study(study_from(more), engine=InProcess())
    assert {path: stamp for path, stamp in stamps(folder).items() if path in before} == before
    assert found.spent.tokens == results.spent.tokens + 2 * (4 + 5) * 256, "16 to 20, and its own five"


def test_a_smaller_budget_trained_again_leaves_the_trunks_account_as_it_was(
    raw: dict[str, Any], results: Results
) -> None:
    folder = Path(raw["folder"])
    accounts = {path: path.read_text() for path in folder.glob("runs/trunk-*/trunk.json")}
    assert len(accounts) == 2
    smaller = [run.id for run in results.runs if run.tokens == 2560]
    for run in smaller:
        shutil.rmtree(folder / "runs" / run)
    found = run_study(study_from(raw), engine=InProcess())
    assert {run.id for run in found.runs} >= {*smaller}
    assert {path: path.read_text() for path in accounts} == accounts


def test_a_trunk_serves_one_recipe_size_and_seed_and_only_several_budgets(raw: dict[str, Any]) -> None:
    ladder = cells(study_from(raw | {"ladder": LADDER | {"seeds": 2, "params": ["25k", "40k"]}}))
    trunks = find_trunks(ladder)
    assert len(trunks) == 2 * 2 * 2
    assert all(trunk.stops == (8, 16) for trunk in trunks.values())
    assert sum(own_tokens(cell, trunks) for cell in ladder) == 8 * (2 + 4) * 256
    assert not find_trunks(cells(study_from(raw | {"ladder": LADDER | {"budgets": [5120]}})))
    assert not find_trunks(cells(study_from(raw | {"training": {"context": 16, "batch": 256}})))


def test_a_warm_up_that_reaches_into_the_decay_is_said_before_anything_runs(raw: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"ladder\.budgets: 10 steps are too few for a warm-up of 9"):
        run_study(study_from(raw | {"training": WSD | {"warmup_steps": 9}}), engine=InProcess())
