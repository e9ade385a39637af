"""``synthmix fit`` and ``compare`` on runs of many mixtures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[..., Any]
COLUMNS = "shares=train_*,metrics=*_loss"


@pytest.fixture
def mixtures(here: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = ["train_web,train_hq,train_qa,wiki_loss,books_loss"]
    for web, hq, qa in np.round(rng.dirichlet([1, 1, 1], size=30), 3):
        wiki = 2 + (0.3 + web**0.5 + 2 * hq**0.7 + 0.2 * qa**0.5) ** -0.5
        books = 2 + (0.3 + 2 * web**0.5 + hq**0.7 + 0.2 * qa**0.5) ** -0.5
        noise = np.exp(0.002 * rng.standard_normal(2))
        rows.append(f"{web},{hq},{qa},{wiki * noise[0]:.5f},{books * noise[1]:.5f}")
    (here / "mixtures.csv").write_text("\n".join(rows) + "\n")
    return here / "mixtures.csv"


def test_fit_says_what_was_held_out_and_writes_the_rows(run: Run, mixtures: Path, here: Path) -> None:
    asked = ("fit", mixtures, "--law", "effective_tokens", "--columns", COLUMNS)
    done = run(*asked, "--predict-file", mixtures, "--to", here / "out.csv", "--json")
    assert done.value["predicted"] == 30
    assert done.value["sources"] == ["web", "hq", "qa"]
    assert done.value["held_out"][0]["what"] == "mixture"
    lines = (here / "out.csv").read_text().splitlines()
    assert len(lines) == 31
    assert lines[0].endswith(
        "predicted,low,high,predicted.wiki,low.wiki,high.wiki,predicted.books,low.books,high.books"
    )
    assert "held-out mixtures: mean relative error" in run(*asked).out


def test_a_saved_fit_predicts_rows_and_names_the_best_mixture(run: Run, mixtures: Path, here: Path) -> None:
    asked = ("fit", mixtures, "--law", "effective_tokens", "--columns", COLUMNS)
    run(*asked, "--predict-file", mixtures, "--to", here / "now.csv")
    assert "saved: " in run(*asked, "--to", here / "fit.json").out
    rows = ("--predict-file", mixtures, "--to", here / "later.csv", "--columns", "shares=train_*")
    done = run("fit", here / "fit.json", *rows, "--json")
    assert done.value["predicted"] == 30
    assert done.value["sources"] == ["web", "hq", "qa"]
    assert (here / "later.csv").read_text() == (here / "now.csv").read_text()
    shown = run("optimize", here / "fit.json", "--natural", "web", "--most", "qa=30%", "--json").value
    fresh = ("optimize", mixtures, "--columns", COLUMNS, "--natural", "web", "--most", "qa=30%", "--json")
    assert shown == run(*fresh).value


def test_compare_ranks_laws_over_shares_unasked(run: Run, mixtures: Path) -> None:
    done = run("compare", mixtures, "--columns", COLUMNS, "--json")
    laws = [score["law"] for score in done.value["laws"]]
    assert laws.index("effective_tokens") < laws.index("linear_shares")
    assert "log_quadratic" in {*laws, *done.value["skipped"]}


def test_optimize_shows_the_decision(run: Run, mixtures: Path, here: Path) -> None:
    asked = "--supply hq=500M --tokens 2B --most qa=30% --group synthetic=hq+qa<=60% --natural web --draws 20"
    asked += " --mixture now=web:80%,hq:20%"
    line = ("optimize", mixtures, "--columns", COLUMNS, *asked.split(), "--html", here / "page.html")
    shown = run(*line, "--json").value
    assert shown["question"]["supply"] == {"hq": 500_000_000}
    assert shown["question"]["groups"][0]["most"] == 0.6
    assert [(each["name"], each["shares"]) for each in shown["beside"]] == [("now", {"web": 0.8, "hq": 0.2})]
    assert "scale_unknown" in shown["caveats"]  # the runs have no tokens, so the law holds none
    assert sum(each["share"] for each in shown["shares"]) == pytest.approx(1)
    assert (here / "page.html").is_file()
    assert "The best mixture at 2B tokens" in run(*line).out


def test_task_scores_are_fitted_and_weighed(run: Run, here: Path) -> None:
    rng = np.random.default_rng(1)
    rows = ["mix.web,mix.hq,mix.qa,loss,task.arc,task.piqa"]
    for web, hq, qa in np.round(rng.dirichlet([1, 1, 1], size=30), 3):
        loss = 2 + (0.3 + web**0.5 + 2 * hq**0.7 + 0.2 * qa**0.5) ** -0.5
        odds = [0.2 + (0.3 + a * web**0.5 + b * qa**0.6) ** -1.0 for a, b in ((0.5, 2.0), (2.0, 0.2))]
        scores = [1 / (1 + each) + 0.005 * rng.standard_normal() for each in odds]
        rows.append(f"{web},{hq},{qa},{loss:.5f},{scores[0]:.4f},{scores[1]:.4f}")
    (here / "runs.csv").write_text("\n".join(rows) + "\n")
    asked = (here / "runs.csv", "--columns", "shares=mix.*", "--metric", "task.*")
    fitted = run("fit", *asked, "--law", "effective_tokens", "--json").value
    assert fitted["chance"] == {"task.arc": 0, "task.piqa": 0}
    how = ("--natural", "web", "--draws", "20", "--json")
    arc = run("optimize", *asked, "--weight", "task.arc=1", *how).value
    piqa = run("optimize", *asked, "--weight", "task.piqa=1", *how).value
    assert arc["unit"] == piqa["unit"] == "error"
    share = {name: {each["source"]: each["share"] for each in found["shares"]} for name, found in
             (("arc", arc), ("piqa", piqa))}  # fmt: skip
    assert share["arc"]["qa"] > 0.4 > share["piqa"]["qa"]
    both = run("optimize", *asked, "--metric", "loss", *how[:-1], "--html", here / "page.html")
    assert "expected objective (losses, and errors 1 - score)" in both.out
    assert "expected objective" in (here / "page.html").read_text()
