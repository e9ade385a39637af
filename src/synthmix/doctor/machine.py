"""What there is: cores and their limits, memory, disk; what else runs meanwhile; the packages that synthmix needs."""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import TYPE_CHECKING

from synthmix.engine.places import Gpu, usable_cores, visible_gpus
from synthmix.errors import SynthmixError
from synthmix.locking import check_locks, held_here_alone
from synthmix.training.memory import free_memory

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")
SHARED = Path("/dev/shm")
NAMES = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM", "RAYON_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
    *("SYNTHMIX_COMPILE", "SYNTHMIX_CACHE", "HF_HUB_OFFLINE", "TORCHINDUCTOR_CACHE_DIR"),
)
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")
LONGEST = 40  # characters of a command that are shown
# Those with code of their own for the processor, which an installation can break, but for scikit-learn, which takes a
# second to load: name on the index -> module.
NATIVE = {
    **{name: name for name in ("torch", "tokenizers", "numpy", "scipy", "pyarrow", "zstandard")},
    **{"pydantic": "pydantic_core", "safetensors": "safetensors._safetensors_rust"},
}
FOR = {
    "hub": "corpora from the Hugging Face hub",
    "cloud": "corpora in s3:// and gs://",
    "cluster": "--engine ray",
    "track": "--log tensorboard",
    "generate": "text from an OpenAI-compatible server",
    "harness": "synthmix evaluate --harness",
    "lz4": "files packed as .lz4",
    "sql": "SQL over the records of runs",
    "value": "synthmix value: lava, folders of images",
}
NOT_FOR_USERS = {"dev", "docs"}


@dataclass(frozen=True)
class Folder:
    """A folder that is written to: free bytes on its disk, why it cannot be written to (None: it can), why its locks
    are not seen by other machines (None: nothing says so)."""

    what: str
    path: str
    free: int
    fault: str | None
    locks: str | None = None


@dataclass(frozen=True)
class Machine:
    """``usable``: cores this process may run on; ``quota``: processor time that its control group gives it, in cores
    (None: no limit); ``load``: processes that want to run, of the last minute; memory in bytes; ``flags``: the
    processor's units that matter here; ``governor``: its frequency policy; ``shared``: bytes of /dev/shm; ``files``:
    that this process may hold open."""

    system: str
    processor: str
    cores: int
    usable: int
    quota: float | None
    load: float | None
    memory: int
    memory_free: int
    flags: tuple[str, ...]
    governor: str | None
    glibc: bool
    shared: int | None
    files: int | None
    gpus: tuple[Gpu, ...]
    folders: tuple[Folder, ...]
    environment: Mapping[str, str]


def look_at_machine(folders: Mapping[str, Path]) -> Machine:
    """Look, without loading torch.

    Args:
        folders: what each is for -> where it is, or will be made.
    """
    usable = usable_cores()
    cpu = cpuinfo()
    governor = Path(f"/sys/devices/system/cpu/cpu{usable[0]}/cpufreq/scaling_governor")
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=cpu.get("model name") or cpu.get("Hardware") or platform.processor() or "unknown",
        cores=os.cpu_count() or len(usable),
        usable=len(usable),
        quota=quota(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        memory_free=free_memory(),
        flags=tuple(name for name in FLAGS if name in (cpu.get("flags") or cpu.get("Features") or "").split()),
        governor=governor.read_text().strip() if governor.exists() else None,
        glibc=platform.system() != "Linux" or platform.libc_ver()[0] == "glibc",
        shared=shutil.disk_usage(SHARED).total if SHARED.exists() else None,
        files=_open_files(),
        gpus=tuple(visible_gpus()),
        folders=tuple(folder(what, path) for what, path in folders.items()),
        environment={name: os.environ[name] for name in NAMES if name in os.environ},
    )


def _open_files() -> int | None:
    """The soft limit; None: there is none, or no such thing on this system."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def cpuinfo(path: Path = PROC / "cpuinfo") -> dict[str, str]:
    """What the system says of the first core; empty where it says nothing."""
    if not path.exists():
        return {}
    first = path.read_text(errors="replace").split("\n\n")[0]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def quota(root: Path = GROUPS, own: Path = PROC / "self" / "cgroup") -> float | None:
    """The least limit of processor time, in cores, of this process's control groups (version 1 or 2)."""
    if not own.exists():
        return None
    found = []
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "cpu" if controllers else root
        at = base / path.lstrip("/")
        for group in (at, *at.parents):
            if group.is_relative_to(base):
                found += _limit(group)
    return min(found, default=None)


def _limit(group: Path) -> list[float]:
    if (group / "cpu.max").exists():
        most, period = (group / "cpu.max").read_text().split()
    elif (group / "cpu.cfs_quota_us").exists() and (group / "cpu.cfs_period_us").exists():
        most, period = ((group / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
    else:
        return []
    return [int(most) / int(period)] if most.isdigit() and int(most) and int(period) else []


def folder(what: str, path: Path) -> Folder:
    """Whether ``path``, or the nearest folder above it that is there, can be written to; a file is made and removed."""
    at = path.expanduser().absolute()
    while not at.exists():
        at = at.parent
    if not at.is_dir():
        return Folder(what, str(path), 0, f"{at} is a file")
    try:
        with tempfile.TemporaryFile(dir=at):
            fault = None
        check_locks(at)
    except OSError as error:
        fault = error.strerror or type(error).__name__
    except SynthmixError as error:
        fault = error.problem
    return Folder(what, str(path), shutil.disk_usage(at).free, fault, held_here_alone(at))


@dataclass(frozen=True)
class Look:
    """Processor seconds of each other process so far, by its number, and its name."""

    at: float
    seconds: dict[int, float]
    names: dict[int, str]


@dataclass(frozen=True)
class Busy:
    """A process and the cores that it kept busy between two looks."""

    pid: int
    name: str
    cores: float


def look(proc: Path = PROC) -> Look:
    """All processes but this one that can be seen; none where the system has no /proc."""
    seconds, names = {}, {}
    tick = os.sysconf("SC_CLK_TCK")
    for path in proc.glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text(errors="replace").rpartition(")")
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended meanwhile, or is not ours to see
            continue
        fields = rest.split()
        pid = int(path.parent.name)
        if pid != os.getpid() and len(fields) > 12:
            seconds[pid] = (int(fields[11]) + int(fields[12])) / tick
            names[pid] = _command(path.parent) or head.partition("(")[2]
    return Look(time.monotonic(), seconds, names)


def _command(process: Path) -> str:
    """The first words of what was started, as far as we may see it."""
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
    said = " ".join(" ".join([Path(words[0]).name, *words[1:]]).split())
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


def busy_between(one: Look, other: Look) -> list[Busy]:
    """The processes of both looks that kept a tenth of a core busy or more, the busiest first."""
    apart = max(other.at - one.at, 1e-9)
    found = [
        Busy(pid, other.names[pid], round((spent - one.seconds[pid]) / apart, 2))
        for pid, spent in other.seconds.items()
        if pid in one.seconds
    ]
    return sorted((each for each in found if each.cores >= 0.1), key=lambda each: -each.cores)


@dataclass(frozen=True)
class Package:
    """``wanted``: the versions that do; ``fault``: what is wrong with it, None when it is there and fits."""

    name: str
    wanted: str
    version: str | None
    fault: str | None


@dataclass(frozen=True)
class Extra:
    """An optional part: ``installed`` when all of its packages are there and fit."""

    name: str
    what: str
    packages: tuple[Package, ...]

    @property
    def installed(self) -> bool:
        """Whether it can be used."""
        return all(package.fault is None for package in self.packages)


def core_packages(*, load: bool = True) -> list[Package]:
    """What synthmix cannot do without; ``load``: those of native code are imported, which tells a broken one."""
    return [_package(wanted, load=load) for wanted in _declared("")]


def extras() -> list[Extra]:
    """The optional parts, by name; none of them is imported."""
    names = sorted(set(metadata("synthmix").get_all("Provides-Extra") or []) - NOT_FOR_USERS)
    core = set(map(str, _declared("")))
    return [
        Extra(name, FOR.get(name, ""), tuple(_package(w, load=False) for w in _declared(name) if str(w) not in core))
        for name in names
    ]


def _declared(extra: str) -> "list[Requirement]":
    """The requirements that hold on this machine with one extra, or with none (``""``)."""
    from packaging.requirements import Requirement

    all_of_them = [Requirement(line) for line in metadata("synthmix").get_all("Requires-Dist") or []]
    return [one for one in all_of_them if one.marker is None or one.marker.evaluate({"extra": extra})]


def _package(wanted: "Requirement", *, load: bool) -> Package:
    try:
        there = version(wanted.name)
    except PackageNotFoundError:
        return Package(wanted.name, str(wanted.specifier), None, "is not installed")
    if not wanted.specifier.contains(there, prereleases=True):
        return Package(wanted.name, str(wanted.specifier), there, f"version {there}, and {wanted.specifier} is needed")
    return Package(wanted.name, str(wanted.specifier), there, _loading_fault(NATIVE.get(wanted.name) if load else None))


def _loading_fault(module: str | None) -> str | None:
    try:
        if module is not None:
            import_module(module)
    except (ImportError, OSError, AttributeError, ValueError) as error:  # what a broken or mismatched binary raises
        return f"cannot be loaded ({type(error).__name__}: {' '.join(str(error).split())[:160]})"
    return None
