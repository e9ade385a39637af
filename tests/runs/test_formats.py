"""Logs and trackers of others: written by the real libraries where they install, else in the lines of their sources."""

import csv
import importlib.util
import json
import logging
import types
from pathlib import Path

import pytest

from synthmix.errors import BadInput
from synthmix.runs import read_runs
from synthmix.runs.formats import FORMATS, read_sources
from synthmix.runs.mapping import Mapping


def raw(*sources: Path) -> dict[str, list]:
    return read_sources(sources, Mapping(), False).table.to_pydict()


# Text logs: lines as megatron/training/training.py, nanotron/trainer.py, torchtitan/components/metrics.py write them

DATA = Path(__file__).parent / "data"
MEGATRON, NANOTRON, TITAN = ((DATA / f"{name}.log").read_text() for name in ("megatron", "nanotron", "torchtitan"))


def test_megatron(tmp_path: Path) -> None:
    (tmp_path / "web-400M.log").write_text(MEGATRON)
    with pytest.raises(BadInput, match="'lm loss' and 'validation loss' may both be loss"):
        read_runs(tmp_path / "web-400M.log")
    table = read_runs(tmp_path / "web-400M.log", "loss=validation loss")
    assert table.text("run") == ["web-400M"]
    assert table.column("loss").tolist() == [3.15]
    assert table.column("D").tolist() == [256_000 * 2048]
    assert table.column("N").tolist() == [2 * 210753280]
    assert table.column("step").tolist() == [1000]
    assert table.text("seed") == ["1234"]
    assert {w.code for w in table.warnings} == {"last_step", "params_with_embeddings"}
    every = read_runs(tmp_path, mapping={"columns": {"loss": "`test validation loss`"}, "rows": "every"})
    assert every.column("loss").tolist() == [3.2]


def test_nanotron(tmp_path: Path) -> None:
    (tmp_path / "run-7").mkdir()
    (tmp_path / "run-7" / "log.out").write_text(NANOTRON)
    table = read_runs(tmp_path)
    assert table.text("run") == ["run-7"], "a file that says nothing is called after its folder"
    assert (table.column("N").tolist(), table.column("D").tolist()) == ([1.71e9], [210e6])
    assert table.column("loss").tolist() == [3.21]
    assert {w.code for w in table.warnings} == {"last_step", "training_loss", "params_with_embeddings"}


def test_torchtitan(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(TITAN)
    (tmp_path / "b.log").write_text(TITAN.replace("4.2001", "4.1001").replace("6,163,712", "12,163,712"))
    table = read_runs([tmp_path / "a.log", tmp_path / "b.log"], "loss=validation_loss")
    assert table.text("run") == ["a", "b"]
    assert table.column("loss").tolist() == [4.2001, 4.1001]
    assert table.column("D").tolist() == [10 * 64 * 2048] * 2
    assert table.column("N").tolist() == [6163712, 12163712]


def test_olmo_core_as_its_own_callback_writes_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    console = pytest.importorskip("olmo_core.train.callbacks.console_logger")
    callback = console.ConsoleLoggerCallback(metrics_log_interval=10)
    progress = types.SimpleNamespace(time_remaining=None)
    callback.trainer = types.SimpleNamespace(max_steps=20, epoch=1, hard_stop=None, training_progress=progress)
    caplog.set_level(logging.INFO)
    for step, loss in ((10, 3.75), (20, 3.5)):
        metrics = {"train/CE loss": loss, "throughput/total tokens": step * 5.0e8, "optim/LR (group 0)": 3e-5}
        callback.log_metrics(step, metrics)
        said = f"Finished lm evals in 1.5 seconds. Metrics:\n    c4_en-validation/CE loss={loss + 0.125:.4f}"
        logging.getLogger("olmo_core.train.callbacks.evaluator_callback").info(said)
    lines = [f"2025-03-01 10:00:00.000\thost:0\tolmo_core\tINFO\t{record.message}" for record in caplog.records]
    (tmp_path / "train.log").write_text("\n".join(lines))
    table = read_runs(tmp_path, "loss=eval/lm/c4_en-validation/CE loss")
    assert table.text("run") == [tmp_path.name]
    assert table.column("loss").tolist() == [3.625]
    assert table.column("D").tolist() == [10e9]
    held = raw(tmp_path / "train.log")
    assert held["train/CE loss"] == [3.75, 3.5]
    assert held["optim/LR (group 0)"] == [3e-5, 3e-5]


# Trackers


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    for name, shift in (("a", 0.0), ("b", 0.25)):
        writer = SummaryWriter(str(tmp_path / name))
        for step in (100, 200):
            writer.add_scalar("eval/loss", 4 - step / 200 + shift, step)
            writer.add_scalar("tokens", step * 1000, step)
        writer.close()
    table = read_runs(tmp_path, mapping={"columns": {"N": "10M"}})
    assert table.text("run") == ["a", "b"]
    assert table.column("loss").tolist() == [3.0, 3.25]
    assert table.column("D").tolist() == [200_000, 200_000]


def test_wandb_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name, shift in (("a", 0.0), ("b", 0.25)):
        config = {"params": 10_000_000, "data": {"mix": "web:0.5,qa:0.5"}}
        settings = wandb.Settings(mode="offline", console="off", x_disable_stats=True, disable_git=True)
        run = wandb.init(project="p", name=name, dir=str(tmp_path), config=config, settings=settings, reinit=True)
        for step in (1, 2):
            run.log({"val/loss": 4 - step / 2 + shift, "tokens": step * 1000}, step=step)
        run.finish()
    wandb.teardown()  # its service writes the files, and has written them when it is gone
    mapping = {"columns": {"recipe": "Name"}, "mixture": {"from": "data.mix", "separator": ","}}
    table = read_runs(tmp_path, mapping={**mapping, "where": 'State == "finished"'})
    assert sorted(zip(table.text("recipe"), table.column("loss").tolist(), strict=True)) == [("a", 3.0), ("b", 3.25)]
    assert table.column("share.qa").tolist() == [0.5, 0.5]
    assert (table.column("N").tolist(), table.column("D").tolist()) == ([1e7, 1e7], [2000, 2000])
    file = next(tmp_path.rglob("run-*.wandb"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert "unfinished" in raw(file)["State"]
    file.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    with pytest.raises(BadInput, match="is damaged"):
        raw(file)


def test_a_chart_that_wandb_exported(tmp_path: Path) -> None:
    header = ["Step"] + [f"{run} - val/loss{end}" for run in ("web, lr=1e-3", "qa") for end in ("", "__MIN", "__MAX")]
    lines = [header, ["100", "4.0", "4.0", "4.0", "3.9", "3.9", "3.9"], ["200", "3.5", "3.5", "3.5", "", "", ""]]
    with (tmp_path / "chart.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    table = read_runs(tmp_path / "chart.csv", mapping={"columns": {"D": "step * 500k"}})
    assert table.text("run") == ["web, lr=1e-3", "qa"]
    assert table.column("loss").tolist() == [3.5, 3.9]
    assert table.column("D").tolist() == [100e6, 50e6]


def test_wandb_server(monkeypatch: pytest.MonkeyPatch) -> None:
    run = types.SimpleNamespace(
        id="r1", name="web", state="finished", config={"params": 1e7, "_wandb": {"x": 1}},
        summary={"tokens": 1e9, "val": {"loss": 3.5}, "_step": 9, "_runtime": 3},
    )  # fmt: skip
    asked = []

    def api() -> object:
        return types.SimpleNamespace(runs=lambda path: asked.append(path) or [run])

    monkeypatch.setitem(__import__("sys").modules, "wandb", types.SimpleNamespace(Api=api))
    table = read_runs("wandb://me/project", mapping={"columns": {"recipe": "Name"}})
    assert asked == ["me/project"]
    assert (table.text("run"), table.text("recipe"), table.column("loss").tolist()) == (["r1"], ["web"], [3.5])


def test_mlflow_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    for name, shift in (("a", 0.0), ("b", 0.25)):
        with mlflow.start_run(run_name=name):
            mlflow.log_params({"n_params": 10_000_000})
            for step in (1, 2):
                mlflow.log_metrics({"val/loss": 4 - step / 2 + shift, "tokens": step * 1000}, step=step)
    table = read_runs(tmp_path / "mlruns", mapping={"columns": {"recipe": "Name"}, "where": 'State == "finished"'})
    assert sorted(zip(table.text("recipe"), table.column("loss").tolist(), strict=True)) == [("a", 3.0), ("b", 3.25)]
    assert table.column("N").tolist() == [1e7, 1e7]


def test_mlflow_database(tmp_path: Path) -> None:
    """The tables as mlflow/store/tracking/dbmodels/models.py names their columns; the real one needs SQLAlchemy."""
    import sqlite3

    held = sqlite3.connect(tmp_path / "mlflow.db")
    held.executescript(
        "create table runs (run_uuid text, name text, status text, start_time integer);"
        "create table params (key text, value text, run_uuid text);"
        "create table metrics (key text, value real, timestamp integer, run_uuid text, step integer);"
        "insert into runs values ('u1', 'a', 'FINISHED', 1), ('u2', 'b', 'FAILED', 2);"
        "insert into params values ('params', '10M', 'u1'), ('params', '20M', 'u2');"
        "insert into metrics values ('loss', 4.0, 1, 'u1', 1), ('loss', 3.0, 2, 'u1', 2), ('loss', 3.5, 2, 'u2', 2),"
        "('tokens', 2000, 2, 'u1', 2), ('tokens', 2000, 2, 'u2', 2), ('tokens', 1000, 1, 'u1', 1);"
    )
    held.commit()
    held.close()
    table = read_runs(tmp_path / "mlflow.db")
    assert table.text("run") == ["u1", "u2"]
    assert table.column("loss").tolist() == [3.0, 3.5]
    assert table.column("N").tolist() == [10e6, 20e6]


def test_the_trainer_of_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy model, trained by the real Trainer."""
    if importlib.util.find_spec("accelerate") is None:
        pytest.skip("the Trainer needs accelerate")
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

    monkeypatch.setenv("WANDB_DISABLED", "true")
    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    ids = torch.arange(16) % 32
    data = [{"input_ids": ids, "labels": ids}] * 8
    arguments = TrainingArguments(
        str(tmp_path / "web-s0"), max_steps=4, per_device_train_batch_size=4, logging_steps=2, eval_strategy="steps",
        eval_steps=2, save_steps=2, report_to=[], use_cpu=True, include_num_input_tokens_seen="all", disable_tqdm=True,
    )  # fmt: skip
    Trainer(LlamaForCausalLM(config), arguments, train_dataset=data, eval_dataset=data).train()
    with pytest.raises(BadInput, match=r"loss' and '(eval_)?loss' may both be loss"):
        read_runs(tmp_path / "web-s0")
    table = read_runs(tmp_path / "web-s0", mapping={"columns": {"N": 3000, "loss": "eval_loss"}})
    state = json.loads((tmp_path / "web-s0" / "checkpoint-4" / "trainer_state.json").read_text())
    last = [entry for entry in state["log_history"] if "eval_loss" in entry][-1]
    assert (table.text("run"), table.column("loss").tolist()) == (["web-s0"], [last["eval_loss"]])
    assert table.column("D").tolist() == [4 * 4 * 16]


# Evaluations


def lm_eval_results(folder: Path, model: str, results: dict) -> None:
    """A results file as lm-eval's own tracker writes it."""
    tracker = pytest.importorskip("lm_eval.loggers.evaluation_tracker").EvaluationTracker(output_path=str(folder))
    tracker.general_config_tracker.log_experiment_args("hf", f"pretrained={model}", None, None, None)
    better = {task: dict.fromkeys((n.split(",")[0] for n in scores), True) for task, scores in results.items()}
    samples = {task: {"original": 200, "effective": 100} for task in results}
    held = {"results": results, "configs": {}, "higher_is_better": better, "n-samples": samples}
    tracker.save_results_aggregated(held)


RUNS = "run,params,tokens,loss\nweb,1M,1B,3.0\nqa,1M,2B,2.9\n"


def test_results_of_the_harness_are_joined_by_run(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(RUNS)
    for model, score in (("ckpts/web", 0.5), ("ckpts/qa/checkpoint-100", 0.6), ("other", 0.1)):
        scores = {"alias": "piqa", "acc,none": score, "acc_stderr,none": 0.01, "acc_norm,none": score + 0.1}
        lm_eval_results(tmp_path / "evals", model, {"piqa": scores, "wiki": {"bits_per_byte,none": 1 + score}})
    table = read_runs([tmp_path / "runs.csv", tmp_path / "evals"])
    assert table.column("task.piqa.acc").tolist() == [0.5, 0.6]
    assert table.column("task.piqa.acc_norm").tolist() == pytest.approx([0.6, 0.7])
    assert table.column("bits.wiki").tolist() == [1.5, 1.6]
    assert (table.metric("task.piqa.acc").unit, table.metric("task.piqa.acc").higher_is_better) == ("score", True)
    assert (table.metric("task.piqa.acc").items, table.metric("task.piqa.acc").measure) == (100, "acc")
    assert (table.metric("bits.wiki").unit, table.metric("bits.wiki").higher_is_better) == ("bits", False)
    assert [(w.code, "other" in w.message) for w in table.warnings] == [("results_without_a_run", True)]
    (tmp_path / "runs.csv").write_text(RUNS.replace("web", "x").replace("qa", "y"))
    with pytest.raises(BadInput, match=r"results of .*web and other are of no run .* there are x, y"):
        read_runs([tmp_path / "runs.csv", tmp_path / "evals"])


def test_results_of_lighteval(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(RUNS)
    for model, score in (("org/web", 0.5), ("org/qa", 0.6)):
        folder = tmp_path / "results" / model
        folder.mkdir(parents=True)
        results = {"lighteval|arc:easy|0": {"acc": score, "acc_stderr": 0.01}, "all": {"acc": score}}
        held = {"config_general": {"model_name": model}, "results": results, "versions": {}, "config_tasks": {}}
        (folder / "results_2025-03-01T10-00-00.json").write_text(json.dumps(held))
    table = read_runs([tmp_path / "runs.csv", tmp_path / "results"])
    assert table.column("task.lighteval|arc:easy|0.acc").tolist() == [0.5, 0.6]


def test_a_plug_in_reads_a_format_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine:
        @staticmethod
        def claims(path: Path) -> bool:
            return path.suffix == ".mine"

        @staticmethod
        def read(path: Path) -> dict[str, list]:
            n, d, loss = path.read_text().split()
            return {"N": [n], "D": [d], "loss": [loss]}

    point = types.SimpleNamespace(name="mine", load=lambda: Mine)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point] if group == "synthmix.runs" else [])
    (tmp_path / "a.mine").write_text("1M 1B 3.5")
    table = read_runs(tmp_path / "a.mine")
    assert (table.column("N").tolist(), table.column("loss").tolist()) == ([1e6], [3.5])


def test_what_is_no_log_is_read_as_a_table(tmp_path: Path) -> None:
    (tmp_path / "runs.txt").write_text("params\ttokens\tloss\n1M\t1B\t3.5\n")
    assert not any(each.claims(tmp_path / "runs.txt") for each in FORMATS.values())
    assert read_runs(tmp_path / "runs.txt").column("loss").tolist() == [3.5]
