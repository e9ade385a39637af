"""One run in a process that is killed: the state, the record last, the same weights."""

import pickle
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

import synthmix.study.execute as execute_room
from synthmix.corpus import build_corpus, load_tokenizer, open_or_build, train_tokenizer
from synthmix.corpus.sources import Document
from synthmix.errors import Failure
from synthmix.evaluation import along
from synthmix.store import Store
from synthmix.study.corpora import domains_of
from synthmix.study.execute import RunTask, execute
from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec

RUN = """
import pickle, sys
from pathlib import Path
from synthmix.study.execute import execute

print(execute(pickle.loads(Path(sys.argv[1]).read_bytes())))
"""


@pytest.fixture(scope="module")
def task(make_stories: Any, tmp_path_factory: pytest.TempPathFactory) -> RunTask:
    folder = tmp_path_factory.mktemp("execute")
    texts = make_stories(150)
    tokenizer = train_tokenizer(texts, 300)
    documents = [Document(text, "web", None) for text in texts]
    corpus = build_corpus(documents, folder / "web", name="web", tokenizer=tokenizer, heldout=Fraction(1, 10))
    spec = RunSpec(
        params=25_000,
        recipe="web",
        shares={"web": Fraction(1)},
        corpora={"web": corpus.id},
        tokenizer=tokenizer.hash,
        vocab=tokenizer.vocab_size,
        steps=80,
        seed=0,
        protocol=Protocol(context=16, batch=256),
    )
    return RunTask(
        spec=spec,
        runs=folder / "unbroken",
        corpora={"web": corpus.folder},
        tokenizer=corpus.folder / "tokenizer.json",
        domains=tuple(domains_of("web", corpus, whole=False)),
        evaluate_tokens=1000,
        precision="float32",
    )


def test_a_run_killed_in_its_middle_resumes_to_the_same_model(task: RunTask, tmp_path: Path) -> None:
    assert execute(task) == "done"
    broken = replace(task, runs=tmp_path / "broken", save_every=0.0)
    (tmp_path / "task").write_bytes(pickle.dumps(broken))
    folder = Store(broken.runs).run_folder(task.spec.id)
    process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path / "task")], stdout=subprocess.PIPE)
    end = time.monotonic() + 120
    while not (folder / "state.safetensors").exists():
        assert time.monotonic() < end
        with pytest.raises(subprocess.TimeoutExpired):  # it has not ended
            process.wait(timeout=0.01)
    process.kill()
    process.communicate()
    assert not (folder / "record.json").exists(), "the record is written last"
    assert execute(replace(broken, save_every=60.0)) == "done"
    one, other = (Store(each.runs).record(task.spec.id) for each in (task, broken))
    assert one is not None
    assert other is not None
    assert one.model_copy(update={"seconds": 0.0}) == other.model_copy(update={"seconds": 0.0})
    models = [load_file(Store(each.runs).checkpoint(task.spec.id) / "model.safetensors") for each in (task, broken)]
    assert models[0].keys() == models[1].keys()
    assert all((models[0][name] == models[1][name]).all() for name in models[0])
    left = {path.name for path in folder.iterdir()} - {".lock"}
    assert {name for name in left if not name.endswith(".partial")} == {"record.json", "checkpoint"}


def test_a_run_that_another_process_has_is_left_to_it(task: RunTask, tmp_path: Path) -> None:
    (tmp_path / "task").write_bytes(pickle.dumps(replace(task, runs=tmp_path / "runs")))
    with Store(tmp_path / "runs").claim(task.spec.id) as mine:
        assert mine
        ran = subprocess.run(
            [sys.executable, "-c", RUN, str(tmp_path / "task")], capture_output=True, text=True, check=True
        )
    assert ran.stdout == "busy\n"
    assert {path.name for path in (tmp_path / "runs" / task.spec.id).iterdir()} == {".lock"}


def test_a_checkpoint_is_kept_only_where_it_is_asked_for(task: RunTask, tmp_path: Path) -> None:
    short = task.spec.model_copy(update={"steps": 10})
    execute(replace(task, spec=short, runs=tmp_path, keep_checkpoint=False))
    assert Store(tmp_path).record(short.id) is not None
    assert not Store(tmp_path).checkpoint(short.id).exists()


def test_a_diverging_run_leaves_no_record_and_no_checkpoint(task: RunTask, tmp_path: Path) -> None:
    wild = task.spec.protocol.model_copy(update={"learning_rate": 1e30})
    spec = task.spec.model_copy(update={"protocol": wild})
    with pytest.raises(Failure, match="the loss is"):
        execute(replace(task, spec=spec, runs=tmp_path))
    assert Store(tmp_path).record(spec.id) is None
    assert not Store(tmp_path).checkpoint(spec.id).exists()


def test_the_checkpoint_brings_its_tokenizer(task: RunTask) -> None:
    execute(task)
    folder = Store(task.runs).checkpoint(task.spec.id)
    assert load_tokenizer(folder).hash == task.spec.tokenizer
    assert open_or_build(task.corpora["web"], folder, tokenizer=load_tokenizer(folder)).id == task.spec.corpora["web"]


def test_curves_are_written_where_they_are_asked_for(task: RunTask) -> None:
    from dataclasses import replace

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    spec = task.spec.model_copy(update={"seed": 77})
    execute(replace(task, spec=spec, log=("tensorboard",)))
    events = EventAccumulator(str(task.runs.parent / "logs" / spec.id))
    events.Reload()
    last = events.Scalars("loss")[-1]
    assert last.step == spec.tokens
    assert last.value > 0
    assert "rate" in events.Tags()["scalars"]


def test_the_held_out_loss_is_scored_along_the_run_and_changes_no_weight(
    task: RunTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(along, "SHARE", 2.0)
    scored = replace(task, runs=tmp_path / "scored")
    broken = replace(task, runs=tmp_path / "broken", save_every=0.0)
    assert execute(scored) == "done"
    record = Store(scored.runs).record(task.spec.id)
    assert record is not None
    assert [tokens for tokens, _ in record.heldout] == [256 * 10 * i for i in range(1, 9)]
    assert all(losses.keys() == record.losses.keys() for _, losses in record.heldout)
    first, last = (sum(losses.values()) for _, losses in (record.heldout[0], record.heldout[-1]))
    assert last < first
    monkeypatch.setattr(along, "SHARE", 0.0)
    plain = replace(task, runs=tmp_path / "plain")
    assert execute(plain) == "done"
    without = Store(plain.runs).record(task.spec.id)
    assert without is not None
    assert without.heldout == []
    assert without.losses == record.losses
    assert without.trace == record.trace
    monkeypatch.setattr(along, "SHARE", 2.0)

    def stop(step: int, steps: int, loss: float) -> None:
        if step == 37:
            raise KeyboardInterrupt

    monkeypatch.setattr(execute_room.Reporter, "__call__", lambda self, *told: stop(*told))
    with pytest.raises(KeyboardInterrupt):
        execute(broken)
    monkeypatch.undo()
    monkeypatch.setattr(along, "SHARE", 2.0)
    assert execute(broken) == "done"
    resumed = Store(broken.runs).record(task.spec.id)
    assert resumed is not None
    assert resumed.heldout == record.heldout


def test_few_points_where_they_would_cost_more_than_two_hundredths(task: RunTask) -> None:
    """A scored token costs a forward pass, a third of a training step's."""
    for steps in (10, 80, 800, 8000):
        spec = task.spec.model_copy(update={"steps": steps})
        for domains in (1, 3, 12):
            found = along.Along.of(spec, domains)
            assert len(found.steps) * found.max_tokens * domains / 3 <= 0.02 * spec.tokens
            assert found.max_tokens % spec.protocol.context == 0
            assert not found.steps or max(found.steps) == steps
    assert len(along.Along.of(task.spec.model_copy(update={"steps": 8000}), 3).steps) == along.POINTS
    assert along.Along.of(task.spec, 0).steps == frozenset()
