from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, GenerationConfig

from synthmix.errors import BadInput
from synthmix.training.checkpoint import load_checkpoint, save_checkpoint
from synthmix.training.model import as_transformers, make_model
from synthmix.training.spec import RunSpec

pytestmark = pytest.mark.smoke

Make = Callable[..., RunSpec]


@pytest.fixture
def model(make_spec: Make) -> Any:
    return as_transformers(make_model(make_spec().shape, 64, 16, seed=3, eos=0)).eval()


def loss_of(model: Any, ids: Any) -> float:
    with torch.no_grad():
        return float(model(input_ids=ids, labels=ids).loss)


def test_a_checkpoint_is_a_llama_that_transformers_loads_with_the_same_loss(model: Any, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model.save_pretrained(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}, "no pickle"
    ids = torch.randint(64, (4, 16), generator=torch.Generator().manual_seed(0))
    plain = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(plain).__name__ == "LlamaForCausalLM"
    assert loss_of(plain, ids) == pytest.approx(loss_of(model, ids), rel=1e-5)
    ours = load_checkpoint(tmp_path)
    assert not ours.training
    assert loss_of(ours, ids.to(ours.device)) == pytest.approx(loss_of(model, ids), rel=1e-5)
    assert all(torch.equal(a, b.cpu()) for a, b in zip(model.parameters(), ours.parameters(), strict=True))


@pytest.mark.parametrize("eos", [None, 0])
def test_what_is_saved_is_what_transformers_saves(make_spec: Make, tmp_path: Path, eos: int | None) -> None:
    class Tokenizer:
        def save(self, path: Path) -> None:
            path.write_text("{}")

    ours = make_model(make_spec().shape, 64, 16, seed=3, eos=eos)
    save_checkpoint(ours, Tokenizer(), tmp_path / "ours")
    as_transformers(ours).save_pretrained(tmp_path / "theirs")
    (tmp_path / "theirs" / "tokenizer.json").write_text("{}")
    names = [{path.name for path in (tmp_path / of).iterdir()} for of in ("ours", "theirs")]
    assert names[0] - names[1] == {"checksums.b2"}
    assert names[1] <= names[0]
    for kind in (AutoConfig, GenerationConfig):
        mine, other = (kind.from_pretrained(tmp_path / of).to_dict() for of in ("ours", "theirs"))
        where = {"_name_or_path", "transformers_version"}
        assert {k: v for k, v in mine.items() if k not in where} == {k: v for k, v in other.items() if k not in where}
    mine, other = (load_file(tmp_path / of / "model.safetensors") for of in ("ours", "theirs"))
    assert set(mine) == set(other)
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_the_architecture_is_llama_3_s(model: Any) -> None:
    config = model.config
    assert config.num_key_value_heads < config.num_attention_heads
    assert config.rope_parameters["rope_theta"] == 500_000.0
    assert config.hidden_act == "silu"
    assert config.tie_word_embeddings
    assert config.eos_token_id == 0
    assert type(model.model.norm).__name__ == "LlamaRMSNorm"


def test_a_folder_without_a_model_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no model can be loaded"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "gone", "config"])
def test_a_damaged_checkpoint_is_bad_input(model: Any, tmp_path: Path, damage: str) -> None:
    model.save_pretrained(tmp_path)
    tensors = tmp_path / "model.safetensors"
    if damage == "cut":
        tensors.write_bytes(tensors.read_bytes()[:500])
    elif damage == "gone":
        tensors.unlink()
    else:
        (tmp_path / "config.json").write_text("{ not json")
    with pytest.raises(BadInput, match="no model can be loaded") as caught:
        load_checkpoint(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
