"""``synthmix doctor`` on the machine that the tests run on, and on one that is broken."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Ran

Run = Callable[..., Ran]


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products timed for a moment only."""
    from synthmix.doctor import diagnose
    from synthmix.training.capabilities import capabilities

    monkeypatch.setattr(diagnose, "capabilities", lambda: capabilities(0.001))


@pytest.mark.usefixtures("cheap")
def test_this_machine_is_usable(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    ran = run("doctor", "--json", "--quiet")
    value: dict[str, Any] = ran.value
    assert value["usable"] is True
    assert value["capabilities"]["bf16"] > 0
    assert value["largest"] >= 25_000
    assert value["speeds"] is None
    assert {extra["name"] for extra in value["extras"]} >= {"hub", "cluster"}
    assert {folder["what"] for folder in value["machine"]["folders"]} == {"working", "cache"}
    assert not (tmp_path / "cache").exists()
    assert all(finding["remedy"] or finding["level"] == "note" for finding in value["findings"])


@pytest.mark.usefixtures("cheap")
def test_what_is_broken_is_told_with_exit_code_one(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("SYNTHMIX_COMPILE", "maybe")
    ran = run("doctor", "--quiet")
    assert ran.code == 1
    assert "Not usable: 2 broken" in ran.out
    assert f"BROKEN: the cache folder {tmp_path}/file/cache: {tmp_path}/file is a file [unwritable]" in ran.out
    assert "    -> set SYNTHMIX_CACHE to another folder" in ran.out
    assert json.loads(run("doctor", "--quiet", "--json").out)["usable"] is False


def test_torch_that_does_not_load_is_a_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthmix.doctor import diagnose

    def fail() -> None:
        raise OSError("libtorch_cpu.so: cannot open shared object file")

    monkeypatch.setattr(diagnose, "capabilities", fail)
    ran = run("doctor", "--quiet", "--measure")
    assert ran.code == 1
    assert "BROKEN: torch cannot be loaded (OSError: libtorch_cpu.so: cannot open shared object file)" in ran.out


@pytest.mark.usefixtures("cheap")
def test_speeds_of_the_ladder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthmix.doctor import diagnose

    monkeypatch.setattr(diagnose, "SIZES", (25_000, 10**9))
    monkeypatch.setattr(diagnose, "TIMED", {"cpu": 1e9, "cuda": 1e9})
    ran = run("doctor", "--measure", "--json", "--quiet")
    small, large = json.loads(ran.out)["speeds"]
    assert (small["timed"], large["timed"]) == (True, False)
    assert small["tokens_per_second"] > 1000 * large["tokens_per_second"]
    assert small["seconds"] == pytest.approx(20 * 25_000 / small["tokens_per_second"])


def test_a_step_is_a_real_one_and_packages_load() -> None:
    from synthmix.doctor.machine import core_packages
    from synthmix.training.capabilities import try_step

    assert try_step() == pytest.approx(math.log(300), abs=0.5)
    assert all(package.fault is None for package in core_packages())
