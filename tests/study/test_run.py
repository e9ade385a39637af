"""The tiny study from its text to its report, unbroken."""

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import Corpus
from synthmix.evaluation.losses import average
from synthmix.files import read_json
from synthmix.results import Results
from synthmix.statistics import count_unigrams, unigram_entropy
from synthmix.store import RunRecord, Store
from synthmix.study.load import load_study, study_from
from synthmix.study.run import run_study
from synthmix.training.shape import shape_for

from ..in_process import InProcess
from .conftest import records, stamps

pytestmark = pytest.mark.smoke


@pytest.fixture(scope="module")
def folder(finished: Path) -> Path:
    return finished.parent / "tiny"


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return Results.model_validate_json((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def ladder(folder: Path) -> list[RunRecord]:
    return [r for r in Store(folder / "runs").records() if r.spec.stage == "ladder"]


def test_every_cell_of_the_ladder_was_trained_and_its_replicates(results: Results) -> None:
    sizes = [shape_for(25_000).params, shape_for(40_000).params]
    recipes = ["web", "50% sampled + web", "sampled"]
    expected = Counter((r, n, d, 0) for r in recipes for n in sizes for d in (2560, 5120, 10240))
    expected += Counter((r, sizes[0], 2560, 1) for r in recipes)
    assert Counter((run.recipe, run.params, run.tokens, run.seed) for run in results.runs) == expected
    assert [recipe.name for recipe in results.recipes] == recipes, "the natural text alone comes first"
    assert [recipe.share for recipe in results.recipes] == [0.0, 0.5, 1.0]


def test_the_shares_are_exact_to_the_sequence(ladder: list[RunRecord], folder: Path) -> None:
    corpora = {path.name.split("-")[0]: Corpus.open(path) for path in (folder / "corpora").iterdir() if path.is_dir()}
    seen = set()
    for record in ladder:
        assert sum(record.spec.shares.values()) == 1
        for name, share in record.spec.shares.items():
            holds = (corpora[name].train_counts.tokens - 1) // 16
            assert round(record.epochs[name] * holds, 6) == share * record.tokens / 16
            seen.add((name, share))
    assert seen == {
        ("web", Fraction(1)),
        ("web", Fraction(1, 2)),
        ("sampled", Fraction(1, 2)),
        ("sampled", Fraction(1)),
    }


def test_the_losses_are_those_of_the_records_and_the_named_average(ladder: list[RunRecord], results: Results) -> None:
    by_id = {record.id: record for record in ladder}
    assert [domain.name for domain in results.domains] == ["web", "other"]
    assert [domain.whole for domain in results.domains] == [False, True]
    for run in results.runs:
        losses = {name: score.nats for name, score in by_id[run.id].losses.items()}
        assert run.losses == losses
        assert run.loss == average(losses)
        assert run.flops == by_id[run.id].spec.flops


def test_training_reaches_below_the_unigram_entropy(results: Results, folder: Path) -> None:
    [web] = [path for path in (folder / "corpora").glob("web-*") if path.is_dir()]
    corpus = Corpus.open(web)
    entropy = unigram_entropy(count_unigrams(corpus.heldout("web"), corpus.meta.vocab_size))
    best = min(run.losses["web"] for run in results.runs if run.recipe == "web")
    assert 0.5 < best < 0.8 * entropy
    longest = [run for run in results.runs if run.recipe == "web" and run.tokens == 10240]
    shortest = [run for run in results.runs if run.recipe == "web" and run.tokens == 2560]
    assert max(run.loss for run in longest) < min(run.loss for run in shortest)


def test_the_sampled_text_is_a_corpus_with_its_provenance(results: Results, folder: Path) -> None:
    rows = {row.name: row for row in results.corpora}
    assert (rows["web"].kind, rows["sampled"].kind) == ("natural", "synthetic")
    [sampled] = [path for path in (folder / "corpora").glob("sampled-*") if path.is_dir()]
    corpus = Corpus.open(sampled)
    corpus.verify()
    generator = corpus.meta.generator
    assert generator is not None
    assert generator["top_p"] == 0.9
    assert Store(folder / "runs").record(generator["run"]) is not None, "the generator is a run with a record"
    kept = corpus.train_counts.tokens
    assert 11_000 < kept < 12_000 + 33, "the finite budget, to within one document and what was removed"


def test_the_report_and_its_tables_are_there(folder: Path, results: Results) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "50% sampled + web" in page
    tables = {path.name for path in (folder / "tables").iterdir()}
    assert {"runs.csv", "runs.parquet", "domains.csv", "warnings.csv"} <= tables
    with (folder / "tables" / "runs.csv").open(newline="", encoding="utf-8") as file:
        assert {row["run"] for row in csv.DictReader(file)} == {run.id for run in results.runs}


def test_the_answer_is_about_the_question_and_says_how_far_it_is(results: Results) -> None:
    decision = results.decision
    assert decision is not None
    assert decision.basis == "laws"
    assert (decision.params, decision.tokens) == (10**6, 10**6)
    assert decision.decades_params == pytest.approx(1.4, abs=0.01)
    assert decision.decades_tokens == pytest.approx(1.99, abs=0.01)
    assert {recipe.name for recipe in results.recipes} <= {option.recipe for option in decision.options}
    assert results.noise.runs >= 6
    assert results.noise.sd is not None
    assert results.noise.sd > 0
    assert results.spent.tokens == sum(run.tokens for run in results.runs) + 39 * 256  # and the generator's
    assert {"text", "ladder", "sampling sampled"} <= set(results.spent.stage_seconds)
    assert results.statistics


def test_nothing_is_left_half_written(folder: Path) -> None:
    names = {path.name for path in folder.rglob("*")}
    assert not {name for name in names if name.endswith((".partial", ".staging"))}
    assert "state.safetensors" not in names
    assert "progress.json" not in names


def test_a_second_call_trains_nothing_and_says_the_same(finished: Path, folder: Path) -> None:
    before, results = stamps(folder), read_json(folder / "results.json")
    again = run_study(load_study(finished), engine=InProcess()).model_dump(mode="json")
    assert stamps(folder) == before
    for part in (again, results):
        part.pop("spent")
    assert again == results


def test_checkpoints_load_in_transformers_and_give_the_recorded_loss(folder: Path, ladder: list[RunRecord]) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    record = ladder[0]
    model = AutoModelForCausalLM.from_pretrained(folder / "runs" / record.id / "checkpoint")
    assert sum(p.numel() for p in model.parameters()) == record.params_total
    [other] = [path for path in (folder / "corpora").glob("other-*") if path.is_dir()]
    stream = Corpus.open(other).heldout("other")
    holds = (len(stream) - 1) // 16
    wanted = min(holds, 2000 // 16)
    nats = []
    with torch.no_grad():
        for start in [i * holds // wanted * 16 for i in range(wanted)]:
            ids = torch.tensor(stream.read(start, start + 17).astype("int64"))
            logits = model(input_ids=ids[None, :-1]).logits[0]
            nats.append(float(torch.nn.functional.cross_entropy(logits, ids[1:])))
    assert record.losses["other"].tokens == wanted * 16
    assert sum(nats) / wanted == pytest.approx(record.losses["other"].nats, rel=1e-4)


def test_shares_and_names_may_change_without_training_again(
    finished: Path, folder: Path, make_study: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """A subset of the ladder under another recipe name: the records serve."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.partial"))
    before = records(copy)
    raw = make_study(
        copy,
        mix={"natural": "web", "recipes": {"half": {"web": "50%", "sampled": "50%"}, "only": {"web": 1}}},
        ladder={"params": ["25k", "40k"], "budgets": [2560, 10240]},
        question=None,
    )
    results = run_study(study_from(raw), engine=InProcess())
    assert records(copy) == before
    assert {run.recipe for run in results.runs} == {"half", "only"}
    assert {run.share for run in results.runs if run.recipe == "half"} == {0.5}
