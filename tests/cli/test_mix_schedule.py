"""``synthmix mix --schedule``: a share that changes along the run."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from .conftest import Ran

Run = Callable[..., Ran]
ON = ("--tokens", "10k", "--context", "10", "--vocab", "300", "--json", "--quiet")


def test_the_last_source_follows_the_schedule(run: Run, here: Path, data: Path) -> None:
    web, hq = data / "web.jsonl", data / "hq.jsonl"
    value = run("mix", web, hq, "--schedule", "synthetic-first:20%", "--to", "order.parquet", *ON).value
    assert value["counts"] == {"web": 800, "hq": 200}
    order = pq.read_table(here / "order.parquet")["source"].to_pylist()
    assert order == ["hq"] * 200 + ["web"] * 800
    again = run("mix", f"80%:{web}", f"20%:{hq}", "--schedule", "synthetic-first:20%", *ON)
    assert again.value["counts"] == value["counts"]


def test_a_source_between_keeps_its_share(run: Run, here: Path, data: Path) -> None:
    parts = [data / "web.jsonl", f"10%:{data / 'other.jsonl'}", data / "hq.jsonl"]
    value = run("mix", *parts, "--schedule", "linear:0:40%", *ON).value
    assert value["counts"] == {"web": 700, "other": 100, "hq": 200}


@pytest.mark.parametrize(
    ("shares", "schedule", "message"),
    [
        (("", ""), "linear:0", "--schedule: a linear share needs from and to; to is missing"),
        (("", ""), "wave", "--schedule: share: 'wave' is not a share"),
        (("67%:", "33%:"), "linear:0:50%", "web: 67% asked for, 75% in the schedule's mean; leave the share out"),
        (("",), "linear:0:50%", "--schedule: a share that changes needs a second source"),
    ],
)
def test_schedules_that_cannot_be(
    run: Run, here: Path, data: Path, shares: tuple[str, ...], schedule: str, message: str
) -> None:
    parts = [f"{share}{data / name}" for share, name in zip(shares, ("web.jsonl", "hq.jsonl"), strict=False)]
    ran = run("mix", *parts, "--schedule", schedule, *ON)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
