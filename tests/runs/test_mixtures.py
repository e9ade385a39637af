"""A table of mixtures: read, fitted, refused by laws that do not see its shares, its rows predicted."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import synthmix
from synthmix.errors import BadInput
from synthmix.runs import read_runs
from synthmix.runs.mixtures import mixture_runs
from synthmix.runs.predict import predict_file
from synthmix.scaling.mixtures import MixtureComparison, MixtureFit

COLUMNS = "shares=train_*,metrics=eval/*_loss"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    shares = np.round(rng.dirichlet([1, 1, 1], size=40), 3)
    rows = ["train_web,train_hq,train_qa,eval/wiki_loss,eval/books_loss"]
    for web, hq, qa in shares:
        wiki = 2 + (0.3 + web**0.5 + 2 * hq**0.7 + 0.2 * qa**0.5) ** -0.5
        books = 2 + (0.3 + 2 * web**0.5 + hq**0.7 + 0.2 * qa**0.5) ** -0.5
        noise = np.exp(0.002 * rng.standard_normal(2))
        rows.append(f"{web},{hq},{qa},{wiki * noise[0]:.5f},{books * noise[1]:.5f}")
    path = tmp_path_factory.mktemp("mixtures") / "mixtures.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_shares_and_domains_are_read_by_their_patterns(table: Path) -> None:
    runs = read_runs(table, COLUMNS)
    assert runs.sources == ["web", "hq", "qa"]
    assert [metric.domain for metric in runs.metrics[1:]] == ["wiki", "books"]
    both = (runs.column("eval/wiki_loss") + runs.column("eval/books_loss")) / 2
    assert np.allclose(runs.column("loss"), both)
    arrays = mixture_runs(runs)
    assert arrays.domains == ("wiki", "books")
    assert np.allclose(arrays.points.shares.sum(axis=1), 1)
    assert mixture_runs(runs, ["books"]).losses.shape == (40, 1)
    with pytest.raises(BadInput, match="no metric 'code'"):
        mixture_runs(runs, ["code"])


def test_a_law_that_does_not_see_the_shares_is_refused(table: Path) -> None:
    told = "shares=train_*,loss=eval/wiki_loss"
    for law in ("chinchilla", "data"):
        with pytest.raises(
            BadInput, match=r"40 mixtures of 3 sources, which this law takes for repeats .*effective_tokens"
        ):
            synthmix.fit(law, table, columns=told)
    with pytest.raises(BadInput, match="do not see the same runs"):
        synthmix.compare(table, ["data", "effective_tokens"], columns=told)


def test_fit_and_compare_take_the_laws_over_shares(table: Path) -> None:
    found = synthmix.fit("effective_tokens", table, columns=COLUMNS, draws=0)
    assert isinstance(found, MixtureFit)
    assert found.domains == ("wiki", "books")
    ranked = synthmix.compare(table, ["exponential", "effective_tokens"], columns=COLUMNS)
    assert isinstance(ranked, MixtureComparison)
    assert ranked.winner == "effective_tokens"


def test_rows_are_predicted_with_the_shares_that_they_have(table: Path, tmp_path: Path) -> None:
    found = synthmix.fit("effective_tokens", table, columns=COLUMNS, draws=0)
    rows = tmp_path / "rows.csv"
    rows.write_text("name,train_hq,train_web\nmine,0.4,60%\nhq only,1,0\n")
    assert predict_file(found, rows, tmp_path / "out.jsonl", columns=COLUMNS) == 2
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (first["name"], second["name"]) == ("mine", "hq only")
    assert first["predicted"] == pytest.approx((first["predicted.wiki"] + first["predicted.books"]) / 2)
    truth = 2 + (0.3 + 0.6**0.5 + 2 * 0.4**0.7) ** -0.5
    assert first["low.wiki"] < truth < first["high.wiki"]
    assert first["predicted.wiki"] == pytest.approx(truth, rel=0.003)
    predict_file(found, rows, tmp_path / "mean.parquet", columns=COLUMNS, kind="mean")
    mean = pq.read_table(tmp_path / "mean.parquet").to_pydict()
    assert first["low"] < mean["low"][0] < mean["predicted"][0] < mean["high"][0] < first["high"]
    rows.write_text("train_web,train_hq\n.5,.1\n")
    with pytest.raises(BadInput, match=r"rows\.csv: shares: add up to 0\.6 and not to 1 in row 0"):
        predict_file(found, rows, tmp_path / "out.csv", columns=COLUMNS)
    rows.write_text("train_web,train_code\n.5,.5\n")
    with pytest.raises(BadInput, match="has a share of 'code'; known are web, hq, qa"):
        predict_file(found, rows, tmp_path / "out.csv", columns=COLUMNS)


def test_rows_of_a_law_in_tokens_are_predicted_too(tmp_path: Path) -> None:
    D = np.geomspace(1e8, 1e10, 12)
    runs = {"D": D, "loss": (2 + 300 * D**-0.3) * np.exp(0.001 * np.random.default_rng(0).standard_normal(12))}
    found = synthmix.fit("data", runs, bootstrap=200)
    rows = tmp_path / "rows.csv"
    rows.write_text("tokens,loss\n1B,\n2e10,2.3\n")
    predict_file(found, rows, tmp_path / "out.csv")
    head, first, second = (tmp_path / "out.csv").read_text().splitlines()
    assert head == "tokens,loss,predicted,low,high"
    assert float(first.split(",")[2]) == pytest.approx(2 + 300 * 1e9**-0.3, rel=0.003)
    assert second.startswith("2e10,2.3,")
    with pytest.raises(BadInput, match=r"out\.txt"):
        predict_file(found, rows, tmp_path / "out.txt")


def test_a_mixture_on_cut_text_is_another_one(tmp_path: Path) -> None:
    rows = ["N,D,seed,share.web,share.hq,unique.web,unique.hq,loss"]
    rows += ["1M,10M,0,0.5,0.5,50M,50M,3.1", "1M,10M,0,0.5,0.5,50M,1M,3.2", "1M,10M,1,0.5,0.5,50M,1M,3.3"]
    (tmp_path / "runs.csv").write_text("\n".join(rows) + "\n")
    found = read_runs(tmp_path / "runs.csv")
    assert found.text("mixture") == ["0.5 hq + 0.5 web", *["0.5 hq + 0.5 web of 0.1 hq"] * 2]
    assert found.replicates.tolist() == [0, 1, 1]
    assert mixture_runs(found).points.repeats
