"""Worlds of several processes, as torchrun and accelerate start them: DDP and FSDP2."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.training.device import best_device
from synthmix.training.faults import device_errors
from synthmix.training.parallel import ALONE, World
from synthmix.training.sharded import Gathered, scatter
from synthmix.training.state import load_state, save_state

PATIENCE = timedelta(hours=1)  # the others wait while the main process evaluates (CHOSEN)
LAUNCH = "torchrun --nproc-per-node 2 -m synthmix train ..."


class Together(World):
    """Each process holds the whole model; gradients are averaged (DistributedDataParallel)."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def wrap(self, model: Any) -> Any:
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(model, gradient_as_bucket_view=True)

    def bare(self, model: Any) -> Any:
        return model.module

    def finished(self, model: Any, empty: Callable[[], Any]) -> Any:
        return model.module

    def syncing(self, model: Any, last: bool) -> AbstractContextManager[Any]:
        return nullcontext() if last else model.no_sync()

    def mean(self, loss: float) -> float:
        import torch

        total = torch.tensor(loss, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(total)
        return float(total) / self.size

    def agree(self, flag: bool) -> bool:
        import torch

        told = torch.tensor(flag, dtype=torch.uint8, device=self.device)
        torch.distributed.broadcast(told, src=0)
        return bool(told)

    def barrier(self) -> None:
        import torch

        torch.distributed.barrier()


class Sharded(Together):
    """Each process holds a slice of every weight, gradient and moment (FSDP2, ``fully_shard``)."""

    def __init__(self, rank: int, size: int) -> None:
        super().__init__(rank, size)
        self.shards = size

    def wrap(self, model: Any) -> Any:
        from torch import nn
        from torch.distributed.fsdp import fully_shard

        for layers in [module for module in model.modules() if isinstance(module, nn.ModuleList)]:
            for layer in layers:
                fully_shard(layer)
        return fully_shard(model)

    def bare(self, model: Any) -> Any:
        return model

    def finished(self, model: Any, empty: Callable[[], Any]) -> Any:
        import torch

        whole, made = Gathered(model, None), empty().to(self.device)
        with torch.no_grad():
            for (_, value), parameter in zip(whole.named_parameters(), made.parameters(), strict=True):
                parameter.copy_(value)
        return made

    def syncing(self, model: Any, last: bool) -> AbstractContextManager[Any]:
        model.set_requires_gradient_sync(last)
        return nullcontext()

    def save(self, path: Path, model: Any, optimizer: Any, progress: dict[str, Any]) -> None:
        whole = Gathered(model, optimizer, keep=self.is_main)
        if self.is_main:
            save_state(path, whole, whole.optimizer, progress)
        self.barrier()

    def load(self, path: Path, model: Any, optimizer: Any, owner: str) -> dict[str, Any] | None:
        whole = Gathered(model, optimizer)
        progress = load_state(path, whole, whole.optimizer, owner)
        if progress is not None:
            scatter(whole, model, optimizer)
        return progress


@contextmanager
def open_world(parallel: str | None = None) -> Iterator[World]:
    """The world that this process was started into; alone unless WORLD_SIZE says otherwise.

    Args:
        parallel: ``ddp`` (the default of several processes) or ``fsdp``.

    Raises:
        BadInput: more processes than devices, ``parallel`` without a launcher, another kind.
        Failure: a device or another process is lost.
    """
    if parallel not in (None, "ddp", "fsdp"):
        raise BadInput(f"there is no '{parallel}'", key="--parallel", remedy="write ddp or fsdp")
    if "WORLD_SIZE" not in os.environ:
        if parallel is not None:
            raise BadInput("needs processes that a launcher started", key="--parallel", remedy=f"run {LAUNCH}")
        yield ALONE
        return
    import torch

    given = {name: _number(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    here = int(os.environ.get("LOCAL_WORLD_SIZE", given["WORLD_SIZE"]))
    gpu = best_device() == "cuda"
    devices = torch.cuda.device_count() if gpu else len(_cores())
    if here > devices:
        kind = "GPU(s)" if gpu else "core(s)"
        raise BadInput(f"{here} processes on {devices} {kind}", key="--nproc-per-node", remedy=f"start {devices}")
    if gpu:
        torch.cuda.set_device(given["LOCAL_RANK"])
    with device_errors(f"process {given['RANK']} of {given['WORLD_SIZE']}"):
        torch.distributed.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
        try:
            yield (Sharded if parallel == "fsdp" else Together)(given["RANK"], given["WORLD_SIZE"])
        finally:
            torch.distributed.destroy_process_group()


def _number(name: str) -> int:
    value = os.environ.get(name, "")
    if not value.isdigit():
        raise BadInput(f"is {value!r}", key=name, remedy=f"start with a launcher: {LAUNCH}")
    return int(value)


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
