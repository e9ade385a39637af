"""Which workers this machine has room for: its cores or its GPUs, and their memory."""

import os
import shutil
import subprocess
from dataclasses import dataclass

from synthmix.errors import BadInput
from synthmix.training.memory import SPARE, free_memory

PACKED = 4  # workers that share a GPU unless told otherwise, cores permitting (CHOSEN: small models leave it idle)
HOST = "memory"


@dataclass(frozen=True)
class Place:
    """Where one worker computes. ``pool``: whose memory it uses; ``cores`` empty: not pinned; ``gpu`` None: CPU."""

    pool: str
    cores: tuple[int, ...] = ()
    gpu: str | None = None


@dataclass(frozen=True)
class Gpu:
    """A GPU: what CUDA_VISIBLE_DEVICES calls it, and its free memory in bytes."""

    name: str
    free: int


def find_places(workers: int | None, threads: int, per_gpu: int | None = None) -> tuple[list[Place], dict[str, int]]:
    """A place for each worker, and the bytes that tasks may fill in each pool of memory.

    With GPUs there are ``per_gpu`` workers on each; else one worker for every ``threads`` cores. Workers are pinned to
    cores when they fill the machine: fewer are left to the scheduler, which knows what else runs.

    Raises:
        BadInput: more workers or threads than there are devices for them.
    """
    cores, gpus = usable_cores(), visible_gpus()
    if threads > len(cores):
        raise BadInput(f"{threads} threads, and there are {len(cores)} cores", key="threads", remedy="ask for fewer")
    each = (per_gpu or max(1, min(PACKED, len(cores) // len(gpus)))) if gpus else 1
    most = len(gpus) * each if gpus else len(cores) // threads
    wanted = most if workers is None else workers
    if not 1 <= wanted <= most:
        there = (
            f"{len(gpus)} GPU(s) take {each} each" if gpus else f"{len(cores)} core(s) take {threads} thread(s) each"
        )
        raise BadInput(
            f"{wanted} workers asked for, {there}", key="workers", remedy=f"ask for 1 to {most}, or leave it out"
        )
    if gpus:
        places = [Place(gpus[i % len(gpus)].name, gpu=gpus[i % len(gpus)].name) for i in range(wanted)]
        return places, {gpu.name: int(SPARE * gpu.free) for gpu in gpus}
    pinned = wanted == most
    places = [Place(HOST, tuple(cores[i * threads : (i + 1) * threads]) if pinned else ()) for i in range(wanted)]
    return places, {HOST: int(SPARE * free_memory())}


def usable_cores() -> list[int]:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def visible_gpus() -> list[Gpu]:
    """GPUs that CUDA_VISIBLE_DEVICES leaves to this process, by way of nvidia-smi: no CUDA context is made here."""
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    tool = shutil.which("nvidia-smi")
    if (asked is not None and asked.strip() in ("", "-1", "NoDevFiles")) or tool is None:
        return []
    query = [tool, "--query-gpu=index,uuid,memory.free", "--format=csv,noheader,nounits"]
    told = subprocess.run(query, capture_output=True, text=True, check=False)
    rows = [[cell.strip() for cell in line.split(",")] for line in told.stdout.splitlines() if line.count(",") == 2]
    there = {row[0]: row for row in rows if row[2].isdigit()}
    names = list(there) if asked is None else [name.strip() for name in asked.split(",")]
    found = []
    for name in names:
        row = there.get(name) or next((row for row in there.values() if row[1].startswith(name)), None)
        if row is not None:
            found.append(Gpu(name, int(row[2]) * 2**20))
    return found
