"""Hyper-parameters by model size: every rule says what its source says, and every one gives way."""

import json
import math
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.training.hyperparameters import (
    batch_rule,
    decay_rule,
    hyperparameters,
    published,
    step_law_batch,
    warmup_rule,
)
from synthmix.training.memory import run_memory

SIZES = [25_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 3_000_000_000]


@pytest.mark.parametrize("context", [64, 128, 1024])
@pytest.mark.parametrize("params", SIZES)
def test_the_batch_is_a_power_of_two_times_the_context_near_half_of_step_laws(params: int, context: int) -> None:
    setting = hyperparameters(params, context=context)
    sequences = setting.batch // context
    assert setting.batch % context == 0
    assert sequences & (sequences - 1) == 0
    wanted = step_law_batch(20 * setting.shape.params) / 2
    assert setting.batch == context if wanted < context else 1 / math.sqrt(2) <= setting.batch / wanted <= math.sqrt(2)


def test_the_batch_is_the_measured_one_at_the_budgets_it_was_measured_at() -> None:
    """docs/log.md: 512 tokens a step at 25k to 450k parameters and 0.4 to 0.8M tokens."""
    assert batch_rule(400_000, 64) == batch_rule(800_000, 128) == 512
    assert hyperparameters(25_000).batch == 512
    assert hyperparameters(450_000, tokens=800_000).batch == 512


def test_a_size_has_one_setting_unless_its_smallest_budget_is_small() -> None:
    size = 1_000_000
    assert hyperparameters(size) == hyperparameters(size, tokens=20 * hyperparameters(size).shape.params)
    assert hyperparameters(size, tokens=10**12) == hyperparameters(size)
    small = hyperparameters(size, tokens=400_000)
    assert small.batch < hyperparameters(size).batch
    assert small.warmup <= round(400_000 / 10 / small.batch)


def test_the_published_rules_are_those_of_the_papers() -> None:
    """At N = 1e9, D = 1e11: by hand from 1.79 N^-0.713 D^0.307, 0.58 D^0.571, 0.2920 C^0.3271, 0.3118 C^-0.125."""
    said = published(1e9, 1e11)
    assert said["step_law_rate"] == pytest.approx(1.79 * 10 ** (-0.713 * 9 + 0.307 * 11), rel=1e-12)
    assert said["step_law_batch"] == pytest.approx(0.58 * 10 ** (0.571 * 11), rel=1e-12)
    exponent = math.log10(6) + 20
    assert said["deepseek_batch"] == pytest.approx(0.2920 * 10 ** (0.3271 * exponent), rel=1e-12)
    assert said["deepseek_rate"] == pytest.approx(0.3118 * 10 ** (-0.125 * exponent), rel=1e-12)


def test_the_weight_decay_holds_the_timescale_of_the_run() -> None:
    """tau = B / (rate decay D) = 1.084 (D / N)^-0.527; at twenty tokens a parameter 0.2236."""
    setting = hyperparameters(100_000_000)
    tau = setting.batch / (setting.learning_rate * setting.weight_decay * setting.tokens)
    assert tau == pytest.approx(1.084 * 20**-0.527, rel=0.03)
    assert decay_rule(1e6, 2e7, 4096, 1e-3) == pytest.approx(2 * decay_rule(1e6, 2e7, 2048, 1e-3), rel=0.02)
    assert decay_rule(1e6, 1e6, 1e6, 1e-6) == 1
    assert decay_rule(1e6, 1e12, 512, 1.0) == 0.01


def test_the_warm_up_is_as_long_as_the_model_is_large_within_bounds() -> None:
    assert warmup_rule(1e9, 2e10, 262_144) == round(1e9 / 262_144)
    assert warmup_rule(25_000, 10**7, 4096) == 40
    assert warmup_rule(1e6, 400_000, 512) == 78


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 128),
        ("depth", 5),
        ("heads", 4),
        ("kv_heads", 1),
        ("hidden", 512),
        ("batch", 1024),
        ("learning_rate", 0.001),
        ("weight_decay", 0.0),
        ("warmup", 7),
    ],
)
def test_every_one_can_be_overridden(name: str, value: Any) -> None:
    before, after = hyperparameters(1_000_000).as_dict(), hyperparameters(1_000_000, **{name: value}).as_dict()  # type: ignore[arg-type]
    assert before[name] != value
    assert after[name] == value
    assert abs(after["params"] / 1e6 - 1) <= 0.05
    assert json.loads(json.dumps(after)) == after


def test_what_follows_from_an_override_follows() -> None:
    assert hyperparameters(1_000_000, width=128).learning_rate == pytest.approx(0.36 / 128)
    slow = hyperparameters(1_000_000, learning_rate=1e-4)
    assert slow.weight_decay > hyperparameters(1_000_000).weight_decay


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"width": 4096}, "params: no shape within 5 % of 1M parameters with width 4096"),
        ({"width": 100, "heads": 7}, "with width 100 and heads 7; leave one of these to the rules"),
        ({"heads": 4, "kv_heads": 3}, "with heads 4 and kv_heads 3"),
        ({"width": 128, "depth": 1, "hidden": 16}, "with width 128 and depth 1 and hidden 16"),
        ({"batch": 1000}, "batch: 1000 tokens are not a whole number of sequences of 128"),
    ],
)
def test_overrides_that_cannot_be_are_named(given: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        hyperparameters(1_000_000, **given)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_memory_and_flops_are_those_of_the_plan() -> None:
    setting = hyperparameters(1_000_000, vocab=2048, context=256)
    assert setting.memory == run_memory(setting.shape, 2048, 256, 256, "bf16")
    assert setting.flops_per_token == setting.shape.flops_per_token(2048, 256)
