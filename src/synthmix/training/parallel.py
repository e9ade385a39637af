"""One run on several processes: who trains which sequences, and what they tell each other.

Every step has the same global batch in the same order whatever the number of processes. Each takes an equal slice of
it, in as many micro-batches as its memory asks for; gradients are averaged, so the loss and the step are those of the
whole batch, up to the order of floating-point sums.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.training.device import best_device
from synthmix.training.state import load_state, save_state


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
        """Put a saved state back, of however many processes; see :func:`synthmix.training.state.load_state`."""
        return load_state(path, self.bare(model), optimizer, owner)


ALONE = World()


def world_step(
    world: World, model: Any, optimizer: Any, batch: Any, precision: str, clip: float, micro: int | None = None
) -> float:
    """One optimizer step on this process's ``batch``, in parts of ``micro`` sequences; the loss of the whole batch
    before the step, in nats per token."""
    from synthmix.training.step import step_loss, train_step

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
