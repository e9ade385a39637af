"""Loss by training frequency: the bins add up to the evaluation's loss, and rare tokens fall where they should."""

import math

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.evaluation.losses import HeldOut, TokenLosses, bin_names, evaluate_model, losses_by_token
from synthmix.training.model import make_model
from synthmix.training.shape import shape_for

from ..tokens import Tokens

STREAM = Tokens(np.random.default_rng(0).integers(0, 40, 700).astype(np.uint16))


@pytest.fixture(scope="module")
def model() -> object:
    return make_model(shape_for(25_000), 40, 16, seed=0)


def test_the_sums_are_the_evaluations_loss(model: object):
    found = losses_by_token(model, STREAM, 40, context=16, precision="float32", max_tokens=320)
    loss = evaluate_model(model, {"d": HeldOut(STREAM, 1.0)}, context=16, precision="float32", max_tokens=320)["d"]
    assert found.tokens.sum() == loss.tokens == 320
    assert found.nats.sum() / found.tokens.sum() == pytest.approx(loss.nats, rel=1e-5)


def test_bins_add_up_and_hold_what_they_say(model: object):
    found = losses_by_token(model, STREAM, 40, context=16, precision="float32")
    counts = np.array([0] * 10 + [5] * 10 + [50] * 20)
    bins = found.binned(counts, (1, 10))
    assert bins.tokens.tolist() == [found.tokens[:10].sum(), found.tokens[10:20].sum(), found.tokens[20:].sum()]
    assert bins.nats.sum() == pytest.approx(found.nats.sum())
    assert bins.of_loss.sum() == pytest.approx(1)
    assert bins.mean[0] == pytest.approx(found.nats[:10].sum() / found.tokens[:10].sum())
    assert (found + found).binned(counts, (1, 10)).mean == pytest.approx(bins.mean)
    assert found.binned(np.full(40, 7)).mean[0] is None
    assert bin_names((1, 10, 11)) == ["never", "1 to 9", "10", "11 or more"]


def test_what_is_never_shown_costs_more(model: object):
    losses = TokenLosses(np.array([10.0, 1.0]), np.array([1, 1]))
    never, seen, *_ = losses.binned(np.array([0, 3])).mean
    assert (never, seen) == (10.0, 1.0)
    assert math.isclose(losses.binned(np.array([0, 3])).of_loss[0], 10 / 11)


def test_refuses(model: object):
    with pytest.raises(BadInput, match="d: evaluate: 10 held-out tokens"):
        losses_by_token(model, Tokens(STREAM.tokens[:10]), 40, context=16, precision="float32", name="d")
    with pytest.raises(ValueError, match="in a vocabulary of 30"):
        losses_by_token(model, STREAM, 30, context=16, precision="float32")
    with pytest.raises(ValueError, match="vocabularies of 3 and 2 ids"):
        TokenLosses(np.zeros(2), np.zeros(2)).binned(np.zeros(3))
