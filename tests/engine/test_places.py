"""What the machine has: cores, GPUs, memory. GPUs by way of a made-up nvidia-smi."""

from pathlib import Path
from typing import Any

import pytest

from synthmix.engine import places
from synthmix.engine.places import find_places, visible_gpus
from synthmix.errors import BadInput

SMI = """#!/bin/sh
echo "0, GPU-aaaa, 40000"
echo "1, GPU-bbbb, 20000"
"""


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "usable_cores", lambda: [0, 1, 4, 5])
    monkeypatch.setattr(places, "visible_gpus", list)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(SMI)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(places, "usable_cores", lambda: list(range(16)))


@pytest.mark.usefixtures("four_cores")
def test_workers_that_fill_the_machine_are_pinned_to_their_cores() -> None:
    assert [place.cores for place in find_places(None, 1)[0]] == [(0,), (1,), (4,), (5,)]
    assert [place.cores for place in find_places(2, 2)[0]] == [(0, 1), (4, 5)]


@pytest.mark.usefixtures("four_cores")
def test_fewer_workers_are_left_to_the_scheduler() -> None:
    assert [place.cores for place in find_places(3, 1)[0]] == [(), (), ()]


@pytest.mark.usefixtures("two_gpus")
def test_workers_share_the_gpus_by_turns() -> None:
    found, room = find_places(4, 1, per_gpu=2)
    assert [place.gpu for place in found] == ["0", "1", "0", "1"]
    assert room == {"0": int(0.9 * 40000 * 2**20), "1": int(0.9 * 20000 * 2**20)}
    assert len(find_places(None, 1)[0]) == 8, "four on each"


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("visible", "names"),
    [("1", ["1"]), ("GPU-bb,0", ["GPU-bb", "0"]), ("", []), ("-1", []), ("7", [])],
)
def test_cuda_visible_devices_is_respected(monkeypatch: pytest.MonkeyPatch, visible: str, names: list[str]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.name for gpu in visible_gpus()] == names


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"workers": 5, "threads": 1},
            r"workers: 5 workers asked for, 4 core\(s\) take 1 thread\(s\) each; ask for 1 to 4",
        ),
        (
            {"workers": 3, "threads": 2},
            r"workers: 3 workers asked for, 4 core\(s\) take 2 thread\(s\) each; ask for 1 to 2",
        ),
        ({"workers": 0, "threads": 1}, "workers: 0 workers asked for"),
        ({"workers": None, "threads": 5}, "threads: 5 threads, and there are 4 cores"),
    ],
)
@pytest.mark.usefixtures("four_cores")
def test_more_than_there_is_is_bad_input(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        find_places(**asked)


@pytest.mark.usefixtures("two_gpus")
def test_more_workers_than_places_on_gpus_are_bad_input() -> None:
    with pytest.raises(BadInput, match=r"workers: 3 workers asked for, 2 GPU\(s\) take 1 each; ask for 1 to 2"):
        find_places(3, 1, per_gpu=1)
