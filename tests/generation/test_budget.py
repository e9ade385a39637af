from collections.abc import Callable
from pathlib import Path

import pytest

from synthmix.errors import BadInput
from synthmix.generation.budget import TEMPLATE_TOKENS, Budget, Prices, most_tokens
from synthmix.generation.prompts import Prompt


def test_the_most_a_request_can_have(make_requests: Callable[..., list[Prompt]]) -> None:
    [prompt] = make_requests(1)
    assert most_tokens(prompt) == (len("Say something about number 0.") + TEMPLATE_TOKENS, 50)


def test_what_is_in_flight_counts_at_its_most_and_what_came_back_as_it_is(tmp_path: Path) -> None:
    budget = Budget(tokens=100, log=tmp_path / "spending-local.log")
    budget.hold((30, 20))
    assert budget.fits((30, 20))
    assert not budget.fits((30, 21))
    budget.release((30, 20))
    budget.charge(10, 5)
    assert budget.fits((60, 25))
    assert not budget.fits((60, 26))


def test_money(tmp_path: Path) -> None:
    budget = Budget(Prices(2.0, 10.0), money=0.001, log=tmp_path / "spending-local.log")
    assert budget.fits((0, 100))
    assert not budget.fits((1, 100))
    budget.charge(250, 40)
    assert budget.money == pytest.approx(0.0009)
    assert not budget.fits((0, 11))


def test_a_lost_try_is_paid_for_also_after_a_kill(tmp_path: Path) -> None:
    log = tmp_path / "spending-local.log"
    budget = Budget(tokens=1000, log=log)
    budget.hold((100, 50))
    budget.release((100, 50), lost=True)
    budget.hold((200, 100))
    budget.release((200, 100))
    budget.hold((300, 0))  # in flight when the process is killed
    for name in (log, tmp_path / "spending-0-of-2.log"):
        if name != log:
            name.write_text("-7 7\n+7")  # another part's, torn
        again = Budget(tokens=1000, log=log)
        again.close()
    assert (again.lost_input, again.lost_output) == (407, 57)
    assert again.fits((536, 0))
    assert not again.fits((537, 0))


def test_without_a_budget_everything_fits_and_nothing_is_written(tmp_path: Path) -> None:
    budget = Budget(log=tmp_path / "spending-local.log")
    budget.hold((10**9, 10**9))
    assert budget.fits((10**9, 10**9))
    assert not list(tmp_path.iterdir())


def test_shards_share_what_is_left(tmp_path: Path) -> None:
    budget = Budget(Prices(1.0, 1.0), tokens=1000, money=1.0, log=tmp_path / "spending-0-of-3.log")
    budget.charge(400, 0)
    budget.keep_part(3)
    assert budget.token_budget == 600
    assert budget.money_budget == pytest.approx(0.0004 + (1 - 0.0004) / 3)


@pytest.mark.parametrize(
    ("budgets", "words"),
    [
        ({"tokens": 900}, "budget_tokens: 900 of 900 are spent already (one request: at most 60 tokens); raise it"),
        ({"money": 0.9}, "budget_money: 0.9 of 0.9 are spent already (one request: at most 0.06); raise it"),
    ],
)
def test_a_spent_budget_is_bad_input(tmp_path: Path, budgets: dict[str, float], words: str) -> None:
    budget = Budget(Prices(1000.0, 1000.0), **budgets, log=tmp_path / "spending-local.log")  # type: ignore[arg-type]
    budget.charge(500, 400)
    with pytest.raises(BadInput) as caught:
        budget.check((50, 10))
    assert str(caught.value) == words


def test_a_budget_below_one_request_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="40 is less than one request may cost"):
        Budget(tokens=40, log=tmp_path / "spending-local.log").check((50, 10))
