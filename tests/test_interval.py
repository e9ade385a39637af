"""The one interval type and the one way to write it."""

import json
from dataclasses import asdict, replace

import pytest
from pydantic import BaseModel, ValidationError

from synthmix.interval import Interval, decimals, format_interval
from synthmix.quantities import MINUS, percent, times


def interval(mid: float | None, low: float | None = None, high: float | None = None, **rest: object) -> Interval:
    return Interval(low=low, mid=mid, high=high, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "form", "said"),
    [
        (interval(0.1234, 0.12, 0.13), ".3f", "0.123 (0.120 to 0.130)"),
        (interval(0.5, -0.25, 1), "+.1%", f"+50.0% ({MINUS}25.0% to +100.0%)"),
        (interval(2.0, None, 3.0), ".2f", "2.00 (? to 3.00)"),
        (interval(-2e-9, -3e-9, 1e-9), ".0e", f"{MINUS}2e-09 ({MINUS}3e-09 to 1e-09)"),
        (interval(2.0), ".2f", "2.00"),
        (interval(None), ".2f", "undefined"),
        (interval(None, why="no floor"), ".2f", "undefined (no floor)"),
        (None, ".2f", "n/a"),
        (interval(0.31, 0.18, 0.44), percent, "31% (18% to 44%)"),
        (interval(1.9, 1.2, 3.1), times, "1.9\u00d7 (1.2\u00d7 to 3.1\u00d7)"),
        (interval(3.21446, 3.18, 3.25), None, "3.214 (3.180 to 3.250)"),
    ],
)
def test_intervals_are_written_in_one_way(found: Interval | None, form: object, said: str) -> None:
    assert format_interval(found, form, level=False) == said  # type: ignore[arg-type]


def test_the_level_is_named_and_so_is_its_absence() -> None:
    assert str(interval(2.0, 1.0, 3.0)) == "2.0 (90% interval 1.0 to 3.0)"
    assert format_interval(interval(2.0, 1, 3, level=0.95), ".1f") == "2.0 (95% interval 1.0 to 3.0)"
    assert format_interval(interval(2.0), ".1f") == "2.0 (no interval)"
    assert decimals(interval(0.04, 0.028, 0.052)) == 3


def test_it_reads_back_equal_from_json_and_from_files_of_earlier_versions() -> None:
    class Holder(BaseModel):
        own: Interval

    whole = interval(0.5, 0.25, 1.0, level=0.95, covers="sampling", why="because")
    assert Holder.model_validate_json(Holder(own=whole).model_dump_json()).own == whole
    assert Interval(**json.loads(json.dumps(asdict(whole)))) == whole
    old = {"own": {"value": 0.5, "low": 0.25, "high": 1.0, "level": 0.9, "why": None}}
    assert Holder.model_validate(old).own == interval(0.5, 0.25, 1.0)


def test_what_is_not_finite_is_not_known() -> None:
    assert interval(float("inf"), float("-inf"), float("nan")) == interval(None)
    assert not interval(1.0, 0.5, float("inf")).bounded


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"low": 2.0, "high": 1.0}, "the lower end 2 lies above the upper end 1"),
        ({"level": 90}, "less than 1"),
        ({"covers": "everything"}, "new run"),
        ({"half": 1.0}, "half"),
    ],
)
def test_what_is_no_interval_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        interval(1.0, **wrong)  # type: ignore[arg-type]


def test_sign_width_and_change_of_unit() -> None:
    below, wide = interval(-0.04, -0.05, -0.03), interval(-0.04, -0.09, 0.01)
    assert (below.sign(), below.scaled(-1).sign(), wide.sign(), below.sign(noise=0.05)) == (-1, 1, 0, 0)
    assert interval(-0.04).sign() == 0
    assert below.scaled(-2) == interval(0.08, 0.06, 0.10)
    assert wide.half_width == pytest.approx(0.05)
    assert interval(1.0).half_width is None
    assert (wide.holds(0.0), below.holds(0.0), interval(1.0, 0.0).holds(0.5)) == (True, False, None)
    assert wide.mapped(lambda x: max(x, 0.0)) == interval(0.0, 0.0, 0.01)
    assert replace(wide, level=0.5).level == 0.5
