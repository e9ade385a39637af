"""The machine as its operating system tells it: cores, their limits, memory, load, disk."""

import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthmix.engine.places import Gpu, usable_cores, visible_gpus
from synthmix.training.memory import free_memory

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")
SHARED = Path("/dev/shm")


@dataclass(frozen=True)
class Folder:
    """A folder that is written to: free bytes on its disk, and why it cannot be written to (None: it can)."""

    what: str
    path: str
    free: int
    fault: str | None


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


NAMES = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM", "RAYON_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
    *("SYNTHMIX_COMPILE", "SYNTHMIX_CACHE", "HF_HUB_OFFLINE", "TORCHINDUCTOR_CACHE_DIR"),
)
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")


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
    except OSError as error:
        fault = error.strerror or type(error).__name__
    return Folder(what, str(path), shutil.disk_usage(at).free, fault)
