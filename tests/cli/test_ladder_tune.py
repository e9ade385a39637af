"""``synthmix ladder`` and ``synthmix tune``: hyper-parameters by model size, and the learning rate checked."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.store import Store
from synthmix.training.hyperparameters import hyperparameters

from .conftest import Ran

Run = Callable[..., Ran]
RATES = ".004,.01,.025,1e30"
TINY = ("--params", "25k", "--params", "50k", "--rates", RATES, "--tokens", "5120", "--batch", "256", "--context", "16")
TINY += ("--seeds", "1", "--vocab", "300", "--workers", "1", "--to", "runs", "--plot", "rates.html")


def test_the_table_goes_from_a_tenth_of_a_million_to_three_billion(run: Run) -> None:
    rows = run("ladder", "--json").value["models"]
    sizes = [row["params"] for row in rows]
    assert sizes == sorted(sizes)
    assert (round(sizes[0], -4), round(sizes[-1], -8)) == (100_000, 3_000_000_000)
    small = (10**5, 3 * 10**5, 10**6, 3 * 10**6, 10**7, 3 * 10**7)
    assert rows == [hyperparameters(size).as_dict() for size in small] + rows[6:]
    text = run("ladder").out.splitlines()
    assert len(text) == len(rows) + 2
    assert text[0].split()[:4] == ["N", "N", "total", "width"]
    assert "vocabulary 4096, context 128" in text[-1]


def test_the_documentation_shows_the_table_as_it_is(run: Run) -> None:
    """But for the memory, which is measured again now and then."""
    page = (Path(__file__).parents[2] / "docs" / "ladder.md").read_text(encoding="utf-8")
    for line in run("ladder").out.splitlines():
        assert " ".join(line.split()[:-2]) in " ".join(page.split())


def test_a_size_asked_for_with_overrides(run: Run) -> None:
    options = ("--params", "1M", "--vocab", "32k", "--context", "256", "--width", "128", "--batch", "1024")
    (row,) = run("ladder", *options, "--weight-decay", "0", "--published", "--json").value["models"]
    assert (row["width"], row["batch"], row["weight_decay"], row["context"]) == (128, 1024, 0, 256)
    assert row["params_total"] == row["params"] + 32_000 * 128
    assert row["step_law_rate"] > row["learning_rate"]
    assert "DeepSeek" in run("ladder", *options, "--published").out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--params", "1k"), "params: 1000 parameters are too few; the minimum is 25k"),
        (("--params", "many"), "--params: 'many' is not a count"),
        (("--params", "1M", "--width", "4096"), "params: no shape within 5 % of 1M parameters with width 4096"),
        (("--params", "1M", "--batch", "1000"), "batch: 1000 tokens are not a whole number of sequences of 128"),
        (("--tokens", "none"), "--tokens: 'none' is not a count"),
    ],
)
def test_sizes_and_overrides_that_cannot_be(run: Run, options: tuple[str, ...], message: str) -> None:
    ran = run("ladder", *options)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1


@pytest.fixture(scope="module")
def tuned(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder in which a tiny sweep was run, and what it printed. One of its rates is absurd."""
    folder = tmp_path_factory.mktemp("tuned")
    command = [sys.executable, "-m", "synthmix", "tune", *TINY, "--from", str(data / "web.jsonl"), "--json", "--quiet"]
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"}
    )
    assert ran.returncode == 0, ran.stderr
    return folder, json.loads(ran.stdout)


def test_a_sweep_finds_what_its_runs_say(tuned: tuple[Path, Any]) -> None:
    folder, value = tuned
    assert (value["tokens"], value["batch"], value["context"]) == (5120, 256, 16)
    records = {record.id: record for record in Store(folder / "runs").records()}
    assert len(records) == 6, "two sizes at three rates; those that diverged have no record"
    measured = {(r.params, r.spec.peak): r.losses["heldout"].nats for r in records.values()}
    for size in value["sizes"]:
        assert [run["rate"] for run in size["runs"]] == [0.004, 0.01, 0.025]
        for point in size["runs"]:
            assert point["loss"] == measured[size["params"], point["rate"]]
        assert size["used"] == 0.36 / size["width"]
        best = min(size["runs"], key=lambda point: point["loss"])
        assert size["best_tried"] == best["rate"]
    assert any("left out, as they diverged: 24.7k at 1e+30 (seed 0)" in warning for warning in value["warnings"])
    assert "plotly" in (folder / "rates.html").read_text()


def test_a_finished_sweep_is_not_repeated(
    tuned: tuple[Path, Any], run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, value = tuned
    monkeypatch.chdir(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/record.json")}
    options = [".004,.01,.025" if option == RATES else option for option in TINY]
    again = run("tune", *options, "--from", data / "web.jsonl", "--json", "--quiet").value
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/record.json")} == before
    assert again["sizes"] == value["sizes"]
    text = run("tune", *options, "--from", data / "web.jsonl", "--quiet").out
    assert "N = 24.7k, width 32, 5.12k tokens" in text
    for size in value["sizes"]:
        assert f"{size['runs'][0]['loss']:.4f}" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--params", "25k"), "params: a rule needs two sizes of different width; 25000 has 32"),
        (("--params", "25k", "--params", "25.1k"), "params: a rule needs two sizes of different width"),
        (("--rates", "2"), "rates: 2 rates have no lowest point; try three or more"),
        (("--rates", ".01,.005,.02"), "rates: the rates must be positive and rise; write .002,.004,.008"),
        (("--rates", "0,.005,.02"), "rates: the rates must be positive and rise"),
        (("--rates", "2.5"), "--rates: 2.5 is neither a number of rates nor a list"),
        (("--rates", "lots"), "--rates: 'lots' is not a number"),
        (("--tokens", "900k"), "training tokens, a run needs 900k; lower it, add text, or raise epochs"),
        (("--tokens", "1k"), "tokens: 1k tokens are 2 steps of 512; ask for 5.12k or lower"),
        (("--batch", "100"), "batch: 100 tokens are not a whole number of sequences of 64; write 64"),
        (("--from", "nowhere.jsonl"), "nowhere.jsonl: files: no such file; check the path"),
    ],
)
def test_sweeps_that_cannot_be(run: Run, here: Path, data: Path, options: tuple[str, ...], message: str) -> None:
    given = ("--from", data / "web.jsonl", "--vocab", "300", "--tokens", "6k", "--batch", "512", *options)
    ran = run("tune", *given, "--quiet")
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert not (here / "runs").exists()
