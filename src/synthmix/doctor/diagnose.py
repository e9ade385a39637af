"""The diagnosis: what this machine can do, with findings and, if asked for, measured speeds."""

import platform
from importlib.metadata import version
from pathlib import Path

from synthmix.doctor.checks import LEVELS, Diagnosis, Finding, Speed, machine_findings, package_findings, torch_findings
from synthmix.doctor.machine import busy_between, core_packages, extras, look, look_at_machine
from synthmix.files import cache_folder
from synthmix.progress import Progress, Silent
from synthmix.training.capabilities import Capabilities, capabilities, try_step
from synthmix.training.hyperparameters import TOKENS_PER_PARAMETER, hyperparameters
from synthmix.training.memory import SPARE
from synthmix.training.protocol import Protocol
from synthmix.training.shape import shape_for

SIZES = (25_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000, 300_000_000, 10**9)
VOCAB = 4096
TIMED = {"cpu": 5e11, "cuda": 5e13}  # FLOPs of the steps of one size: a few seconds


def measured_speeds(precision: str, progress: Progress) -> list[Speed]:
    """Tokens per second of one run of each size on all threads, at vocabulary 4096 and the default protocol."""
    from synthmix.training.capabilities import ladder_speeds
    from synthmix.training.device import best_device, keep_heap

    keep_heap()  # as every run does
    protocol, shapes = Protocol(), [shape_for(size) for size in SIZES]
    most = TIMED[best_device()]
    progress.start("time training steps", None, "")
    speeds = ladder_speeds(shapes, VOCAB, protocol, precision, most=most)
    progress.finish("time training steps")
    timed = [s for s in shapes if s.flops_per_token(VOCAB, protocol.context) * protocol.batch * 5 <= most] or shapes[:1]
    return [
        Speed(size, speeds[shape], shape in timed, TOKENS_PER_PARAMETER * size / speeds[shape])
        for size, shape in zip(SIZES, shapes, strict=True)
    ]


def diagnose(*, measure: bool = False, progress: Progress | None = None) -> Diagnosis:
    """What this machine can do, what is slow or broken here, and why. Some seconds, of which most go into loading.

    Args:
        measure: time training steps of the ladder's smaller sizes as well (about half a minute).
    """
    told = progress or Silent()
    told.start("load packages", None, "packages")
    machine = look_at_machine({"working": Path.cwd(), "cache": cache_folder()})
    before = look()
    core = core_packages()
    told.finish("load packages")
    told.start("products and one step", None, "")
    found, faults = _torch()
    told.finish("products and one step")
    busy = busy_between(before, look())
    options = extras()
    findings = [*package_findings(core, options), *faults, *machine_findings(machine, busy)]
    if found is not None:
        findings += torch_findings(found, machine, quiet=all(finding.code != "busy" for finding in findings))
    speeds = measured_speeds(found.precision, told) if measure and found is not None and not faults else None
    return Diagnosis(
        version=version("synthmix"),
        python=platform.python_version(),
        machine=machine,
        capabilities=found,
        largest=_largest(found.devices[0].free if found is not None and found.devices else machine.memory_free),
        busy=busy,
        core=core,
        extras=options,
        findings=sorted(findings, key=lambda finding: LEVELS.index(finding.level)),
        speeds=speeds,
    )


def _torch() -> tuple[Capabilities | None, list[Finding]]:
    """What torch can do, unless it cannot even take a step."""
    try:
        found = capabilities()
    except (ImportError, OSError) as error:
        return None, [_fault("torch", error)]
    try:
        try_step()
    except (ImportError, OSError, RuntimeError) as error:
        return found, [_fault("step", error)]
    return found, []


def _fault(code: str, error: Exception) -> Finding:
    said = " ".join(str(error).split())[:200]
    what = {"torch": "torch cannot be loaded", "step": "a training step of the smallest model fails"}[code]
    remedy = 'install them again: pip install --force-reinstall "torch>=2.6,<2.14" transformers'
    return Finding(code, "broken", f"{what} ({type(error).__name__}: {said})", remedy)


def _largest(free: int) -> int | None:
    """The largest of the ladder's sizes that trains in the free memory, one sequence at a time."""
    fit = [size for size in SIZES if hyperparameters(size).memory <= SPARE * free]
    return max(fit, default=None)
