"""``synthmix evaluate --harness``: what it prints, where scores go, and what it refuses."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synthmix.evaluation.harness import TaskScore
from synthmix.store import Store

from .conftest import Ran

Run = Callable[..., Ran]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tasks that were asked, of whatever model; scores rise with each question asked."""
    names: list[str] = []

    def load(wanted: list[str], **_: Any) -> Any:
        return SimpleNamespace(names=tuple(wanted), ids=dict.fromkeys(wanted, "questions"))

    def ask(model: Any, tasks: Any, name: str) -> TaskScore:
        names.append(name)
        value = 0.25 + 0.01 * len(names)
        return TaskScore(id="questions", metric="acc", value=value, stderr=0.02, chance=0.25, items=400, harness="0")

    monkeypatch.setattr("synthmix.evaluation.harness.load_tasks", load)
    monkeypatch.setattr("synthmix.evaluation.harness.wrapped", lambda *_, **__: object())
    monkeypatch.setattr("synthmix.evaluation.harness.ask", ask)
    return names


def test_a_study_s_scores_reach_its_report(
    run: Run, here: Path, finished: Path, make_study: Callable[..., Any], save_study: Any, asked: list[str]
) -> None:
    shutil.copytree(finished.parent / "tiny", here / "tiny")
    study = save_study(here / "study.yaml", make_study(here / "tiny"))
    value = run("evaluate", "--study", study, "--harness", "facts, style", "--json", "--quiet").value
    assert len(asked) == 42
    assert {tuple(each["tasks"]) for each in value["runs"]} == {("facts", "style")}
    assert 'id="tasks"' in Path(value["report"]).read_text()
    record = Store(here / "tiny" / "runs").record(value["runs"][0]["id"])
    assert record is not None
    assert record.tasks["facts"].model_dump(mode="json") == value["runs"][0]["tasks"]["facts"]
    ran = run("evaluate", here / "tiny", "--harness", "facts", "--quiet")  # named by its folder: nothing is left to ask
    assert (ran.code, len(asked)) == (0, 42)
    assert "facts: acc, 400 questions, chance 0.2500" in ran.out
    assert "synthmix study report" in ran.out


def test_one_run_and_a_model_from_elsewhere(run: Run, here: Path, finished: Path, asked: list[str]) -> None:
    folder = next(iter(sorted((finished.parent / "tiny" / "runs").glob("*/record.json")))).parent
    shutil.copytree(folder, here / "runs" / folder.name)
    first = run("evaluate", f"runs/{folder.name}", "--harness", "facts", "--json", "--quiet").value
    again = run("evaluate", f"runs/{folder.name}/checkpoint", "--harness", "facts", "--json", "--quiet").value
    assert [each["runs"][0]["scored"] for each in (first, again)] == [["facts"], []]
    shutil.copytree(folder / "checkpoint", here / "plain")
    ran = run("evaluate", "plain", "--harness", "facts", "--quiet")
    assert ran.out == "facts: 0.2700 ± 0.0200 acc, 400 questions, chance 0.2500\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "MODEL_OR_STUDY: nothing is named; name a run, a model, or --study STUDY.yaml"),
        (("x", "--study", "study.yaml", "--harness", "facts"), "--study: is a second model or study"),
        (("x",), "--on: nothing to evaluate on; name held-out text, or tasks with --harness"),
        (("x", "--on", "a.jsonl", "--harness", "facts"), "--on: is for losses; give --on or --harness"),
        (("nothing.yaml", "--harness", "facts"), "nothing.yaml: no such study; name its file or its folder"),
        (("study", "--harness", "facts"), "study: no run is finished yet; run it with synthmix study run"),
        (("study", "--harness", "facts", "--tokenizer", "t"), "--tokenizer: a run brings its own tokenizer"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], said: str, run: Run, here: Path, asked: list[str]) -> None:
    (here / "study" / "runs").mkdir(parents=True)
    ran = run("evaluate", *arguments, "--quiet")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert ran.err.startswith(f"synthmix: {said}")
    assert asked == []
