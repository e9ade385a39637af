"""One table in five renderings: the same values, and nothing that a name says is obeyed."""

import csv
import io
import json
from dataclasses import asdict

import pyarrow.parquet as pq
import pytest

from synthmix.console import plain
from synthmix.interval import Interval
from synthmix.quantities import MINUS, format_count, percent
from synthmix.table import Cell, Column, Table, facts

LOSS = Interval(low=3.18, mid=3.21446, high=3.25, covers="new run")
TABLE = Table(
    "recipes",
    [
        Column("recipe"),
        Column("tokens", form=format_count),
        Column("share", "Share", percent),
        Column("loss", "Loss", unit="nats per token", help="on held-out text"),
        Column("change", form="+.2f"),
        Column("as_good"),
    ],
    [
        ("natural", 1_500_000, 0.0, LOSS, None, True),
        (
            Cell("33% <b>hq", note="collapse: no", mark="r1"),
            20_000,
            1 / 3,
            Interval(mid=None, why="no law"),
            -0.5,
            False,
        ),
    ],
    title="What each recipe gives",
    note="90% intervals.",
)


def test_the_terminal_shows_aligned_columns_with_a_heading_and_a_note() -> None:
    assert TABLE.text().splitlines() == [
        "What each recipe gives",
        "recipe                    tokens  Share   Loss (nats per token)  change  as good",
        "natural                     1.5M     0%  3.214 (3.180 to 3.250)     n/a  yes",
        f"33% <b>hq (collapse: no)     20k    33%      undefined (no law)   {MINUS}0.50  no",
        "90% intervals.",
    ]
    assert TABLE.text(width=40) == TABLE.text(), "too wide for the terminal: it breaks the lines, no column is squeezed"


def test_long_text_wraps_in_its_column() -> None:
    long = Table("t", [Column("code"), Column("message")], [("a", "one two three " * 8)])
    assert max(map(len, long.text().splitlines())) > 100
    assert max(map(len, long.text(width=50).splitlines())) <= 50
    assert TABLE.only("share", "recipe").written() == [["0%", "natural"], ["33%", "33% <b>hq"]]


def test_html_escapes_names_and_carries_values_to_sort_by() -> None:
    page = str(TABLE.html(id="recipes", sortable=True))
    assert "<b>" not in page
    assert '<i class="swatch" style="--c:var(--r1)"></i>33% &lt;b&gt;hq<small class="wrap">collapse: no</small>' in page
    assert '<td class="n" data-v="3.21446">3.214<small>3.180 to 3.250</small></td>' in page
    assert '<td class="n" data-v="1500000">1.5M</td>' in page
    assert "undefined<small>no law</small>" in page
    assert 'title="on held-out text"><button type="button">Loss (nats per token)</button>' in page


def test_files_hold_the_values_with_an_interval_in_six_columns() -> None:
    rows = list(csv.DictReader(io.StringIO(TABLE.csv())))
    assert [row["recipe"] for row in rows] == ["natural", "33% <b>hq"]
    assert (float(rows[0]["loss"]), float(rows[0]["loss_low"]), rows[0]["loss_covers"]) == (3.21446, 3.18, "new run")
    assert (rows[1]["loss"], rows[1]["loss_why"], rows[0]["change"]) == ("", "no law", "")
    back = pq.read_table(io.BytesIO(TABLE.parquet()))
    assert back.column_names == list(TABLE.flat_columns())
    assert [tuple(row.values()) for row in back.to_pylist()] == TABLE.flat_rows()
    assert json.loads(json.dumps(TABLE.records()))[0]["loss"] == asdict(LOSS)


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2+3", "@sum", "\tx", "\rx"])
def test_a_name_is_no_formula(name: str) -> None:
    text = Table.of("t", {"name": str, "number": float}, [(name, -1.0)]).csv()
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == ["'" + name.replace("\r", "\n"), "-1.0"]


def test_a_name_is_no_command_to_the_terminal() -> None:
    text = Table("t", [Column("name")], [("\x1b]0;x\x07[red]a[/red]\u202eb",)]).text(colour=True)
    assert r"\x1b]0;x\x07[red]a[/red]\u202eb" in text
    assert plain("two\nlines\r") == "two\nlines\\r"


def test_facts_have_no_headings_and_empty_tables_keep_their_columns() -> None:
    assert facts("Machine", {"cores": 2, "memory": "24 GiB"}).text() == "Machine\ncores   2\nmemory  24 GiB"
    assert Table.of("t", {"a": int, "b": Interval}, []).csv() == "a,b,b_low,b_high,b_level,b_covers,b_why\n"
    assert "n/a" in Table("t", [Column("a", kind=float)], [(None,)]).text()


def test_a_row_of_another_length_or_two_columns_of_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 values for 2 columns"):
        Table.of("t", {"a": int, "b": int}, [(1,)])
    with pytest.raises(ValueError, match="two columns of one key"):
        Table("t", [Column("a"), Column("a")], [])


@pytest.mark.parametrize("name", ["=cmd()", "+1+cmd()", "-2+3", "@sum", "\t=a", "\r=a", "\n=a", "\uff1da", "-", "--x"])
def test_a_name_is_no_formula_in_a_spreadsheet(name: str) -> None:
    lines = list(csv.reader(io.StringIO(Table("t", [Column(name, kind=str)], [(name,)]).csv())))
    assert lines == [["'" + name.replace("\r", "\n")], ["'" + name.replace("\r", "\n")]]


@pytest.mark.parametrize("number", ["-0.5", "+3", "-1e-5", "-.5", "-5%"])
def test_a_number_stays_one(number: str) -> None:
    assert Table("t", [Column("n")], [(number,)]).csv() == f"n\n{number}\n"
    assert Table("t", [Column("n")], [(-0.5,)]).csv() == "n\n-0.5\n"


def test_a_name_makes_no_row_of_its_own_on_a_terminal() -> None:
    said = Table("t", [Column("name"), Column("loss")], [("web\nhq  0.1", 3.0)]).text()
    assert said.splitlines()[1:] == [r"web\nhq  0.1     3"]
