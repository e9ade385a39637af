"""One run on several processes: who trains which sequences, and what they tell each other.

Every step has the same global batch in the same order whatever the number of processes. Each takes an equal slice of
it, in as many micro-batches as its memory asks for; gradients are averaged, so the loss and the step are those of the
whole batch, up to the order of floating-point sums.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.training.checkpoint import load_state, save_state
from synthmix.training.device import best_device, device_errors
from synthmix.training.model import step_loss, train_step

PATIENCE = timedelta(hours=1)  # the others wait while the main process evaluates (CHOSEN)
LAUNCH = "torchrun --nproc-per-node 2 -m synthmix train ..."


class World:
    """The processes that train one run. This one trains alone: its methods cost nothing."""

    rank, size = 0, 1
    shards = 1  # processes that share the weights

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    @property
    def device(self) -> str:
        """Where this process computes."""
        return best_device()

    def share(self, sequences: int) -> range:
        """Which of a step's ``sequences`` are this process's.

        Raises:
            BadInput: they do not divide among the processes.
        """
        if sequences % self.size:
            fits = max(n for n in range(1, self.size + 1) if sequences % n == 0)
            next_batch = -(-sequences // self.size) * self.size
            raise BadInput(
                f"{sequences} sequences a step do not divide among {self.size} processes",
                key="training.batch",
                remedy=f"start {fits} process(es), or make a batch of {next_batch} sequences",
            )
        each = sequences // self.size
        return range(self.rank * each, (self.rank + 1) * each)

    def wrap(self, model: Any) -> Any:
        """The model that this process trains; the optimizer is made of its parameters."""
        return model

    def bare(self, model: Any) -> Any:
        """The module inside a wrapped model, its parameters as they lie here."""
        return model

    def finished(self, model: Any, empty: Any) -> Any:
        """The trained model whole, to be evaluated and saved; ``empty()`` makes one of its shape. All must call it."""
        return model

    def syncing(self, model: Any, last: bool) -> AbstractContextManager[Any]:
        """Gradients are exchanged in the ``last`` micro-batch of a step only."""
        return nullcontext()

    def clip(self, parameters: Iterable[Any], most: float) -> None:
        """Scale the gradients so that their norm over all processes is at most ``most``."""
        import torch

        torch.nn.utils.clip_grad_norm_(parameters, most)

    def mean(self, loss: float) -> float:
        """Mean over the processes."""
        return loss

    def agree(self, flag: bool) -> bool:
        """The main process's ``flag``, in all of them (clocks differ)."""
        return flag

    def barrier(self) -> None:
        """Wait for all processes."""

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """The main process goes through the block before the others do (it builds what they then find)."""
        if not self.is_main:
            self.barrier()
        yield
        if self.is_main:
            self.barrier()

    def save(self, path: Path, model: Any, optimizer: Any, progress: dict[str, Any]) -> None:
        """Write the whole state, in the one format of all worlds. All must call it.

        Raises:
            Failure: a full disk.
        """
        if self.is_main:
            save_state(path, self.bare(model), optimizer, progress)
        self.barrier()

    def load(self, path: Path, model: Any, optimizer: Any, owner: str) -> dict[str, Any] | None:
        """Put a saved state back, of however many processes; see :func:`synthmix.training.checkpoint.load_state`."""
        return load_state(path, self.bare(model), optimizer, owner)


ALONE = World()


def world_step(
    world: World, model: Any, optimizer: Any, batch: Any, precision: str, clip: float, micro: int | None = None
) -> float:
    """One optimizer step on this process's ``batch``, in parts of ``micro`` sequences; the loss of the whole batch
    before the step, in nats per token."""

    micro = micro or len(batch)
    if world.size == 1 and micro >= len(batch):
        return train_step(model, optimizer, batch, precision, clip)
    optimizer.zero_grad(set_to_none=True)
    parts, nats = batch.split(micro), 0.0
    for i, part in enumerate(parts):
        with world.syncing(model, last=i == len(parts) - 1):
            loss = step_loss(model, part, precision) * (len(part) / len(batch))
            loss.backward()
        nats += float(loss.detach())
    world.clip(model.parameters(), clip)
    optimizer.step()
    return world.mean(nats)


class Gathered:
    """A sharded model's weights whole, under their names, and its optimizer's moments as an optimizer holds them.

    Gathering is the work of all processes; :func:`synthmix.training.checkpoint.save_state` and ``load_state`` take this
    for a model, so that the file is the same however many processes wrote it. Without ``keep`` a process helps in
    gathering and holds nothing. Whole tensors are on the CPU.
    """

    def __init__(self, model: Any, optimizer: Any | None, *, keep: bool = True) -> None:
        self.named = [(name, whole(parameter, keep)) for name, parameter in model.named_parameters()]
        self.optimizer = GatheredOptimizer(model, self.named, optimizer, keep) if optimizer is not None else None

    def named_parameters(self) -> list[tuple[str, Any]]:
        """Names and whole weights, in the model's order."""
        return self.named


class GatheredOptimizer:
    """What a saved state reads of an optimizer: its parameters in their groups, and the state of each."""

    def __init__(self, model: Any, named: list[tuple[str, Any]], optimizer: Any, keep: bool) -> None:
        stand_in = {
            id(parameter): value for (_, parameter), (_, value) in zip(model.named_parameters(), named, strict=True)
        }
        self.param_groups = [
            {"params": [stand_in[id(parameter)] for parameter in group["params"]]} for group in optimizer.param_groups
        ]
        self.state = {
            stand_in[id(parameter)]: {key: whole(value, keep) for key, value in moments.items()}
            for parameter, moments in optimizer.state.items()
        }


def whole(tensor: Any, keep: bool) -> Any:
    """A sharded tensor gathered from all processes; any other as it is."""
    if not hasattr(tensor, "full_tensor"):
        return tensor
    full = tensor.full_tensor().detach()
    return full.cpu() if keep else full.new_empty(0)


def scatter(gathered: Gathered, model: Any, optimizer: Any) -> None:
    """Put whole weights and moments, the same in every process, into this process's shards."""
    import torch

    if gathered.optimizer is None:
        raise TypeError("gathered without an optimizer")
    with torch.no_grad():
        for (_, parameter), (_, value) in zip(model.named_parameters(), gathered.named, strict=True):
            parameter.copy_(_shard(value, parameter))
    for group, wholes in zip(optimizer.param_groups, gathered.optimizer.param_groups, strict=True):
        for parameter, stand_in in zip(group["params"], wholes["params"], strict=True):
            optimizer.state[parameter] = {
                key: value if key == "step" else _shard(value, parameter)
                for key, value in gathered.optimizer.state[stand_in].items()
            }


def _shard(value: Any, like: Any) -> Any:
    """``value`` laid out as ``like`` is."""
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)


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
