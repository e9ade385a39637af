"""What the machine's cores, memory and disks mean for synthmix: pure functions of what was seen."""

from collections.abc import Iterator, Sequence

from synthmix.doctor.busy import Busy
from synthmix.doctor.findings import Finding
from synthmix.doctor.machine import Machine
from synthmix.training.memory import BASE, SPARE

FULL, NEARLY_FULL = 200_000_000, 2_000_000_000  # bytes free of a disk (CHOSEN: a quickstart writes 100 MB)
FILES, SHARED = 1024, 2**30  # open files, and bytes of /dev/shm, from which nothing is missed (CHOSEN)
OTHERS = 0.25  # of the cores kept busy by others, from which timings suffer (CHOSEN)


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
