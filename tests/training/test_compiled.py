"""When a run is compiled, that it changes nothing but rounding, and what happens where compiling is broken."""

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from synthmix.errors import BadInput
from synthmix.training import compiled
from synthmix.training.model import make_model, optimizer_for, step_loss, train_step
from synthmix.training.shape import Shape

SHAPE, VOCAB, CONTEXT, ROWS = Shape(32, 2, 2, 1, 64), 50, 16, 4


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(compiled.SWITCH, raising=False)


def prepare(model: Any, flops: float = 0.0) -> bool:
    return compiled.prepare(model, flops=flops, sequences=ROWS, context=CONTEXT, precision="bf16")


def trained(model: Any, steps: int = 5) -> list[float]:
    optimizer = optimizer_for(model, 1e-2, 0.1, (0.9, 0.95))
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randint(VOCAB, (ROWS, CONTEXT + 1), generator=generator) for _ in range(steps)]
    return [train_step(model, optimizer, batch, "bf16", 1.0) for batch in batches]


def test_long_runs_are_compiled_and_short_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "why_not", lambda: None)
    assert compiled.wanted(1e14, "cpu")
    assert not compiled.wanted(1e12, "cpu")
    assert not compiled.wanted(1e14, "cuda"), "a second of a GPU"
    assert compiled.wanted(1e17, "cuda")


def test_the_environment_overrides_the_rule_but_no_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "why_not", lambda: None)
    monkeypatch.setenv(compiled.SWITCH, "1")
    assert compiled.wanted(0.0, "cpu")
    monkeypatch.setenv(compiled.SWITCH, "0")
    assert not compiled.wanted(1e20, "cpu")
    monkeypatch.setenv(compiled.SWITCH, "yes")
    with pytest.raises(BadInput, match="SYNTHMIX_COMPILE: is 'yes'; set it to 1, 0, or not at all"):
        compiled.wanted(0.0, "cpu")
    monkeypatch.setenv(compiled.SWITCH, "1")
    monkeypatch.setattr(compiled, "why_not", lambda: "no C++ compiler")
    assert not compiled.wanted(1e20, "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="GPUs have another compiler")
def test_without_a_compiler_runs_are_eager_and_the_reason_is_known(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    assert str(compiled.why_not()).startswith("no C++ compiler (")
    model = make_model(SHAPE, VOCAB, CONTEXT, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not prepare(model, flops=1e20)
    assert not model.compiled


def test_a_compiler_that_fails_is_one_warning_and_the_run_is_eager(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("CppCompileError: C++ compile error\nand a page of it")

    monkeypatch.setenv(compiled.SWITCH, "1")
    monkeypatch.setattr(compiled, "why_not", lambda: None)
    monkeypatch.setattr(compiled, "_code", broken)
    eager, model = (make_model(SHAPE, VOCAB, CONTEXT, seed=0) for _ in range(2))
    with pytest.warns(UserWarning, match=r"torch\.compile failed.*CppCompileError: C\+\+ compile error\)") as caught:
        assert not prepare(model)
    assert len(caught) == 1
    assert all(parameter.grad is None for parameter in model.parameters())
    assert trained(model) == trained(eager)


def test_code_that_a_killed_writer_cut_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut = tmp_path / "ab.main.so"
    cut.write_bytes(b"\x7fELF")

    def code(function: Any) -> Any:
        if cut.exists():
            raise RuntimeError(f"InductorError: ImportError: {cut}: file too short\n")
        return function

    monkeypatch.setenv(compiled.SWITCH, "1")
    monkeypatch.setattr(compiled, "why_not", lambda: None)
    monkeypatch.setattr(compiled, "_code", code)
    assert prepare(make_model(SHAPE, VOCAB, CONTEXT, seed=0))
    assert not cut.exists()


def test_traced_steps_are_eager_ones_up_to_rounding_and_repeat_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of torch.compile but its C++: that takes half a minute, and the benchmark runs it."""
    monkeypatch.setattr(compiled, "why_not", lambda: None)
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")
    monkeypatch.setattr(compiled, "_code", cache(compiled._code.__wrapped__))
    eager, model, again = (make_model(SHAPE, VOCAB, CONTEXT, seed=0) for _ in range(3))
    monkeypatch.setenv(compiled.SWITCH, "1")
    assert prepare(model)
    losses = trained(model)
    assert losses == pytest.approx(trained(eager), abs=0.02)
    assert losses[-1] < losses[0]
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert prepare(again)
    assert trained(again) == losses, "exactly: a resumed run is an unbroken one"
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs, "a second model takes the first one's code"
    batch = torch.randint(VOCAB, (3, CONTEXT + 1))
    with torch.no_grad():
        scored = float(step_loss(model.eval(), batch, "bf16"))
    assert scored > 0
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs, "evaluation is eager"
