"""The script that would show on a GPU what has not run on one: here on the CPU, its two parts in this process."""

import json
import re
from pathlib import Path

import pytest
from benchmarks import gpu

from synthmix.engine import worker
from synthmix.engine.places import Place

ROOT = Path(__file__).parents[2]


def test_the_script_runs_without_a_gpu_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "gpu.json"
    assert gpu.main(["--quick", "--only", "resume", "speed", "--to", str(to)]) == 0
    assert "no GPU here, and it says nothing of one" in capsys.readouterr().out
    found = json.loads(to.read_text())
    assert found["gpu"] is False
    assert found["parts"]["resume"]["bf16"]["same_weights"]
    assert found["parts"]["speed"]["25000"]["tokens_per_second"] > 0


def test_a_part_that_fails_or_comes_too_late_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(plan: gpu.Plan, on_gpu: bool) -> dict[str, object]:
        raise RuntimeError("CUDA error: out of luck")

    monkeypatch.setitem(gpu.PARTS, "speed", broken)
    to = tmp_path / "gpu.json"
    assert gpu.main(["--quick", "--only", "speed", "--to", str(to)]) == 1
    assert json.loads(to.read_text())["parts"]["speed"]["error"] == "RuntimeError: CUDA error: out of luck"
    assert gpu.main(["--quick", "--only", "speed", "--seconds", "-1", "--to", str(to)]) == 1
    assert json.loads(to.read_text())["parts"]["speed"]["ok"] is None


def test_losses_that_part_are_not_close() -> None:
    one = {"losses": [5.0, 4.0], "held_out": 4.5}
    assert gpu.apart(one, one | {"losses": [5.0, 4.1]}) == pytest.approx(0.1)
    assert gpu.apart(one, one | {"held_out": 4.0}) == 0.5


def test_the_page_names_every_part() -> None:
    page = (ROOT / "docs" / "gpu.md").read_text()
    assert set(gpu.PARTS) <= set(re.findall(r"`(\w+)`", page))
    for path in re.findall(r"`((?:training|engine|evaluation|study)/\w+\.py)`", page):
        assert (ROOT / "src" / "synthmix" / path).exists(), path


@pytest.mark.parametrize("gpus", [("0",), ("1",), ("GPU-bbbb",)])
def test_a_worker_sees_the_device_that_it_was_placed_on_alone(monkeypatch: pytest.MonkeyPatch, gpus: list[str]) -> None:
    monkeypatch.setattr(worker, "prepare", lambda threads: None)
    monkeypatch.setattr("synthmix.training.device.best_device", lambda: "cuda")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    for name in gpus:
        assert worker._prepare(Place(name, gpu=name), 1)
        assert worker.os.environ["CUDA_VISIBLE_DEVICES"] == name
    monkeypatch.setattr("synthmix.training.device.best_device", lambda: "cpu")
    assert not worker._prepare(Place("0", gpu="0"), 1), "never on the CPU instead"
