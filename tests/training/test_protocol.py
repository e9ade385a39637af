import numpy as np
import pytest
from pydantic import ValidationError

from synthmix.training.protocol import Protocol, peak_rate
from synthmix.training.shape import shape_for


def test_the_rate_warms_up_to_the_peak_and_decays_to_the_end() -> None:
    protocol, peak = Protocol(warmup=0.1, final_rate=0.1), 2e-3
    rates = np.array([protocol.rate(step, 200, peak) for step in range(200)])
    assert rates[:20] == pytest.approx(peak * np.arange(1, 21) / 20)
    assert rates.max() == pytest.approx(peak)
    assert rates.argmax() in (19, 20)
    assert (np.diff(rates[20:]) < 0).all()
    assert rates[110] == pytest.approx(peak * (0.1 + 0.9 * 0.5)), "half of the cosine at half of the decay"
    assert protocol.rate(200, 200, peak) == pytest.approx(0.1 * peak)


def test_the_default_decays_to_zero_over_the_run() -> None:
    protocol = Protocol()
    assert protocol.rate(99, 100, 1.0) < 0.001
    assert protocol.rate(100, 100, 1.0) == pytest.approx(0.0)
    assert protocol.rate(99, 1000, 1.0) == pytest.approx(1.0), "the schedule is the run's own, whatever its length"


def test_a_warmup_of_nothing_and_of_everything_are_defined() -> None:
    assert Protocol(warmup=0).rate(0, 10, 1.0) == pytest.approx(1.0)
    everything = Protocol(warmup=1)
    assert [everything.rate(step, 4, 1.0) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


def test_a_batch_that_is_no_whole_number_of_sequences_is_refused_with_the_nearest_that_is() -> None:
    with pytest.raises(ValidationError, match="1000 tokens are not a whole number of sequences of 128; write 896"):
        Protocol(batch=1000, context=128)
    with pytest.raises(ValidationError, match="write 128"):
        Protocol(batch=100, context=128)
    assert Protocol(batch=896, context=128).sequences == 7


def test_a_budget_is_the_nearest_number_of_steps_and_at_least_ten() -> None:
    protocol = Protocol(batch=1000, context=100)
    assert [protocol.steps(tokens) for tokens in (10_000, 12_499, 12_501)] == [10, 12, 13]
    with pytest.raises(ValueError, match=r"9k tokens are 9 steps of 1000; ask for 10k or lower training\.batch"):
        protocol.steps(9_000)


def test_the_peak_rate_falls_with_one_over_the_width() -> None:
    assert peak_rate(64) == pytest.approx(2 * peak_rate(128))
    assert 1e-4 < peak_rate(shape_for(10**9).width) < peak_rate(shape_for(25_000).width) < 2e-2


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Protocol.model_validate({"bacth": 4096})


def test_the_words_for_the_report_hold_the_numbers() -> None:
    words = Protocol(batch=512, context=64, learning_rate=0.003, epochs=2).in_words()
    assert words["batch"] == "512 tokens, 8 sequences of 64"
    assert words["peak learning rate"] == "0.003"
    assert "2" in words["epochs"]
