"""Valuation scores of a study's recipes and shares: what they say, and that they are found once."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.files import read_json
from synthmix.progress import Silent
from synthmix.study import value_scores
from synthmix.study.finished_study import FinishedStudy, read_study
from synthmix.study.text_measures import loss_groups
from synthmix.study.value_curves import SHARES, Drawn, curve_over
from synthmix.study.value_scores import NAMES, Values, study_values, summary_of, terms_of, texts_of
from synthmix.valuation.curve import curve_of
from synthmix.valuation.trained_curve import PRIOR, Trained
from synthmix.valuation.weights import FIXED


@pytest.fixture
def folder(tmp_path: Path, finished: Path) -> Path:
    """A copy of the finished study's folder, without its scores."""
    shutil.copytree(finished.parent / "tiny", tmp_path / "tiny")
    (tmp_path / "tiny" / "values.json").unlink(missing_ok=True)
    return tmp_path / "tiny"


@pytest.fixture
def text(folder: Path) -> FinishedStudy:
    return read_study(folder)


class Passes(Silent):
    """Counts the domains that are read."""

    count = 0

    def update(self, task: str, done: float, note: str = "") -> None:
        self.count += 1


def test_every_recipe_budget_and_domain_has_a_score(text: FinishedStudy) -> None:
    found = study_values(text)
    losses, groups = loss_groups(text)
    measures = found.measures(text, groups)
    assert set(measures) == set(NAMES)
    assert all(measure.values.shape == losses.shape for measure in measures.values())
    transfer, discrepancy, score = (measures[name].values for name in NAMES)
    weights, scale = FIXED.values, np.log(300)
    expected = -(weights["transfer"] * transfer / scale + weights["discrepancy"] * discrepancy)
    np.testing.assert_allclose(score, expected, rtol=1e-9)
    assert measures["value: score"].higher
    assert not measures["value: transfer"].higher
    by_budget = {cell.D: transfer[i] for i, (cell, domain) in enumerate(groups) if domain == "web"}
    assert (by_budget[10240][:2] < by_budget[2560][:2]).all(), "with natural text in it, more predicts better"


def test_the_curve_goes_through_the_recipes_and_is_that_of_value_mix(text: FinishedStudy) -> None:
    found = study_values(text)
    (curve,) = found.curves
    assert (curve.kind, curve.tokens, curve.shares) == ("sampled", 10240, list(SHARES))
    assert curve.gain[0] == curve.low[0] == curve.high[0] == 0
    assert set(curve.domains) == set(text.domains) == {"web", "other"}
    cell = text.table.largest_cell()
    losses = {
        domain: [text.table.mean(recipe, cell, f"loss.{domain}") for recipe in text.recipes] for domain in text.domains
    }
    rows = np.array([[float(text.record(r).spec.shares.get(c, 0)) for c in ("web", "sampled")] for r in text.recipes])
    measured = np.mean([[row[0] - loss for loss in row] for row in losses.values()], axis=0)
    assert [curve.gain[5], curve.gain[10]] == pytest.approx(measured[1:], abs=2 * PRIOR.noise), "runs are believed"
    record = next(r for r in text.records if len(r.spec.shares) == 2)
    corpora = {source: text.corpus(record, source) for source in ("web", "sampled")}
    read, gains = texts_of(corpora), []
    for domain in text.domains:
        terms = terms_of(text, domain)
        pools = [summary_of(name, corpus, read[name], terms, 10240) for name, corpus in corpora.items()]
        trained = Trained(rows, np.array(losses[domain]))
        grid = [[1 - s, s] for s in SHARES]
        behind = curve_of(pools, terms, FIXED, grid, size=10240, draws=10, trained=trained).behind
        gains.append([each.mid - behind[0].mid for each in behind])
    np.testing.assert_allclose(np.mean(gains, axis=0), curve.gain, atol=1e-9)


def test_the_best_share_and_its_interval() -> None:
    """One parabola in each of two domains, an error that moves the best share and one that does not."""
    shares, errors = np.array(SHARES), np.random.default_rng(0).standard_normal((2, 2000, 1))
    found = [
        Drawn(name, value := -((shares - best) ** 2), value + errors[0] * 0.01 * shares + errors[1] * 5)
        for name, best in (("a", 0.2), ("b", 0.4))
    ]
    curve = curve_over("hq", 1000, found)
    assert curve.best.mid == pytest.approx(0.3, abs=1e-6)
    assert curve.domains == pytest.approx({"a": 0.2, "b": 0.4})
    assert curve.best.covers == "mean"
    assert curve.best.low is not None
    assert curve.best.high is not None
    # -(s - .3)^2 + .01 z s has its top at .3 + .005 z; what all shares share moves nothing.
    assert curve.best.high - curve.best.low == pytest.approx(2 * 1.645 * 0.005, rel=0.1)
    assert curve.high[5] - curve.low[5] == pytest.approx(2 * 1.645 * 0.005, rel=0.1)


def test_what_was_found_is_read_again_until_the_study_is_another(
    folder: Path, text: FinishedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, passes = Passes(), Passes()
    found = study_values(text, progress=first)
    assert first.count == 2
    assert study_values(read_study(folder), progress=passes) == found
    assert passes.count == 0
    kept = folder / "values.json"
    assert Values.model_validate(read_json(kept)) == found
    kept.write_text("{damaged")
    assert study_values(text, progress=passes) == found
    assert passes.count == 2, "what cannot be read is made anew"
    monkeypatch.setattr(value_scores, "RULES", value_scores.RULES + 1)
    again = study_values(text, progress=passes)
    assert passes.count == 4, "another score"
    assert again.key != found.key


def test_a_folder_that_may_only_be_read(text: FinishedStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert study_values(text).recipes
    assert not (text.folder / "values.json").exists()


def test_a_corpus_that_is_gone(folder: Path) -> None:
    shutil.rmtree(next((folder / "corpora").glob("sampled-*/")))
    with pytest.raises(BadInput, match=r"its corpus sampled .* is not below"):
        study_values(read_study(folder))
    assert not (folder / "values.json").exists()
