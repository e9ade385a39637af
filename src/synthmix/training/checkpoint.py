"""Finished models on disk, as transformers writes and loads them (safetensors, no pickle)."""

from pathlib import Path
from typing import Any

from synthmix.errors import BadInput


def load_checkpoint(folder: Path | str) -> Any:
    """Load a causal language model for evaluation or sampling: ours, or any Hugging Face folder or hub id.

    Raises:
        BadInput: no model there, or a damaged one.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    from synthmix.training.device import best_device
    from synthmix.training.model import attention

    try:
        model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, attn_implementation=attention())
    except (OSError, ValueError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0][:160]
        raise BadInput(
            f"no model can be loaded ({first})", where=folder, remedy="name a folder with config.json and safetensors"
        ) from error
    return model.to(best_device()).eval()
