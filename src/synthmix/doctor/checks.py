"""From what there is to findings: what does not work, what is slower than it could be, what is good to know."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from synthmix.doctor.machine import Busy, Extra, Machine, Package
from synthmix.training.capabilities import Capabilities
from synthmix.training.memory import BASE, SPARE

Level = Literal["broken", "slow", "note"]
LEVELS: tuple[Level, ...] = ("broken", "slow", "note")
FULL, NEARLY_FULL = 200_000_000, 2_000_000_000  # bytes free of a disk (CHOSEN: a quickstart writes 100 MB)
FILES, SHARED = 1024, 2**30  # open files, and bytes of /dev/shm, from which nothing is missed (CHOSEN)
OTHERS = 0.25  # of the cores kept busy by others, from which timings suffer (CHOSEN)
GAIN = 0.7  # of the threads, that their products should be faster than one's (CHOSEN)


@dataclass(frozen=True)
class Finding:
    """``broken``: synthmix does not work so; ``slow``: slower or smaller than the machine could; ``note``: good to
    know. ``what`` is a clause, ``remedy`` an instruction."""

    code: str
    level: Level
    what: str
    remedy: str | None = None


@dataclass(frozen=True)
class Speed:
    """Training of one run with all threads: ``params`` non-embedding; ``timed`` False: scaled by FLOPs from the largest
    timed size; ``seconds``: of 20 tokens a parameter."""

    params: int
    tokens_per_second: float
    timed: bool
    seconds: float


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`synthmix.diagnose` found; ``findings``: the worst first. no ``capabilities``: torch does not load."""

    version: str
    python: str
    machine: Machine
    capabilities: Capabilities | None
    largest: int | None
    busy: list[Busy]
    core: list[Package]
    extras: list[Extra]
    findings: list[Finding]
    speeds: list[Speed] | None

    @property
    def usable(self) -> bool:
        """Whether nothing that the core needs is broken."""
        return all(finding.level != "broken" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        extras = [{**asdict(extra), "installed": extra.installed} for extra in self.extras]
        return {"usable": self.usable, **asdict(self), "extras": extras}


def machine_findings(machine: Machine, busy: Sequence[Busy]) -> list[Finding]:
    """All of them."""
    return [*_cores(machine), *_load(machine, busy), *_memory(machine), *_folders(machine), *_system(machine)]


def _cores(machine: Machine) -> Iterator[Finding]:
    if machine.quota is not None and machine.quota < machine.usable:
        whole = max(1, int(machine.quota))
        yield Finding(
            "cpu-quota",
            "slow",
            f"the control group gives {machine.quota:g} cores of processor time to {machine.usable} cores: workers on "
            "all of them wait for each other",
            f"run with workers: {whole} (and OMP_NUM_THREADS={whole}), or raise the container's CPU limit",
        )
    if machine.usable < machine.cores:
        yield Finding(
            "cpu-affinity",
            "note",
            f"this process may run on {machine.usable} of {machine.cores} cores (taskset, a container or a scheduler)",
            "ask the scheduler for more cores if they are wanted",
        )
    threads = machine.environment.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > machine.usable:
        yield Finding(
            "too-many-threads",
            "slow",
            f"OMP_NUM_THREADS={threads} on {machine.usable} cores: threads wait for each other",
            "unset OMP_NUM_THREADS",
        )
    elif threads.isdigit() and int(threads) < machine.usable:
        yield Finding(
            "few-threads",
            "note",
            f"OMP_NUM_THREADS={threads} on {machine.usable} cores: single runs are slower, studies are not",
            "unset OMP_NUM_THREADS for these",
        )
    if machine.governor == "powersave":
        yield Finding(
            "cpu-governor",
            "slow",
            "the processor's frequency policy is powersave",
            "cpupower frequency-set -g performance",
        )


def _load(machine: Machine, busy: Sequence[Busy]) -> Iterator[Finding]:
    others = sum(each.cores for each in busy)
    if others >= OTHERS * machine.usable:
        named = ", ".join(f"{each.name} ({each.cores:.1f}, process {each.pid})" for each in busy[:3])
        yield Finding(
            "busy",
            "slow",
            f"other processes keep {others:.1f} of {machine.usable} cores busy: {named}; what is timed now is too slow",
            "wait for them or end them before you measure or plan",
        )
    elif machine.load is not None and machine.load > 1.5 * machine.usable:
        yield Finding(
            "load",
            "note",
            f"the load average of the last minute is {machine.load:.1f} on {machine.usable} cores",
            "look again in a minute before you measure or plan",
        )


def _memory(machine: Machine) -> Iterator[Finding]:
    room = int(SPARE * machine.memory_free / BASE)
    if room < 1:
        yield Finding(
            "no-memory",
            "broken",
            f"{machine.memory_free / 2**30:.2f} GiB of memory are free; one worker needs {BASE / 2**30:.2f}",
            "end other processes, or raise the container's memory limit",
        )
    elif room < machine.usable and not machine.gpus:
        yield Finding(
            "little-memory",
            "slow",
            f"{machine.memory_free / 2**30:.2f} GiB of free memory hold {room} worker(s) of a small model; there are "
            f"{machine.usable} cores",
            "end other processes, or raise the container's memory limit",
        )


def _folders(machine: Machine) -> Iterator[Finding]:
    for folder in machine.folders:
        remedy = "set SYNTHMIX_CACHE to another folder" if folder.what == "cache" else "work in another folder"
        if folder.fault is not None:
            yield Finding("unwritable", "broken", f"the {folder.what} folder {folder.path}: {folder.fault}", remedy)
        elif folder.free < FULL:
            free = f"{folder.free / 1e6:.0f} MB are free for the {folder.what} folder {folder.path}"
            yield Finding("disk-full", "broken", free, f"free some space, or {remedy}")
        elif folder.free < NEARLY_FULL:
            free = f"{folder.free / 1e9:.1f} GB are free for the {folder.what} folder {folder.path}"
            yield Finding("disk-nearly-full", "note", free, f"free some space, or {remedy}")
        if folder.locks is not None:
            what = f"locks of the {folder.what} folder hold on this machine alone: {folder.locks}"
            yield Finding("locks-local", "note", what, "run a study on one machine at a time, or mount it with locks")


def _system(machine: Machine) -> Iterator[Finding]:
    if not machine.glibc:
        yield Finding(
            "no-glibc",
            "slow",
            "the C library is not glibc, whose heap can be told to keep its pages (1.3 to 1.6 times faster)",
            "use a Debian, Ubuntu or Red Hat image instead of Alpine",
        )
    if machine.environment.get("TOKENIZERS_PARALLELISM", "").lower() in ("false", "0", "off", "f", "n", "no"):
        yield Finding(
            "tokenizers-serial", "slow", "TOKENIZERS_PARALLELISM is off: text is tokenised on one core", "unset it"
        )
    if machine.files is not None and machine.files < FILES:
        what = f"a process may hold {machine.files} files open; synthmix generate keeps up to 512 connections"
        yield Finding("few-files", "note", what, f"ulimit -n {FILES}, or --concurrency {machine.files // 2}")
    if machine.shared is not None and machine.shared < SHARED:
        what = f"/dev/shm holds {machine.shared / 2**20:.0f} MiB: --engine ray keeps its objects on disk then"
        yield Finding("little-shm", "note", what, "start the container with --shm-size 2g")
    rayon = machine.environment.get("RAYON_NUM_THREADS", "")
    if rayon.isdigit() and 0 < int(rayon) < machine.usable:
        what = f"RAYON_NUM_THREADS={rayon}: text is tokenised on {rayon} of {machine.usable} cores"
        yield Finding("tokenizers-few", "slow", what, "unset it")


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


def torch_findings(found: Capabilities, machine: Machine, *, quiet: bool = True) -> list[Finding]:
    """What torch cannot do here, or does slowly; ``quiet``: nothing else ran, so that threads can be judged."""
    threads = _threads(found) if quiet else ()
    return [*_devices(found, machine), *_precision(found), *threads, *_compiler(found, machine)]


def _devices(found: Capabilities, machine: Machine) -> Iterator[Finding]:
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


def _precision(found: Capabilities) -> Iterator[Finding]:
    if not found.devices and found.bf16 < 1.2 * found.float32:
        yield Finding(
            "no-bf16",
            "slow",
            f"this processor's bfloat16 products reach {found.bf16 / found.float32:.2g} times its float32 ones: "
            f"it has no units for them; precision: auto takes {found.precision}",
            "leave precision at auto; a processor with AMX or AVX512-BF16 (or a GPU) is about twice as fast",
        )


def _threads(found: Capabilities) -> Iterator[Finding]:
    if found.one_thread is not None and found.float32 < GAIN * found.threads * found.one_thread:
        yield Finding(
            "threads-gain",
            "slow",
            f"{found.threads} threads are {found.float32 / found.one_thread:.2g} times as fast as one: they share "
            "cores (hyper-threads), or other processes or a limit take the rest",
            "set workers: to the number of real cores, and measure again when nothing else runs",
        )


def _compiler(found: Capabilities, machine: Machine) -> Iterator[Finding]:
    switch = machine.environment.get("SYNTHMIX_COMPILE", "")
    if switch not in ("", "0", "1"):
        yield Finding("compile-switch", "broken", f"SYNTHMIX_COMPILE is {switch!r}", "set it to 1, 0, or not at all")
    elif switch == "0":
        yield Finding("compile-off", "slow", "SYNTHMIX_COMPILE=0: long runs are not compiled", "unset it")
    elif found.compile_fault is not None:
        remedy = "install triton" if "triton" in found.compile_fault else "apt-get install g++ python3-dev"
        what = f"torch.compile cannot work: {found.compile_fault}; runs of 1e13 FLOPs and more are slower"
        yield Finding("no-compiler", "slow", what, remedy)
