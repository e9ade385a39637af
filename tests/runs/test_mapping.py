"""The mapping file: expressions, patterns, units, filters, shares in any form, and which rows count."""

import bz2
import contextlib
import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.errors import BadInput
from synthmix.runs import RunsTable, read_runs
from synthmix.runs.expression import Columns, evaluate
from synthmix.runs.mapping import read_mapping

COLUMNS = {
    "step": np.array([10.0, 20.0, 30.0]),
    "batch_tokens": np.array([100.0, 100.0, 200.0]),
    "State": np.array(["finished", "crashed", None], dtype=object),
    "run": np.array(["web-1.3B-s0", "qa-70M-s1", None], dtype=object),
    "eval/a": np.array([1.0, 2.0, 3.0]),
    "eval/b": np.array([3.0, 4.0, 5.0]),
    "config.lr": np.array([0.1, 0.2, 0.3]),
    "outlier": np.array([True, False, False]),
}


def calculated(text: str) -> list:
    return evaluate(text, Columns(list(COLUMNS), COLUMNS.__getitem__, 3)).tolist()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("step * batch_tokens", [1000, 2000, 6000]),
        ("`eval/a` / 2 + config.lr", [0.6, 1.2, 1.8]),
        ('mean("eval/*")', [2, 3, 4]),
        ("max(`eval/a`, 2.5)", [2.5, 2.5, 3]),
        ('State == "finished"', [True, False, False]),
        ('State in ("crashed", "failed") or step > 25', [False, True, True]),
        ('not State == "finished" and 5 < step <= 20', [False, True, False]),
        ('number(extract(run, "-([0-9.]+[BM])-"))', [1.3e9, 70e6, None]),
        ('1.3B if match(run, "^web") else 2k', [1.3e9, 2000, 2000]),
        ('replace(run, "-s[0-9]$", "") + "/" + text(step)', ["web-1.3B/10", "qa-70M/20", None]),
        ("-(2 ** 3) // 3 % 2", [1, 1, 1]),
        ("not outlier", [False, True, True]),
        ('outlier == "False"', [False, True, True]),
        ('outlier == "yes"', [False, False, False]),
        ('"1.3B " + text(batch_tokens)', ["1.3B 100", "1.3B 100", "1.3B 200"]),
    ],
)
def test_expressions(text: str, value: list) -> None:
    found = [None if isinstance(each, float) and np.isnan(each) else each for each in calculated(text)]
    assert found == pytest.approx(value) if isinstance(value[0], float) else found == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step *", "is no expression"),
        ("steps * 2", "no column 'steps'; the table has: step, batch_tokens"),
        ("__import__('os').system('x')", "is not calculated here"),
        ("step.__class__", "no column 'step.__class__'"),
        ("[x for x in step]", "is not calculated here"),
        ("(lambda: 1)()", "is not calculated here"),
        ("open('x')", "is not calculated here"),
        ("run * 2", "a column of text, such as 'web-1.3B-s0', is no number"),
        ("step and step", "a condition is needed"),
        ('extract(run, "(")', "holds a pattern that is none"),
        ('mean("none*")', "no column is like 'none\\*'"),
        ("extract(run)", "extract takes 2 values"),
        ("1" * 3000, "is longer than"),
        ("(" * 300 + "1" + ")" * 300, "is no expression"),
    ],
)
def test_what_is_no_expression_is_one_line(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        calculated(text)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_text_is_calculated_or_refused(text: str) -> None:
    with contextlib.suppress(BadInput):  # any other exception is a fault
        evaluate(text, Columns(list(COLUMNS), COLUMNS.__getitem__, 3))


ROWS = {
    "Name": ["a", "a", "b", "b", "c"],
    "State": ["finished"] * 4 + ["crashed"],
    "step": [100, 200, 100, 200, 200],
    "model": ["1.3B"] * 2 + ["400M"] * 3,
    "mix.web": [1, 1, 0.5, 0.5, 0.5],
    "mix.qa": [0, 0, 0.5, 0.5, 0.5],
    "eval/web": [4.0, 3.0, 4.2, 3.2, 9.9],
    "eval/code": [2.0, 1.0, 2.2, 1.2, 9.9],
    "acc": [30, 40, 31, 41, 2],
}
MAPPING = {
    "columns": {"N": "model", "D": "step * 1M", "loss": 'mean("eval/*")', "run": "Name", "step": "step"},
    "shares": "mix.*",
    "metrics": {"eval/*": "loss.*", "acc": "task.acc"},
    "where": 'State == "finished"',
    "units": {"loss": "bits", "loss.*": "bits", "task.*": "percent"},
    "higher_is_better": ["task.*"],
    "synthetic": "qa",
}


def test_a_mapping_names_calculates_filters_and_converts() -> None:
    table = read_runs(ROWS, mapping=MAPPING)
    assert table.text("run") == ["a", "b"], "the last step of each finished run"
    assert table.column("N").tolist() == [1.3e9, 400e6]
    assert table.column("D").tolist() == [200e6, 200e6]
    assert table.column("loss").tolist() == pytest.approx([2.0 * np.log(2), 2.2 * np.log(2)])
    assert table.column("loss.code").tolist() == pytest.approx([np.log(2), 1.2 * np.log(2)])
    assert table.column("task.acc").tolist() == [0.40, 0.41]
    assert [(m.name, m.unit, m.higher_is_better) for m in table.metrics] == [
        ("loss", "nats", False), ("loss.web", "nats", False), ("loss.code", "nats", False), ("task.acc", "score", True),
    ]  # fmt: skip
    assert table.column("share").tolist() == [0, 0.5]
    assert table.text("synthetic") == [None, "qa"]
    assert table.text("mixture") == ["1 web", "0.5 qa + 0.5 web"]
    assert table.kinds == {"web": "natural", "qa": "synthetic"}
    assert table.taken["D"] == "step * 1M"
    assert [warning.code for warning in table.warnings] == ["last_step"]


def test_columns_with_points_are_calculated_with() -> None:
    rows = [{"model": {"layers": 2, "width": 100}, "tokens": 1e7, "loss": 3.0}, {"model": {"layers": 4, "width": 100},
            "tokens": 1e7, "loss": 2.9}]  # fmt: skip
    table = read_runs(rows, mapping={"columns": {"N": "12 * model.layers * model.width ** 2"}})
    assert table.column("N").tolist() == [240_000, 480_000]


def test_every_step_is_one_correlated_group_a_run() -> None:
    table = read_runs(ROWS, mapping=MAPPING | {"rows": "every"})
    assert table.text("group") == ["a", "a", "b", "b"]
    assert table.column("step").tolist() == [100, 200, 100, 200]
    assert [warning.code for warning in table.warnings] == ["steps_of_runs"]


def test_rows_of_a_log_at_which_nothing_was_evaluated_are_not_bad() -> None:
    rows = [
        {"run": "a", "step": 1, "tokens": 10, "lr": 0.1},
        {"run": "a", "step": 2, "tokens": 20, "val_loss": 3.0},
        {"run": "a", "step": 3, "tokens": 30, "lr": 0.1},
        {"run": "b", "step": 2, "tokens": 20, "val_loss": 2.9},
    ]
    table = read_runs(rows)
    assert table.column("D").tolist() == [20, 20]
    assert table.column("loss").tolist() == [3.0, 2.9]


MIXED = {"N": [1e6] * 4, "D": [1e7] * 4, "loss": [3.0, 2.9, 2.8, 2.7]}


@pytest.mark.parametrize(
    ("cells", "separator", "shares"),
    [
        (["mix-0.9-web-0.1-qa", "mix-web-qa", "web", "mix-web-web"], "-", [0.1, 0.5, 0, 0]),
        (["0.9 web + 0.1 qa", "web + qa", "web", "1 web"], "+", [0.1, 0.5, 0, 0]),
        (["web:0.9,qa:0.1", "web:50%,qa:50%", "web:1", "web"], ",", [0.1, 0.5, 0, 0]),
        (["0.9 web 0.1 qa", "0.5 web 0.5 qa", "1 web", "1.0 web"], " ", [0.1, 0.5, 0, 0]),
    ],
)
def test_a_mixture_in_one_cell(cells: list[str], separator: str, shares: list[float]) -> None:
    mixture = {"from": 'replace(mix, "^mix-", "")', "separator": separator}
    table = read_runs(MIXED | {"mix": cells}, mapping={"mixture": mixture, "natural": "web"})
    assert table.column("share.qa").tolist() == pytest.approx(shares)
    assert table.column("share").tolist() == pytest.approx(shares)
    assert (table.column("share.web") + table.column("share.qa")).tolist() == pytest.approx([1] * 4)


@pytest.mark.parametrize(
    ("cell", "message"),
    [("0.5 web 0.5", "has a share without a source"), ("0.5 web qa", "gives only some"), ("", "is empty")],
)
def test_a_mixture_that_is_none(cell: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_runs(MIXED | {"mix": [cell] * 4}, mapping={"mixture": {"from": "mix", "separator": " "}})


def test_shares_that_do_not_add_up_are_divided_only_when_asked() -> None:
    rows = MIXED | {"w.a": [2, 1, 1, 0], "w.b": [2, 3, 0, 1]}
    halves = MIXED | {"w.a": [0.2, 0.5, 1, 0], "w.b": [0.2, 0.5, 0, 0.5]}
    with pytest.raises(BadInput, match=r"shares: add up to 0\.4 and not to 1 in row 0 .*normalise_shares"):
        read_runs(halves, mapping={"shares": "w.*"})
    table = read_runs(rows, mapping={"shares": "w.*", "normalise_shares": True})
    assert table.column("share.a").tolist() == [0.5, 0.25, 1, 0]
    rest = read_runs(halves, mapping={"shares": "w.*", "rest": "web"})
    assert rest.column("share.web").tolist() == pytest.approx([0.6, 0, 0, 0.5])


def test_parameters_with_embeddings_are_said() -> None:
    rows = {"total_params": [2e6, 4e6], "D": [1e7, 1e7], "loss": [3.0, 2.9]}
    table = read_runs(rows)
    assert table.column("N").tolist() == [2e6, 4e6]
    assert [warning.code for warning in table.warnings] == ["params_with_embeddings"]
    without = read_runs(rows, mapping={"columns": {"N": "total_params - 32000 * 10"}})
    assert without.column("N").tolist() == [2e6 - 320e3, 4e6 - 320e3]
    assert without.warnings == ()


def test_scores_alone_are_a_table_and_their_error_is_fitted() -> None:
    rows = {"N": [1e6, 2e6, 4e6], "D": [1e7] * 3, "core": [-0.1, 0.0, 0.3], "flat": [0.5] * 3}
    table = read_runs(rows, mapping={"metrics": {"core": "task.core", "flat": "task.flat"}})
    assert table.arrays("task.core").loss.tolist() == pytest.approx([1.1, 1.0, 0.7])
    assert [warning.code for warning in table.warnings] == ["constant_metric"]
    rows["core"] = [30, 40, 50]
    with pytest.raises(BadInput, match=r"task\.core: is 50 somewhere, not below 1; .*percent"):
        read_runs(rows, mapping={"metrics": {"core": "task.core"}}).arrays("task.core")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"columns": {"N": "size"}}, r"columns: no column 'size' for N; the table has: Name"),
        ({"columns": {"D": "step * batch"}}, r"columns: no column 'batch' for D in step \* batch"),
        ({"columns": {"size": "model"}}, "'size' is no column of the runs table; known: N, "),
        ({"shares": "mixture.*"}, r"shares: no column is like 'mixture\.\*'"),
        ({"metrics": "task/*"}, r"metrics: no column is like 'task/\*'"),
        ({"metrics": {"eval/*": "loss.x"}}, "'eval/web' and 'eval/code' both become 'loss.x'"),
        ({"where": 'State == "done"'}, 'where: none of 5 rows is left by where: State == "done"'),
        ({"where": "step + 1"}, "is no condition"),
        ({"units": {"loss": "dits"}}, "Input should be 'nats'"),
        ({"colums": {}}, "colums: unknown key"),
        ({}, "names no column"),
        ({"natural": "books"}, "natural: no source is like 'books'; there are: web, qa"),
        ({"rest": "web"}, "rest: 'web' has a share of its own"),
        ({"format": "xls"}, "names no column|is no format"),
    ],
)
def test_bad_mappings_are_named(mapping: dict, message: str) -> None:
    whole = {**MAPPING, **mapping} if mapping and "format" not in mapping else mapping
    with pytest.raises(BadInput, match=message) as caught:
        read_runs(ROWS if "format" not in mapping else [Path(__file__)], mapping=whole)
    assert "\n" not in str(caught.value)


def test_bad_mapping_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    with pytest.raises(BadInput, match=r"m\.yaml: no such file"):
        read_mapping(path)
    for text, message in (("a: [", "is not YAML"), ("", "names no column"), ("- a", "names no column")):
        path.write_text(text)
        with pytest.raises(BadInput, match=message):
            read_mapping(path)


def test_one_run_with_two_losses_is_refused_and_the_same_twice_is_left_out() -> None:
    rows = {"run": ["a", "a"], "N": [1e6] * 2, "D": [1e7] * 2, "loss": [3.0, 3.1]}
    with pytest.raises(BadInput, match=r"run: the run 'a' stands there twice with loss 3 and 3\.1"):
        read_runs(rows)
    table = read_runs(rows | {"loss": [3.0, 3.0]})
    assert len(table) == 1
    assert [warning.code for warning in table.warnings] == ["rows_repeated"]


def test_a_column_called_name_may_be_a_recipe_s() -> None:
    rows = {"name": ["web", "web", "qa"], "N": [1e6] * 3, "D": [1e7] * 3, "seed": [0, 1, 0], "loss": [3.0, 3.1, 2.9]}
    assert "run" not in read_runs(rows | {"seed": [0, 1, 2]}).texts
    assert read_runs(rows | {"name": ["a", "b", "c"], "seed": [0, 1, 2]}).text("run") == ["a", "b", "c"]
    with pytest.raises(BadInput, match="the run 'web' stands there twice"):
        read_runs(rows, "run=name")


def test_decimal_commas_and_the_doubtful_ones(tmp_path: Path) -> None:
    def of(text: str, **how: object) -> RunsTable:
        (tmp_path / "runs.csv").write_text(text)
        return read_runs(tmp_path / "runs.csv", **how)

    rows = "params;tokens;val_loss\n1 000 000;30.000.000;8,1\n3 000 000;1e9;5,75\n"
    assert of(rows.replace("30.000.000", "30e6")).column("loss").tolist() == [8.1, 5.75]
    assert of(rows, mapping={"decimal": ","}).column("D").tolist() == [30e6, 1e9]
    doubtful = "params;tokens;val_loss\n1e6;1e7;8,123\n3e6;1e9;5,751\n"
    with pytest.raises(BadInput, match=r"val_loss: '8,123' may be 8\.123 or 8123; .*decimal"):
        of(doubtful)
    assert of(doubtful, mapping={"decimal": ","}).column("loss").tolist() == [8.123, 5.751]


TEXT = "params,tokens,loss\n1e6,1e7,3.0\n2e6,1e7,2.5\n"


def test_compressed_tables_and_several_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "b.csv.zst").write_bytes(zstandard.compress(TEXT.replace("1e7", "2e7").encode()))
    rows = [{"params": 3e6, "tokens": 1e7, "loss": 2.2}, {"params": "4M", "tokens": 1e7, "loss": 2.1}]
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    table = read_runs([tmp_path / "a.csv.gz", tmp_path / "b.csv.zst", tmp_path / "c.jsonl.gz"])
    assert table.column("N").tolist() == [1e6, 2e6, 1e6, 2e6, 3e6, 4e6]
    assert table.column("D").tolist() == [1e7, 1e7, 2e7, 2e7, 1e7, 1e7]
    assert len(read_runs(tmp_path / "*.csv.*")) == 4
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode())[:-6])
    with pytest.raises(BadInput, match=r"a\.csv\.gz: is damaged"):
        read_runs(tmp_path / "a.csv.gz")


def test_packings_limits_and_truth_values_are_as_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "RUNS.CSV.GZ").write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "a.tsv.BZ2").write_bytes(bz2.compress(TEXT.replace(",", "\t").encode()))
    for name in ("RUNS.CSV.GZ", "a.tsv.BZ2"):
        assert read_runs(tmp_path / name).column("N").tolist() == [1e6, 2e6]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(read_runs("~/RUNS.CSV.GZ")) == 2
    flagged = "params,tokens,loss,bad\n1e6,1e7,3.0,True\n2e6,1e7,2.5,FALSE\n"
    (tmp_path / "flags.csv").write_text(flagged)
    for where in ("not bad", 'bad == "False"', "bad == 'false'"):
        assert read_runs(tmp_path / "flags.csv", mapping={"where": where}).column("loss").tolist() == [2.5]
    monkeypatch.setenv("SYNTHMIX_LONGEST", "1000")
    for name in ("long.csv", "long.jsonl"):
        (tmp_path / name).write_text("x" * 5000)
        with pytest.raises(BadInput, match="longer than 1000"):
            read_runs(tmp_path / name)
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "\n".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]" for i in range(9)
    )
    (tmp_path / "m.yaml").write_text(bomb)
    with pytest.raises(BadInput, match=r"m\.yaml"):
        read_mapping(tmp_path / "m.yaml")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=12)


@given(st.lists(st.tuples(NAMES, st.floats(0.5, 9)), min_size=1, max_size=20), st.sampled_from([",", ";", "\t"]))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list, delimiter: str) -> None:
    """Any Unicode in a name, in CSV of any delimiter and in JSON Lines."""
    folder = tmp_path_factory.mktemp("rows")
    table = [{"N": 1e6 * (i + 1), "D": 1e7, "loss": loss, "recipe": name} for i, (name, loss) in enumerate(rows)]
    with (folder / "a.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(table[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(table)
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in table)
    (folder / "a.jsonl").write_text("\ufeff" + lines, encoding="utf-8")
    wanted = [name if name.strip() else None for name, _ in rows]
    for name in ("a.csv", "a.jsonl"):
        found = read_runs(folder / name)
        assert found.column("loss").tolist() == [loss for _, loss in rows]
        assert found.text("recipe") == wanted
