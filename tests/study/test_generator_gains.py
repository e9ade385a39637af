"""Is bigger better: a sentence on the ends of an order, from gains with their intervals."""

import pytest

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.study.generator_gains import Gain, bigger_is_better


def gain(name: str, value: float, share: float = 0.5, reach: float | None = 0.01) -> Gain:
    ends = {} if reach is None else {"low": value - reach, "high": value + reach}
    return Gain(name, share, 100_000, 10**6, 2, Interval(mid=value, **ends), {"web": value})


@pytest.mark.parametrize(
    ("weak", "strong", "verdict"),
    [
        (gain("small", 0.10), gain("large", 0.20), "at 50% +0.100 nats (+0.086 to +0.114): yes."),
        (gain("small", 0.20), gain("large", 0.10), "at 50% -0.100 nats (-0.114 to -0.086): no, worse."),
        (gain("small", 0.10), gain("large", 0.11), "at 50% +0.010 nats (-0.004 to +0.024): not determined."),
        (gain("small", 0.10, reach=None), gain("large", 0.2), "at 50% +0.100 nats, without a measure of noise."),
    ],
)
def test_the_ends_of_the_order_are_held_against_their_noise(weak: Gain, strong: Gain, verdict: str) -> None:
    gains = [weak, gain("middle", 9.0), strong]
    said = bigger_is_better(gains, ["small", "middle", "large"])
    assert said == f"Is bigger better here? large against small: {verdict}"


def test_every_common_share_is_told_and_no_other() -> None:
    gains = [gain("a", 0.1, 0.25), gain("a", 0.1, 0.5), gain("b", 0.3, 0.5), gain("b", 0.3, 1.0), gain("a", 0.1, 1.0)]
    said = bigger_is_better(gains, ["a", "b"])
    assert [share in said for share in ("at 25%", "at 50%", "at 100%")] == [False, True, True]


def test_without_a_common_share_nothing_is_told_and_an_unknown_name_is_named() -> None:
    gains = [gain("a", 0.1, 0.25), gain("b", 0.3, 0.5)]
    assert "is not determined" in bigger_is_better(gains, ["a", "b"])
    assert "is not determined" in bigger_is_better(gains, ["a"])
    with pytest.raises(BadInput, match=r"--order: no run has text of c; there are a, b"):
        bigger_is_better(gains, ["a", "c"])
