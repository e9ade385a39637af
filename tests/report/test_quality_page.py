import csv
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.page_outline import check_page

from synthmix.errors import BadInput
from synthmix.report.quality import write_quality


def measure(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"mean": {"low": low, "mid": value, "high": high, "level": 0.95}, "n": 10}


def about(group: str, name: str, share: bool = True) -> dict[str, Any]:
    return {"group": group, "label": name, "says": f"what {name} is", "share": share}


@pytest.fixture
def report() -> dict[str, Any]:
    sets = [
        {"name": "source", "measures": {"words": measure(100, 90, 110), "distinct_2": measure(0.8)}},
        {"name": "good <b>", "measures": {"words": measure(50, 45, 55), "numbers_kept": measure(0.9, 0.85, 0.95)}},
        {"name": "poor", "measures": {"words": measure(200), "numbers_kept": measure(0.5, 0.4, 0.6)}},
    ]
    return {
        "sets": [{"seen": 1000, "documents": 10, "words": 1000, **one} for one in sets],
        "about": {
            "words": about("lengths", "Words", share=False),
            "distinct_2": about("diversity", "Distinct-2"),
            "numbers_kept": about("faithfulness", "Numbers kept"),
        },
        "differences": [
            {"one": "good <b>", "other": "poor", "measure": "numbers_kept", "n": 9, "paired": True, "difference": span}
            for span in ({"mid": 0.4, "low": 0.3, "high": 0.5}, {"mid": 0.1, "low": -0.1, "high": 0.3})
        ],
        "block_words": 100,
        "seed": 0,
    }


def test_the_page_is_self_contained_and_shows_every_set(report: dict[str, Any], tmp_path: Path) -> None:
    text = write_quality(report, tmp_path).read_text(encoding="utf-8")
    check_page("quality", text)
    start = text.split("<script", 1)[0]
    assert not re.search(r'(src|href)="(?!#)', start)
    assert "good &lt;b&gt;" in start
    assert "good <b>" not in start
    assert "Numbers kept: most by good &lt;b&gt; (90% (85% to 95%)), least by poor (50% (40% to 60%)); beyond" in start
    assert "10 of 1,000 documents" in start
    cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", start.split('id="against"')[1])
    assert cells[6:12] == ["Numbers kept", "good &lt;b&gt;", "more", "poor", "40% (30% to 50%)", "9 common sources"]
    assert cells[14] == "not determined"
    drawn = json.loads(re.search(r'id="figures">(.*?)</script>', text, re.DOTALL)[1])["figures"]  # type: ignore[index]
    assert set(drawn) == {"faithfulness", "diversity", "lengths"}, "no figure of what was not measured"
    words = drawn["lengths"][0]["data"]
    assert [trace["x"] for trace in words] == [[100], [50], [200]]
    assert words[0]["error_x"]["array"] == [10]
    assert words[2]["error_x"]["array"] == [0]


def test_the_tables_hold_the_same_numbers(report: dict[str, Any], tmp_path: Path) -> None:
    write_quality(report, tmp_path)
    with (tmp_path / "tables" / "quality.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    words = {row["set"]: row for row in rows if row["measure"] == "words"}
    assert [float(words["good <b>"][key]) for key in ("mean", "against_source")] == [50, 0.5]
    assert words["poor"]["mean_low"] == ""
    between = pq.read_table(tmp_path / "tables" / "quality_differences.parquet").to_pylist()
    assert [(row["one"], row["difference_low"], row["paired"]) for row in between] == [
        ("good <b>", low, True) for low in (0.3, -0.1)
    ]
    table = pq.read_table(tmp_path / "tables" / "quality.parquet").to_pylist()
    assert [row["set"] for row in table] == [row["set"] for row in rows]
    assert table[-1]["mean"] == 0.5
    assert table[-1]["against_source"] is None
    base = {row["measure"]: row["mean"] for row in table if row["set"] == "source"}
    for row in table:
        over = base.get(row["measure"])
        assert row["against_source"] == (pytest.approx(row["mean"] / over) if over else None)


def test_the_same_report_gives_the_same_page(report: dict[str, Any], tmp_path: Path) -> None:
    again = json.loads(json.dumps(report))
    assert write_quality(report, tmp_path / "a").read_bytes() == write_quality(again, tmp_path / "b").read_bytes()


def test_one_set_without_a_source_is_a_page_too(report: dict[str, Any], tmp_path: Path) -> None:
    report["sets"] = report["sets"][1:2]
    assert "measured against nothing but itself" in write_quality(report, tmp_path).read_text(encoding="utf-8")


def test_no_sets_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no sets of text"):
        write_quality({"sets": []}, tmp_path)


def test_what_generation_measures_is_what_the_page_takes(tmp_path: Path) -> None:
    from synthmix.generation.measures import Pair
    from synthmix.generation.quality import quality_report

    pairs = [Pair(f"The ladder {i} has 12 rungs.", f"Ladder number {i}: 12 rungs, says Anna.") for i in range(30)]
    made = quality_report({"hq": pairs, "qa": pairs[:20]})
    text = write_quality(made.model_dump(mode="json"), tmp_path).read_text(encoding="utf-8")
    assert "hq and qa, measured against the source" in text
    with (tmp_path / "tables" / "quality.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == sum(len(one.measures) for one in made.sets)
