"""How much memory a run needs, how much is free, and how many sequences fit at once."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from synthmix.errors import BadInput
from synthmix.quantities import format_count
from synthmix.training.device import best_device
from synthmix.training.shape import Shape

if TYPE_CHECKING:
    from synthmix.training.spec import RunSpec

BASE = 410 * 2**20  # a worker before its first run: python, torch, transformers (measured: benchmarks/memory.py)
HOLES = {"bf16": 1.0, "float32": 1.15}  # peak over what is kept: temporaries, and holes in the heap (measured)
COMPILER = 170 * 2**20  # the compiler in the process (measured)
FUSED = 0.5  # kept by compiled operations over kept by single ones (measured)
SPARE = 0.9  # share of the free memory that is filled (CHOSEN)


def run_memory(
    shape: Shape,
    vocab: int,
    batch_tokens: int,
    context: int,
    precision: str,
    *,
    device: str = "cpu",
    compiled: bool = False,
) -> int:
    """Bytes that a worker needs at its peak while it trains, itself included.

    Weights, gradients and Adam's two moments in float32 (16 bytes a parameter), the weights once more as the products
    take them (4), and what the backward pass keeps of each token (DERIVED from the operations of training/llama.py),
    times ``HOLES``. Within 20 % of the measured peak on a CPU (benchmarks/memory.py); not measured on a GPU.

    Args:
        batch_tokens: tokens that are computed at once: the whole batch, or a micro-batch of it.
        precision: ``bf16`` or ``float32``.
        device: ``cuda``: attention is fused there, its scores are never stored.
        compiled: fused operations keep less, and the compiler itself takes its place.
    """
    size = 2 if precision == "bf16" else 4
    shared = shape.width // shape.heads * shape.kv_heads
    kept = 2 * (8 + size) * shape.width  # two norms: input and normalised in float32, output
    kept += size * (3 * shape.width + 3 * shared)  # queries, keys, values before and after rotation; attention's output
    if device != "cuda":
        kept += (6 if size == 2 else 4) * shape.heads * context  # scores in float32, and rounded
    kept += 4 * size * shape.hidden  # gate and up, silu(gate), product
    head = (8 + size) * shape.width + (4 if size == 2 else 8) * vocab
    tokens = HOLES[precision] * batch_tokens * (shape.depth * kept + head)
    extra = COMPILER if compiled else 0
    return int(BASE + extra + 20 * shape.params_total(vocab) + tokens * (FUSED if compiled else 1))


def sequences_at_once(
    shape: Shape,
    vocab: int,
    sequences: int,
    context: int,
    precision: str,
    *,
    free: int,
    device: str = "cpu",
    shards: int = 1,
) -> int:
    """Sequences of a micro-batch: all ``sequences`` of a step if they fit into ``free`` bytes, else an equal part.

    Args:
        shards: processes that share the weights, gradients and moments (FSDP).

    Raises:
        BadInput: not even one fits.
    """
    room = free * SPARE
    fixed = run_memory(shape, vocab, 0, context, precision, device=device) - BASE
    need = 0.0
    for parts in range(1, sequences + 1):
        count = -(-sequences // parts)
        tokens = run_memory(shape, vocab, count * context, context, precision, device=device) - BASE - fixed
        need = fixed / shards + tokens
        if need <= room:
            return count
    raise BadInput(
        f"a model of {format_count(shape.params)} parameters needs {need / 2**30:.3g} GiB of memory for one sequence, "
        f"{room / 2**30:.3g} GiB are free",
        key="params",
        remedy="lower the size or training.context, or spread the run with --parallel fsdp",
    )


def at_once(spec: "RunSpec", sequences: int, precision: str, shards: int = 1) -> int:
    """:func:`sequences_at_once` for a run in this process, by what is free now.

    Raises:
        BadInput: not even one sequence fits.
    """

    context, free = spec.protocol.context, device_free()
    return sequences_at_once(
        spec.shape, spec.vocab, sequences, context, precision, free=free, device=best_device(), shards=shards
    )


def free_memory() -> int:
    """Bytes of memory that are free for this process: the machine's, and within its control group."""
    free = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
        groups = Path("/proc/self/cgroup").read_text().splitlines()
    except FileNotFoundError:  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            free += group_room(Path("/sys/fs/cgroup/memory"), path, "memory.limit_in_bytes", "memory.usage_in_bytes")
        elif controllers == "":
            free += group_room(Path("/sys/fs/cgroup"), path, "memory.max", "memory.current")
    return min(free)


def group_room(root: Path, path: str, limit: str, used: str) -> list[int]:
    """Limit less use of a control group and of those above it."""
    room, at = [], root / path.lstrip("/")
    for folder in (at, *at.parents):
        if folder.is_relative_to(root) and (folder / limit).exists() and (folder / used).exists():
            most = (folder / limit).read_text().strip()
            if most.isdigit():
                room.append(int(most) - int((folder / used).read_text()))
    return room


def device_free() -> int:
    """Bytes that a run can have where this process computes: free ones of its GPU or of the machine, and those that
    this process holds of its earlier runs."""
    import torch

    if best_device() == "cuda":
        return int(torch.cuda.mem_get_info()[0]) + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return free_memory() + max(0, resident_memory() - BASE)


def resident_memory() -> int:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:  # not Linux
        return 0
