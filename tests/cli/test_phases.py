"""``synthmix phases`` and ``synthmix bound`` as a user runs them, bad input included."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.page_outline import check_opens

from synthmix.theory import Setting, exact


def test_simulate_prints_the_curve(run: Callable[..., Any]) -> None:
    value = run(
        "phases", "simulate", "--beta", "1.5", "--k", "1000", "--pi", "0.01", "--n", "1e2:1e9:29", "--json"
    ).value
    assert len(value["points"]) == 29
    assert value["n2"] == pytest.approx(100 * value["n1"])
    assert {row["phase"] for row in value["points"]} == {1, 2, 3}
    last = value["points"][-1]
    assert last["slope"] == pytest.approx(-1 / 3, abs=0.01)
    assert last["closed"] == pytest.approx(last["loss"], rel=0.01) == pytest.approx(last["tail"], rel=0.01)


def test_samplers_become_a_cutoff(run: Callable[..., Any]) -> None:
    command = ("phases", "simulate", "--beta", "1.5", "--pi", "0.01", "--n", "1e3,1e5", "--json")
    assert run(*command, "--top-p", "0.9").value["setting"]["k"] == 59
    assert run(*command, "--top-k", "70").value["setting"]["k"] == 70
    assert run(*command, "--samples", "1e5").value["setting"]["k"] == 1135
    warm = run(*command, "--temperature", "1.2").value
    assert warm["setting"]["synthetic_beta"] == 1.25
    assert warm["points"][0]["closed"] is None


def test_a_plot_shows_the_phases(run: Callable[..., Any], here: Path) -> None:
    run("phases", "simulate", "--beta", "2", "--k", "50", "--pi", "1e-3", "--plot", "curve.html")
    page = (here / "curve.html").read_text()
    check_opens("phases", page)
    axes = json.loads(re.search(r'"xaxis":(\{.*?\}),"yaxis"', page)[1])
    assert axes["range"] == pytest.approx([2, 9], abs=0.1), "of 1e2 to 1e9 samples, in exponents"
    notes = [json.loads(note) for note in re.findall(r'\{[^{}]*"text":"[a-z]+(?: learning)?"[^{}]*\}', page)]
    assert [note["text"] for note in notes] == ["rapid learning", "plateau", "tail learning"]
    assert all(2 < note["x"] < 9 for note in notes)


def test_detect_reads_any_table(run: Callable[..., Any], here: Path) -> None:
    n = np.geomspace(50, 5e8, 30)
    loss = exact(Setting(1.6, k=200, pi=3e-3), n).excess * np.exp(0.01 * np.random.default_rng(1).standard_normal(30))
    lines = [json.dumps({"samples": a, "error": b}) for a, b in zip(n.tolist(), loss.tolist(), strict=True)]
    (here / "losses.jsonl").write_text("\n".join(lines))
    command = ("phases", "detect", "losses.jsonl", "--columns", "D=samples,loss=error", "--floor", "0")
    found = run(*command, "--bootstrap", "50", "--json", "--plot", "plots").value
    assert found["curves"]["all"]["verdict"] == "three_phases"
    assert Path(found["plots"][0]).exists()
    said = run(*command, "--bootstrap", "50").out
    assert "all: three phases" in said
    assert "held out" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["simulate", "--beta", "1"], "beta: is 1; give one above 1"),
        (["simulate", "--beta", "0.9"], "beta"),
        (["simulate", "--beta", "1.5", "--pi", "1.01"], "pi: is 1.01"),
        (["simulate", "--beta", "1.5", "--pi", "-0.1"], "pi"),
        (["simulate", "--beta", "1.5", "--k", "0.5"], "k: is 0.5"),
        (["simulate", "--beta", "1.5", "--n", "10:1:5"], "--n"),
        (["simulate", "--beta", "1.5", "--n", "many"], "--n"),
        (["simulate", "--beta", "1.5", "--n", "1e3:1e4:inf"], "--n"),
        (["simulate", "--beta", "1.5", "--temperature", "1.6"], "temperature"),
        (["simulate", "--beta", "1.5", "--top-p", "1.2"], "top_p"),
        (["detect", "few.csv"], "3 different n cannot show three phases"),
        (["detect", "absent.csv"], "no such file"),
        (["detect", "other.csv"], "no column found for"),
        (["detect", "text.csv"], "not a number"),
    ],
)
def test_bad_input_is_one_line(run: Callable[..., Any], here: Path, arguments: list[str], says: str) -> None:
    (here / "few.csv").write_text("n,loss\n10,3\n100,2\n1000,1\n")
    (here / "other.csv").write_text("size,score\n10,3\n100,2\n")
    (here / "text.csv").write_text("n,loss\n10,high\n100,2\n")
    ran = run("phases", *arguments)
    assert ran.code == 2
    assert says in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_estimate_reads_two_texts(run: Callable[..., Any], here: Path, save_jsonl: Callable[..., Path]) -> None:
    rng, p = np.random.default_rng(0), np.arange(1, 401) ** -1.3

    def texts(k: int) -> list[str]:
        words = rng.choice(k, size=(150, 100), p=p[:k] / p[:k].sum())
        return [" ".join(f"w{word}q" for word in row) for row in words]

    save_jsonl(here / "natural.jsonl", texts(400))
    save_jsonl(here / "cut.jsonl", texts(20))
    command = ("phases", "estimate", "--natural", "natural.jsonl", "--synthetic", "cut.jsonl", "--vocab", "1000", "-q")
    value = run(*command, "--pi", "0.1", "--tokens", "1M", "--json").value
    first = value["orders"][0]
    assert first["n2"]["mid"] == pytest.approx(10 * first["n1"]["mid"])
    assert 15 <= first["k"]["mid"] <= 40  # a word may be two tokens
    assert first["starving_share"]["mid"] == pytest.approx(first["n1"]["mid"] / 1e6)
    said = run(*command, "--orders", "1").out
    assert "the tail starves below a natural share" in said
    assert run(*command, "--pi", "2").code == 2
    former = run(*("--natural" if part == "--natural" else part for part in command), "--orders", "1")
    assert (former.code, former.out) == (0, said), "the option's former name"
    assert run("phases", "estimate", "--natural", "absent.jsonl", "--synthetic", "cut.jsonl").code == 2


@pytest.fixture
def texts(here: Path, save_jsonl: Callable[..., Path]) -> Path:
    rng, p = np.random.default_rng(0), np.arange(1, 301) ** -1.3
    for name, k in (("natural", 300), ("cut", 15), ("target", 300)):
        words = rng.choice(k, size=(60, 100), p=p[:k] / p[:k].sum())
        save_jsonl(here / f"{name}.jsonl", [" ".join(f"w{word}q" for word in row) for row in words])
    return here


BOUND = ("bound", "--natural", "natural.jsonl", "--synthetic", "cut.jsonl", "--target", "target.jsonl", "-q",
         "--vocab", "500", "--params", "25k", "--context", "16", "--windows", "48")  # fmt: skip


def test_bound_shows_every_term_and_how_it_moves(run: Callable[..., Any], texts: Path) -> None:
    value = run(*BOUND, "--pi", "30%", "--tokens", "1M", "--json").value
    terms = value["asked"]["terms"]
    assert value["asked"]["bound"] == pytest.approx(sum(terms.values()))
    assert terms["discrepancy_synthetic"] / 0.7 > 5 * terms["discrepancy_natural"] / 0.3
    assert value["by_share"][0]["pi"] == 0
    alone = value["by_share"][-1]
    assert alone["pi"] == 1
    assert alone["terms"]["discrepancy_synthetic"] == alone["terms"]["empirical_synthetic"] == 0
    confidence = [row["terms"]["confidence"] for row in value["by_n"]]
    assert confidence == sorted(confidence, reverse=True)
    cut = {row["kept"]: row["terms"]["discrepancy_synthetic"] for row in value["by_kept"]}
    assert cut[0.5] > cut[1.0]  # a harder cutoff is further away
    said = run(*BOUND).out
    assert "complexity" in said
    assert "synthetic mass kept" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--pi", "150%"], "not between 0 and 1"),
        (["--tokens", "0"], "--tokens"),
        (["--delta", "0"], "delta"),
        (["--checkpoint", "absent"], "absent"),
        (["--params", "3"], "3 parameters are too few"),
        (["--context", "100000"], "smaller --context"),
    ],
)
def test_bounds_that_cannot_be(run: Callable[..., Any], texts: Path, arguments: list[str], says: str) -> None:
    ran = run(*BOUND, *arguments)
    assert ran.code == 2
    assert says in ran.err
