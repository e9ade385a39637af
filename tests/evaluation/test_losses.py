import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from synthmix.errors import BadInput, Failure
from synthmix.evaluation.losses import HeldOut, average, evaluate_model
from synthmix.training.model import make_model
from synthmix.training.shape import shape_for

VOCAB, CONTEXT = 50, 16


class Tokens:
    """A stream in memory that notes what was read."""

    def __init__(self, count: int) -> None:
        self.ids = np.random.default_rng(0).integers(0, VOCAB, count).astype(np.uint16)
        self.starts: list[int] = []

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> np.ndarray:
        assert 0 <= start < stop <= len(self.ids)
        self.starts.append(start)
        return self.ids[start:stop].copy()


@pytest.fixture(scope="module")
def model() -> Any:
    return make_model(shape_for(25_000), VOCAB, CONTEXT, seed=0)


def direct(model: Any, ids: np.ndarray, starts: list[int]) -> float:
    """Mean of -log p(next) over the sequences, one token at a time from the model's own softmax."""
    nats: list[float] = []
    with torch.no_grad():
        for start in starts:
            piece = torch.from_numpy(ids[start : start + CONTEXT + 1].astype(np.int64))
            p = torch.softmax(model(input_ids=piece[None, :-1]).logits[0].double(), dim=-1)
            nats += [-math.log(float(p[i, piece[i + 1]])) for i in range(CONTEXT)]
    return sum(nats) / len(nats)


def test_nats_and_bits_per_byte_are_those_of_a_direct_computation(model: Any) -> None:
    stream = Tokens(10 * CONTEXT + 5)
    found = evaluate_model(model, {"web": HeldOut(stream, 3.5)}, context=CONTEXT, precision="float32", batch=3)["web"]
    expected = direct(model, stream.ids, [i * CONTEXT for i in range(10)])
    assert found.nats == pytest.approx(expected, rel=1e-5)
    assert found.bits_per_byte == pytest.approx(expected / math.log(2) / 3.5, rel=1e-5)
    assert found.tokens == 10 * CONTEXT


def test_no_token_is_predicted_twice_and_the_last_sequence_needs_its_next_token(model: Any) -> None:
    for extra, holds in ((0, 3), (1, 4)):
        stream = Tokens(4 * CONTEXT + extra)
        found = evaluate_model(model, {"web": HeldOut(stream, 1.0)}, context=CONTEXT, precision="float32")
        assert found["web"].tokens == holds * CONTEXT
        assert stream.starts == [i * CONTEXT for i in range(holds)]


def test_max_tokens_are_spread_evenly_over_the_domain(model: Any) -> None:
    stream = Tokens(100 * CONTEXT + 1)
    found = evaluate_model(
        model, {"web": HeldOut(stream, 1.0)}, context=CONTEXT, precision="float32", max_tokens=10 * CONTEXT + 3
    )
    assert found["web"].tokens == 10 * CONTEXT
    assert stream.starts == [i * 10 * CONTEXT for i in range(10)]
    assert found["web"].nats == pytest.approx(direct(model, stream.ids, stream.starts), rel=1e-5)


def test_more_tokens_than_there_are_means_all(model: Any) -> None:
    stream = Tokens(5 * CONTEXT + 1)
    found = evaluate_model(model, {"w": HeldOut(stream, 1.0)}, context=CONTEXT, precision="float32", max_tokens=10**9)
    assert found["w"].tokens == 5 * CONTEXT


def test_the_batch_changes_nothing_but_rounding(model: Any) -> None:
    stream = Tokens(9 * CONTEXT + 1)
    found = [
        evaluate_model(model, {"w": HeldOut(stream, 1.0)}, context=CONTEXT, precision="float32", batch=size)["w"].nats
        for size in (1, 4, 100)
    ]
    assert found == pytest.approx([found[0]] * 3, rel=1e-6)


def test_the_average_weighs_domains_the_same() -> None:
    assert average({"large": 2.0, "small": 5.0}) == 3.5


def test_a_domain_shorter_than_one_sequence_is_bad_input(model: Any) -> None:
    domains = {"web": HeldOut(Tokens(100), 1.0), "short": HeldOut(Tokens(CONTEXT), 1.0)}
    with pytest.raises(BadInput, match="short: evaluate: 16 held-out tokens are less than one sequence of 16"):
        evaluate_model(model, domains, context=CONTEXT, precision="float32")


def test_a_broken_model_is_a_failure_that_names_the_domain() -> None:
    class Broken:
        def eval(self) -> None: ...

        def __call__(self, input_ids: Any, use_cache: bool) -> Any:
            return SimpleNamespace(logits=torch.full((*input_ids.shape, VOCAB), float("nan")))

    with pytest.raises(Failure, match="web: the loss is nan"):
        evaluate_model(Broken(), {"web": HeldOut(Tokens(100), 1.0)}, context=CONTEXT, precision="float32")
