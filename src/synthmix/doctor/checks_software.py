"""What torch, its packages and GPUs mean for synthmix: pure functions of what was seen."""

from collections.abc import Iterator, Sequence

from synthmix.doctor.findings import Finding
from synthmix.doctor.machine import Machine
from synthmix.doctor.packages import Extra, Package
from synthmix.training.abilities import Abilities

GAIN = 0.7  # of the threads, that their products should be faster than one's (CHOSEN)


def package_findings(core: Sequence[Package], extras: Sequence[Extra]) -> list[Finding]:
    """What is missing or does not fit; an extra that is half there is told, one that is not there is none."""
    found = []
    for package in core:
        if package.fault is not None:
            remedy = f'pip install --upgrade "{package.name}{package.wanted}"'
            found.append(Finding("package", "broken", f"{package.name} {package.fault}", remedy))
    for extra in extras:
        there = [package for package in extra.packages if package.version is not None]
        wrong = [package for package in extra.packages if package.fault is not None]
        if there and wrong:
            what = ", ".join(f"{package.name} {package.fault}" for package in wrong)
            found.append(Finding("extra", "note", f"{extra.name}: {what}", f'pip install "synthmix[{extra.name}]"'))
    return found


def torch_findings(found: Abilities, machine: Machine, *, quiet: bool = True) -> list[Finding]:
    """What torch cannot do here, or does slowly; ``quiet``: nothing else ran, so that threads can be judged."""
    threads = _threads(found) if quiet else ()
    return [*_devices(found, machine), *_precision(found), *threads, *_compiler(found, machine)]


def _devices(found: Abilities, machine: Machine) -> Iterator[Finding]:
    if machine.gpus and not found.devices:
        cause = (
            f"torch {found.torch} is a build without CUDA"
            if found.cuda_build is None
            else f"torch {found.torch} (CUDA {found.cuda_build}) finds none: the driver may be older than that CUDA"
        )
        yield Finding(
            "gpu-unused",
            "slow",
            f"there are {len(machine.gpus)} GPU(s), and {cause}; everything runs on the processor",
            "install a CUDA build of torch that fits the driver (README: --index-url .../whl/cu126)",
        )
    if machine.environment.get("CUDA_VISIBLE_DEVICES", "unset").strip() in ("", "-1") and not found.devices:
        yield Finding("gpu-hidden", "note", "CUDA_VISIBLE_DEVICES hides all GPUs from this process", "unset it")
    for device in found.devices:
        if not device.bf16:
            what = f"{device.name} has no bfloat16 units: runs take float32"
            yield Finding("gpu-no-bf16", "slow", what, "use a GPU of compute capability 8.0 or later")
        if device.peak is None:
            what = f"the peak of {device.name} is not known here, so no share of it (MFU) can be told"
            yield Finding("gpu-unknown", "note", what)


def _precision(found: Abilities) -> Iterator[Finding]:
    if not found.devices and found.bf16 < 1.2 * found.float32:
        yield Finding(
            "no-bf16",
            "slow",
            f"this processor's bfloat16 products reach {found.bf16 / found.float32:.2g} times its float32 ones: "
            f"it has no units for them; precision: auto takes {found.precision}",
            "leave precision at auto; a processor with AMX or AVX512-BF16 (or a GPU) is about twice as fast",
        )


def _threads(found: Abilities) -> Iterator[Finding]:
    if found.one_thread is not None and found.float32 < GAIN * found.threads * found.one_thread:
        yield Finding(
            "threads-gain",
            "slow",
            f"{found.threads} threads are {found.float32 / found.one_thread:.2g} times as fast as one: they share "
            "cores (hyper-threads), or other processes or a limit take the rest",
            "set workers: to the number of real cores, and measure again when nothing else runs",
        )


def _compiler(found: Abilities, machine: Machine) -> Iterator[Finding]:
    switch = machine.environment.get("SYNTHMIX_COMPILE", "")
    if switch not in ("", "0", "1"):
        yield Finding("compile-switch", "broken", f"SYNTHMIX_COMPILE is {switch!r}", "set it to 1, 0, or not at all")
    elif switch == "0":
        yield Finding("compile-off", "slow", "SYNTHMIX_COMPILE=0: long runs are not compiled", "unset it")
    elif found.compile_fault is not None:
        remedy = "install triton" if "triton" in found.compile_fault else "apt-get install g++ python3-dev"
        what = f"torch.compile cannot work: {found.compile_fault}; runs of 1e13 FLOPs and more are slower"
        yield Finding("no-compiler", "slow", what, remedy)
