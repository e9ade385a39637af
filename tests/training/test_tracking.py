"""TensorBoard for real; Weights & Biases and MLflow by the calls they are sent."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from synthmix.errors import BadInput, Failure
from synthmix.training.spec import RunSpec
from synthmix.training.tracking import Reporter, open_trackers

pytestmark = pytest.mark.smoke

CONFIG = {"params": 25_000, "recipe": "web"}
VALUES = {"loss": 2.5, "rate": 1e-3, "mfu": None}


class Recorder:
    """Notes every call by its dotted name."""

    def __init__(self, calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]], name: str = "") -> None:
        self._calls, self._name = calls, name

    def __getattr__(self, name: str) -> "Recorder":
        return Recorder(self._calls, f"{self._name}.{name}".lstrip("."))

    def __call__(self, *args: Any, **options: Any) -> Any:
        self._calls.append((self._name, args, options))
        if self._name == "get_experiment_by_name":
            return None
        if self._name == "create_run":
            return SimpleNamespace(info=SimpleNamespace(run_id="r1"))
        return Recorder(self._calls, "run" if self._name == "init" else self._name)


def test_tensorboard_files_hold_the_curves(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with open_trackers(["tensorboard", "tensorboard"], tmp_path, "web-25k", CONFIG) as tracker:
        tracker.log(4096, VALUES)
        tracker.log(8192, {"loss": 2.25, "rate": 5e-4, "mfu": 0.31})
    read = EventAccumulator(str(tmp_path / "web-25k"))
    read.Reload()
    assert read.Tags()["scalars"] == ["loss", "rate", "mfu"]
    assert [(e.step, e.value) for e in read.Scalars("loss")] == [(4096, 2.5), (8192, 2.25)]
    assert [(e.step, e.value) for e in read.Scalars("mfu")] == [(8192, pytest.approx(0.31))], "unknown is left out"
    assert b"params: 25000" in read.Tensors("config/text_summary")[0].tensor_proto.string_val[0]


def test_wandb_is_sent_the_run_and_its_points(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setitem(sys.modules, "wandb", Recorder(calls))
    with open_trackers(["wandb"], tmp_path / "study", "web-25k", CONFIG) as tracker:
        tracker.log(4096, VALUES)
    (began, _, options), *rest = calls
    assert began == "init"
    assert (options["project"], options["name"], options["config"]) == ("study", "web-25k", CONFIG)
    assert options["resume"] == "allow", "a run that is gone on with is the same curve"
    assert rest == [("run.log", ({"loss": 2.5, "rate": 1e-3, "tokens": 4096},), {"step": 4096}), ("run.finish", (), {})]


def test_mlflow_is_sent_the_run_and_its_points(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    tracking = ModuleType("mlflow.tracking")
    places: list[str] = []
    tracking.MlflowClient = lambda tracking_uri: places.append(tracking_uri) or Recorder(calls)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    monkeypatch.setitem(sys.modules, "mlflow.tracking", tracking)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with open_trackers(["mlflow"], tmp_path / "study", "web-25k", CONFIG) as tracker:
        tracker.log(4096, VALUES)
    assert places == [(tmp_path / "study" / "mlflow").as_uri()]
    names = [name for name, _, _ in calls]
    assert names[:3] == ["get_experiment_by_name", "create_experiment", "create_run"]
    assert ("log_param", ("r1", "params", "25000"), {}) in calls
    assert ("log_metric", ("r1", "loss", 2.5), {"step": 4096}) in calls
    assert not any(args[1:2] == ("mfu",) for _, args, _ in calls)
    assert calls[-1] == ("set_terminated", ("r1",), {})


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("tensorboard", r'pip install "synthmix\[track\]"'),
        ("wandb", "pip install wandb"),
        ("mlflow", "pip install mlflow"),
    ],
)
def test_what_is_not_installed_names_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, remedy: str
) -> None:
    for module in ("torch.utils.tensorboard", "wandb", "mlflow", "mlflow.tracking"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BadInput, match=f"--log {name}: {name} is not installed; run {remedy}"):
        open_trackers([name], tmp_path, "run", CONFIG)


def test_another_name_is_bad_input_and_nothing_is_opened(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--log: there is no tracker 'excel'; write tensorboard, wandb, mlflow"):
        open_trackers(["tensorboard", "excel"], tmp_path, "run", CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_a_tool_without_a_login_is_a_failure_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_login(**_: Any) -> None:
        raise RuntimeError("api_key not configured\nsecond line")

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=no_login))
    with pytest.raises(Failure, match=r"--log wandb: cannot start \(api_key not configured\); set up wandb"):
        open_trackers(["tensorboard", "wandb"], tmp_path, "run", CONFIG)


def test_none_asked_for_costs_nothing(tmp_path: Path) -> None:
    with open_trackers([], tmp_path / "not made", "run", CONFIG) as tracker:
        tracker.log(1, VALUES)
    assert not (tmp_path / "not made").exists()


def test_the_progress_names_its_node_and_counts_tries(tmp_path: Path, make_spec: Callable[..., RunSpec]) -> None:
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    for tries, before in ((1, None), (2, None), (3, None), (1, "{"), (1, '{"tokens": 1, "tries": "x"}')):
        if before is not None:
            (folder / "progress.json").write_text(before)
        with Reporter(folder, make_spec(), 10, lambda _: None) as reporter:
            reporter(10, 10, 4.0)
        told = json.loads((folder / "progress.json").read_text())
        assert (told["node"], told["tries"]) == (socket.gethostname(), tries)
