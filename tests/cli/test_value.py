"""``synthmix value`` and ``select`` on files: what they print, write and refuse."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.page_outline import check_page
from typer.testing import CliRunner

from synthmix.cli.app import app

from ..bigram_text import chain


def write(path: Path, n: int, seed: int, follow: float, label: bool = False) -> Path:
    texts = chain(n, seed, follow, length=30)
    rows = [{"text": text, **({"label": i % 2} if label else {})} for i, text in enumerate(texts)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("value")
    write(folder / "target.jsonl", 60, 0, 0.8)
    write(folder / "good.jsonl", 150, 1, 0.8)
    write(folder / "bad.jsonl", 150, 2, 0.0)
    write(folder / "marked.jsonl", 40, 3, 0.5, label=True)
    (folder / "empty.jsonl").write_text("")
    rng = np.random.default_rng(0)
    np.savez(folder / "target.npz", x=rng.normal(size=(80, 4, 4)), y=np.arange(80) % 2)
    np.savez(folder / "images.npz", images=rng.normal(size=(60, 4, 4)), labels=np.arange(60) % 2)
    np.savez(folder / "other.npz", z=np.zeros(3))
    return folder


def run(*arguments: str | Path) -> tuple[int, str, str]:
    made = CliRunner().invoke(app, [*map(str, arguments)])
    said = str(made.exception) if made.exception and not isinstance(made.exception, SystemExit) else made.stderr
    return made.exit_code, made.stdout, said


def test_json_is_a_list_of_scores(folder: Path) -> None:
    code, out, _ = run(
        "value", "--reference", folder / "target.jsonl", folder / "good.jsonl", folder / "bad.jsonl", "--json"
    )
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)["scores"]}
    assert rows["good"]["score"] > rows["bad"]["score"]
    held = rows["good"]["interval"]
    assert held["low"] < rows["good"]["score"] < held["high"]
    assert held["mid"] == rows["good"]["score"]
    assert (held["level"], held["covers"]) == (0.9, "sampling")
    assert set(rows["good"]["terms"]) >= {"transfer", "discrepancy", "balance"}


def test_mixtures_page_documents_and_baselines(folder: Path, tmp_path: Path) -> None:
    code, out, _ = run(
        *("value", "--reference", folder / "target.jsonl", f"a={folder / 'good.jsonl'}", f"b={folder / 'bad.jsonl'}"),
        *(
            "--mix",
            "--html",
            tmp_path / "page.html",
            "--documents",
            tmp_path / "parts.parquet",
            "--method",
            "mmd",
            "--json",
        ),
    )
    assert code == 0
    found = json.loads(out)
    best = found["mixture"]["best"]
    assert best["shares"]["a"] > 0.5
    assert best["intervals"]["a"]["low"] <= best["intervals"]["a"]["mid"] == best["shares"]["a"]
    assert {row["interval"]["mid"] == row["score"] for row in found["mixture"]["curve"]} == {True}
    assert found["mixture"]["unit"] == "tokens"
    assert [row["name"] for row in found["baselines"]["mmd"]] == ["a", "b"]
    page = (tmp_path / "page.html").read_text()
    check_page("value", page.replace(str(folder), "FOLDER"))
    assert "http://" not in page.split("<script")[0]
    table = pq.read_table(tmp_path / "parts.parquet")
    assert table.num_rows == 300
    assert set(table.column_names) == {"dataset", "number", "gain", "tokens"}


def test_a_mixture_of_one_s_own_and_three_datasets(folder: Path, tmp_path: Path) -> None:
    names = [f"{name}={folder / f'{file}.jsonl'}" for name, file in (("a", "good"), ("b", "bad"), ("c", "marked"))]
    page = tmp_path / "page.html"
    asked = ("--mix", "--mixture", "mine=a:50%,b:1/4,c:0.25", "--html", page, "--json")
    code, out, _ = run("value", "--reference", folder / "target.jsonl", *names, *asked)
    assert code == 0
    found = json.loads(out)["mixture"]
    mixtures = {row["name"]: row for row in found["mixtures"]}
    assert set(mixtures) == {"a", "b", "c", "even", "mine"}
    assert mixtures["mine"]["shares"] == {"a": 0.5, "b": 0.25, "c": 0.25}
    assert all(row["behind"]["mid"] <= 0 for row in mixtures.values())
    assert [row["shares"]["c"] for row in found["along"]["c"]][:: len(found["along"]["c"]) - 1] == [0, 1]
    text = page.read_text()
    assert 'data-figure="mixtures"' in text
    code, out, _ = run("value", "--reference", folder / "target.jsonl", *names, *asked[:3])
    assert code == 0
    assert "Minus the best" in out
    assert "50% a, 25% b and 25% c" in out


def test_pairs_get_a_verdict_at_equal_size_at_a_budget_and_over_what_is_there(folder: Path, tmp_path: Path) -> None:
    asked = ("value", "--reference", folder / "target.jsonl", folder / "good.jsonl", folder / "bad.jsonl", "-q")
    code, out, _ = run(*asked, "--tokens", "500", "--base", folder / "bad.jsonl", "--json")
    assert code == 0
    found = json.loads(out)["comparison"]
    assert (found["ranked_by"], found["tokens"], found["unit"]) == ("base", 500, "tokens")
    assert [row["name"] for row in found["rows"]] == ["good", "bad"]
    assert found["rows"][0]["over_base"] > found["rows"][1]["over_base"]
    pair = found["pairs"][0]
    assert (pair["one"], pair["other"], pair["worth_unit"]) == ("good", "bad", "nats per token")
    assert pair["worth"]["low"] < pair["worth"]["mid"] < pair["worth"]["high"]
    assert 0.5 < pair["confidence"] < 1
    code, out, _ = run(*asked)
    assert code == 0
    assert "good over bad" in " ".join(out.split())
    assert "nats per token to a small model" in " ".join(out.split())


def test_labelled_text_and_images_with_a_model(folder: Path) -> None:
    code, out, _ = run(
        "value", "--reference", folder / "target.npz", folder / "images.npz", "--model", "init", "--json"
    )
    assert code == 0
    assert set(json.loads(out)["scores"][0]["terms"]) >= {"complexity", "loss", "transfer"}
    code, out, _ = run(
        "value", "--reference", folder / "marked.jsonl", f"x={folder / 'marked.jsonl'}", "--label", "label"
    )
    assert code == 0
    assert "overlap: 100.0%" in out


def test_a_folder_of_images_a_class(tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(12):
            shade = rng.integers(0, 120, (6, 6, 3)) + (100 if name == "dog" else 0)
            Image.fromarray(shade.astype(np.uint8)).save(tmp_path / "set" / name / f"{i}.png")
    code, out, _ = run("value", "--reference", tmp_path / "set", f"same={tmp_path / 'set'}", "--json")
    assert code == 0
    assert json.loads(out)["scores"][0]["documents"] == 24


def test_parts_on_worker_processes_give_the_same_scores(folder: Path) -> None:
    from synthmix.engine import open_engine
    from synthmix.valuation.load import open_pool
    from synthmix.valuation.parallel import score_all
    from synthmix.valuation.valuer import Valuer

    pools = [open_pool(str(folder / f"{name}.jsonl")) for name in ("good", "bad")]
    valuer = Valuer(order=2, features=64).fit(open_pool(str(folder / "target.jsonl"), name="reference"))
    here, _ = score_all(valuer, pools)
    with open_engine("local", workers=2) as engine:
        there, _ = score_all(valuer, pools, each=engine.each, parts=2)
    assert [score.value for score in there] == pytest.approx([score.value for score in here], rel=1e-9)


def test_select_writes_a_corpus(folder: Path, tmp_path: Path) -> None:
    pool = tmp_path / "pool.jsonl"
    pool.write_text((folder / "good.jsonl").read_text() + "\n" + (folder / "bad.jsonl").read_text())
    code, out, _ = run(
        "select", pool, "--reference", folder / "target.jsonl", "--tokens", "3000", "--to", tmp_path / "best", "--json"
    )
    assert code == 0
    found = json.loads(out)
    assert found["selected"]["score"] > found["even"]["score"]
    held = found["check"]["interval"]
    assert held["low"] < found["check"]["gain"] < held["high"]
    assert held["mid"] == found["check"]["gain"]
    assert found["check"]["gain"] < found["selected"]["score"] - found["even"]["score"]
    from synthmix.corpus import Corpus

    assert Corpus.open(tmp_path / "best").train_counts.documents == found["documents"]


def test_select_says_where_nothing_is_gained(folder: Path, tmp_path: Path) -> None:
    first = (folder / "good.jsonl").read_text().splitlines()[0]
    (tmp_path / "same.jsonl").write_text("\n".join([first] * 40))
    asked = ("select", tmp_path / "same.jsonl", "--reference", folder / "target.jsonl", "--tokens", "100", "-q", "--to")
    code, out, _ = run(*asked, tmp_path / "one")
    assert code == 0
    assert "no_better" in out
    code, out, _ = run(*asked, tmp_path / "two", "--no-check", "--json")
    assert code == 0
    assert json.loads(out)["check"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["value", "--reference", "target.jsonl", "empty.jsonl"], "no documents"),
        (["value", "--reference", "empty.jsonl", "good.jsonl"], "no documents"),
        (["value", "--reference", "target.jsonl", "absent.jsonl"], "no such file"),
        (["value", "--reference", "target.npz", "good.jsonl"], "one form"),
        (["value", "--reference", "target.npz", "other.npz"], "no array images or x"),
        (["value", "--reference", "target.jsonl", "good.jsonl", "--label", "label"], "label"),
        (["value", "--reference", "target.jsonl", "good.jsonl", "--weights", "best"], "no weights are called"),
        (["value", "--reference", "target.jsonl", "good.jsonl", "--weights", "absent.json"], "no such file"),
        (["value", "--reference", "target.jsonl", "good.jsonl", "--mix"], "two pools or more"),
        (["value", "--reference", "target.jsonl", "good.jsonl", "--method", "magic"], "no method"),
        (["value", "--reference", "target.jsonl", "good.jsonl", "--mixture", "m=good:1"], "add --mix"),
        *(
            (["value", "--reference", "target.jsonl", "good.jsonl", "bad.jsonl", "--mix", "--mixture", given], said)
            for given, said in (
                ("good:50%", "NAME=SOURCE:SHARE"),
                ("m=good", "is not SOURCE:SHARE"),
                ("m=good:50%,qa:50%", "no source 'qa'; there are good and bad"),
                ("m=good:50%,bad:40%", "make 90%, not 100%"),
                ("m=good:50%,good:50%", "good is given twice"),
                ("good=good:50%,bad:50%", "good is given twice"),
            )
        ),
        (["value", "--reference", "target.jsonl", "good.jsonl", "--model", "absent"], "absent"),
        (["select", "good.jsonl", "--reference", "target.jsonl", "--tokens", "900M", "--to", "out"], "take all of it"),
        (["select", "good.jsonl", "--reference", "target.jsonl", "--tokens", "few", "--to", "out"], "--tokens"),
    ],
)
def test_bad_input_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    code, _, error = run(*arguments)
    assert code != 0
    assert said in error
    assert "\n" not in error.strip()
    assert sorted(folder.iterdir()) == before
