"""GPU-hours and money by a price list, the same wherever they are shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import synthmix
from synthmix.advice.prices import read_prices
from synthmix.decisions import ask, decide, fit_study
from synthmix.report.sentences import recommendation, training_cost
from synthmix.report.tables import option_table, page_tables
from synthmix.results import Decision, Prices, Results
from synthmix.runs.load import of_results

LIST = "gpu_hour: 2.5\nflops: 989e12\nmfu: 40%\ngenerated: {hq: 0.5}\n"


@pytest.fixture
def prices(tmp_path: Path) -> Prices:
    (tmp_path / "prices.yaml").write_text(LIST)
    return read_prices(tmp_path / "prices.yaml")


def test_hours_are_flops_over_what_a_gpu_does(prices: Prices) -> None:
    assert prices == Prices(gpu_hour=2.5, flops=989e12, mfu=0.4, generated={"hq": 0.5})
    # 7B parameters on 140B tokens: 6 * 7e9 * 140e9 = 5.88e21 FLOPs at 3.956e14 a second.
    assert prices.hours(6.0 * 7e9 * 140e9) == pytest.approx(5.88e21 / 3.956e14 / 3600)
    assert prices.training(7_000_000_000) * 140e3 == pytest.approx(prices.hours(5.88e21) * 2.5)
    assert read_prices({"gpu_hour": 1, "flops": "1e15", "mfu": "1/2"}).mfu == 0.5
    assert Prices.model_validate_json(prices.model_dump_json()) == prices


def test_the_list_prices_training_and_the_kinds_that_say_no_price(prices: Prices) -> None:
    asked = ask("1B", "100B", synthetic=["hq=30B", "qa=1B,price=2"], prices=prices)
    assert [kind.price for kind in asked.kinds] == [0.5, 2.0]
    assert asked.price_training == pytest.approx(prices.training(10**9))
    assert ask("1B", "100B", synthetic=["hq"], price_training=3, prices=prices).price_training == 3
    with pytest.raises(synthmix.BadInput, match="has no price"):
        ask("1B", "100B", synthetic=["qa"], prices=prices)


@pytest.fixture
def decided(make: Callable[..., Results], one_law: None, prices: Prices) -> tuple[Results, Decision]:
    results = make()
    table = of_results(results)
    asked = ask("3M", "30M", synthetic=["hq=20M"], prices=prices)
    decision = decide(table, fit_study(table, bootstrap=40), asked, explore=False)
    return results.model_copy(update={"decision": decision}), decision


def test_every_option_has_its_hours_and_its_money(decided: tuple[Results, Decision], prices: Prices) -> None:
    _, decision = decided
    hours = prices.hours(6.0 * 3e6 * 30e6)
    assert len(decision.options) > 2
    for option in decision.options:
        assert option.gpu_hours == pytest.approx(hours)
        assert option.training_money == pytest.approx(hours * 2.5)
        assert option.total_money == pytest.approx(hours * 2.5 + option.money)
        if option.is_natural:
            assert (option.money, option.net) == (0.0, None)
    mixed = [option for option in decision.options if option.net is not None]
    assert mixed
    for option in mixed:
        assert option.money == pytest.approx(option.bought / 1e6 * 0.5)
        assert option.net is not None
        assert option.tokens_saved.mid is not None
        worth = option.tokens_saved.mid / 1e6 * prices.training(3_000_000)
        assert option.net.mid == pytest.approx(worth - option.money)
    assert Decision.model_validate(json.loads(json.dumps(decision.model_dump(mode="json")))) == decision


def test_the_tables_and_the_sentences_show_them(decided: tuple[Results, Decision], prices: Prices) -> None:
    results, decision = decided
    rows = option_table(decision).only("recipe", "gpu_hours", "total_money").records()
    assert [row["total_money"] for row in rows] == [option.total_money for option in decision.options]
    assert "GPU-hours" in page_tables(results)["options"].text()
    if decision.recommended is not None and not decision.options[decision.recommended].is_natural:
        assert "GPU-hours of training" in recommendation(decision)
    assert decision.question is not None
    assert "40% are used" in training_cost(decision.question)["Training"]
    assert training_cost(decision.question.model_copy(update={"prices": None})) == {}


def test_without_a_list_there_is_nothing_of_it(make: Callable[..., Results], one_law: None) -> None:
    results = make()
    table = of_results(results)
    fits = fit_study(table, bootstrap=40)
    decision = decide(table, fits, ask("3M", "30M", synthetic=["hq=20M,price=1"]), explore=False)
    assert all(option.gpu_hours is option.total_money is option.net is None for option in decision.options)
    shown = page_tables(results.model_copy(update={"decision": decision}))["options"].text()
    assert "GPU-hours" not in shown


def test_a_study_file_may_hold_one(make_study: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    from synthmix.study.conclude import study_question
    from synthmix.study.load import study_from

    raw = make_study(
        tmp_path, question={"params": "1M", "tokens": "1M", "prices": {"gpu_hour": 2, "flops": "1e15", "mfu": "50%"}}
    )
    asked = study_question(study_from(raw))
    assert asked is not None
    assert asked.prices == Prices(gpu_hour=2, flops=1e15, mfu=0.5)
    assert asked.price_training == asked.prices.training(1_000_000)
    with pytest.raises(synthmix.BadInput, match=r"question\.prices\.mfu"):
        study_from(
            raw | {"question": {"params": "1M", "tokens": "1M", "prices": {"gpu_hour": 2, "flops": 1, "mfu": 2}}}
        )
