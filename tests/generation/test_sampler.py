from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from synthmix.errors import BadInput
from synthmix.generation.sampler import (
    Sampling,
    part_path,
    read_parts,
    sample_part,
    sampled,
    write_part,
)
from synthmix.training.model import as_transformers, make_model
from synthmix.training.shape import shape_for

VOCAB, EOS = 40, 0


class Prompts:
    """Natural text whose tokens (20 to 39) the sampled model never writes of itself."""

    def __init__(self, count: int = 500) -> None:
        self.ids = (20 + np.arange(count) % 20).astype(np.uint16)

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.ids[start:stop].copy()


@pytest.fixture(scope="module")
def model() -> Any:
    made = as_transformers(make_model(shape_for(25_000), VOCAB, 32, seed=0, eos=EOS)).eval()
    hidden = made.config.hidden_size
    with torch.no_grad():  # a head of its own that puts the upper half of the vocabulary out of reach
        made.config.tie_word_embeddings = False
        head = torch.nn.Linear(hidden + 0, VOCAB, bias=True)
        head.weight.copy_(made.model.embed_tokens.weight)
        head.bias.copy_(torch.where(torch.arange(VOCAB) < 20, 0.0, -1e4))
        made.lm_head = head
    return made


def words(ids: list[int]) -> str:
    return " ".join(map(str, ids))


def sampling(**changes: Any) -> Sampling:
    return Sampling(**{"prompt": 4, "length": 24, "rows": 30, **changes})


def sample(model: Any, seed: int = 1, **changes: Any) -> list[tuple[str, int]]:
    return sample_part(model, Prompts(), sampling(**changes), seed=seed, eos=EOS, decode=words)


def test_prompts_and_end_of_document_are_no_part_of_the_text(model: Any) -> None:
    documents = sample(model)
    assert len(documents) > 20
    for text, tokens in documents:
        ids = [int(word) for word in text.split()]
        assert all(EOS < i < 20 for i in ids), "no token of the prompt, no end of document"
        assert len(ids) == tokens <= 24 - 4
    assert min(tokens for _, tokens in documents) < 20, "documents end where the model ends them"


def test_the_same_seed_gives_the_same_text(model: Any) -> None:
    assert sample(model) == sample(model)
    assert sample(model) != sample(model, seed=2)


def test_a_low_temperature_narrows_the_text(model: Any) -> None:
    def distinct(temperature: float) -> int:
        return len({word for text, _ in sample(model, temperature=temperature) for word in text.split()})

    assert distinct(0.05) < distinct(1.5)


def test_greedy_sampling_is_the_argmax_of_the_model(model: Any) -> None:
    (text, _), *_ = sample(model, rows=1, top_k=1)
    start = int(np.random.default_rng(1).integers(0, 500 - 4, size=1)[0])
    ids = torch.from_numpy(Prompts().read(start, start + 4).astype(np.int64))[None]
    written: list[int] = []
    with torch.no_grad():
        while len(written) < 20:
            at = int(model(input_ids=ids).logits[0, -1].argmax())
            if at == EOS:
                break
            written.append(at)
            ids = torch.cat([ids, torch.tensor([[at]])], dim=1)
    assert text == words(written)


def test_too_little_real_text_and_a_length_within_the_prompt_are_bad_input(model: Any) -> None:
    with pytest.raises(BadInput, match="prompt: 4 tokens of natural text cannot start a document of 4"):
        sample_part(model, Prompts(4), sampling(), seed=1, eos=EOS, decode=words)
    with pytest.raises(BadInput, match="length: must be longer than the prompt"):
        sample(model, prompt=24)


@pytest.mark.parametrize("change", [{"temperature": 0}, {"top_p": 0}, {"top_p": 1.5}, {"top_k": -1}, {"rows": 0}])
def test_settings_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        sampling(**change)


def test_the_budget_is_finite_and_parts_are_read_in_order_up_to_the_first_gap(tmp_path: Path) -> None:
    for part in (0, 1, 3):
        write_part(tmp_path, part, [(f"part {part} document {i} \u2028 é", 10) for i in range(3)])
    assert sampled(tmp_path) == (2, 60), "part 3 stands behind a gap"
    assert [text.split()[1] for text, _ in read_parts(tmp_path, 10**9)] == list("000111")
    assert sum(tokens for _, tokens in read_parts(tmp_path, 30)) == 30
    assert sum(tokens for _, tokens in read_parts(tmp_path, 31)) == 40, "whole documents: the last one reaches it"
    assert [text for text, _ in read_parts(tmp_path, 10)] == ["part 0 document 0 \u2028 é"]
    assert list(read_parts(tmp_path / "nothing", 5)) == []
    assert part_path(tmp_path, 0).name == "part-00000.jsonl"


@pytest.mark.parametrize("damage", ["{", '{"text": "no count"}', "[1, 2]", "null"])
def test_a_damaged_part_is_named_with_its_line(tmp_path: Path, damage: str) -> None:
    write_part(tmp_path, 0, [("whole", 3)])
    with part_path(tmp_path, 0).open("a") as file:
        file.write(damage + "\n")
    with pytest.raises(BadInput, match=r"part-00000\.jsonl: is damaged \(its checksum differs\); delete it"):
        list(read_parts(tmp_path, 100))
    (tmp_path / "part-00000.jsonl.b2").unlink()  # as earlier versions wrote it
    with pytest.raises(BadInput, match=r"part-00000\.jsonl:2: is damaged .*delete the file"):
        list(read_parts(tmp_path, 100))


def test_min_p_narrows_the_text_and_is_part_of_the_key_only_when_used(model: Any) -> None:
    def distinct(min_p: float) -> int:
        return len({word for text, _ in sample(model, temperature=1.5, min_p=min_p) for word in text.split()})

    assert distinct(0.9) < distinct(0.0)
    assert "min_p" not in Sampling().model_dump(mode="json")
    assert Sampling(min_p=0.1).model_dump(mode="json")["min_p"] == 0.1
    assert Sampling.model_validate(Sampling(min_p=0.1).model_dump()) == Sampling(min_p=0.1)


def test_parameters_may_be_distributions_that_each_part_draws_from(model: Any) -> None:
    drawn = sampling(temperature={"uniform": [0.5, 1.5]}, top_k={"choice": [3, 5]})
    parts = [drawn.drawn(seed) for seed in range(40)]
    assert all(0.5 <= part["temperature"] <= 1.5 and part["top_k"] in (3, 5) for part in parts)
    assert len({part["temperature"] for part in parts}) > 30
    assert parts[3] == drawn.drawn(3)
    assert parts[0]["top_p"] == 0.95
    assert sampling().drawn(1) == {"temperature": 1.0, "top_p": 0.95, "top_k": 0, "min_p": 0.0}
    assert Sampling.model_validate(drawn.model_dump(mode="json")) == drawn
    spread = {"uniform": [0.9, 0.95]}
    assert sample(model, temperature=spread) == sample(model, temperature=spread)
    for wrong in ({"choice": [0, 1]}, {"uniform": [2.5, 3]}, {"normal": [1, 1]}, {"uniform": [1.5, 0.5]}):
        with pytest.raises(ValidationError, match="temperature"):
            sampling(temperature=wrong)
