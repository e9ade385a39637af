"""The Python API: what is given is coerced once at the door, and what is printed is short."""

from pathlib import Path

import pytest
from tests.made_study import make_results

import synthmix
from synthmix.results import Results

STUDY = """
study: x
corpora: {web: {sample: [numpy], heldout: 5%}}
evaluate: {web: heldout}
mix: {natural: web}
ladder: {params: [25k], budgets: [20k]}
"""
RUNS = [
    {"N": 1e6 * n, "D": 1e7 * d, "loss": 1.9 + 38 * (1e6 * n) ** -0.34 + 260 * (1e7 * d) ** -0.36}
    for n in (1, 3, 10, 30) for d in (1, 3, 10, 30)
]  # fmt: skip


def test_a_study_is_a_path_text_a_dict_or_itself(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(STUDY)
    found = synthmix.load_study(tmp_path / "x.yaml")
    assert found == synthmix.load_study(str(tmp_path / "x.yaml"))
    assert found.folder == tmp_path / "studies" / "x"
    found = synthmix.load_study(STUDY)
    assert found.folder == Path("studies") / "x", "text has no folder of its own"
    plain = {
        "study": "x", "corpora": {"web": {"sample": ["numpy"], "heldout": "5%"}}, "evaluate": {"web": "heldout"},
        "mix": {"natural": "web"}, "ladder": {"params": ["25k"], "budgets": ["20k"]},
    }  # fmt: skip
    assert synthmix.load_study(plain) == found
    assert synthmix.load_study(found) is found
    with pytest.raises(synthmix.BadInput, match="no such study file"):
        synthmix.load_study("nowhere.yaml")


def test_laws_take_what_runs_are_given_as(tmp_path: Path) -> None:
    fit = synthmix.fit("chinchilla", RUNS, bootstrap=0)
    assert fit.parameters["alpha"] == pytest.approx(0.34, rel=1e-3)
    assert repr(fit).startswith("<Fit chinchilla of 16 runs: E 1.9, ")
    assert len(repr(fit)) < 200
    table = synthmix.read_runs(RUNS)
    again = synthmix.fit("chinchilla", table, bootstrap=0)
    assert again.parameters == fit.parameters
    assert synthmix.fit("chinchilla", table.arrays(), bootstrap=0).parameters == fit.parameters
    assert synthmix.compare(RUNS, ["chinchilla"]).winner == "chinchilla"
    with pytest.raises(synthmix.BadInput, match="no column 'x' for loss"):
        synthmix.fit("chinchilla", RUNS, columns={"loss": "x"})


def test_results_become_a_frame() -> None:
    results = make_results()
    table = results.to_frame("pyarrow")
    assert table.num_rows == len(results.runs)
    assert table["loss.wiki"].to_pylist() == [run.losses["wiki"] for run in results.runs]
    assert synthmix.read_runs(results).column("loss").tolist() == [run.loss for run in results.runs]


def test_what_is_printed_is_short() -> None:
    results = make_results()
    assert len(repr(results)) < 300
    best = synthmix.best_share([0, 0, 0.5, 0.5, 1, 1], [3, 3.01, 2.9, 2.91, 3.2, 3.21])
    assert repr(best).count("\n") == 2
    assert len(repr(best)) < 300
    assert isinstance(results, Results)
