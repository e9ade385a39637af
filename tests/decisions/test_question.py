"""Questions as people write them, and what cannot be one."""

import math
from typing import Any

import pytest

from synthmix.decisions.question import ask, parse_kind
from synthmix.errors import BadInput
from synthmix.results import Kind


def test_a_kind_in_full() -> None:
    found = parse_kind("hq=30B, price=0.5, params=8B, like=qa, files=data/*.jsonl")
    assert found == Kind(name="hq", price=0.5, tokens=30 * 10**9, params=8 * 10**9, like="qa", files="data/*.jsonl")
    assert parse_kind("hq,price=0") == Kind(name="hq", price=0.0)


def test_text_and_mapping_ask_the_same() -> None:
    text = ask("1B", "100B", natural="60B", synthetic=["hq=30B,price=0.5"])
    assert text == ask(10**9, 10**11, natural=60 * 10**9, synthetic={"hq": {"tokens": "30B", "price": 0.5}})


def test_how_often_text_may_be_gone_through_is_part_of_the_question() -> None:
    asked = ask("1B", "100B", natural="5B, epochs=4", synthetic=["hq=30B,price=0.5,epochs=2", "qa,price=0"])
    assert (asked.natural, asked.natural_epochs) == (5 * 10**9, 4.0)
    assert [kind.epochs for kind in asked.kinds] == [2.0, None]
    assert ask("1B", "100B", natural="5B", synthetic=["hq,price=0"]).natural_epochs is None


def test_what_can_be_had_is_what_there_is_and_what_the_money_buys() -> None:
    asked = ask("1B", "100B", synthetic=["hq=30B,price=0.5", "free,price=0", "dear,price=2"], budget_money=10_000)
    assert [asked.limit(kind) for kind in asked.kinds] == [20e9, math.inf, 5e9]


@pytest.mark.parametrize(
    ("synthetic", "said"),
    [
        ([], "no kind of synthetic text is named"),
        (["hq=30B"], "--synthetic hq: has no price; add price=MONEY"),
        (["hq=30B,price=-1"], "--synthetic hq: price: '-1' is negative"),
        (["hq=30B,price=nan"], "negative or not finite"),
        (["hq=30B,price=cheap"], "'cheap' is not an amount of money"),
        (["hq=1B,price=1,epochs=0.5"], "--synthetic hq: epochs: '0.5' is not how often text may be gone through"),
        (["hq=0,price=1"], "'0' is not a positive whole number"),
        (["hq=-3B,price=1"], "'-3B' is not a count"),
        (["hq=30B,price=1,price=2"], "price is given twice"),
        (["hq=30B,prize=1"], "unknown key 'prize'; known: tokens, price"),
        (["hq=30B,0.5"], "'0.5' is not KEY=VALUE"),
        (["=30B,price=1"], "a kind has no name"),
        (["hq,price=1", "hq,price=2"], "--synthetic hq: is named twice"),
    ],
)
def test_a_kind_that_cannot_be(synthetic: list[str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        ask("1B", "100B", synthetic=synthetic)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"params": "0"}, "--params: '0' is not a positive whole number"),
        ({"tokens": "-100B"}, "--tokens: '-100B' is not a count"),
        ({"natural": "5B,epoch=4"}, "--natural: 'epoch=4' is not epochs=NUMBER; write 60B,epochs=4"),
        ({"natural": "5B,epochs=half"}, "--natural: epochs: 'half' is not how often text may be gone through"),
        ({"natural": 0}, "--natural: 0 is not a positive whole number"),
        ({"budget_money": -5}, "--budget-money: -5 is negative"),
        ({"price_training": "much"}, "--price-training: 'much' is not an amount of money"),
    ],
)
def test_a_number_that_cannot_be(changed: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"params": "1B", "tokens": "100B", "synthetic": ["hq,price=1"], **changed}
    with pytest.raises(BadInput) as caught:
        ask(given.pop("params"), given.pop("tokens"), **given)
    assert said in str(caught.value)
