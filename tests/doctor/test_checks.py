"""What each state of a machine is called, and that each has a remedy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from synthmix.doctor.checks import machine_findings, package_findings, torch_findings
from synthmix.doctor.machine import Busy, Extra, Folder, Machine, Package, _package, core_packages, extras
from synthmix.engine.places import Gpu
from synthmix.training.capabilities import Capabilities, Device, compile_fault

pytestmark = pytest.mark.smoke

GB = 2**30
MACHINE = Machine(
    system="Linux x86_64",
    processor="A processor",
    cores=8,
    usable=8,
    quota=None,
    load=0.2,
    memory=32 * GB,
    memory_free=30 * GB,
    flags=("avx2",),
    governor=None,
    glibc=True,
    shared=8 * GB,
    files=4096,
    gpus=(),
    folders=(Folder("cache", "/cache", 100 * GB, None),),
    environment={},
)
ABLE = Capabilities("2.9", None, 8, 800e9, 1600e9, 110e9, "bf16", None, ())
H100 = Device("NVIDIA H100", 80 * GB, 79 * GB, True, 989e12)


def test_a_good_machine_has_no_findings() -> None:
    assert machine_findings(MACHINE, []) == []
    assert torch_findings(ABLE, MACHINE) == []
    assert torch_findings(replace(ABLE, devices=(H100,), one_thread=None), MACHINE) == []


@pytest.mark.parametrize(
    ("change", "code", "level", "words"),
    [
        ({"quota": 1.5}, "cpu-quota", "slow", "workers: 1"),
        ({"usable": 4, "cores": 8}, "cpu-affinity", "note", "scheduler"),
        ({"environment": {"OMP_NUM_THREADS": "16"}}, "too-many-threads", "slow", "unset"),
        ({"environment": {"OMP_NUM_THREADS": "1"}}, "few-threads", "note", "unset"),
        ({"governor": "powersave"}, "cpu-governor", "slow", "performance"),
        ({"load": 20.0}, "load", "note", "again"),
        ({"memory_free": GB // 4}, "no-memory", "broken", "memory"),
        ({"memory_free": GB}, "little-memory", "slow", "memory"),
        ({"folders": (Folder("cache", "/c", GB, "Permission denied"),)}, "unwritable", "broken", "SYNTHMIX_CACHE"),
        ({"folders": (Folder("working", ".", 10**6, None),)}, "disk-full", "broken", "free some space"),
        ({"folders": (Folder("working", ".", 10**9, None),)}, "disk-nearly-full", "note", "free some space"),
        ({"files": 256}, "few-files", "note", "--concurrency 128"),
        ({"shared": GB // 16}, "little-shm", "note", "--shm-size"),
        ({"glibc": False}, "no-glibc", "slow", "Alpine"),
        ({"environment": {"TOKENIZERS_PARALLELISM": "false"}}, "tokenizers-serial", "slow", "unset"),
        ({"environment": {"RAYON_NUM_THREADS": "2"}}, "tokenizers-few", "slow", "unset"),
    ],
)
def test_what_is_wrong_with_a_machine(change: dict[str, Any], code: str, level: str, words: str) -> None:
    found = machine_findings(replace(MACHINE, **change), [])
    assert [(one.code, one.level) for one in found] == [(code, level)]
    assert words in (found[0].remedy or "")


def test_others_that_compute_are_named() -> None:
    found = machine_findings(MACHINE, [Busy(7, "train.py", 2.5), Busy(8, "ls", 0.1)])
    assert found[0].code == "busy"
    assert "2.6 of 8 cores busy: train.py (2.5, process 7)" in found[0].what
    assert machine_findings(MACHINE, [Busy(8, "ls", 0.1)]) == []


@pytest.mark.parametrize(
    ("change", "machine", "code", "words"),
    [
        ({}, {"gpus": (Gpu("0", GB),)}, "gpu-unused", "without CUDA"),
        ({"cuda_build": "12.6"}, {"gpus": (Gpu("0", GB),)}, "gpu-unused", "driver"),
        ({}, {"environment": {"CUDA_VISIBLE_DEVICES": ""}}, "gpu-hidden", "CUDA_VISIBLE_DEVICES"),
        ({"devices": (replace(H100, bf16=False),), "one_thread": None}, {}, "gpu-no-bf16", "bfloat16"),
        ({"devices": (replace(H100, peak=None),), "one_thread": None}, {}, "gpu-unknown", "MFU"),
        ({"bf16": 300e9, "precision": "float32"}, {}, "no-bf16", "takes float32"),
        ({"one_thread": 400e9}, {}, "threads-gain", "2 times as fast"),
        ({"compile_fault": "no C++ compiler (g++ is not there)"}, {}, "no-compiler", "g++ is not there"),
        ({}, {"environment": {"SYNTHMIX_COMPILE": "0"}}, "compile-off", "SYNTHMIX_COMPILE=0"),
        ({}, {"environment": {"SYNTHMIX_COMPILE": "yes"}}, "compile-switch", "'yes'"),
    ],
)
def test_what_torch_cannot_do(change: dict[str, Any], machine: dict[str, Any], code: str, words: str) -> None:
    found = torch_findings(replace(ABLE, **change), replace(MACHINE, **machine))
    assert [one.code for one in found] == [code]
    assert words in found[0].what
    assert (found[0].level == "broken") == (code == "compile-switch")


def test_threads_are_not_judged_while_others_compute() -> None:
    assert torch_findings(replace(ABLE, one_thread=400e9), MACHINE, quiet=False) == []


def test_packages() -> None:
    assert {"torch", "numpy"} <= {package.name for package in core_packages(load=False)}
    assert {"hub", "cloud", "cluster", "track"} <= {extra.name for extra in extras()}
    assert not {"dev", "docs"} & {extra.name for extra in extras()}
    assert _package(Requirement("no-such-package>=1"), load=False).fault == "is not installed"
    old = _package(Requirement("numpy>=99"), load=False)
    assert old.fault is not None
    assert old.fault.endswith("and >=99 is needed")
    [found] = package_findings([old], [])
    assert (found.level, found.remedy) == ("broken", 'pip install --upgrade "numpy>=99"')


def test_half_an_extra_is_told_and_none_is_not() -> None:
    there, gone = Package("a", ">=1", "1.0", None), Package("b", "", None, "is not installed")
    [found] = package_findings([], [Extra("cloud", "", (there, gone)), Extra("hub", "", (gone,))])
    assert (found.code, found.level, found.remedy) == ("extra", "note", 'pip install "synthmix[cloud]"')
    assert not Extra("cloud", "", (there, gone)).installed


def test_a_package_that_does_not_load_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError("libgomp.so.1:\ncannot open shared object file")

    monkeypatch.setattr("synthmix.doctor.machine.import_module", fail)
    fault = _package(Requirement("numpy>=2"), load=True).fault
    assert fault == "cannot be loaded (ImportError: libgomp.so.1: cannot open shared object file)"


def test_the_compilers_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    assert "no C++ compiler" in (compile_fault() or "")
    monkeypatch.delenv("CXX")
    monkeypatch.setattr("synthmix.training.capabilities.why_not", lambda: None)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    assert "Python's headers are not there" in (compile_fault() or "")
