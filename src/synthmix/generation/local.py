"""Generators in this process: any causal language model of transformers, and models that this project trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from synthmix.errors import BadInput
from synthmix.generation.draw import RowDraw
from synthmix.generation.prompts import Prompt, Reply
from synthmix.generation.usage import text_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DEFAULT_TOKENS = 512


class LocalModel:
    """A :class:`~synthmix.generation.prompts.Batcher`: prompts are answered ``batch`` at a time.

    The chat template of the tokenizer is used when it has one; else the messages are put one after the other and
    continued. Each prompt is sampled with its own temperature, top-p, top-k, min-p, max_tokens, stop and seed, and its
    answer does not depend on the others in its batch, but for rounding.

    Args:
        path: a Hugging Face folder or hub id, a checkpoint of this project or the folder of a run that has one.
        name: recorded as the model; the last part of ``path`` when absent.

    Raises:
        BadInput: no model or no tokenizer there.
    """

    def __init__(self, path: str | Path, *, batch: int = 8, name: str | None = None) -> None:
        from synthmix.training.checkpoint import checkpoint_of, load_checkpoint

        where = checkpoint_of(path)
        self._model, self._tokenizer = load_checkpoint(where), _tokenizer(where)
        self.batch = batch
        model = self._model
        self._name = name or Path(path).name
        self._context = int(getattr(model.config, "max_position_embeddings", None) or 2**31)
        ends = model.generation_config.eos_token_id
        ends = model.config.eos_token_id if ends is None else ends
        self._ends = {int(end) for end in (ends if isinstance(ends, list) else [ends]) if end is not None}
        self.identity: dict[str, Any] = {
            "model": self._name,
            "kind": "local",
            "params": _params(model),
            "params_total": sum(p.numel() for p in model.parameters()),
            "precision": str(model.dtype).removeprefix("torch."),
            "chat_template": bool(getattr(self._tokenizer, "chat_template", None)),
        }

    def complete_many(self, prompts: Sequence[Prompt]) -> list[Reply]:
        """Answers in the order of ``prompts``; ``seconds`` is the time of the batch.

        Raises:
            BadInput: a prompt does not leave room for an answer in the model's context.
        """
        ids = [self._ids(prompt) for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda number: len(ids[number]))  # little padding
        replies: dict[int, Reply] = {}
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            answers = self._complete([prompts[i] for i in chosen], [ids[i] for i in chosen])
            replies.update(zip(chosen, answers, strict=True))
        return [replies[number] for number in range(len(prompts))]

    def _ids(self, prompt: Prompt) -> list[int]:
        messages = [dict(message) for message in prompt.messages]
        if self.identity["chat_template"]:
            text = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            ids = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            ids = self._tokenizer("\n\n".join(message["content"] for message in messages) + "\n\n")["input_ids"]
        if len(ids) >= self._context:
            raise BadInput(
                f"a prompt of {len(ids)} tokens leaves no room for an answer in a context of {self._context}",
                where=self._name,
                remedy="lower chunk_tokens, or take a model with a longer context",
            )
        return list(ids)

    def _complete(self, prompts: Sequence[Prompt], ids: Sequence[list[int]]) -> list[Reply]:
        import torch

        longest, begun = max(map(len, ids)), perf_counter()
        limits = [
            min(int(prompt.sampling.get("max_tokens", DEFAULT_TOKENS)), self._context - len(own))
            for prompt, own in zip(prompts, ids, strict=True)
        ]
        pad = min(self._ends, default=0)
        padded = [[pad] * (longest - len(own)) + own for own in ids]
        seen = [[0] * (longest - len(own)) + [1] * len(own) for own in ids]
        with torch.no_grad():
            out = self._model.generate(
                torch.tensor(padded, device=self._model.device),
                attention_mask=torch.tensor(seen, device=self._model.device),
                max_new_tokens=max(limits),
                do_sample=False,
                logits_processor=[RowDraw([prompt.sampling for prompt in prompts], self._model.device)],
                eos_token_id=sorted(self._ends) or None,
                pad_token_id=pad,
            )
        seconds = perf_counter() - begun
        rows = out[:, longest:].tolist()
        return [
            self._reply(prompt, len(own), row[:limit], seconds)
            for prompt, own, row, limit in zip(prompts, ids, rows, limits, strict=True)
        ]

    def _reply(self, prompt: Prompt, asked: int, row: list[int], seconds: float) -> Reply:
        end = next((number for number, token in enumerate(row) if token in self._ends), None)
        text = self._tokenizer.decode(row if end is None else row[:end], skip_special_tokens=True)
        finish = "length" if end is None else "stop"
        stops = prompt.sampling.get("stop") or ()
        for stop in [stops] if isinstance(stops, str) else stops:
            if stop in text:
                text, finish = text[: text.index(stop)], "stop"
        written = len(row) if end is None else end + 1
        return Reply(prompt.key, text, finish, asked, written, self._name, seconds, text_tokens(text, finish, written))


def _params(model: "PreTrainedModel") -> int:
    """Non-embedding parameters, as everywhere in this project."""
    ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    embedding = {id(end.weight) for end in ends if end is not None}
    return sum(p.numel() for p in model.parameters() if id(p) not in embedding)


def _tokenizer(where: str | Path) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    own: Mapping[str, Any] = {"padding_side": "left"}
    if (Path(where) / "tokenizer.json").exists() and not (Path(where) / "tokenizer_config.json").exists():
        return PreTrainedTokenizerFast(tokenizer_file=str(Path(where) / "tokenizer.json"), **own)  # this project's
    try:
        return AutoTokenizer.from_pretrained(where, **own)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0][:160]
        raise BadInput(f"no tokenizer can be loaded ({first})", where=where, remedy="add its tokenizer.json") from error
