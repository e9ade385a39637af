"""Models on disk: finished ones as transformers writes and loads them, and the state of a run in its middle.

Both are safetensors (no pickle) and written all or nothing. From a state a run goes on exactly.
"""

import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from synthmix.checksums import SEAL, check_folder, check_seal, sealed, write_folder
from synthmix.errors import BadInput
from synthmix.files import new_folder, write_bytes
from synthmix.training.device import best_device
from synthmix.training.model import attention

STATE = "state.safetensors"


def save_checkpoint(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model (ours, or transformers' own) and its tokenizer to ``folder``, all or nothing.

    Raises:
        Failure: a full disk.
    """
    from safetensors import SafetensorError

    from synthmix.training.llama import Llama

    with new_folder(folder, marker="config.json") as staging:
        try:
            if isinstance(model, Llama):
                _save_ours(model, staging)
            else:
                _no_bars()
                model.save_pretrained(staging)
        except SafetensorError as error:  # it hides the operating system's error in its text
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(folder)) from error
        tokenizer.save(staging / "tokenizer.json")
        write_folder(staging)


def _save_ours(model: Any, folder: Path) -> None:
    """The files that ``save_pretrained`` of the same ``LlamaForCausalLM`` writes."""
    from safetensors.torch import save_file

    config = asdict(model.config)
    described = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "float32", **config}
    generating = {key: value for key, value in config.items() if key.endswith("_token_id")}
    generating |= {"_from_model_config": True, "use_cache": True}
    generating |= {"output_attentions": False, "output_hidden_states": False}
    for name, value in (("config", described), ("generation_config", generating)):
        (folder / f"{name}.json").write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    weights = {name: value.contiguous() for name, value in model.state_dict().items() if name != "lm_head.weight"}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def checkpoint_of(path: str | Path) -> str | Path:
    """The checkpoint in the folder of a run, or ``path`` itself: a model's folder, or an id on the hub.

    Raises:
        BadInput: a path that can be no id, and that is not there.
    """
    if (Path(path).is_absolute() or str(path).startswith(".")) and not Path(path).exists():
        raise BadInput("no such folder", where=path, key="model", remedy="name a model's folder or an id on the hub")
    inner = Path(path) / "checkpoint"
    return inner if (inner / "config.json").exists() else path


def load_checkpoint(folder: Path | str) -> Any:
    """Load a causal language model for evaluation or sampling: ours, or any Hugging Face folder or hub id.

    Raises:
        BadInput: no model there, or a damaged one.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    _check(folder)
    _no_bars()
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, attn_implementation=attention())
    except (OSError, ValueError, SafetensorError) as error:
        raise _no_model(folder, error) from error
    return model.to(best_device()).eval()


def check_checkpoint(folder: Path | str) -> None:
    """Whether there is a model at all, by its configuration alone: its weights are not read.

    Raises:
        BadInput: there is none.
    """
    from transformers import AutoConfig

    _missing(folder)
    try:
        AutoConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise _no_model(folder, error) from error


def _check(folder: Path | str) -> None:
    """A missing folder is named as one, not looked for on the hub; a checkpoint of ours is held to its checksums."""
    _missing(folder)
    if Path(folder).is_dir():
        check_folder(Path(folder), remedy="train it again: delete the run's folder and run the same command")


def _missing(folder: Path | str) -> None:
    name = str(folder)
    path = Path(folder).is_absolute() or name.startswith(".") or name.count("/") > 1  # an id has one at most
    if path and not Path(folder).is_dir():
        raise BadInput("no such folder", where=folder, remedy="name a folder with config.json and safetensors")


def _no_model(folder: Path | str, error: Exception) -> BadInput:
    first = str(error).strip().splitlines()[0][:160]
    remedy = "name a folder with config.json and safetensors"
    return BadInput(f"no model can be loaded ({first})", where=folder, remedy=remedy)


def _no_bars() -> None:
    """The study has a bar of its own."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def save_state(path: Path, model: Any, optimizer: Any, progress: dict[str, Any]) -> None:
    """Write weights, optimizer moments and ``progress`` (whose it is, step, loss trace, seconds) atomically."""
    from safetensors.torch import save

    tensors = {f"model.{name}": tensor for name, tensor in _weights(model)}
    for i, parameter in enumerate(_parameters(optimizer)):
        for key, tensor in optimizer.state[parameter].items():
            tensors[f"optimizer.{i}.{key}"] = tensor
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, sealed(save(tensors, metadata={"progress": json.dumps(progress), "digest": SEAL})))


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
    check_seal(path, remedy=again)
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
