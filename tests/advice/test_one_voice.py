"""The report and ``synthmix advise`` show one decision: on many simulated studies, and on what is kept on disk."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from tests.made_study import make_results

import synthmix
from synthmix.advice.advise import advise
from synthmix.advice.page import write_advice
from synthmix.cli import main
from synthmix.decisions import StudyFits, decide, fit_study
from synthmix.decisions.decide import free
from synthmix.report import sentences
from synthmix.report.page import render
from synthmix.results import Question, Results
from synthmix.runs.load import of_results

rng = np.random.default_rng(0)
STUDIES = {
    "helps": {"hq": (-0.4, 0.6)},
    "hurts": {"hq": (0.5, 0.2)},
    "nothing": {"hq": (0.0, 0.0)},
    "two": {"hq": (-0.4, 0.6), "qa": (0.2, 0.3)},
    **{f"drawn {i}": {"hq": tuple(rng.normal(0, 0.3, 2))} for i in range(8)},
}


def kept(folder: Path, results: Results) -> tuple[Results, StudyFits]:
    """The study as ``synthmix study run`` leaves it: results with their decision, the table, and the fits."""
    table = of_results(results)
    fits = fit_study(table, bootstrap=60)
    sources = [name for name, kind in table.kinds.items() if kind == "synthetic"]
    question = Question(params=3_000_000, tokens=30_000_000, kinds=free(sources))
    built = {corpus.name: float(corpus.train_tokens) for corpus in results.corpora}
    decision = decide(table, fits, question, study=results.study, most_flops=results.spent.flops, built=built)
    results = results.model_copy(update={"decision": decision})
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results.model_dump(mode="json")))
    table.write(folder / "runs.parquet")
    fits.save(folder / "fits.safetensors")
    return results, fits


@pytest.mark.usefixtures("one_law")
@pytest.mark.parametrize("name", STUDIES)
def test_report_and_advice_are_one_decision(name: str, tmp_path: Path) -> None:
    results, _ = kept(tmp_path / "made", make_results(STUDIES[name]))
    decision = results.decision
    assert decision is not None
    advice = advise(study=tmp_path / "made", scores=False)
    assert advice.decision == decision, "digit for digit"
    page = unescape(render(results))
    write_advice(advice, tmp_path / "advice.html")
    other = unescape((tmp_path / "advice.html").read_text())
    for sentence in (advice.headline, advice.confidence, advice.recommendation):
        assert sentence
        assert sentence in page
        assert sentence in other
    measured = sentences.as_measured(decision)
    assert measured in page
    assert advice.measured == measured
    assert measured in other


@pytest.mark.usefixtures("one_law")
def test_another_question_is_decided_from_the_fits_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, fits = kept(tmp_path / "made", make_results())
    monkeypatch.setattr("synthmix.advice.advise.fit_study", lambda *_, **__: pytest.fail("nothing is fitted again"))
    found = advise("5M", "30M", natural="4M", synthetic=["hq=20M,price=2"], study=tmp_path / "made", scores=False)
    assert found.decision is not None
    built = {corpus.name: float(corpus.train_tokens) for corpus in results.corpora}
    again = decide(of_results(results), fits, found.question, study="made", most_flops=results.spent.flops, built=built)
    assert found.decision == again


@pytest.mark.usefixtures("one_law")
def test_the_command_prints_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, _ = kept(tmp_path / "made", make_results())
    with pytest.raises(SystemExit):
        main(["advise", "--study", str(tmp_path / "made"), "--no-scores", "--json", "--quiet"])
    found = json.loads(capsys.readouterr().out)
    assert found["decision"] == json.loads(results.model_dump_json())["decision"]
    with pytest.raises(SystemExit):
        main(["report", str(tmp_path / "made"), "--to", str(tmp_path / "out"), "--json"])
    told = json.loads(capsys.readouterr().out)["headline"]
    assert found["headline"] in told
    assert found["confidence"] in told


def test_the_public_name_is_the_same(make: Callable[..., Results]) -> None:
    assert synthmix.advise is advise
