"""Other people's published tables, straight from their files with the mapping files of examples/mappings.

The files are not ours to hold: they are read from ``golden/public_runs`` below SYNTHMIX_SHARED, default a folder
``shared`` beside the checkout.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from synthmix.runs import RunsTable, read_runs

HERE = Path(__file__).parents[2]
MAPPINGS = HERE / "examples" / "mappings"
FOLDER = Path(os.environ.get("SYNTHMIX_SHARED", HERE.parent / "shared")) / "golden/public_runs"


def published(name: str, *files: str) -> RunsTable:
    paths = [FOLDER / f"{file}.csv.gz" for file in files or (name,)]
    if not all(path.is_file() for path in paths):
        pytest.skip(f"the published runs are not in {FOLDER}; set SYNTHMIX_SHARED")
    return read_runs(paths, mapping=MAPPINGS / f"{name}.yaml", skip_bad=True)


def test_seven_sources() -> None:
    table = published("slimpajama_7_sources")
    assert (len(table), len(table.sources), len(table.metrics)) == (2402, 7, 9)
    assert sorted(set(table.column("N").tolist())) == [122e6, 310e6, 680e6, 937e6, 1.235e9]
    domains = [m.name for m in table.metrics if m.domain]
    assert table.column("loss") == pytest.approx(np.mean([table.column(name) for name in domains], axis=0))
    assert [w.code for w in table.warnings] == ["rows_left_out"]
    assert "6 of 2408 rows" in table.warnings[0].message


def test_seventeen_sources() -> None:
    table = published("pile_17_sources", "pile_17_sources_1m_train", "pile_17_sources_1m_test")
    assert (len(table), len(table.sources), len(table.metrics)) == (768, 17, 14)
    assert len(set(table.text("run"))) == 768
    assert table.column("loss").tolist() == table.column("loss.pile_cc").tolist()


def test_isoflops() -> None:
    table = published("isoflops")
    assert (len(table), len(table.recipes)) == (519, 6), "162 of 681 rows are marked as outliers by who collected them"


def test_models_of_datacomp() -> None:
    table = published("dclm_models")
    assert (len(table), len(table.recipes)) == (416, 275)
    core = table.metric("task.core")
    assert (core.unit, core.higher_is_better) == ("score", True)
    assert np.isfinite(table.column("task.core")).sum() == 328, "the others were not scored on all of its tasks"
    assert table.column("task.extended").min() < 0.2


def test_finephrase() -> None:
    table = published("finephrase_runs")
    assert len(table) == 300
    assert sorted(set(table.column("N").tolist())) == [0.5e9, 1.7e9, 2.9e9]
    assert {table.kinds[name] for name in ("fw_edu_hq", "dclm")} == {"natural"}
    assert table.kinds["faq_smollm2_1.7b_hq"] == table.kinds["cosmopedia"] == "synthetic"
    faq = table.column("share.faq_smollm2_1.7b_hq") + table.column("share.fw_edu_hq") == 1
    assert sorted(set(table.select(faq).column("share").tolist())) == pytest.approx(np.arange(10) / 10)
    noise = table.noise("task.macro")
    assert noise.dof >= 40
    assert 0.001 < noise.sd < 0.006, "two recipes with nine replicates each, at three sizes"
