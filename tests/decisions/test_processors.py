"""What is decided does not depend on the processor."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.decided_studies import decided

import synthmix
from synthmix.doctor.machine import cpuinfo

ROOT = Path(__file__).parents[2]
# What makes one x86-64 processor act as another: as in the Makefile.
WITHOUT_AVX512 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
WITHOUT_AVX = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
}


def differences(here: Any, there: Any, at: str = "") -> Iterator[str]:
    """Where two JSON values differ: numbers by more than 1e-6 of themselves and 1e-8, all else at all. Of what is of
    order one, rounding is 1e-9; draws given the residuals of resamples multiply it."""
    if isinstance(here, dict) and isinstance(there, dict) and here.keys() == there.keys():
        for key in here:
            yield from differences(here[key], there[key], f"{at}/{key}")
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for i, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from differences(one, other, f"{at}/{i}")
    elif isinstance(here, float) and isinstance(there, float):
        if here != pytest.approx(there, rel=1e-6, abs=1e-8):
            yield f"{at}: {here!r} and {there!r}"
    elif here != there or type(here) is not type(there):
        yield f"{at}: {here!r} and {there!r}"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the switches are those of x86-64")
def test_a_processor_without_the_vector_instructions_decides_the_same() -> None:
    """Verdicts, the laws named, caveats, the recipe and every number; the losses of both come from one formula."""
    other = WITHOUT_AVX512 if "avx512f" in cpuinfo().get("flags", "") else WITHOUT_AVX
    source = str(Path(synthmix.__file__).parents[1])
    environment = os.environ | other | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{source}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.decided_studies"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        here = decided()
        there = json.loads(process.communicate()[0])
    assert list(differences(here, there)) == []
    states = {name: found["decision"]["verdicts"][0]["state"] for name, found in here.items()}
    assert states == {**dict.fromkeys(here, "not determined"), "helps": "helps", "hurts": "hurts"}
    assert {name: found["decision"]["curves"][0]["law"] for name, found in here.items()} == dict.fromkeys(
        here, "joint_quadratic"
    )


def test_a_difference_is_seen() -> None:
    one = {"a": [1.0, "x", None], "b": 0.0}
    assert list(differences(one, {"a": [1.0 + 1e-12, "x", None], "b": 1e-15})) == []
    assert list(differences(one, {"a": [1.00001, "y", 0.0], "b": 1e-7})) != []
    assert len(list(differences(one, {"a": [1.00001, "y", 0.0], "b": 1e-7}))) == 4
    assert list(differences(one, {"a": [1.0]})) != []
