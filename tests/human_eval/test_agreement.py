"""Agreement, findings and correlations of raters whose answers are planted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, spearmanr
from tests.page_outline import check_page

from synthmix.errors import BadInput
from synthmix.human_eval.agreement import Agreement, agreement, mean_interval, spearman
from synthmix.human_eval.sheet import Sheet
from synthmix.report.agreement import brief, lead, write_agreement

from .conftest import rate


def planted(seed: int, *, noise: float = 0.0, says: bool = True) -> Any:
    """A rater who prefers short texts, always finds the person, sees repetition in qa, and errs now and then."""
    rng = np.random.default_rng(seed)

    def answer(name: str, item: Any) -> dict[str, Any] | None:
        if item.right is None:
            return {"left": {"quality": 4, "problems": []}, "person": "model" if item.left.synthetic else "person"}
        sides = {}
        for place, side in item.sides():
            grade = 1 if side.words > 45 else 3 if side.words > 35 else 5
            grade = int(rng.integers(1, 6)) if rng.random() < noise else grade
            sides[place] = {"quality": grade, "problems": ["repeats"] if side.corpus == "qa" else []}
        shorter = min(item.sides(), key=lambda each: each[1].words)[0]
        person = "right" if item.synthetic_place == "left" else "left"
        return {
            **sides,
            "better": shorter,
            "person": person if says else "unsure",
            "comment": f" {name} ",
            "seconds": 12,
        }

    return answer


@pytest.fixture(scope="module")
def found(sheet: tuple[Sheet, Path], tmp_path_factory: pytest.TempPathFactory) -> Agreement:
    folder = tmp_path_factory.mktemp("ratings")
    for number, rater in enumerate(("ann", "bo", "cy")):
        rate(sheet[0], folder, rater, planted(number, noise=0.3 * number))
    return agreement(sheet[1], [folder])


def test_agreement_by_question(found: Agreement) -> None:
    by_name = {one.question: one for one in found.questions}
    assert set(by_name) == {"quality", "better", "person", "repeats"}
    assert by_name["person"].alpha.mid == by_name["better"].alpha.mid == 1
    assert by_name["person"].equal == 1
    assert {each.kappa for each in by_name["person"].kappas} == {1.0}
    quality = by_name["quality"]
    assert quality.units == 48
    assert quality.alpha.mid is not None
    assert 0.1 < quality.alpha.mid < 0.95
    between = {(each.one, each.other): each.kappa or 0 for each in quality.kappas}
    assert between["ann", "bo"] > between["bo", "cy"], "the noisier rater agrees less"
    assert [(one.name, one.items, one.seconds) for one in found.raters] == [(n, 24, 12) for n in ("ann", "bo", "cy")]


def test_kappa_is_sklearns(found: Agreement, sheet: tuple[Sheet, Path]) -> None:
    from sklearn.metrics import cohen_kappa_score

    def grades(seed: int, noise: float) -> list[int]:
        rater = planted(seed, noise=noise)
        each = [rater(name, item) for name, item in sheet[0].items.items()]
        return [one[place]["quality"] for one in each for place in ("left", "right")]

    expected = cohen_kappa_score(grades(0, 0.0), grades(1, 0.3), labels=[1, 2, 3, 4, 5], weights="quadratic")
    quality = next(one for one in found.questions if one.question == "quality")
    assert next(k.kappa for k in quality.kappas if (k.one, k.other) == ("ann", "bo")) == pytest.approx(expected)


def test_what_the_raters_found(found: Agreement) -> None:
    said = {(row.corpus, row.measure): row for row in found.outcomes}
    assert said["hq", "preferred"].value.mid == 0, "hq is longer than its sources"
    assert said["qa", "preferred"].value.mid == 1
    assert said["hq", "preferred"].value.high == pytest.approx(binomtest(0, 12).proportion_ci(0.9).high)
    assert said["hq", "recognised"].value.mid == said["qa", "recognised"].value.mid == 1
    assert said["qa", "undecided"].value.mid == 0
    assert said["qa", "repeats"].value.mid == 1
    assert ("hq", "repeats") not in said
    assert ("source", "recognised") not in said
    gap = said["qa", "quality_difference"].value
    assert gap.low is not None
    assert gap.low > 0
    assert said["source", "quality"].n == 24
    assert found.leftward is not None
    assert 0.2 < (found.leftward.mid or 0) < 0.8
    assert ("7", "bo", "7") in found.comments


def test_measures_that_say_what_the_raters_say_come_first(found: Agreement) -> None:
    quality = [one for one in found.correlations if one.with_ == "quality"]
    assert {one.measure for one in quality[:3]} & {"words", "length_ratio"}
    words = next(one for one in quality if one.measure == "words")
    assert words.rho.mid is not None
    assert words.rho.mid < -0.6
    assert words.rho.high is not None
    assert words.rho.high < 0
    assert "refusal" not in {one.measure for one in found.correlations}, "a measure that does not differ says nothing"


def test_spearman_is_scipys_and_says_when_there_is_none() -> None:
    rng = np.random.default_rng(0)
    both = np.stack([rng.integers(0, 6, 50), rng.normal(size=50)], axis=1)
    assert spearman(both, 0.9, 0).mid == pytest.approx(spearmanr(both).statistic)
    assert spearman(np.array([[1.0, 2], [2, 2], [3, 2]]), 0.9, 0).why == "all raters' means are the same"


def test_means() -> None:
    values = list(np.random.default_rng(0).normal(size=400))
    found = mean_interval(values, 0.9, 0)
    half = 1.645 * np.std(values) / 20
    assert found.low == pytest.approx(np.mean(values) - half, abs=0.01)
    assert mean_interval([0.3], 0.9, 0).why == "one item"
    assert mean_interval([1.0] * 30, 0.95, 0).low == pytest.approx(binomtest(30, 30).proportion_ci(0.95).low)


def test_one_rater_a_single_sheet_and_those_who_cannot_tell(sheet: tuple[Sheet, Path], tmp_path: Path) -> None:
    path = rate(sheet[0], tmp_path, "ann", planted(0, says=False))
    one = agreement(sheet[0], [path])
    assert all(question.alpha.mid is None and question.equal is None for question in one.questions)
    assert {row.measure for row in one.outcomes if row.corpus == "hq"} >= {"undecided", "preferred"}
    assert not [row for row in one.outcomes if row.measure == "recognised"]
    items = {name: item.model_copy(update={"kind": "single", "right": None}) for name, item in sheet[0].items.items()}
    single = sheet[0].model_copy(update={"items": items})
    found = agreement(single, [rate(single, tmp_path, "bo", planted(0))])
    said = {(row.corpus, row.measure): row.value.mid for row in found.outcomes}
    assert said["source", "recognised"] == said["hq", "recognised"] == 1
    assert found.leftward is None
    write_agreement(found.model_dump(mode="json"), tmp_path / "single.html")
    assert lead(found.model_dump(mode="json")).startswith("Quality of 5: hq")
    with pytest.raises(BadInput, match="level"):
        agreement(sheet[0], [path], level=1.5)


def test_the_page_of_the_agreement(found: Agreement, tmp_path: Path) -> None:
    value = json.loads(found.model_dump_json())
    write_agreement(value, tmp_path / "agreement.html")
    text = (tmp_path / "agreement.html").read_text(encoding="utf-8")
    check_page("agreement", text)
    assert "hq in 0% (0% to 22%) and qa in 100% (78% to 100%)" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    write_agreement(value, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "agreement.html").read_bytes()


def test_intervals_in_brief() -> None:
    assert brief({"value": 0.6234, "low": 0.41, "high": 0.78}) == "0.62 (0.41 to 0.78)"
    assert brief({"value": 0.5, "low": 0.4, "high": 0.6}, share=True) == "50% (40% to 60%)"
    assert brief({"value": None, "why": "one item"}) == "one item"
    assert brief({"value": 1.0}) == "1.00"
