"""Task scores of a study: into its records, resumed, and from there to results and report."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.decisions.fits import StudyFits, fits_key
from synthmix.errors import BadInput
from synthmix.evaluation.harness import TaskScore
from synthmix.results import Results
from synthmix.runs.load import of_results
from synthmix.runs.table import of_rows
from synthmix.store import RunRecord, Store
from synthmix.study import score_tasks
from synthmix.study.conclude import gather
from synthmix.study.load import load_study
from synthmix.study.prepare import look
from synthmix.study.rows import run_row, task_metrics
from synthmix.study.status import report_study
from synthmix.study.task_laws import scored_on
from synthmix.study.workspace import Workspace

CHANCE, ITEMS, SLOPE, HALF = 0.25, 400, 2.0, 3.2


def score_of(record: RunRecord, *, lift: float = 0.0) -> TaskScore:
    """A score that falls with the loss and, at equal loss, rises with the sampled share by ``lift`` logits."""
    loss = sum(score.nats for score in record.losses.values()) / len(record.losses)
    logits = SLOPE * (HALF - loss) + lift * float(record.spec.shares.get("sampled", 0))
    value = CHANCE + (1 - CHANCE) / (1 + math.exp(-logits))
    return TaskScore(id="questions", metric="acc", value=value, chance=CHANCE, items=ITEMS, harness="0")


class Asked:
    """Stands for the tasks: what is asked is counted, and the answers are by formula."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: tuple[str, ...] = ("facts", "style")
        self.ids = {"facts": "questions", "style": "questions"}
        self.count = 0
        self.fails_at = -1
        monkeypatch.setattr("synthmix.evaluation.harness.wrapped", self.wrapped)
        monkeypatch.setattr("synthmix.evaluation.harness.ask", self.ask)
        self.store = store

    def wrapped(self, checkpoint: Path, *, context: int) -> RunRecord:
        assert context == 16
        record = self.store.record(checkpoint.parent.name)
        assert record is not None
        return record

    def ask(self, model: RunRecord, tasks: "Asked", name: str) -> TaskScore:
        if self.count == self.fails_at:
            raise KeyboardInterrupt
        self.count += 1
        found = score_of(model, lift=3.0 if name == "style" else 0.0)
        return found.model_copy(update={"id": self.ids[name]})


@pytest.fixture
def study(tmp_path: Path, finished: Path, make_study: Callable[..., Any], save_study: Callable[..., Path]) -> Path:
    """A copy of the finished study that may be changed."""
    shutil.copytree(finished.parent / "tiny", tmp_path / "tiny")
    return save_study(tmp_path / "study.yaml", make_study(tmp_path / "tiny"))


@pytest.fixture
def asked(study: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(Store(study.parent / "tiny" / "runs"), monkeypatch)


def test_scores_go_into_the_records_and_are_not_asked_twice(study: Path, asked: Any) -> None:
    before = {record.id: record for record in asked.store.records()}
    assert all(record.tasks == {} for record in before.values())  # written before there were task scores
    first = score_tasks.score_study(study, asked)
    assert len(first) == 21
    assert asked.count == 42
    for run in first:
        record = asked.store.record(run.id)
        assert record is not None
        assert record.tasks == run.tasks
        assert run.scored == ("facts", "style")
        assert record.model_copy(update={"tasks": {}}) == before[run.id]
    again = score_tasks.score_study(study.parent / "tiny", asked)
    assert (asked.count, {run.scored for run in again}) == (42, {()})
    assert not [r for r in asked.store.records() if r.spec.stage == "generator" and r.tasks]
    assert "task.facts" in asked.store.table().column_names


def test_an_interrupted_command_resumes_at_the_task(study: Path, asked: Any) -> None:
    asked.fails_at = 5
    with pytest.raises(KeyboardInterrupt):
        score_tasks.score_study(study, asked)
    asked.fails_at = -1
    score_tasks.score_study(study, asked)
    assert asked.count == 42
    asked.ids["facts"] = "other questions"  # one task changed: it alone is asked again
    score_tasks.score_study(study, asked)
    assert asked.count == 63


def test_one_run_alone(study: Path, asked: Any) -> None:
    folder = next(iter(sorted((study.parent / "tiny" / "runs").glob("*/record.json")))).parent
    run = score_tasks.score_run(folder, asked)
    assert run is not None
    assert (run.id, asked.count) == (folder.name, 2)
    assert score_tasks.score_run(study.parent, asked) is None


@pytest.fixture(scope="module")
def scored(
    tmp_path_factory: pytest.TempPathFactory, finished: Path, make_study: Callable[..., Any], save_study: Any
) -> Path:
    """A study with all its scores and its report."""
    folder = tmp_path_factory.mktemp("scored")
    shutil.copytree(finished.parent / "tiny", folder / "tiny")
    study: Path = save_study(folder / "study.yaml", make_study(folder / "tiny"))
    with pytest.MonkeyPatch.context() as patch:
        score_tasks.score_study(study, Asked(Store(folder / "tiny" / "runs"), patch))  # type: ignore[arg-type]
    report_study(load_study(study))
    return study


@pytest.fixture(scope="module")
def results(scored: Path) -> Results:
    return Results.model_validate_json((scored.parent / "tiny" / "results.json").read_text())


def test_the_law_finds_what_the_scores_were_made_of(results: Results, scored: Path) -> None:
    facts, style = results.tasks
    assert (facts.task, facts.items, facts.chance, facts.runs) == ("facts", ITEMS, CHANCE, 21)
    assert facts.parameters["k"].mid == pytest.approx(SLOPE, rel=0.01)
    assert facts.parameters["L_half"].mid == pytest.approx(HALF, abs=0.01)
    assert facts.parameters["offset sampled"].mid == pytest.approx(0, abs=0.01)
    assert style.parameters["offset sampled"].mid == pytest.approx(3, rel=0.01)
    assert style.answers
    fits = StudyFits.load(scored.parent / "tiny" / "fits.safetensors", fits_key(of_results(results)))
    assert fits is not None
    by_recipe = {answer.recipe: answer for answer in style.answers}
    for recipe in results.recipes:
        loss = fits.laws[recipe.name].loss("mean", N=1e6, D=1e6).mid
        assert loss is not None
        logits = SLOPE * (HALF - loss) + 3 * recipe.share
        expected = CHANCE + (1 - CHANCE) / (1 + math.exp(-logits))
        assert by_recipe[recipe.name].score.mid == pytest.approx(expected, abs=0.01)
    assert by_recipe["web"].difference.mid is None
    assert 'id="tasks"' in (scored.parent / "tiny" / "report.html").read_text()
    assert (scored.parent / "tiny" / "tables" / "task_shares.csv").exists()


def test_best_shares_stand_beside_those_by_loss(results: Results) -> None:
    facts, style = results.tasks
    measured = {(c.params, c.tokens): c for c in results.share_curves}
    assert {(s.params, s.tokens) for s in facts.shares if not s.is_question} == set(measured)
    for share in (*facts.shares, *style.shares):
        if not share.is_question:
            curve = measured[share.params, share.tokens]
            assert share.by_loss == curve.best
            assert [(p.share, p.seed) for p in share.measured] == [(p.share, p.seed) for p in curve.measured]
    largest = max(measured)
    by_facts, by_style = (next(s for s in t.shares if (s.params, s.tokens) == largest) for t in (facts, style))
    assert by_facts.by_score.mid is not None
    assert by_style.by_score.mid is not None
    assert by_style.by_score.mid > by_facts.by_score.mid


def test_runs_without_a_score_and_other_questions_are_told(scored: Path, results: Results) -> None:
    records = {record.id: record for record in Store(scored.parent / "tiny" / "runs").records()}
    mine = [records[row.id] for row in results.runs]
    mine[0] = mine[0].model_copy(update={"tasks": {}})
    other = mine[1].tasks["facts"].model_copy(update={"id": "other questions"})
    mine[1] = mine[1].model_copy(update={"tasks": mine[1].tasks | {"facts": other}})
    tasks, warnings = task_metrics(mine)
    recipes = {recipe.name: recipe for recipe in results.recipes}
    names = [domain.name for domain in results.domains]
    rows = [run_row(one, recipes[row.recipe], names, tasks) for one, row in zip(mine, results.runs, strict=True)]
    found = scored_on("facts", of_rows(rows, results.recipes, {}, tasks))
    assert found.metric == of_results(results).metric("task.facts"), "the results say it too"
    assert found.runs.text("run") == [row.id for row in results.runs[2:]]
    said = [(warning.code, warning.about) for warning in warnings if warning.about == "facts"]
    assert said == [("task_changed", "facts"), ("task_missing", "facts")]


def test_too_few_scores_give_no_law_but_are_shown(study: Path, asked: Any) -> None:
    record = next(r for r in asked.store.records() if r.spec.stage == "ladder")
    score_tasks.score_records(asked.store, [record], asked)
    config, space = load_study(study), Workspace(study.parent / "tiny")
    prepared = look(config, space)
    assert prepared is not None
    results, *_ = gather(config, space, prepared)
    facts = results.tasks[0]
    assert (facts.runs, facts.parameters, facts.answers, facts.shares) == (1, {}, [], [])
    assert "task_not_fitted" in {warning.code for warning in facts.warnings}


def test_bad_input(study: Path, asked: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such study"):
        score_tasks.score_study(tmp_path / "nothing", asked)
    (tmp_path / "empty" / "runs").mkdir(parents=True)
    with pytest.raises(BadInput, match="no run is finished yet; run it with synthmix study run"):
        score_tasks.score_study(tmp_path / "empty", asked)
    shutil.rmtree(next(iter((study.parent / "tiny" / "runs").glob("*/checkpoint"))))
    with pytest.raises(BadInput, match="its checkpoint was not kept"):
        score_tasks.score_study(study.parent / "tiny", asked)
    assert asked.count == 0


def test_a_record_of_before_can_be_read(study: Path) -> None:
    path = next(iter((study.parent / "tiny" / "runs").glob("*/record.json")))
    raw = json.loads(path.read_text())
    raw.pop("tasks", None)
    del raw["digest"]
    path.write_text(json.dumps(raw))
    record = Store(study.parent / "tiny" / "runs").record(path.parent.name)
    assert record is not None
    assert record.tasks == {}
