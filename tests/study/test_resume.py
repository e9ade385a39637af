"""``kill -9`` at several stages: the same command resumes, finished runs are not repeated, the result is the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Command, records, stamps

Start = Callable[..., Command]
Make = Callable[..., dict[str, Any]]
Save = Callable[[Path, dict[str, Any]], Path]


def results(folder: Path) -> dict[str, Any]:
    """The results without what differs from time to time."""
    value = json.loads((folder / "results.json").read_text())
    value.pop("spent")
    for run in value["runs"]:
        run.pop("seconds")
        run.pop("tokens_per_second")
    for run in (value.get("decision") or {}).get("next_runs", []):
        run.pop("seconds")
    return value


def numbers(value: Any) -> list[float]:
    """All numbers in a JSON value, in order."""
    if isinstance(value, dict | list):
        return [n for each in (value.values() if isinstance(value, dict) else value) for n in numbers(each)]
    return [value] if isinstance(value, float | int) else []


def test_killed_at_every_stage_the_same_command_gives_the_same_results(
    finished: Path, make_study: Make, save_study: Save, command: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    study = save_study(tmp_path / "study.yaml", make_study(folder, workers=2))

    def count(pattern: str) -> int:
        return len(list(folder.glob(pattern)))

    stages = [
        lambda: count("corpora/*/corpus.json") >= 1,
        lambda: count("generated/*/part-*.jsonl") >= 1,
        lambda: count("runs/*/record.json") >= 14,
    ]
    done: dict[str, tuple[int, int]] = {}
    for reached in stages:
        running = command("study", "run", study, "--quiet")
        assert running.until(reached), running.end()
        kept = {path: stamp for path, stamp in stamps(folder).items() if path.endswith("record.json")}
        running.kill()
        assert {path: stamps(folder)[path] for path in done} == done, "a finished run is not repeated"
        done |= kept
    code, out, err = command("study", "run", study, "--json", "--quiet").end()
    assert (code, err) == (0, "")
    assert {path: stamps(folder)[path] for path in done} == done
    unbroken = finished.parent / "tiny"
    assert records(folder) == records(unbroken)
    found, expected = results(folder), results(unbroken)
    for part in ("domains", "corpora", "recipes", "runs", "statistics", "noise"):
        assert found[part] == expected[part]
    # Fits are sums whose order is the linear algebra library's, with its threads.
    assert numbers(found) == pytest.approx(numbers(expected), rel=1e-4, abs=1e-6)
    assert json.loads(out)["results"]["runs"]
    names = [path.name for path in folder.rglob("*") if path.name.endswith((".partial", ".staging"))]
    assert not [name for name in names if name.endswith(".staging")], "what was killed in its middle is swept away"
