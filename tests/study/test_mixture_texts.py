"""The text of a designed study's mixtures, from one count and one reading of each corpus: statistics and scores."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.advice.advise import advise
from synthmix.advice.page import sections
from synthmix.advice.valuation import score_lines
from synthmix.statistics.compare import compare_ngrams, compare_unigrams, unigram_entropy
from synthmix.statistics.count import count_text
from synthmix.study.finished_study import FinishedStudy, read_study
from synthmix.study.load import load_study
from synthmix.study.mixture_texts import BEST_BY_LAWS, BEST_BY_SCORE, StudyMixtures, mixtures_of_study
from synthmix.study.run import run_study
from synthmix.study.text_measures import _Counter, loss_groups, table_of_study
from synthmix.study.value_scores import Values, natural_mixture, study_values
from synthmix.valuation.trained_curve import PRIOR

from ..in_process import InProcess

TOKENS = 2560


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, make_study: Callable[..., dict[str, Any]], data: Path,
    make_stories: Callable[..., list[str]], save_jsonl: Callable[..., Path], save_study: Callable[..., Path],
) -> Path:  # fmt: skip
    """Three texts, nine mixtures of one size and budget."""
    folder = tmp_path_factory.mktemp("designed")
    save_jsonl(folder / "qa.jsonl", make_stories(200, dialect=4))
    raw = make_study(folder / "many")
    raw["corpora"] = {
        "web": raw["corpora"]["web"],
        "hq": {"files": str(data / "hq.jsonl"), "kind": "synthetic"},
        "qa": {"files": str(folder / "qa.jsonl"), "kind": "synthetic"},
    }
    raw["mix"] = {"sources": {"web": None, "hq": None, "qa": None}, "design": {"runs": 11}}
    raw["ladder"] = {"params": ["25k"], "budgets": [TOKENS]}
    raw["question"] = {"params": "25k", "tokens": TOKENS}
    path = save_study(folder / "many.yaml", raw)
    run_study(load_study(path), engine=InProcess())
    return folder / "many"


@pytest.fixture(scope="module")
def text(folder: Path) -> FinishedStudy:
    return read_study(folder)


@pytest.fixture(scope="module")
def values(text: FinishedStudy) -> Values:
    return study_values(text)


@pytest.fixture(scope="module")
def mixed(text: FinishedStudy, values: Values) -> StudyMixtures:
    return mixtures_of_study(text, values)


def test_a_corpus_alone_is_what_it_holds(text: FinishedStudy, mixed: StudyMixtures) -> None:
    """A tenth more text than the budget, of which the first budget's tokens are counted: that, exactly."""
    record = text.record("hq")
    corpus, domain = text.corpus(record, "hq"), text.domains["web"]
    vocab, eos = record.spec.vocab, corpus.meta.eos_id
    train = count_text(corpus.train, vocab, eos=eos, orders=(2,), stop=TOKENS)
    test = count_text(domain.open().stream, vocab, eos=eos, orders=(2,), stop=domain.tokens)
    rows = {row.n: row for row in mixed.rows if (row.name, row.domain) == ("hq", "web")}
    for n, exact in (
        (1, compare_unigrams(train.unigrams, test.unigrams)), (2, compare_ngrams(train.ngrams[2], test.ngrams[2])),
    ):  # fmt: skip
        assert rows[n].types == pytest.approx(exact.train_types)
        assert rows[n].coverage_mass[1] == pytest.approx(exact.coverage_mass[1])
        assert rows[n].coverage_types[1] == pytest.approx(exact.coverage_types[1])
        assert rows[n].divergences[0].kl_test_train == pytest.approx(exact.divergences[0].kl_test_train)
    assert rows[1].entropy == pytest.approx(unigram_entropy(train.unigrams))
    assert rows[2].distinct == pytest.approx(rows[2].types / train.ngrams[2].total)


def test_a_mixture_that_a_run_read_is_what_it_read_nearly(text: FinishedStudy, mixed: StudyMixtures) -> None:
    name = max(text.recipes, key=lambda recipe: len(text.record(recipe).spec.shares))
    shares = {source: Fraction(share) for source, share in text.record(name).spec.shares.items()}
    assert len(shares) == 3
    (row,) = [row for row in mixed.rows if (row.name, row.domain, row.n) == (name, "other", 1)]
    assert row.shares == pytest.approx({source: float(share) for source, share in shares.items()})
    measures = table_of_study(text, scores={})  # exact counts of each recipe
    assert measures.recipes == len(text.recipes)
    counts = np.zeros(text.record(name).spec.vocab)
    for source, share in shares.items():
        stream = text.corpus(text.record(name), source).train
        counts = counts + count_text(stream, len(counts), stop=round(share * TOKENS)).unigrams
    assert row.types == pytest.approx(np.count_nonzero(counts), rel=0.05)
    assert row.entropy == pytest.approx(unigram_entropy(counts), rel=0.02)


def test_the_curve_of_a_source_ends_at_natural_text_and_at_it_alone(text: FinishedStudy, mixed: StudyMixtures) -> None:
    assert natural_mixture(text) == {"web": 1.0}
    assert {row.synthetic for row in mixed.curves} == {"hq", "qa"}
    alone = {(row.name, row.domain): row for row in mixed.rows if row.n == 1}
    for row in mixed.curves:
        if row.share in (0, 1):
            end = alone["web" if row.share == 0 else row.synthetic, row.domain]
            assert row.coverage_mass[1] == pytest.approx(end.coverage_mass[1])
            assert row.entropy == pytest.approx(end.entropy)


def test_prefixes_are_counted_on_and_come_to_the_same(text: FinishedStudy, tmp_path: Path) -> None:
    record = text.record("web")
    corpus = text.corpus(record, "web")
    vocab, eos = record.spec.vocab, corpus.meta.eos_id
    counter = _Counter(vocab, eos, tmp_path)
    for stop in (900, 300, 1501, 1500, 900):
        unigrams, bigrams = counter.of("", {"web": Fraction(1)}, {"web": corpus.train}, stop)
        exact = count_text(corpus.train, vocab, eos=eos, orders=(2,), stop=stop)
        assert unigrams.tolist() == exact.unigrams.tolist()
        assert bigrams.keys.tolist() == exact.ngrams[2].keys.tolist()
        assert bigrams.counts.tolist() == exact.ngrams[2].counts.tolist()
    unigrams, _ = counter.of("", {"web": Fraction(1)}, {"web": corpus.train}, 2 * len(corpus.train))
    assert int(unigrams.sum()) == 2 * len(corpus.train)


def test_the_score_has_a_best_mixture_beside_that_of_the_laws(
    text: FinishedStudy, values: Values, mixed: StudyMixtures
) -> None:
    best = values.mixture
    assert best is not None
    assert sum(best.mixture.values()) == pytest.approx(1)
    assert (best.natural, best.tokens) == ({"web": 1.0}, TOKENS)
    gains = {each.name: each.gain for each in best.named}
    assert set(gains) == {*text.recipes, "hq", "qa"}
    assert gains["web"].mid == gains["web"].low == gains["web"].high == 0
    assert (best.gain.mid or 0) >= max(gain.mid or 0 for gain in gains.values()) - 1e-9
    for share in best.shares.values():
        assert share.low is not None
        assert share.high is not None
        assert share.low <= (share.mid or 0) <= share.high
    cell = text.table.largest_cell()
    losses = {name: np.mean([text.table.mean(name, cell, f"loss.{d}") for d in text.domains]) for name in text.recipes}
    for name in text.recipes:
        assert gains[name].mid == pytest.approx(losses["web"] - losses[name], abs=3 * PRIOR.noise), "what runs say"
    names = {row.name for row in mixed.rows}
    assert {BEST_BY_LAWS, BEST_BY_SCORE, *text.recipes} <= names
    measured, groups = loss_groups(text)
    assert values.measures(text, groups)["value: score"].values.shape == measured.shape


def test_advice_on_a_designed_study_hears_the_score(folder: Path, values: Values) -> None:
    found = advise(study=folder, scores=True)
    assert found.scores is not None
    assert found.mixture is not None
    assert found.scores.mixture == values.mixture
    assert found.scores.kinds == []
    assert [each.source for each in found.scores.sources] == ["web", "hq", "qa"]
    for each, law in zip(found.scores.sources, found.mixture.shares, strict=True):
        assert each.by_laws == law.interval
    lines = score_lines(found.scores, "")
    assert lines[1].startswith("Its best mixture of 2.56k tokens: ")
    assert lines[2].startswith("web: ")
    shown = next(section for section in sections(found) if section.id == "scores")
    assert {table.name for table in shown.tables} >= {"score_sources", "value_of_mixtures"}
    assert shown.figures
