"""Studies made from a formula, and a machine of a known speed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.made_study import make_results

from synthmix.results import Results


@pytest.fixture
def make() -> Callable[..., Results]:
    """:func:`make_results`, for tests (which cannot import a conftest)."""
    return make_results


@pytest.fixture
def one_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the law that the made studies follow is fitted: fast, and its answers are known."""
    monkeypatch.setattr("synthmix.decisions.fits.CANDIDATES", ("joint_quadratic",))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """``saved(results)``: a study's folder that holds them."""

    def save(results: Results, name: str = "made") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "results.json").write_text(json.dumps(results.model_dump(mode="json")))
        return folder

    return save


class Machine:
    """Stands for an engine: two workers of ``speed`` FLOPs a second, whatever they train."""

    workers = 2

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def each(self, _: Any, probes: list[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
        """What :func:`synthmix.study.timings.measure_here` says there."""
        for place, probe in enumerate(probes):
            speeds = [self.speed / shape.flops_per_token(probe.vocab, 64) for shape in probe.shapes]
            yield place, {"precision": "bf16", "device": "a made machine", "speeds": speeds}


@pytest.fixture
def machine() -> Callable[[float], Machine]:
    """``machine(speed)``."""
    return Machine
