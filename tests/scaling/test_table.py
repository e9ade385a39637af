import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import read_runs, read_table

HEADER = "params,tokens,val_loss,seed,recipe\n"
ROWS = "1e6,1e7,4.5,0,web\n1e6,1e7,4.6,1,web\n1e6,1e8,4.1,0,web\n1e6,1e7,4.4,0,mix\n"


def write(folder: Path, text: str, name: str = "runs.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_columns_are_mapped_or_found(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + ROWS)
    for columns in ("", "N=params,D=tokens,loss=val_loss", " N = params , loss = val_loss "):
        runs = read_runs(path, columns)
        assert runs.N.tolist() == [1e6] * 4
        assert runs.D.tolist() == [1e7, 1e7, 1e8, 1e7]
        assert runs.loss.tolist() == [4.5, 4.6, 4.1, 4.4]


def test_cells_keep_recipes_apart_and_seeds_together(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, HEADER + ROWS))
    assert table.runs.cells == 3
    assert table.runs.group[0] == table.runs.group[1] != table.runs.group[3]
    assert table.of("mix").loss.tolist() == [4.4]
    assert len(read_runs(tmp_path / "runs.csv", recipe="web")) == 3
    with pytest.raises(BadInput, match="the table has: mix, web"):
        table.of("nothing")


def test_parquet_and_a_studys_results_are_read_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"N": [1e6, 2e6], "D": [10, 20], "loss": [3.0, 2.9]}), tmp_path / "r.parquet")
    assert read_runs(tmp_path / "r.parquet").D.tolist() == [10.0, 20.0]
    rows = [{"params": 10, "tokens": 5, "loss": 3.0, "share": 0.5, "seed": 0, "recipe": "a"}]
    write(tmp_path, json.dumps({"runs": rows}), "results.json")
    assert read_runs(tmp_path).share.tolist() == [0.5]


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
        (HEADER + "1e6,1e7,x,0,web\n", "", "val_loss: row 0 is 'x', not a number"),
        (HEADER + "1e6,1e7,,0,web\n", "", "val_loss: row 0 is empty"),
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
    assert [warning.code for warning in read_table(path).warnings] == ["replicates_assumed"]
    path.write_text("params,tokens,seed,loss\n1e6,1e8,0,3.4\n1e6,1e8,1,3.6\n1e7,1e9,0,2.9\n")
    assert read_table(path).warnings == []
