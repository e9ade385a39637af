"""Sharded weights and moments made whole, and whole ones put back into their shards."""

from typing import Any


class Gathered:
    """A sharded model's weights whole, under their names, and its optimizer's moments as an optimizer holds them.

    Gathering is the work of all processes; :func:`synthmix.training.state.save_state` and ``load_state`` take this
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
