"""``synthmix stats``, ``compare-generators`` and ``compare-tokenizers`` as a user runs them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tests.page_outline import check_page

from synthmix.corpus import Corpus, Source, build_corpus, train_texts, train_tokenizer
from synthmix.interval import Interval
from synthmix.report.study_statistics import ranking_table, rare_table
from synthmix.statistics import StatisticTable, count_text, count_unigrams
from synthmix.statistics.ranking import StatisticRow
from synthmix.study.rare_tokens import RareRow

from .conftest import Ran

Run = Callable[..., Ran]
QUIET = ("--json", "--quiet")


@pytest.fixture
def paired(here: Path, make_stories: Callable[..., list[str]]) -> Path:
    """One file: 40 sources, a generator that keeps most words and one that writes another dialect."""
    lines = []
    for i, text in enumerate(make_stories(40, words=80)):
        words = text.split()
        lines.append({"text": text, "source": "human", "pair_id": f"p{i}", "op": "original"})
        lines.append({"text": " ".join(words[:60]), "source": "copyist", "pair_id": f"p{i}", "op": "rewrite"})
    for i, text in enumerate(make_stories(40, first=500, words=80, dialect=9)):
        lines.append({"text": text, "source": "stranger", "pair_id": f"p{i}", "op": "rewrite"})
    path = here / "paired.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_stats_of_two_corpora(run: Run, here: Path, data: Path) -> None:
    ran = run(
        "stats", data / "web.jsonl", data / "hq.jsonl", "--against", data / "other.jsonl", "--vocab", "300",
        "--ngrams", "2", "--shares", "0 1/2 1", "--smoothing", "additive:0.5", "--smoothing", "good-turing",
        "--html", "stats.html", "--parquet", "stats.parquet", "--cards", "cards", "--workers", "1", *QUIET,
    )  # fmt: skip
    assert ran.err == ""
    value = ran.value
    assert {(p["corpus"], p["unit"], p["comparison"]["n"]) for p in value["pairs"]} == {
        (name, unit, n) for name in ("web", "hq") for unit, n in (("token", 1), ("token", 2), ("word", 1))
    }
    for pair in value["pairs"]:
        assert [d["smoothing"] for d in pair["comparison"]["divergences"]] == ["additive:0.5", "good-turing"]
    assert {row["share"] for row in value["shares"]} == {0, 0.5, 1}
    assert {text["name"] for text in value["texts"]} == {"web", "hq", "other"}
    assert len({text["compression"]["bytes"] for text in value["texts"]}) == 1, "a longer text compresses better"
    page = (here / "stats.html").read_text()
    check_page("statistics", page)
    tails = {text["zipf"]["x_min"] for text in value["texts"] if text["zipf"]}
    assert ("of different tails they do not compare" in page) == (len(tails) > 1)
    assert "<script src" not in page
    assert 'http-equiv="Content-Security-Policy"' in page
    assert all(f'data-figure="{name}"' in page for name in ("ranks", "heaps", "coverage", "divergence", "costs"))
    table = pq.read_table(here / "stats.parquet").to_pylist()
    covered = {
        (row["corpus"], row["at_least"]): row["value"]
        for row in table
        if row["statistic"] == "coverage of mass" and row["unit"] == "token" and row["n"] == 1 and row["share"] is None
    }
    shown = next(
        p for p in value["pairs"] if p["corpus"] == "hq" and p["unit"] == "token" and p["comparison"]["n"] == 1
    )
    assert covered["hq", 1] == shown["comparison"]["coverage_mass"]["1"]
    assert sorted(path.name for path in (here / "cards").iterdir()) == ["50.0pct-hq-in-web.md", "hq.md", "web.md"]
    card = (here / "cards" / "hq.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["pretty_name"] == "hq"
    assert all(part in card for part in ("## Origin", "## Diversity", "## Coverage", "## Known risks", "against web"))


def test_stats_counts_are_those_of_the_shards(run: Run, here: Path, data: Path) -> None:
    run("corpus", "build", data / "web.jsonl", "--to", "web", "--vocab", "300", "--heldout", "10%", *QUIET)
    value = run("stats", "web", "--against", "web", "--tokens", "5k", "--smoothing", "additive:1", *QUIET).value
    corpus = Corpus.open(here / "web")
    train = count_unigrams(corpus.train, corpus.meta.vocab_size, stop=5000)
    test = count_unigrams(corpus.heldout("web"), corpus.meta.vocab_size)
    pair = next(p["comparison"] for p in value["pairs"] if p["unit"] == "token" and p["comparison"]["n"] == 1)
    assert value["tokens"] == pair["train_tokens"] == 5000
    assert pair["coverage_mass"]["1"] == pytest.approx(test[train > 0].sum() / test.sum())
    q = (train + 1) / (train + 1).sum()
    p = test / test.sum()
    expected = (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()
    assert pair["divergences"][0]["kl_test_train"] == pytest.approx(expected)


def test_mixtures_that_have_a_name(run: Run, here: Path, data: Path) -> None:
    texts = [f"{name}={data / f'{file}.jsonl'}" for name, file in (("a", "web"), ("b", "hq"))]
    asked = ("stats", *texts, "--against", data / "other.jsonl", "--vocab", "300", "--mixture", "mine=a:25%,b:75%")
    value = run(*asked, "--html", "page.html", "--parquet", "all.parquet", *QUIET).value
    rows = {row["n"]: row for row in value["mixtures"]}
    assert set(rows) == {1, 2}
    assert rows[1]["shares"] == {"a": 0.25, "b": 0.75}
    curve = {round(row["share"], 6): row for row in value["shares"]}
    same = {name for name in rows[1] if name != "name"}
    assert {name: rows[1][name] for name in same} == {name: curve[0.75][name] for name in same}
    assert rows[2]["distinct"] < rows[2]["types"]
    table = pq.read_table(here / "all.parquet").to_pylist()
    assert {row["statistic"] for row in table if row["corpus"] == "mine"} >= {"entropy", "types", "Jensen-Shannon"}
    assert "25% a" in (here / "page.html").read_text()
    assert "Expected of mixtures that have a name" in run(*asked, "--quiet").out


def test_counts_through_ray_are_the_same(here: Path, run: Run, data: Path) -> None:
    if find_spec("ray") is None:  # not imported here: what it prints is settled before its first import
        pytest.skip("ray is not installed")
    from synthmix.engine import open_engine

    run("corpus", "build", data / "web.jsonl", "--to", "web", "--vocab", "300", *QUIET)
    corpus = Corpus.open(here / "web")
    asked: dict[str, Any] = {"eos": corpus.meta.eos_id, "orders": (2, 3), "parts": 3}
    plain = count_text(corpus.train, corpus.meta.vocab_size, **asked)
    with open_engine("ray", workers=2) as engine:
        found = count_text(corpus.train, corpus.meta.vocab_size, **asked, each=engine.each, scratch=here / "scratch")
        assert found.unigrams.tolist() == plain.unigrams.tolist()
        for n in (2, 3):
            assert found.ngrams[n].keys.tolist() == plain.ngrams[n].keys.tolist()
            assert found.ngrams[n].counts.tolist() == plain.ngrams[n].counts.tolist()


def test_statistics_of_a_study_against_its_loss(run: Run, here: Path, finished: Path) -> None:
    ran = run(
        "stats", "--study", finished, "--html", "study.html", "--parquet", "study.parquet", "--workers", "1", *QUIET
    )
    table, rare = ran.value["table"], ran.value["loss_by_frequency"]
    assert table["recipes"] == 3
    assert {row["name"] for row in table["rows"]} >= {
        "KL(test||train), unigrams, additive:0.5",
        "coverage of mass, bigrams, 1+",
        *("value: score", "value: transfer", "value: discrepancy"),
    }
    assert all(-1 <= row["spearman"]["mid"] <= 1 for row in table["rows"] if row["spearman"]["mid"] is not None)
    assert table["sentence"]
    mixtures = {(row["name"], row["domain"], row["n"]): row for row in ran.value["mixtures"]}
    assert {name for name, _, _ in mixtures} >= {"web", "sampled"}
    assert {row["synthetic"] for row in ran.value["shares"]} == {"sampled"}
    assert ran.value["value"] is None, "no recipe mixes three texts"
    results = json.loads((finished.parent / "tiny" / "results.json").read_text())
    largest = max(r["params"] for r in results["runs"]), max(r["tokens"] for r in results["runs"])
    for recipe in {row["recipe"] for row in rare}:
        for domain in ("web", "other"):
            bins = [row for row in rare if (row["recipe"], row["domain"]) == (recipe, domain)]
            mean = sum(row["nats"] * row["of_tokens"] for row in bins if row["nats"] is not None)
            measured = [
                r["losses"][domain] for r in results["runs"]
                if r["recipe"] == recipe and (r["params"], r["tokens"]) == largest
            ]  # fmt: skip
            assert mean == pytest.approx(np.mean(measured), rel=1e-3)
            assert sum(row["of_loss"] for row in bins) == pytest.approx(1)
            gains = [row["gain"] for row in bins if row["gain"] is not None]
            natural = next(r for r in results["recipes"] if r["share"] == 0)["name"]
            if recipe != natural:
                base = [
                    r["losses"][domain] for r in results["runs"]
                    if r["recipe"] == natural and (r["params"], r["tokens"]) == largest
                ]  # fmt: skip
                assert sum(gains) == pytest.approx(np.mean(measured) - np.mean(base), abs=2e-3)
    assert 'data-figure="correlations"' in (here / "study.html").read_text()
    assert pq.read_table(here / "study-by-frequency.parquet").num_rows == len(rare)
    rows = [
        StatisticRow(**row | {name: Interval(**row[name]) for name in ("spearman", "kendall")}) for row in table["rows"]
    ]
    shown = ranking_table(StatisticTable(**table | {"rows": rows})).text()
    assert "Would choose" in shown
    assert all(row["name"] in shown for row in table["rows"])
    assert "keep_checkpoints" in rare_table([]).text()
    assert "never" in rare_table([RareRow(**row) for row in rare]).text()


def test_compare_generators_of_one_file(run: Run, paired: Path, data: Path) -> None:
    value = run(
        "compare-generators", paired, "--by", "source", "--where", "op=rewrite", "--order", "stranger copyist",
        "--against", data / "other.jsonl", *QUIET,
    ).value  # fmt: skip
    rows = {row["name"]: row for row in value["generators"]}
    assert list(rows) == ["sources", "stranger", "copyist"]
    assert len({row["words"] for row in rows.values()}) == 1
    for row in rows.values():
        fit = row["domains"][0]
        assert fit["coverage_mass"]["low"] <= fit["coverage_mass"]["mid"] <= fit["coverage_mass"]["high"]
    kept = {row["set"]: row["mid"] for row in value["quality"] if row["measure"] == "words_kept"}
    assert kept["copyist"] > kept["stranger"]
    assert [one["name"] for one in value["representation"]] == ["stranger", "copyist"]


def test_compare_generators_by_files_and_as_text(run: Run, here: Path, data: Path) -> None:
    ran = run(
        "compare-generators", f"weak={data / 'other.jsonl'}", f"strong={data / 'hq.jsonl'}",
        "--sources", data / "web.jsonl", "--against", data / "web.jsonl", "--quiet",
    )  # fmt: skip
    assert ran.code == 0
    assert all(word in ran.out for word in ("weak", "strong", "sources", "Distinct-2", "KL(test\u2016train)"))


def test_compare_generators_of_a_study(run: Run, here: Path, finished: Path) -> None:
    value = run("compare-generators", "--study", finished, *QUIET).value
    results = json.loads((finished.parent / "tiny" / "results.json").read_text())
    gain = next(g for g in value["gains"] if g["share"] == 0.5)
    assert gain["generator"] == "sampled"
    natural = next(r for r in results["recipes"] if r["share"] == 0)["name"]
    cell = (gain["params"], gain["tokens"])
    losses = {r["recipe"]: r["losses"] for r in results["runs"] if (r["params"], r["tokens"], r["seed"]) == (*cell, 0)}
    mixed = next(r["name"] for r in results["recipes"] if r["share"] == 0.5)
    assert gain["gains"]["other"] == pytest.approx(losses[natural]["other"] - losses[mixed]["other"])
    assert gain["gain"]["low"] < gain["gain"]["mid"] < gain["gain"]["high"]  # the replicated cell gives the noise


def test_compare_tokenizers(run: Run, here: Path, data: Path) -> None:
    ran = run(
        "compare-tokenizers", f"real={data / 'web.jsonl'}", f"synthetic={data / 'hq.jsonl'}",
        "--against", data / "web.jsonl", "--vocab", "300 400", "--parquet", "t.parquet", *QUIET,
    )  # fmt: skip
    rows = ran.value["tokenizers"]
    names = ["real", "synthetic", "mixed real and synthetic"]
    assert [(row["trained_on"], row["vocab_size"]) for row in rows] == [(n, v) for v in (300, 400) for n in names]
    assert rows[0]["cost"] is None
    assert rows[3]["tokens_per_byte"]["mid"] < rows[0]["tokens_per_byte"]["mid"]
    assert rows[1]["cost"]["mid"] > -0.01
    assert pq.read_table("t.parquet").num_rows == 6


def test_compare_tokenizers_of_trained_models(run: Run, here: Path, finished: Path) -> None:
    rows = run("compare-tokenizers", "--study", finished, *QUIET).value["trained"]
    results = json.loads((finished.parent / "tiny" / "results.json").read_text())
    for row in rows:
        measured = [
            r["bits"][row["domain"]] for r in results["runs"]
            if (r["recipe"], r["params"], r["tokens"]) == (row["recipe"], row["params"], row["tokens"])
        ]  # fmt: skip
        assert row["bits_per_byte"] == pytest.approx(np.mean(measured))
        assert len(measured) == row["seeds"]
    assert {row["vocab_size"] for row in rows} == {300}


@dataclass(frozen=True)
class Case:
    """A command that must end with exit code 2 and one line that has ``words``."""

    name: str
    arguments: tuple[str, ...]
    words: tuple[str, ...]


BAD = [
    Case("nothing", ("stats",), ("nothing to compare", "--against")),
    Case("no held-out side", ("stats", "web.jsonl"), ("nothing to compare",)),
    Case("the same file", ("stats", "hq.jsonl", "--against", "hq.jsonl"),
         ("hq.jsonl: --against: stands on both sides",)),
    Case("unknown smoothing", ("stats", "web.jsonl", "--against", "other.jsonl", "--smoothing", "laplace"),
         ("--smoothing: unknown smoothing 'laplace'", "good-turing")),
    Case("no alpha", ("stats", "web.jsonl", "--against", "other.jsonl", "--smoothing", "additive:0"), ("above zero",)),
    Case("a share", ("stats", "web.jsonl", "--against", "other.jsonl", "--shares", "0 2"), ("--shares: '2' is not",)),
    Case("another tokenizer", ("stats", "corpus", "--against", "stranger"), ("stranger", "another tokenizer")),
    Case("nothing held out", ("stats", "corpus", "--against", "corpus"), ("holds nothing out",)),
    Case("an engine", ("stats", "web.jsonl", "--against", "other.jsonl", "--engine", "slurm"), ("no engine 'slurm'",)),
    Case("an empty domain", ("stats", "web.jsonl", "--against", "empty.jsonl"), ("empty.jsonl",)),
    Case("a damaged corpus", ("stats", "beyond", "--against", "beyond"),
         ("token id 299 in a vocabulary of 270", "beyond")),
    Case("a study and corpora", ("stats", "web.jsonl", "--study", "x.yaml"), ("names its own corpora",)),
    Case("no study", ("stats", "--study", "nowhere.yaml"), ("nowhere.yaml",)),
    Case("no runs", ("stats", "--study", "corpus"), ("no run is finished",)),
    Case("no generators", ("compare-generators",), ("nothing to compare",)),
    Case("an unknown generator", ("compare-generators", "paired.jsonl", "--by", "source", "--order", "gpt-9"),
         ("--order: no record has source=gpt-9", "copyist")),
    Case("no such field", ("compare-generators", "paired.jsonl", "--by", "model"), ("by: a record has no 'model'",)),
    Case("a filter", ("compare-generators", "paired.jsonl", "--by", "source", "--where", "op"),
         ("is not FIELD=VALUE",)),
    Case("too few texts", ("compare-generators", "a=few.jsonl", "--sources", "web.jsonl"), ("a: 3 texts are too few",)),
    Case("no texts", ("compare-tokenizers",), ("nothing to compare",)),
    Case("a small vocabulary", ("compare-tokenizers", "web.jsonl", "--against", "other.jsonl", "--vocab", "20"),
         ("vocab_size: 20 is too small",)),
    Case("a vocabulary", ("compare-tokenizers", "web.jsonl", "--against", "other.jsonl", "--vocab", "many"),
         ("--vocab: 'many' is not a count",)),
]  # fmt: skip


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """Corpora for the mistakes, built once."""
    folder = tmp_path_factory.mktemp("corpora")
    for source, name, vocab, heldout in (
        ("hq", "corpus", 300, 0), ("other", "stranger", 280, Fraction(1, 2)), ("web", "beyond", 300, Fraction(1, 10)),
    ):  # fmt: skip
        given = Source(files=[str(data / f"{source}.jsonl")])
        tokenizer = train_tokenizer(train_texts(given), vocab)
        build_corpus(given, folder / name, name=name, tokenizer=tokenizer, heldout=heldout)
    return folder


@pytest.fixture
def world(here: Path, data: Path, paired: Path, corpora: Path, make_stories: Callable[..., list[str]]) -> Path:
    """Files and corpora for the mistakes."""
    for name in ("web", "hq", "other"):
        (here / f"{name}.jsonl").symlink_to(data / f"{name}.jsonl")
    (here / "empty.jsonl").write_text('{"text": " "}\n')
    (here / "few.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in make_stories(3)))
    for name in ("corpus", "stranger", "beyond"):
        (here / name).symlink_to(corpora / name)
    return here


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad_input(case: Case, run: Run, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.name == "a damaged corpus":  # a tokenizer that claims fewer ids than the shards hold
        from synthmix.corpus.tokenizer import Tokenizer

        opened = Corpus.tokenizer

        def smaller(self: Corpus) -> Tokenizer:
            found = opened(self)
            found.vocab_size = 270
            return found

        monkeypatch.setattr(Corpus, "tokenizer", smaller)
    ran = run(*case.arguments, *(() if "--study" in case.arguments else ("--quiet",)))
    assert ran.code == 2, ran.err
    line = ran.err.strip().splitlines()[-1]
    assert all(word in line for word in case.words), ran.err
    assert "Traceback" not in ran.err
