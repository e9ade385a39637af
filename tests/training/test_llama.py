"""Our Llama against transformers': equal weights give equal numbers, both ways."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from synthmix.training.checkpoint import load_state, save_state
from synthmix.training.llama import Llama
from synthmix.training.model import as_transformers, make_model, optimizer_for, step_loss, train_step
from synthmix.training.shape import Shape, shape_for
from synthmix.training.spec import RunSpec

Make = Callable[..., RunSpec]
VOCAB, CONTEXT = 80, 24
SHAPES = {
    "one key head for all": Shape(64, 2, 4, 1, 136),
    "three query heads a key head": Shape(96, 1, 6, 2, 200),
    "two of them": Shape(64, 1, 4, 2, 128),
    "a key head each": Shape(64, 3, 4, 4, 200),
}


def ids(rows: int = 5, length: int = CONTEXT, seed: int = 0) -> Any:
    return torch.randint(VOCAB, (rows, length), generator=torch.Generator().manual_seed(seed))


def pair(shape: Shape) -> tuple[Any, Any]:
    """Ours and transformers' of equal weights; gains away from one, so that one left out would show."""
    ours = make_model(shape, VOCAB, CONTEXT, seed=1)
    with torch.no_grad():
        for parameter in ours.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(2))
    return ours, as_transformers(ours)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_equal_weights_give_equal_logits_losses_and_gradients(shape: Shape) -> None:
    ours, theirs = pair(shape)
    assert isinstance(ours, Llama)
    assert isinstance(theirs, LlamaForCausalLM)
    torch.testing.assert_close(ours(ids()).logits, theirs(ids()).logits, atol=1e-5, rtol=0)
    batch = ids(length=CONTEXT + 1)
    losses = [step_loss(model, batch, "float32") for model in (ours, theirs)]
    for loss in losses:
        loss.backward()
    assert float(losses[0].detach()) == pytest.approx(float(losses[1].detach()), abs=1e-6)
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        scale = float(other.grad.abs().max())
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-5 * scale, rtol=0, msg=name)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_weights_of_transformers_give_equal_logits_in_ours(attention: str) -> None:
    torch.manual_seed(4)
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=64,
        intermediate_size=176,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        attn_implementation=attention,
    )
    theirs = LlamaForCausalLM(config)
    ours = Llama(config)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(ids()).logits, theirs(ids()).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("eos", [None, 3])
def test_the_start_is_transformers_own_and_bf16_differs_from_float32_by_rounding_only(eos: int | None) -> None:
    shape = shape_for(100_000)
    ours = make_model(shape, VOCAB, CONTEXT, seed=7, eos=eos)
    config = as_transformers(ours).config
    with torch.random.fork_rng():
        torch.manual_seed(7)
        theirs = LlamaForCausalLM(config)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
    batch = ids(length=CONTEXT + 1)
    exact, rounded, reference = (
        float(step_loss(model, batch, precision).detach())
        for model, precision in ((ours, "float32"), (ours, "bf16"), (theirs, "bf16"))
    )
    assert rounded != exact
    assert rounded == pytest.approx(exact, abs=0.01)
    assert rounded == pytest.approx(reference, abs=0.01)


def test_names_and_shapes_of_the_weights_are_those_of_transformers() -> None:
    ours, theirs = pair(SHAPES["two of them"])
    assert [(n, p.shape) for n, p in ours.named_parameters()] == [(n, p.shape) for n, p in theirs.named_parameters()]
    assert set(ours.state_dict()) == set(theirs.state_dict())
    assert ours.lm_head.weight is ours.model.embed_tokens.weight


def test_a_state_saved_by_one_is_gone_on_from_by_the_other(tmp_path: Path) -> None:
    ours, theirs = pair(SHAPES["one key head for all"])
    optimizer = optimizer_for(theirs, 1e-3, 0.1, (0.9, 0.95))
    train_step(theirs, optimizer, ids(length=CONTEXT + 1), "float32", 1.0)
    save_state(tmp_path / "state", theirs, optimizer, {"of": "a run", "step": 1})
    mine = optimizer_for(ours, 1e-3, 0.1, (0.9, 0.95))
    assert load_state(tmp_path / "state", ours, mine, "a run") == {"of": "a run", "step": 1}
    batch = ids(length=CONTEXT + 1, seed=1)
    expected = train_step(theirs, optimizer, batch, "float32", 1.0)
    assert train_step(ours, mine, batch, "float32", 1.0) == pytest.approx(expected, abs=1e-6)
    after = [float(step_loss(model, batch, "float32").detach()) for model in (ours, theirs)]
    assert after[0] == pytest.approx(after[1], abs=1e-5)


def test_every_position_sees_itself_and_the_past_alone() -> None:
    ours, _ = pair(SHAPES["three query heads a key head"])
    changed = ids()
    changed[:, 10] = (changed[:, 10] + 1) % VOCAB
    moved = (ours(changed).logits - ours(ids()).logits).abs().amax(dim=(0, 2))
    assert (moved[:10] == 0).all()
    assert (moved[10:] > 0).all()


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_the_loss_found_in_chunks_has_torch_s_value_and_gradient(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    from synthmix.training import llama

    monkeypatch.setattr(llama, "CHUNK", 3 * VOCAB)  # three rows at a time, of ten
    values = torch.randn(10, VOCAB, generator=torch.Generator().manual_seed(3)) * 5
    goal = ids(1, 10)[0]
    expected = values.clone().requires_grad_()
    (torch.nn.functional.cross_entropy(expected, goal) * scale).backward()
    logits = values.clone().requires_grad_()
    loss = llama.CrossEntropy.apply(logits * 1, goal)
    (loss * scale).backward()
    assert float(loss.detach()) == pytest.approx(float(torch.nn.functional.cross_entropy(values, goal)), rel=1e-6)
    torch.testing.assert_close(logits.grad, expected.grad, atol=1e-7, rtol=1e-5)


def test_it_has_no_cache_and_says_what_has() -> None:
    with pytest.raises(ValueError, match="sample with transformers' model"):
        make_model(SHAPES["two of them"], VOCAB, CONTEXT, seed=0)(ids(), use_cache=True)
