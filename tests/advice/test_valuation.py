"""Valuation scores in advice: heard where they ranked what was measured, and never in its way."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from synthmix.advice.advise import advise
from synthmix.advice.page import sections
from synthmix.advice.schema import KindValue, Scores
from synthmix.advice.valuation import NOISE, NOT_KEPT, NOT_READ, disagreements, score_lines, study_scores
from synthmix.interval import Interval
from synthmix.results import KindCurve, Results
from synthmix.study.finished_study import read_study
from synthmix.study.text_measures import loss_groups
from synthmix.study.value_scores import RecipeValue, Values, study_values

Make = Callable[..., Results]


def law(low: float, high: float) -> KindCurve:
    """The laws' word on the kind of the tiny study."""
    best = Interval(mid=(low + high) / 2, low=low, high=high)
    return KindCurve(
        kind="sampled", law="joint_quadratic", rivals=[], best=best, flat=None, shares=[0, 0.5, 1], mean=[0, 0, 0],
        low=[0, 0, 0], high=[0, 0, 0], measured=[0.5, 1], extrapolation=0.01,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, finished: Path) -> Path:
    shutil.copytree(finished.parent / "tiny", tmp_path / "tiny")
    return tmp_path / "tiny"


def ranked(folder: Path, monkeypatch: pytest.MonkeyPatch, sign: float) -> Scores:
    """With scores that are the measured losses times ``sign``."""
    text = read_study(folder)
    losses, groups = loss_groups(text)
    rows = {
        (recipe, int(cell.D), domain): sign * losses[i, j]
        for i, (cell, domain) in enumerate(groups)
        for j, recipe in enumerate(text.recipes)
    }
    made = study_values(text)
    values = [
        RecipeValue(recipe=recipe, tokens=tokens, domain=domain, transfer=0, discrepancy=0, score=score)
        for (recipe, tokens, domain), score in rows.items()
    ]
    changed = Values(key=made.key, recipes=values, curves=made.curves)
    monkeypatch.setattr("synthmix.advice.valuation.study_values", lambda *_, **__: changed)
    found, note = study_scores(folder, [law(0, 0.1)], 0.9)
    assert found is not None
    assert note == ""
    return found


def test_scores_that_ranked_what_was_measured_are_evidence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ranked(folder, monkeypatch, -1)
    assert found.ranks
    assert found.ranking.mid is not None
    assert found.ranking.mid > 0.8
    assert (found.recipes, found.regret) == (3, 0)
    first = score_lines(found, "")[0]
    assert first.startswith("The score ranked what was measured (Spearman +")
    assert first.endswith(f"it would have chosen {found.chooses}, the best one.")


def test_scores_that_did_not_are_no_evidence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ranked(folder, monkeypatch, 1)
    assert not found.ranks
    assert "did not rank what was measured" in score_lines(found, "")[0]
    assert disagreements(found) == []


def test_the_score_s_own_best_share_beside_the_laws(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = study_values(read_study(folder))  # so few steps say next to nothing of the best share
    own = Interval(mid=0.25, low=0.2, high=0.3)
    narrow = Values(key=made.key, recipes=made.recipes, curves=[made.curves[0].model_copy(update={"best": own})])
    monkeypatch.setattr("synthmix.advice.valuation.study_values", lambda *_, **__: narrow)
    assert own.low is not None
    assert own.high is not None
    for laws, verdict in (
        (law(own.low, min(own.high + 0.1, 1)), "agree"),
        (law(0, 1), "not determined"),
        (law(own.high + 0.01, own.high + 0.02) if own.high < 0.5 else law(own.low - 0.02, own.low - 0.01), "disagree"),
    ):
        found, _ = study_scores(folder, [laws], 0.9)
        assert found is not None
        (kind,) = found.kinds
        assert kind.verdict == verdict
        assert kind.best == own
        assert kind.by_laws == laws.best
        assert "best share by score" in score_lines(found, "")[1]


@pytest.mark.usefixtures("one_law")
def test_a_study_whose_texts_are_gone_gets_its_advice_and_one_note(make: Make, folder: Path) -> None:
    """Results of a formula in the folder of another study, whose corpora are taken away."""
    (folder / "results.json").write_text(make().model_dump_json())
    asked = {"params": "3M", "tokens": "30M", "synthetic": ["hq,price=1"], "study": folder}
    (folder / "values.json").unlink(missing_ok=True)  # another test may have had them made
    assert advise(**asked).scores_note == NOT_KEPT
    other = advise(**asked, scores=True)
    assert other.scores is not None
    assert advise(**asked).scores == other.scores, "they are kept"
    assert other.scores.kinds == [], "hq is no corpus of that study"
    quiet = advise(**asked, scores=False)
    assert (quiet.scores, quiet.scores_note) == (None, NOT_READ)
    shutil.rmtree(folder / "corpora")
    found = advise(**asked, scores=True)
    assert found.scores is None
    assert found.scores_note.startswith("not read, for the study's runs or texts are not all there: ")
    assert "held-out domains" in found.scores_note
    assert score_lines(found.scores, found.scores_note) == [found.scores_note]
    shown = next(section for section in sections(found) if section.id == "scores")
    assert [list(row) for row in shown.tables[0].rows] == [[found.scores_note]]
    same = {"scores", "scores_note"}
    assert found.model_dump(exclude=same) == other.model_dump(exclude=same) == quiet.model_dump(exclude=same)


def test_a_score_that_ranks_and_has_another_best_share_is_a_caveat() -> None:
    best = Interval(mid=0.8, low=0.7, high=0.9)
    kind = KindValue(
        kind="hq", tokens=1000, shares=[0, 0.5, 1], gain=[0, 1, 2], low=[0, 0, 1], high=[0, 2, 3], best=best,
        domains={"wiki": 0.8}, by_laws=best, verdict="disagree", reason="made",
    )  # fmt: skip
    ranking = Interval(mid=0.9, low=0.8, high=1)
    heard = Scores(ranking=ranking, recipes=4, groups=9, ranks=True, chooses="hq", regret=0.1, kinds=[kind])
    (caveat,) = disagreements(heard)
    assert (caveat.code, caveat.about) == ("valuation_disagrees", "hq")
    assert disagreements(heard.model_copy(update={"ranks": False})) == []
    assert score_lines(heard, "")[-1] == NOISE
    assert "they disagree (made)" in score_lines(heard, "")[1]
