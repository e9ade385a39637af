"""The state of a run in its middle, in one safetensors file, from which it goes on exactly."""

import json
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.files import write_bytes

STATE = "state.safetensors"


def save_state(path: Path, model: Any, optimizer: Any, progress: dict[str, Any]) -> None:
    """Write weights, optimizer moments and ``progress`` (whose it is, step, loss trace, seconds) atomically."""
    from safetensors.torch import save

    tensors = {f"model.{name}": tensor for name, tensor in _weights(model)}
    for i, parameter in enumerate(_parameters(optimizer)):
        for key, tensor in optimizer.state[parameter].items():
            tensors[f"optimizer.{i}.{key}"] = tensor
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, save(tensors, metadata={"progress": json.dumps(progress)}))


def load_state(path: Path, model: Any, optimizer: Any, owner: str) -> dict[str, Any] | None:
    """Put a saved state back and return its progress; None when there is none.

    Args:
        owner: id of the run or trunk that the state must be of.

    Raises:
        BadInput: the file is damaged, or of another run, protocol or model.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    again = "delete it and run the same command again: the run starts anew"
    try:
        with safe_open(path, framework="pt") as file:
            progress: dict[str, Any] = json.loads(file.metadata()["progress"])
            saved = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if progress["of"] != owner:
            raise BadInput("is the state of another run or protocol", where=path, remedy=again)
        with torch.no_grad():
            for name, tensor in _weights(model):
                tensor.copy_(saved[f"model.{name}"])
            for i, parameter in enumerate(_parameters(optimizer)):
                optimizer.state[parameter] = {
                    key: saved[f"optimizer.{i}.{key}"].to(parameter.device if key != "step" else "cpu")
                    for key in ("step", "exp_avg", "exp_avg_sq")
                }
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInput(f"is damaged or of another model ({type(error).__name__})", where=path, remedy=again) from error
    return progress


def _weights(model: Any) -> list[tuple[str, Any]]:
    """Named parameters, a tied one once."""
    return list(model.named_parameters())


def _parameters(optimizer: Any) -> list[Any]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
