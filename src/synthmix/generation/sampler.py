"""Sampling a trained model: a generator that loses the tail by truncation and by a finite budget.

Each document continues a few tokens of natural training text, which are not part of the output, so that the text
covers the insides of documents and not only their beginnings (CHOSEN).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_serializer,
)

from synthmix.checksums import check, write_checked
from synthmix.errors import BadInput
from synthmix.generation.draw import Draw
from synthmix.generation.settings import check_sampling, draw_sampling
from synthmix.training.trainer import Stream

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def _number_or_distribution(value: Any, number: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if not isinstance(value, Mapping):
        return number(value)
    name = str(info.field_name)
    try:
        checked = check_sampling({name: value})[name]
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{name}: ")) from None
    for ends in checked.values():
        for end in ends:
            number(end)
    return checked


# A number, or a distribution that each part draws from, as {uniform: [0.7, 1.3]}.
_Drawn = (WrapValidator(_number_or_distribution), PlainSerializer(lambda value: value))


class Sampling(BaseModel):
    """How a model is sampled. ``length`` bounds prompt and continuation together, in tokens.

    ``temperature``, ``top_p``, ``top_k`` and ``min_p`` may be distributions, from which each part draws
    (:mod:`synthmix.generation.settings`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Annotated[float, Field(gt=0), *_Drawn] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1), *_Drawn] = 0.95
    top_k: Annotated[int, Field(ge=0, description="0: no limit"), *_Drawn] = 0
    prompt: int = Field(default=16, ge=1, description="tokens of natural text that start a document")
    length: int = Field(default=256, ge=16)
    rows: int = Field(default=256, ge=1, description="documents sampled at once: one part")
    min_p: Annotated[
        float, Field(ge=0, lt=1, description="least share of the most probable token's probability"), *_Drawn
    ] = 0.0

    def drawn(self, seed: int) -> dict[str, Any]:
        """What the part with this seed is sampled with: ``temperature``, ``top_p``, ``top_k``, ``min_p`` as numbers."""
        names = ("temperature", "top_p", "top_k", "min_p")
        drawn = draw_sampling({name: getattr(self, name) for name in names}, seed, "part")
        return {name: drawn[name] for name in names}

    @model_serializer(mode="wrap")
    def _without_defaults_of_later_versions(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """So that corpora that were sampled before ``min_p`` came keep their content keys."""
        written = write(self)
        if not self.min_p:
            written.pop("min_p", None)
        return dict(written)


def sample_part(
    model: "PreTrainedModel",
    prompts: Stream,
    sampling: Sampling,
    *,
    seed: int,
    eos: int,
    decode: Callable[[list[int]], str],
) -> list[tuple[str, int]]:
    """Sample ``sampling.rows`` documents: ``(text, tokens)`` each, empty ones left out; the same for the same seed.

    Raises:
        BadInput: there is less natural text than one prompt.
    """
    import torch

    if len(prompts) <= sampling.prompt:
        raise BadInput(
            f"{len(prompts)} tokens of natural text cannot start a document of {sampling.prompt}", key="prompt"
        )
    if sampling.length <= sampling.prompt:
        raise BadInput("must be longer than the prompt", key="length")
    starts = np.random.default_rng(seed).integers(0, len(prompts) - sampling.prompt, size=sampling.rows)
    first = np.stack([prompts.read(int(s), int(s) + sampling.prompt) for s in starts]).astype(np.int64)
    ids = torch.from_numpy(first).to(model.device)
    draw = Draw(**sampling.drawn(seed), seed=seed, device=model.device)
    with torch.no_grad():
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=sampling.length - sampling.prompt,
            do_sample=False,
            logits_processor=[draw],
            eos_token_id=eos,
            pad_token_id=eos,
        )
    found = []
    for row in out[:, sampling.prompt :].tolist():
        kept = row[: row.index(eos)] if eos in row else row
        text = decode(kept)
        if text.strip():
            found.append((text, len(kept)))
    return found


def write_part(folder: Path, part: int, documents: list[tuple[str, int]]) -> None:
    """Write one part's documents atomically as JSON lines."""
    lines = (json.dumps({"text": text, "tokens": tokens}, ensure_ascii=False) for text, tokens in documents)
    write_checked(part_path(folder, part), "".join(line + "\n" for line in lines))


def part_path(folder: Path, part: int) -> Path:
    """Where part number ``part`` is kept."""
    return folder / f"part-{part:05d}.jsonl"


def read_parts(folder: Path, tokens: int) -> Iterator[tuple[str, int]]:
    """Documents of the parts in order, up to the first part that is missing, until ``tokens`` tokens are reached
    (the finite budget).

    Raises:
        BadInput: a damaged part.
    """
    total, part = 0, 0
    while total < tokens and (path := part_path(folder, part)).exists():
        for text, count in _documents(path):
            if total >= tokens:
                return
            total += count
            yield text, count
        part += 1


def sampled(folder: Path) -> tuple[int, int]:
    """How many parts there are without a gap, and the tokens in them. A gap is what a killed worker leaves.

    Raises:
        BadInput: a damaged part.
    """
    parts = tokens = 0
    while (path := part_path(folder, parts)).exists():
        tokens += _tokens(path)
        parts += 1
    return parts, tokens


@cache
def _tokens(path: Path) -> int:
    """A part is written once, so it is counted once."""
    return sum(count for _, count in _documents(path))


def _documents(path: Path) -> Iterator[tuple[str, int]]:
    check(path)
    with path.open(encoding="utf-8", newline="\n") as file:  # not splitlines: text may hold U+2028 and the like
        for number, line in enumerate(file, start=1):
            try:
                record = json.loads(line)
                document = record["text"], record["tokens"]
            except (ValueError, KeyError, TypeError) as error:
                raise BadInput(
                    f"is damaged ({type(error).__name__})",
                    where=f"{path}:{number}",
                    remedy="delete the file and run the same command again",
                ) from None
            yield document
