import importlib.util
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthmix.errors import BadInput
from synthmix.runs import RunsTable, read_runs

HEADER = "params,tokens,val_loss,seed,recipe\n"
ROWS = "1e6,1e7,4.5,0,web\n1e6,1e7,4.6,1,web\n1e6,1e8,4.1,0,web\n1e6,1e7,4.4,0,mix\n"


def write(folder: Path, text: str, name: str = "runs.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_columns_are_mapped_or_found(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + ROWS)
    for columns in ("", "N=params,D=tokens,loss=val_loss", " N = params , loss = val_loss "):
        runs = read_runs(path, columns)
        assert runs.column("N").tolist() == [1e6] * 4
        assert runs.column("D").tolist() == [1e7, 1e7, 1e8, 1e7]
        assert runs.column("loss").tolist() == [4.5, 4.6, 4.1, 4.4]


def test_cells_keep_recipes_apart_and_seeds_together(tmp_path: Path) -> None:
    table = read_runs(write(tmp_path, HEADER + ROWS))
    arrays = table.arrays()
    assert arrays.cells == 3
    assert arrays.group[0] == arrays.group[1] != arrays.group[3]
    assert table.of_recipe("mix").column("loss").tolist() == [4.4]
    assert len(read_runs(tmp_path / "runs.csv", recipe="web")) == 3
    with pytest.raises(BadInput, match="the table has: mix, web"):
        table.of_recipe("nothing")


def test_parquet_and_a_studys_results_are_read_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"N": [1e6, 2e6], "D": [10, 20], "loss": [3.0, 2.9]}), tmp_path / "r.parquet")
    assert read_runs(tmp_path / "r.parquet").column("D").tolist() == [10.0, 20.0]
    rows = [{"params": 10, "tokens": 5, "loss": 3.0, "share": 0.5, "seed": 0, "recipe": "a"}]
    write(tmp_path, json.dumps({"runs": rows}), "results.json")
    assert read_runs(tmp_path).column("share").tolist() == [0.5]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (HEADER + ROWS, "N=size", r"runs\.csv: columns: no column 'size' for N; the table has: params"),
        (HEADER + ROWS, "size=params", "'size=params' names no column"),
        (HEADER + ROWS, "N=params,N=tokens", "'N=tokens' names no column"),
        ("a,b\n1,2\n", "", "no column found for loss"),
        ("loss,b\n1,2\n", "", "no column found for N or D"),
        (HEADER, "", "holds no runs"),
        ("", "", "holds no runs"),
        (HEADER + "1e6,1e7,x,0,web\n", "", r"val_loss: is not a number in row 0 \('x'\)"),
        (HEADER + "1e6,1e7,,0,web\n", "", "val_loss: is empty in row 0"),
        (HEADER + "1e6,1e7\n", "", "row 0 has 2 cells, the header 5"),
        (HEADER + "-1,1e7,3,0,web\n", "", "params: is not positive in row 0"),
        (HEADER + "1e6,1e7,nan,0,web\n", "", "val_loss: is not a positive number in row 0"),
        (HEADER + "1e6,1e7,3.0,0,web\n1e6,1e7,3.1,0,web\n", "", "rows 0 and 1 are one run"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, text: str, columns: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        read_runs(write(tmp_path, text), columns)
    assert "\n" not in str(caught.value)


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_runs(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="is not a kind of table"):
        read_runs(write(tmp_path, "x", "runs.xlsx"))
    with pytest.raises(BadInput, match="is not a Parquet file"):
        read_runs(write(tmp_path, "x", "runs.parquet"))
    (tmp_path / "latin.csv").write_bytes(b"N,loss\n\xe9,1\n")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_runs(tmp_path / "latin.csv")
    with pytest.raises(BadInput, match="holds no runs"):
        read_runs(write(tmp_path, "[]", "other.json"))


def test_rows_that_differ_in_their_loss_alone_are_not_silently_replicates(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("params,tokens,loss\n1e6,1e8,3.4\n1e6,1e8,3.6\n1e7,1e9,2.9\n")
    assert [warning.code for warning in read_runs(path).warnings] == ["replicates_assumed"]
    path.write_text("params,tokens,seed,loss\n1e6,1e8,0,3.4\n1e6,1e8,1,3.6\n1e7,1e9,0,2.9\n")
    assert read_runs(path).warnings == ()


TWO = [{"params": 1e6, "tokens": 30e6, "loss": 8.1}, {"params": 3e6, "tokens": 1e9, "loss": 5.7}]
LINES = [json.dumps(row) for row in TWO]
FAULTS = {
    "suffix.csv": "params,tokens,val_loss\n1M,30M,8.1\n3M,1B,5.7\n",
    "thousands.csv": 'params,tokens,val_loss\n"1,000,000","30,000,000",8.1\n3000000,1e9,5.7\n',
    "semicolon.csv": "params;tokens;val_loss\n1e6;30e6;8.1\n3e6;1e9;5.7\n",
    "case.csv": "n,d,loss\n1e6,30e6,8.1\n3e6,1e9,5.7\n",
    "bom.jsonl": "\ufeff" + "\n".join(LINES),
    "u2028.jsonl": LINES[0][:-1] + ', "note": "x\u2028y"}\n' + LINES[1],
    "text.jsonl": LINES[0] + '\n{"params": "3M", "tokens": "1B", "loss": "5.7"}\n',
}


@pytest.mark.parametrize("name", FAULTS)
def test_tables_as_people_have_them(tmp_path: Path, name: str) -> None:
    table = read_runs(write(tmp_path, FAULTS[name], name))
    assert table.column("N").tolist() == [1e6, 3e6]
    assert table.column("D").tolist() == [30e6, 1e9]
    assert table.column("loss").tolist() == [8.1, 5.7]


def test_a_column_of_any_row_is_a_column(tmp_path: Path) -> None:
    rows = [json.dumps(row) for row in ({**TWO[0], "share": 0}, {**TWO[1], "share": "50%", "recipe": "b"})]
    table = read_runs(write(tmp_path, "\n".join(rows), "mixed.jsonl"))
    assert table.column("share").tolist() == [0.0, 0.5]
    assert table.text("recipe") == [None, "b"]
    missing = write(tmp_path, LINES[0] + "\n" + rows[1], "missing.jsonl")
    with pytest.raises(BadInput, match="share: is empty in row 0"):
        read_runs(missing)


def test_two_candidates_are_a_question(tmp_path: Path) -> None:
    path = write(tmp_path, "params,tokens,loss,val_loss\n1e6,1e7,3,4\n2e6,1e7,3,4\n")
    with pytest.raises(BadInput, match=r"'loss' and 'val_loss' may both be loss; say which one: --columns loss="):
        read_runs(path)
    assert read_runs(path, "loss=val_loss").column("loss").tolist() == [4, 4]


def test_a_column_name_may_hold_a_comma_and_an_equals_sign(tmp_path: Path) -> None:
    path = write(tmp_path, 'Name,params,tokens,"run a, lr=1e-3 - val/loss"\nr,1e6,1e7,3\n')
    table = read_runs(path, "loss=run a, lr=1e-3 - val/loss, N=params")
    assert table.column("loss").tolist() == [3]


def test_bad_rows_are_named_or_left_out_and_counted(tmp_path: Path) -> None:
    rows = "params,tokens,loss,seed\n1e6,1e7,3,0\n1e6,crashed,3,1\n1e6,1e8,nan,0\n-1,1e8,2.5,0\n2e6,1e8,2.5,0\n"
    path = write(tmp_path, rows)
    with pytest.raises(
        BadInput, match=r"tokens: is not a number in row 1 \('crashed'\) \(and 2 more rows\).*--skip-bad"
    ):
        read_runs(path)
    table = read_runs(path, skip_bad=True)
    assert table.column("N").tolist() == [1e6, 2e6]
    (warning,) = table.warnings
    assert warning.code == "rows_left_out"
    assert warning.message.startswith("3 of 5 rows cannot be used and are left out: ")
    with pytest.raises(BadInput, match="none of 1 rows can be used"):
        read_runs(write(tmp_path, "params,tokens,loss\n1,1,nan\n", "all.csv"), skip_bad=True)


def test_an_empty_name_is_none(tmp_path: Path) -> None:
    """Natural text alone has no synthetic source, and a CSV can only leave the cell empty."""
    text = "params,tokens,loss,recipe,synthetic,share\n1M,1M,3.1,web,,0\n1M,1M,3.0,half,hq,50%\n"
    assert read_runs(write(tmp_path, text)).text("synthetic") == [None, "hq"]


def test_any_frame_or_plain_rows_are_the_same_table() -> None:
    rows = [{"N": 1e6, "D": 1e7, "loss": 3.0, "seed": 0}, {"N": 2e6, "D": 1e7, "loss": 2.5, "seed": 0}]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    for source in (rows, columns, pa.table(columns)):
        table = read_runs(source)
        assert table.column("loss").tolist() == [3.0, 2.5]
        assert read_runs(table) is table
    if importlib.util.find_spec("pandas") is not None:
        frame = importlib.import_module("pandas").DataFrame(columns)
        assert read_runs(frame).column("N").tolist() == [1e6, 2e6]
    with pytest.raises(BadInput, match="int is no table of runs"):
        read_runs(3)


def test_shares_and_metrics_by_pattern() -> None:
    columns = {"N": [1e6] * 3, "D": [1e7, 1e7, 2e7], "train_web": [1, 0.5, 0.5], "train_qa": [0, 0.5, 0.5],
               "loss": [3.0, 2.9, 2.8], "eval/a": [1, 2, 3], "seed": [0, 0, 0]}  # fmt: skip
    table = read_runs(columns, "shares=train_*,metrics=eval/*")
    assert table.sources == ["web", "qa"]
    assert table.text("mixture") == ["1 web", "0.5 qa + 0.5 web", "0.5 qa + 0.5 web"]
    assert [metric.name for metric in table.metrics] == ["loss", "eval/a"]
    assert table.arrays().cells == 3
    with pytest.raises(BadInput, match=r"no column is like 'mix_\*'"):
        read_runs(columns, "shares=mix_*")


def test_a_table_that_is_written_is_read_back_equal(tmp_path: Path) -> None:
    rows = [
        {"N": 1e6, "D": 1e7, "loss": 3.0, "share": 0, "seed": 0, "recipe": "=web"},
        {"N": 2e6, "D": 1e7, "loss": 2.5, "share": "1/3", "seed": 0, "recipe": "mix"},
    ]
    table = read_runs(rows)
    table.write(tmp_path / "runs.parquet")
    again = read_runs(tmp_path / "runs.parquet")
    assert isinstance(again, RunsTable)
    assert again.metrics == table.metrics
    assert again.to_frame().equals(table.to_frame())


def test_a_results_file_that_is_cut_short_names_the_remedy(tmp_path: Path) -> None:
    write(tmp_path, '{"study": "x", "runs": [{"id"', "results.json")
    with pytest.raises(BadInput, match=r"results\.json: is damaged .*; write it again with synthmix study report FILE"):
        read_runs(tmp_path / "results.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"holds no results\.json, so no finished study"):
        read_runs(tmp_path / "empty")
