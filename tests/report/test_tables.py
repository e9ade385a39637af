import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from synthmix.interval import Interval
from synthmix.report.tables import tables, write_tables
from synthmix.results import Results, TaskShare
from synthmix.results.choices import ChoiceRound, Choices, ChosenRun, Standing

pytestmark = pytest.mark.smoke


def read_csv(text, columns):
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == list(columns)
    parse = {bool: lambda s: s == "True", int: int, float: float, str: str}
    return [
        tuple(None if cell == "" else parse[kind](cell) for cell, kind in zip(row, columns.values(), strict=True))
        for row in rows[1:]
    ]


def test_csv_and_parquet_give_back_every_cell(make, tmp_path):
    made = ChosenRun(recipe="a,b", params=9, tokens=99, seed=0, cost=1.5, flops=2.0, before=0.2, after=0.1)
    choices = Choices(candidates=9, rounds=[ChoiceRound(basis="laws", standing=Standing(width=0.3), runs=[made])])
    results = make({"a,b": (-0.24, 0.36), 'q"uo\nte': (0.3, 0.25)}).model_copy(update={"choices": choices})
    write_tables(results, tmp_path)
    for table in tables(results):
        assert table.rows or table.name.startswith("task_"), table.name  # no task was asked
        text = (tmp_path / f"{table.name}.csv").read_text()
        assert read_csv(text, table.flat_columns()) == table.flat_rows()
        back = pq.read_table(tmp_path / f"{table.name}.parquet")
        assert back.column_names == list(table.flat_columns())
        assert [tuple(row.values()) for row in back.to_pylist()] == table.flat_rows()


def test_rows_are_the_results(make):
    results = make()
    by_name = {table.name: table for table in tables(results)}
    runs = by_name["runs"].records()
    for row, run in zip(runs, results.runs, strict=True):
        assert {k: row[k] for k in ("recipe", "share", "params", "tokens", "seed", "loss")} == {
            k: getattr(run, k) for k in ("recipe", "share", "params", "tokens", "seed", "loss")
        }
        assert json.loads(row["epochs"]) == run.epochs
    domains = by_name["domains"].records()
    assert len(domains) == sum(len(r.losses) for r in results.runs)
    first = results.runs[0]
    assert {(d["domain"], d["loss"], d["bits_per_byte"]) for d in domains if d["run"] == first.id} == {
        (name, loss, first.bits[name]) for name, loss in first.losses.items()
    }
    curves = by_name["training_curves"].records()
    assert [(c["tokens"], c["training_loss"]) for c in curves if c["run"] == first.id] == [
        tuple(p) for p in first.trace
    ]
    assert {d["domain"] for d in domains if d["whole"]} == {"networkx", "torch"}
    assert len(by_name["fits"].rows) == sum(len(f.parameters) for f in results.fits)
    assert len(by_name["share_points"].rows) == sum(len(c.measured) for c in results.share_curves)
    assert len(by_name["options"].rows) == len(results.decision.options)
    assert len(by_name["warnings"].rows) == 3


def test_undefined_is_empty_never_infinite(make):
    results = make()
    curves = [c.model_copy(update={"best": Interval(mid=float("inf"), why="no floor")}) for c in results.share_curves]
    table = next(t for t in tables(results.model_copy(update={"share_curves": curves})) if t.name == "best_shares")
    column = list(table.flat_columns()).index("best")
    assert table.rows
    assert all(row[column] is None for row in table.flat_rows())


@pytest.mark.parametrize("field", ["share_curves", "statistics", "fits", "curves"])
def test_an_empty_table_still_has_its_columns(make, field):
    table = next(t for t in tables(make(**{field: []})) if t.name == field)
    assert table.csv().rstrip("\n") == ",".join(table.flat_columns())
    assert pq.read_table(io.BytesIO(table.parquet())).column_names == list(table.flat_columns())


def test_codes_of_earlier_versions_are_read(make):
    raw = make().model_dump(mode="json")
    for corpus in raw["corpora"]:
        corpus["kind"] = {"natural": "real"}.get(corpus["kind"], corpus["kind"])
    assert Results.model_validate(raw) == make()
    share = {"by_loss": {"mid": 0.1}, "by_score": {"mid": 0.2}, "reason": "wide", "is_question": False, "common": None}
    none = dict.fromkeys(("flat_loss", "flat_score")) | {
        name: [] for name in ("measured", "shares", "mean", "low", "high")
    }
    found = TaskShare(synthetic="hq", params=1, tokens=1, verdict="cannot tell", **share, **none)
    assert found.verdict == "not determined"
