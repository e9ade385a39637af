import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.store import DomainScore, RunRecord, Store, TrunkRecord
from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec

pytestmark = pytest.mark.smoke

CLAIM = """
import sys
from pathlib import Path
from synthmix.store import Store

with Store(Path(sys.argv[1])).claim(sys.argv[2]) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def make_record(seed: int = 0, share: Fraction = Fraction(1, 3), loss: float = 3.0) -> RunRecord:
    spec = RunSpec(
        params=25_000,
        recipe=f"{share} hq",
        shares={"web": 1 - share, "hq": share},
        corpora={"web": "aa", "hq": "bb"},
        tokenizer="cc",
        vocab=300,
        steps=10,
        seed=seed,
        protocol=Protocol(context=16, batch=256),
    )
    return RunRecord(
        id=spec.id,
        spec=spec,
        params=spec.shape.params,
        params_total=spec.shape.params_total(300),
        tokens=spec.tokens,
        flops=spec.flops,
        seconds=1.5,
        epochs={"web": 0.5, "hq": 0.25},
        trace=[(256, 5.5), (2560, loss)],
        precision="float32",
        device="x86_64 CPU, 2 cores",
        versions={"torch": "2"},
        losses={
            "wiki": DomainScore(corpus="dd", nats=loss, bits_per_byte=1.2, tokens=100),
            "code": DomainScore(corpus="ee", nats=loss + 1, bits_per_byte=1.4, tokens=50),
        },
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def test_a_record_reads_back_exactly(store: Store) -> None:
    record = make_record()
    assert store.record(record.id) is None
    store.write(record)
    again = store.record(record.id)
    assert again == record
    assert again is not None
    assert again.spec.shares["hq"] == Fraction(1, 3)
    assert again.spec.id == record.id
    assert os.listdir(store.run_folder(record.id)) == ["record.json"]


@pytest.mark.parametrize(("recipe", "stage"), [("generator of hq", "generator"), ("1/3 hq", "ladder")])
def test_a_record_of_format_1_opens_with_its_stage(store: Store, recipe: str, stage: str) -> None:
    record = make_record()
    raw = record.model_dump(mode="json")
    assert raw["format"] == 3
    raw["format"] = 1
    raw["spec"]["recipe"] = recipe
    del raw["spec"]["stage"]
    path = store.run_folder(record.id) / "record.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(raw))
    again = store.record(record.id)
    assert again is not None
    assert (again.format, again.spec.stage, again.id) == (3, stage, record.id)
    assert again.spec.id == record.id, "ids are as they were"
    assert store.table().column("stage").to_pylist() == [stage]


def test_a_record_of_a_later_version_is_not_called_damaged(store: Store) -> None:
    record = make_record()
    store.write(record)
    path = store.run_folder(record.id) / "record.json"
    path.write_text(json.dumps(make_record().model_dump(mode="json") | {"format": 4, "new": 1}))
    with pytest.raises(BadInput, match="format: 4 is of a later synthmix than this one; install that") as caught:
        store.record(record.id)
    assert "delete" not in str(caught.value)


def test_records_are_the_finished_runs_by_id(store: Store) -> None:
    assert store.records() == []
    records = [make_record(seed) for seed in range(4)]
    for record in records:
        store.write(record)
    (store.folder / "begun").mkdir()
    (store.folder / "begun" / "progress.json").write_text("{}")
    assert [record.id for record in store.records()] == sorted(record.id for record in records)


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        value = json.loads(text)
        del value["digest"]  # without one, as earlier versions wrote it, what it holds is still looked at
        change(value)
        return json.dumps(value)

    return edit


DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "cut short": (lambda text: text[: len(text) // 2], "is damaged"),
    "empty": (lambda text: "", "is damaged"),
    "a list": (lambda text: "[]", "is damaged"),
    "an unknown key": (edited(lambda value: value.update(extra=1)), "extra: is damaged"),
    "no losses": (edited(lambda value: value.pop("losses")), "losses: is damaged"),
    "a word for a loss": (edited(lambda v: v["losses"]["wiki"].update(nats="low")), r"losses\.wiki\.nats: is damaged"),
    "another run's id": (edited(lambda value: value.update(id="0" * 16)), "id: is the record of another run"),
    "another seed": (edited(lambda value: value["spec"].update(seed=9)), "id: is the record of another run"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_record_is_bad_input_in_one_line(store: Store, damage: str) -> None:
    record = make_record()
    store.write(record)
    path = store.run_folder(record.id) / "record.json"
    change, words = DAMAGES[damage]
    path.write_text(change(path.read_text()))
    with pytest.raises(BadInput, match=words) as caught:
        store.record(record.id)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert "delete" in line
    assert "run the same command again" in line


def holder(store: Store, run: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(store.folder), run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_a_claim_is_one_process_s_and_goes_with_it_even_by_kill_9(store: Store) -> None:
    process = holder(store, "run1")
    try:
        with store.claim("run1") as mine, store.claim("run2") as other:
            assert (mine, other) == (False, True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with store.claim("run1") as mine:
            assert mine
    finally:
        process.kill()
        process.communicate()


def test_a_claim_is_given_back_when_the_block_ends_also_by_an_error(store: Store) -> None:
    def fail() -> None:
        with store.claim("run1") as mine:
            assert mine
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    process = holder(store, "run1")
    process.communicate()
    assert process.returncode == 0


def test_the_table_is_asked_in_sql(store: Store) -> None:
    for seed, loss in enumerate((3.0, 3.2, 2.8)):
        store.write(make_record(seed, loss=loss))
    store.write(make_record(0, Fraction(1, 2), 2.5))
    found = store.query(
        'select recipe, count(*) as runs, avg("loss.wiki") as wiki, avg(loss) as loss from runs group by recipe '
        "order by recipe"
    ).to_pylist()
    assert [row["recipe"] for row in found] == ["1/2 hq", "1/3 hq"]
    assert [row["runs"] for row in found] == [1, 3]
    assert [row["wiki"] for row in found] == pytest.approx([2.5, 3.0])
    assert [row["loss"] for row in found] == pytest.approx([3.0, 3.5]), "domains weigh the same"
    shares = store.query('select distinct "share.hq" as share from runs order by 1').to_pydict()["share"]
    assert shares == pytest.approx([1 / 3, 1 / 2])


def test_the_table_has_the_columns_of_every_run(store: Store) -> None:
    for record in (make_record(), make_record(share=Fraction(1, 2))):
        store.write(record)
    only = make_record(5)
    spec = only.spec.model_copy(update={"shares": {"web": Fraction(1)}, "corpora": {"web": "aa"}, "recipe": "web"})
    losses = {"wiki": only.losses["wiki"]}
    store.write(only.model_copy(update={"id": spec.id, "spec": spec, "losses": losses}))
    rows = {row["recipe"]: row for row in store.table().to_pylist()}
    assert rows["web"]["share.hq"] is None
    assert rows["web"]["loss.code"] is None
    assert rows["1/2 hq"]["share.hq"] == 0.5
    assert rows["1/2 hq"]["loss.code"] == 4.0


def test_what_cannot_be_asked_is_bad_input(store: Store) -> None:
    with pytest.raises(BadInput, match="no run is finished yet"):
        store.query("select * from runs")
    store.write(make_record())
    with pytest.raises(BadInput, match=r"sql: .*nonsense.*; columns: id, recipe, params") as caught:
        store.query("select nonsense from runs")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "copy runs to '{0}/out.csv'",
        "copy (select 1) to '{0}/out.parquet'",
        "select * from read_text('{0}/secret.txt')",
        "select * from '{0}/secret.csv'",
        "select * from glob('{0}/*')",
        "attach '{0}/new.db'",
        "export database '{0}/out'",
        "create table mine as select * from runs",
        "drop view runs",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set temp_directory = '{0}/out'",
        "pragma database_list",
        "select 1; copy runs to '{0}/out.csv'",
        "select * from secret",
        "select getenv('HOME')",
        "",
    ],
)
def test_a_query_sees_the_runs_and_nothing_else(store: Store, tmp_path: Path, sql: str) -> None:
    secret = [(1,)]  # a variable, which DuckDB would take for a table
    store.write(make_record())
    for name in ("secret.txt", "secret.csv"):
        (tmp_path / name).write_text("a\n1\n")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(BadInput, match="sql: "):
        store.query(sql.format(tmp_path))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert store.query("with one as (select 1 as n) select n from one, runs").to_pydict() == {"n": [1]}
    assert secret


def test_sql_without_duckdb_is_bad_input(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(BadInput, match=r'sql: DuckDB is not installed; run pip install "synthmix\[sql\]"'):
        store.query("select * from runs")


def make_trunk(tokens: int) -> TrunkRecord:
    return TrunkRecord(id="aa", recipe="web", params=25_000, seed=0, tokens=tokens, flops=1e6 * tokens, seconds=tokens)


def test_a_trunks_record_tells_of_its_furthest_branch_point(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.trunk_record("aa") is None
    for tokens in (100, 300, 200):
        store.write_trunk(make_trunk(tokens))
    assert store.trunk_record("aa") == make_trunk(300)


def test_a_damaged_trunk_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_trunk(make_trunk(100))
    path = store.trunk_folder("aa") / "trunk.json"
    path.write_text(edited(lambda value: value.update(secs=value.pop("seconds")))(path.read_text()))
    with pytest.raises(BadInput, match=r"trunk\.json: secs: is damaged .*; delete .*trunk\.json and run the same"):
        store.trunk_record("aa")
