"""A study whose tasks run on a real Ray: the same records as on this machine's processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from synthmix.engine import open_engine
from synthmix.study.load import study_from
from synthmix.study.run import run_study

from .conftest import records

Make = Callable[..., dict[str, Any]]


def test_a_study_on_ray_gives_the_records_of_a_local_one(make_study: Make, finished: Path, tmp_path: Path) -> None:
    raw = make_study(tmp_path / "ray", ladder={"params": ["25k"], "budgets": [2560, 5120]}, question=None)
    found = run_study(study_from(raw), engine=open_engine("ray", workers=1))
    mine, local = records(tmp_path / "ray"), records(finished.parent / "tiny")
    assert len(found.runs) == 6
    assert len(mine) == 7, "the generator's too"
    assert {run: local[run] for run in mine} == mine
