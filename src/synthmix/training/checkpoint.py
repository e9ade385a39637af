"""Finished models on disk, as transformers writes and loads them (safetensors, no pickle)."""

import os
import re
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.files import new_folder


def save_checkpoint(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model (ours, or transformers' own) and its tokenizer to ``folder``, all or nothing.

    Raises:
        Failure: a full disk.
    """
    from safetensors import SafetensorError

    from synthmix.training.llama import Llama
    from synthmix.training.model import as_transformers

    _no_bars()
    if isinstance(model, Llama):
        model = as_transformers(model)
    with new_folder(folder, marker="config.json") as staging:
        try:
            model.save_pretrained(staging)
        except SafetensorError as error:  # it hides the operating system's error in its text
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(folder)) from error
        tokenizer.save(staging / "tokenizer.json")


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

    from synthmix.training.device import best_device
    from synthmix.training.model import attention

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

    try:
        AutoConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise _no_model(folder, error) from error


def _no_model(folder: Path | str, error: Exception) -> BadInput:
    first = str(error).strip().splitlines()[0][:160]
    remedy = "name a folder with config.json and safetensors"
    return BadInput(f"no model can be loaded ({first})", where=folder, remedy=remedy)


def _no_bars() -> None:
    """The study has a bar of its own."""
    from transformers.utils import logging

    logging.disable_progress_bar()
