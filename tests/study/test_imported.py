"""Another trainer's runs as the results of a study: the same decision, the same page, without what is not known."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.made_study import make_results

from synthmix.advice.advise import advise
from synthmix.decisions import ask, decide, fit_study
from synthmix.decisions.decide import free
from synthmix.errors import BadInput
from synthmix.report import write_report
from synthmix.results import Results
from synthmix.runs import RunsTable, read_runs
from synthmix.runs.load import of_results
from synthmix.study.imported import results_of_table

QUESTION = ask("3M", "30M", synthetic=free(["hq"]))
SHARES = (1 / 3, 2 / 3)
MAPPING = {"shares": "mix.*", "synthetic": "hq"}


@pytest.fixture(scope="module", autouse=True)
def one_law() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synthmix.decisions.fits.CANDIDATES", ("joint_quadratic",))
        yield


def exported(results: Results, path: Path) -> Path:
    """The runs of a study as anybody's CSV."""
    shares = {recipe.name: recipe.shares for recipe in results.recipes}
    rows = [
        {"run": run.id, "params": run.params, "tokens": run.tokens, "seed": run.seed, "val_loss": repr(run.loss),
         "loss.wiki": repr(run.losses["wiki"]), "mix.web": repr(shares[run.recipe].get("web", 0.0)),
         "mix.hq": repr(shares[run.recipe].get("hq", 0.0))}
        for run in results.runs
    ]  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> RunsTable:
    return read_runs(
        exported(make_results(shares=SHARES), tmp_path_factory.mktemp("runs") / "runs.csv"), mapping=MAPPING
    )


@pytest.fixture(scope="module")
def results(table: RunsTable) -> Results:
    return results_of_table(table, QUESTION, bootstrap=30)


def test_the_decision_is_that_of_a_study_with_these_runs(results: Results) -> None:
    own = of_results(make_results(shares=SHARES))
    wanted = decide(own, fit_study(own, bootstrap=30), QUESTION, explore=False)
    found = results.decision
    assert found is not None
    assert [v.state for v in found.verdicts] == [v.state for v in wanted.verdicts] == ["helps"]
    assert [round(o.share, 6) for o in found.options] == [round(o.share, 6) for o in wanted.options]
    for mine, theirs in zip(found.options, wanted.options, strict=True):
        assert mine.loss.mid == pytest.approx(theirs.loss.mid, abs=1e-6)
        assert mine.difference.mid == pytest.approx(theirs.difference.mid, abs=1e-6)
    assert found.two_runs == pytest.approx(wanted.two_runs)


def test_the_page_is_a_study_s_and_says_what_is_not_known(results: Results, tmp_path: Path) -> None:
    page = write_report(results, tmp_path / "page").read_text()
    for section in ("answer", "shares", "scaling", "by-domain", "laws", "runs", "limits"):
        assert f'id="{section}"' in page
    assert "The runs are another trainer&#39;s: their text, corpora, repetition, time and device are not known" in page
    assert "Read: loss</dt><dd>val_loss</dd>" in page
    assert "Context</dt>" not in page
    assert "task scores were not measured" in page
    assert "None" not in page.split("<script", 1)[0].split("</style>", 1)[1]
    assert Results.model_validate(results.model_dump(mode="json")) == results


def test_scores_are_said_to_be_there(results: Results, tmp_path: Path) -> None:
    runs = [run.model_copy(update={"tasks": {"piqa": 0.5}}) for run in results.runs]
    page = write_report(results.model_copy(update={"runs": runs}), tmp_path / "page").read_text()
    assert "how many questions were asked is not known" in page


def test_advice_on_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = exported(make_results(shares=SHARES), tmp_path / "mine.csv")
    short = results_of_table
    monkeypatch.setattr(
        "synthmix.advice.advise.results_of_table", lambda *a, **how: short(*a, **{**how, "bootstrap": 10})
    )
    found = advise("3M", "30M", runs=[str(path)], mapping=MAPPING, synthetic=["hq=20M,price=0.5"])
    assert found.decision is not None
    assert found.decision.verdicts[0].state == "helps"
    assert found.study == "mine"
    with pytest.raises(BadInput, match=r"mine: --synthetic: the study has no runs of 'qa'; it has hq"):
        advise("3M", "30M", runs=path, mapping=MAPPING, synthetic=["qa,price=1"])


def test_a_table_of_shares_alone_and_runs_beside_other_natural_text(tmp_path: Path) -> None:
    rows = [
        {"N": n, "D": d, "loss": 2 + 1e3 / n + 1e4 / d - 0.1 * s, "share": s}
        for n in (1e5, 3e5) for d in (1e6, 3e6) for s in (0, 0.5)
    ]  # fmt: skip
    results = results_of_table(read_runs(rows), bootstrap=0)
    assert [recipe.name for recipe in results.recipes] == ["natural text", "50% synthetic"]
    assert results.decision is not None
    assert results.decision.basis == "measured", "no question was asked"
    assert (results.decision.params, results.decision.tokens) == (300_000, 3_000_000)
    mixed: list[dict[str, Any]] = []
    for natural, other in (("web", "books"), ("books", "web")):
        for s in (0, 0.5) if natural == "web" else (0,):
            mixed += [{"N": 1e5, "D": 1e6, "loss": 3 - 0.1 * s, f"m.{natural}": 1 - s, f"m.{other}": 0, "m.qa": s}]
    found = results_of_table(read_runs(mixed * 2, mapping={"shares": "m.*", "synthetic": "qa"}), bootstrap=0)
    assert [warning.code for warning in found.warnings][:2] == ["replicates_assumed", "other_natural_text"]
    assert {row.recipe for row in found.runs} == {"web", "50% qa"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [{k: v for k, v in r.items() if k != "share"} for r in rows], "has no share of synthetic text"),
        (lambda rows: [r | {"share": 0.5} for r in rows], "no run is on natural text alone"),
        (lambda rows: [{k: v for k, v in r.items() if k != "D"} for r in rows], "has no D"),
    ],
)
def test_what_a_decision_needs_is_named(change: Callable[[list], list], message: str) -> None:
    rows = [{"N": 1e5, "D": 1e6, "loss": 3 - s, "share": s} for s in (0, 0.5)]
    with pytest.raises(BadInput, match=message):
        results_of_table(read_runs(change(rows)))
