from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.quantities import format_count, format_seconds, format_share, parse_count, parse_share


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1.5M", 1_500_000),
        ("250k", 250_000),
        ("2 B", 2 * 10**9),
        ("2g", 2 * 10**9),
        ("3T", 3 * 10**12),
        ("5e5", 500_000),
        ("1_000", 1000),
        (4096, 4096),
        (4096.0, 4096),
        ("0.001k", 1),
        ("1.1M", 1_100_000),
    ],
)
def test_counts_are_read_as_people_write_them(text: object, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text", ["", "many", "1.5", "0", "-3", "1.5X", "k", True, None, "nan", "inf", "1e-3", "1e999999999"]
)
def test_what_is_no_count_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"is not a (count|positive whole number)"):
        parse_count(text)


@given(st.integers(1, 10**15))
def test_a_whole_number_is_itself(count: int) -> None:
    assert parse_count(count) == parse_count(str(count)) == count


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("33%", Fraction(33, 100)),
        ("33.5 %", Fraction(67, 200)),
        ("1/3", Fraction(1, 3)),
        (0.33, Fraction(33, 100)),
        (1, Fraction(1)),
        (0, Fraction(0)),
        ("100%", Fraction(1)),
    ],
)
def test_shares_are_exact(text: object, share: Fraction) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize(
    "text", ["101%", "-1%", "1.5", "4/3", "third", "", "1/0", "%", True, False, "nan", "inf", None, "1e-999999999"]
)
def test_what_is_no_share_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"is not (a share|between 0 and 1)"):
        parse_share(text)


@given(st.fractions(0, 1, max_denominator=1000))
def test_a_fraction_is_itself(share: Fraction) -> None:
    assert parse_share(str(share)) == share


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1_500_000, "1.5M"),
        (999, "999"),
        (1000, "1k"),
        (999_600, "1M"),
        (2.5e9, "2.5B"),
        (1, "1"),
        (float("nan"), "n/a"),
    ],
)
def test_counts_are_written_with_three_digits(count: float, text: str) -> None:
    assert format_count(count) == text


@given(st.integers(1, 10**14))
def test_a_written_count_reads_back_to_half_a_percent(count: int) -> None:
    assert parse_count(format_count(count)) == pytest.approx(count, rel=0.0051)


def test_shares_and_seconds_are_written_for_people() -> None:
    assert [format_share(s) for s in (Fraction(1, 3), Fraction(1, 2), 0)] == ["33.3%", "50%", "0%"]
    assert [format_seconds(s) for s in (0.4, 9.99, 59.4, 75, 3600, 7325)] == [
        "0.4 s",
        "10.0 s",
        "59 s",
        "1 min 15 s",
        "1 h 0 min",
        "2 h 2 min",
    ]
