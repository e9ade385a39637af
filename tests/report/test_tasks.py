"""The section on tasks, from a study whose scores come from a formula: loss says one share, the task another."""

import math
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from tests.page_outline import check_page

from synthmix.interval import Interval
from synthmix.report.fit_figures import disagreements, task_figure, task_share_figure
from synthmix.report.page import render
from synthmix.report.tables import tables
from synthmix.results import Results, ScorePoint, ShareCurve, TaskAnswer, TaskFound, TaskShare, Warn

TASK = "facts <i>"


def score(loss: float, share: float) -> float:
    return 0.25 + 0.75 / (1 + math.exp(4 * (loss - 3.2) - 2 * share))


@pytest.fixture
def with_tasks(make: Callable[..., Results]) -> Results:
    results = make()
    rows = [r.model_copy(update={"tasks": {TASK: score(r.loss, r.share)}}) for r in results.runs]
    shares = []
    assert results.decision is not None
    asked = [ShareCurve.model_validate({**vars(results.share_curves[0]), "synthetic": curve.kind, "measured": [],
             "params": results.decision.params, "tokens": results.decision.tokens, "best": curve.best,
             "flat": curve.flat}) for curve in results.decision.curves]  # fmt: skip
    for curve in [*asked, *results.share_curves]:
        cell = [r for r in rows if (r.params, r.tokens) == (curve.params, curve.tokens)]
        shares.append(
            TaskShare(
                synthetic=curve.synthetic,
                params=curve.params,
                tokens=curve.tokens,
                is_question=curve in asked,
                by_loss=curve.best,
                by_score=Interval(mid=0.9, low=0.8, high=1.0),
                flat_loss=curve.flat,
                flat_score=(0.8, 1.0),
                common=None,
                verdict="disagree",
                reason="the intervals of the two best shares do not meet",
                measured=[ScorePoint(share=r.share, score=r.tasks[TASK], seed=r.seed) for r in cell],
                shares=[0.0, 0.5, 1.0],
                mean=[0.3, 0.4, 0.5],
                low=[0.2, 0.3, 0.4],
                high=[0.4, 0.5, 0.6],
            )
        )
    task = TaskFound(
        task=TASK,
        metric="acc",
        items=1000,
        chance=0.25,
        runs=len(rows),
        formula="score = chance",
        parameters={"k": Interval(mid=4.0, low=3.9, high=4.1), "offset rephrase": Interval(mid=2.0)},
        r2=0.99,
        loss=[2.0, 3.0, 4.0],
        mean=[0.9, 0.6, 0.3],
        low=[0.8, 0.5, 0.25],
        high=[0.95, 0.7, 0.4],
        answers=[
            TaskAnswer(
                recipe=recipe.name,
                share=recipe.share,
                synthetic=recipe.synthetic,
                score=Interval(mid=0.61, low=0.5, high=0.7),
                difference=Interval(mid=0.05, low=0.01, high=0.1),
            )
            for recipe in results.recipes
        ],
        shares=shares,
        warnings=[Warn(code="task_missing", message="one run has no score yet")],
    )
    bare = task.model_copy(
        update={"task": "bare", "parameters": {}, "loss": [], "mean": [], "low": [], "high": [], "shares": []}
    )
    return results.model_copy(update={"runs": rows, "tasks": [task, bare.model_copy(update={"answers": []})]})


def test_a_study_without_scores_has_no_section(make: Callable[..., Results]) -> None:
    page = render(make())
    assert 'id="tasks"' not in page
    assert "task scores were not measured" in page


def section(results: Results) -> str:
    page = render(results)
    return page[page.index('<section id="tasks"') : page.index('<section id="recipes">')]


def test_the_section_has_these_words(with_tasks: Results) -> None:
    found = section(with_tasks)
    check_page("report-tasks", found)
    assert "facts <i>" not in found
    assert "best 33% rephrase by loss, 90% by score" in unescape(found)
    assert len(disagreements(with_tasks)) == 4  # two sources: the question, and the largest cell


def test_a_task_at_chance_gives_no_verdict(with_tasks: Results) -> None:
    warned = [Warn(code="task_at_chance", message="no run scores above chance")]
    tasks = [task.model_copy(update={"warnings": warned}) for task in with_tasks.tasks]
    changed = with_tasks.model_copy(update={"tasks": tasks})
    assert len(disagreements(changed)) == 1
    check_page("report-tasks-at-chance", section(changed))


def test_figures_hold_the_scores(with_tasks: Results) -> None:
    law, shares = task_figure(with_tasks), task_share_figure(with_tasks)
    assert law is not None
    assert shares is not None
    assert [view.label for view in law.views] == [TASK, "bare"]
    marks = [trace for trace in law.views[0].data if trace["mode"] == "markers"]
    assert sorted(y for trace in marks for y in trace["y"]) == sorted(r.tasks[TASK] for r in with_tasks.runs)
    assert all(TASK not in str(trace.get("name")) for trace in law.views[0].data)
    assert shares.views[0].label == f"{TASK}, 1M on 4M tokens"
    assert shares.views[0].layout["yaxis"]["title"]["text"] == "facts &lt;i&gt;, acc"
    upright = shares.views[0].layout["shapes"]
    assert {shape["line"]["dash"] for shape in upright} == {"solid", "dash"}


def test_tables_have_a_row_a_score_and_a_row_a_verdict(with_tasks: Results) -> None:
    found: dict[str, Any] = {table.name: table for table in tables(with_tasks)}
    assert len(found["task_scores"].rows) == len(with_tasks.runs)
    assert {row[-2] for row in found["task_shares"].rows} == {"disagree"}
    assert len(found["task_answers"].rows) == len(with_tasks.recipes)
    assert [row[6] for row in found["task_laws"].rows] == ["k", "offset rephrase"]
