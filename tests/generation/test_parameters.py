import math
import re
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.generation.settings import check_sampling, draw_sampling

SPEC = {"temperature": {"uniform": [0.6, 1.0]}, "top_k": {"integers": [1, 3]}, "top_p": 0.9, "max_tokens": 64}


def test_a_draw_depends_on_seed_key_and_name_alone() -> None:
    assert draw_sampling(SPEC, 1, "a") == draw_sampling(dict(reversed(SPEC.items())), 1, "a")
    assert draw_sampling(SPEC, 1, "a") != draw_sampling(SPEC, 1, "b")
    assert draw_sampling(SPEC, 1, "a") != draw_sampling(SPEC, 2, "a")
    assert draw_sampling({"seed": 7, "stop": ["\n"]}, 1, "a") == {"seed": 7, "stop": ["\n"]}


def test_draws_fill_their_range_evenly() -> None:
    drawn = [draw_sampling(SPEC, 3, str(i)) for i in range(3000)]
    temperatures = [each["temperature"] for each in drawn]
    assert all(0.6 <= t <= 1.0 for t in temperatures)
    # Five standard errors of the mean of a uniform variable of width 0.4.
    assert abs(sum(temperatures) / 3000 - 0.8) < 5 * 0.4 / math.sqrt(12 * 3000)
    for k in (1, 2, 3):
        assert abs(sum(each["top_k"] == k for each in drawn) - 1000) < 5 * math.sqrt(3000 * 2 / 9)
    assert {each["top_p"] for each in drawn} == {0.9}
    assert len({each["seed"] for each in drawn}) == 3000


def test_choice_and_loguniform() -> None:
    spec = {"top_p": {"choice": [0.5, 1]}, "temperature": {"loguniform": [0.01, 1.0]}}
    drawn = [draw_sampling(spec, 0, str(i)) for i in range(2000)]
    assert {each["top_p"] for each in drawn} == {0.5, 1}
    below = sum(each["temperature"] < 0.1 for each in drawn)
    assert abs(below - 1000) < 5 * math.sqrt(2000) / 2


def test_a_checked_spec_is_plain_and_the_same() -> None:
    assert check_sampling(SPEC) == SPEC
    assert check_sampling({}) == {}
    assert draw_sampling(check_sampling({"top_p": None, "seed": 1}), 0, "a") == {"seed": 1}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"temprature": 1}, "temprature: no such sampling parameter; there are temperature, top_p"),
        ({"temperature": -1}, "temperature: -1 is not a number from 0 to 2"),
        ({"temperature": True}, "temperature: True is not"),
        ({"temperature": float("nan")}, "temperature: nan is not"),
        ({"max_tokens": None}, "max_tokens: None is not a whole number"),
        ({"top_k": 0.5}, "top_k: 0.5 is not a whole number"),
        ({"top_p": {"uniform": [0.5, 1.5]}}, "top_p: 1.5 is not a number from 1e-06 to 1"),
        ({"top_p": {"uniform": [0.9, 0.5]}}, "top_p: uniform from 0.9 to 0.5 is not a range"),
        ({"top_p": {"normal": [0.9, 0.5]}}, "is not a distribution; write {uniform: [0.6, 1.0]}"),
        ({"top_p": {"uniform": [0.9]}}, "is not a distribution"),
        ({"top_p": {"choice": []}}, "is not a distribution"),
        ({"top_k": {"uniform": [1, 5]}}, "write {integers: [1, 40]}"),
        ({"temperature": {"loguniform": [0, 1]}}, "is not a range"),
        ({"stop": 3}, "stop: 3 is neither text"),
    ],
)
def test_what_is_refused(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        check_sampling(spec)


def test_an_unchecked_mistake_is_bad_input_when_drawn() -> None:
    with pytest.raises(BadInput, match=r"sampling\.top_p: top_p: .* is not a distribution"):
        draw_sampling({"top_p": {"uniform": 3}}, 0, "a")
