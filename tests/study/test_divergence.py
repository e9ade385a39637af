"""Runs that diverge in a study: marked, left out, named, repeated at a lower rate where the protocol says so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import BadInput, Failure
from synthmix.results import Results
from synthmix.runs import read_runs
from synthmix.store import RunRecord, Store
from synthmix.study import execute
from synthmix.study.finished_study import read_study
from synthmix.study.ladder import ladder_specs
from synthmix.study.load import study_from
from synthmix.study.prepare import look
from synthmix.study.run import run_study
from synthmix.study.workspace import Workspace

from ..in_process import InProcess
from .conftest import stamps

Make = Callable[..., dict[str, Any]]
TRAINING = {"context": 16, "batch": 256, "precision": "float32"}
LADDER = {"params": ["25k"], "budgets": [2560, 5120], "seeds": 1}


@pytest.fixture
def make(make_study: Make, tmp_path: Path, data: Path) -> Make:
    def made(**training: Any) -> dict[str, Any]:
        return make_study(
            tmp_path / "study",
            corpora={"web": {"files": str(data / "web.jsonl"), "heldout": "5%"}, "hq": str(data / "hq.jsonl")},
            evaluate={"web": "heldout"},
            mix={"natural": "web", "synthetic": "hq", "shares": [0, "1/2"]},
            training=TRAINING | training,
            ladder=LADDER,
            question=None,
        )

    return made


def ran(raw: dict[str, Any]) -> Results:
    return run_study(study_from(raw), engine=InProcess())


def records(raw: dict[str, Any]) -> list[RunRecord]:
    return Store(Path(raw["folder"]) / "runs").records()


def test_a_learning_rate_of_50_ends_in_one_line_and_no_answer(make: Make) -> None:
    raw = make(learning_rate=50)
    with pytest.raises(BadInput, match="every run diverged; lower the learning rate"):
        ran(raw)
    found = records(raw)
    assert len(found) == 4
    assert [record.diverged for record in found] == ["above_uniform"] * 4  # two of them collapsed to ln(vocabulary)
    kept = stamps(Path(raw["folder"]))
    with pytest.raises(BadInput, match="every run diverged"):
        ran(raw)
    assert stamps(Path(raw["folder"])) == kept, "diverged runs are finished: nothing is trained twice"


def test_a_loss_that_is_not_finite_is_a_record_and_not_an_end(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    struck = struck_at(monkeypatch, lambda spec: spec.recipe != "web" and spec.steps == 20)
    results = ran(make())
    [lost] = results.diverged
    assert (lost.recipe, lost.tokens, lost.diverged, lost.losses) == ("50% hq + web", 5120, "not_finite", {})
    assert [run.tokens for run in results.runs] == [2560, 2560, 5120]
    [warning] = [w for w in results.warnings if w.code == "diverged"]
    assert "1 run diverged and is left out of every fit and comparison: 50% hq + web N=" in warning.message
    assert struck == [lost.id]
    record = next(record for record in records(make()) if record.id == lost.id)
    assert (record.diverged, record.losses, len(record.trace) > 0) == ("not_finite", {}, True)
    assert results.decision is not None
    assert "diverged" in [caveat.code for caveat in results.decision.caveats]
    page = (Path(make()["folder"]) / "report.html").read_text()
    assert "left out of every fit and comparison: 50% hq + web" in page
    table = read_runs(Path(make()["folder"]) / "runs.parquet")
    assert sorted(code or "" for code in table.text("diverged")) == ["", "", "", "not_finite"]
    assert len(read_study(Path(make()["folder"])).records) == 3
    again = ran(make())
    assert struck == [lost.id], "it is not trained again"
    one, other = (each.model_dump(exclude={"spent"}) for each in (results, again))
    assert other["warnings"] == one["warnings"]
    assert other == one


def test_it_is_repeated_at_half_and_at_a_quarter_of_its_rate(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = make(learning_rate=0.01, on_divergence="repeat")
    once = {
        ("50% hq + web", 10): 0.0051,
        ("50% hq + web", 20): 0.0026,
    }  # recipe, steps -> the rate above which it is struck
    struck = struck_at(monkeypatch, lambda spec: spec.peak > once.get((spec.recipe, spec.steps), 1.0))
    results = ran(raw)
    assert len(struck) == 3
    assert results.diverged == []
    factors = {(run.recipe, run.tokens): run.rate_factor for run in results.runs}
    assert factors == {("web", 2560): 1, ("web", 5120): 1, ("50% hq + web", 2560): 0.5, ("50% hq + web", 5120): 0.25}
    [warning] = [w for w in results.warnings if w.code == "repeated"]
    assert "2 of 4 runs diverged and were repeated" in warning.message
    assert {r.spec.peak for r in records(raw) if r.diverged is None} == {0.01, 0.005, 0.0025}
    assert results.spent.runs == 7
    before = stamps(Path(raw["folder"]))
    assert ran(raw).runs == results.runs
    assert stamps(Path(raw["folder"])) == before


def test_one_that_diverges_three_times_stays_marked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = make(learning_rate=0.01, on_divergence="repeat")
    struck = struck_at(monkeypatch, lambda spec: spec.recipe == "50% hq + web" and spec.steps == 20)
    results = ran(raw)
    assert len(struck) == 3
    assert [(row.diverged, row.rate_factor) for row in results.diverged] == [("not_finite", 0.25)]


def test_a_trunk_that_diverges_leaves_its_runs_to_themselves(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = make(schedule="wsd", warmup_steps=2)
    struck_at(monkeypatch, lambda spec: spec.recipe == "50% hq + web")
    results = ran(raw)
    assert [row.recipe for row in results.diverged] == ["50% hq + web"] * 2
    assert [row.recipe for row in results.runs] == ["web"] * 2


def test_whether_it_repeats_is_no_part_of_a_runs_identity(make: Make) -> None:
    ran(make())
    for raw in (make(), make(on_divergence="repeat")):
        config = study_from(raw)
        prepared = look(config, Workspace(config.root))
        assert prepared is not None
        assert {spec.id for spec in ladder_specs(config, prepared)} == {record.id for record in records(raw)}


def test_one_run_by_itself_still_fails(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = make()
    ran(raw)
    config = study_from(raw)
    space = Workspace(config.root)
    prepared = look(config, space)
    assert prepared is not None
    [spec, *_] = ladder_specs(config, prepared)
    task = execute.RunTask(
        spec=spec.model_copy(update={"seed": 9}),
        runs=space.runs.folder,
        corpora={name: prepared.corpora[name].folder for name in spec.corpora},
        tokenizer=prepared.corpora["web"].folder / "tokenizer.json",
        domains=prepared.domains,
        evaluate_tokens=500,
        precision="float32",
    )
    struck_at(monkeypatch, lambda spec: spec.seed == 9)
    with pytest.raises(Failure, match=r"the loss is nan at step 5 of 10; lower training.learning_rate"):
        execute.execute(task)
    assert execute.execute(replace(task, mark_diverged=True)) == "done"


def struck_at(monkeypatch: pytest.MonkeyPatch, which: Callable[[Any], bool]) -> list[str]:
    """From step 5 on the loss of the runs that ``which`` says is not a number; their ids, as they are struck."""
    from synthmix.training import trainer

    struck: list[str] = []
    at: list[Any] = []
    real, advance = trainer.world_step, trainer.Session.advance

    def watched(self: Any, *arguments: Any, **more: Any) -> None:
        at.append(self)
        try:
            advance(self, *arguments, **more)
        finally:
            at.pop()

    def step(*arguments: Any) -> float:
        nats = real(*arguments)
        if which(at[-1].spec) and at[-1].step == 4:
            struck.append(at[-1].spec.id)
            return float("nan")
        return nats

    monkeypatch.setattr(trainer.Session, "advance", watched)
    monkeypatch.setattr(trainer, "world_step", step)
    return struck
