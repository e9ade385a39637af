"""Diverged runs are marked by the rules that the page states, and change no fit."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synthmix
from synthmix.decisions import decide, fit_study
from synthmix.decisions.decide import free
from synthmix.errors import BadInput
from synthmix.results import Question, Results
from synthmix.runs import read_runs
from synthmix.runs.table import of_rows
from synthmix.training.divergence import divergence

from ..made_study import make_results

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize(
    ("loss", "vocab", "trace", "code"),
    [
        (3.0, 512, [(1, 6.2), (2, 4.0)], None),
        (None, 512, [], "not_finite"),
        (math.nan, 512, [], "not_finite"),
        (math.inf, None, [], "not_finite"),
        (388_551.0, 512, [(1, 6.2), (2, 5.0)], "above_uniform"),
        (math.log(512) + 1e-9, 512, [], "above_uniform"),
        (math.log(512) - 4e-7, 512, [(1, 5.9), (2, 30_766.8), (3, 6.2382), (4, 6.2382), (5, 6.2382)], "above_uniform"),
        (math.log(512) - 0.02, 512, [], None),
        (6.0, 512, [(1, 5.0), (2, 5.4), (3, 5.6), (4, 5.5)], "above_start"),
        (6.0, 512, [(1, 5.0), (2, 5.4), (3, 4.5), (4, 4.0), (5, 5.1)], None),  # one batch at the end is noisy
        (6.0, 512, [(1, 5.0)], None),
        (388_551.0, None, [], None),
        (7.1, 512, [(1, 6.2), (2, 3.1), (3, 1.2), (4, 0.7)], None),  # overfitted: it has learned what it was trained on
        (7.1, 512, [(1, 6.2), (2, 3.1), (3, 6.2381), (4, 6.2380), (5, 6.2385)], "above_uniform"),
        (7.1, 512, [(1, 6.2), (2, 3.1)], "above_uniform"),  # two points of a trace show nothing
    ],
)
def test_a_run_by_itself(loss: float | None, vocab: int | None, trace: list[Any], code: str | None) -> None:
    assert divergence(loss, vocab, trace) == code


def rows(losses: dict[tuple[float, float], list[float]], **more: Any) -> list[dict[str, Any]]:
    return [
        {"N": N, "D": D, "seed": seed, "loss": loss, "recipe": "web", **more}
        for (N, D), cell in losses.items()
        for seed, loss in enumerate(cell)
    ]


def codes(runs: Any) -> list[str | None]:
    return read_runs(runs).text("diverged")


def test_far_above_the_other_seeds_of_its_cell() -> None:
    cells = {(1e6, 1e7): [3.0, 3.02, 3.9], (1e6, 2e7): [2.8, 2.81], (2e6, 1e7): [2.7, 2.69]}
    assert codes(rows(cells)) == [None, None, "above_seeds", None, None, None, None]
    cells[1e6, 1e7][2] = 3.12
    assert codes(rows(cells)) == [None] * 7, "4 % is within what the rule lets pass"
    noisy = {(1e6, 1e7): [3.0, 3.3, 2.8], (1e6, 2e7): [2.6, 2.9], (2e6, 1e7): [2.5, 2.8]}
    assert codes(rows(noisy)) == [None] * 7, "5 % is little where seeds differ by 10 %"


def test_two_seeds_alone_say_only_what_is_plain() -> None:
    assert codes(rows({(1e6, 1e7): [3.0, 3.8]})) == [None, None]
    assert codes(rows({(1e6, 1e7): [3.0, 9.0], (1e6, 2e7): [2.9]})) == [None, "above_seeds", None]


def test_other_text_of_equal_shares_is_no_seed() -> None:
    shares = {"share.web": 0.5, "share.hq": 0.5}
    good, bad = rows({(1e6, 1e7): [3.0, 3.01]}, **shares), rows({(1e6, 1e7): [3.9, 3.91]}, **shares)
    for row in bad:
        row["recipe"], row["seed"] = "worse hq", row["seed"] + 2
    assert codes([*good, *bad]) == [None] * 4


def test_seed_noise_marks_no_run_by_chance() -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for sd in (0.002, 0.02, 0.05):
        for _ in range(60):
            cells = {(1e6, 1e7 * (i + 1)): (3.0 * np.exp(rng.normal(0, sd, 3))).tolist() for i in range(4)}
            wrong += any(codes(rows(cells)))
    assert wrong == 0


def test_the_vocabulary_of_a_foreign_table(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    lines = ["N,D,loss,vocab_size", "1M,10M,3.1,50257", "1M,20M,388551,50257", "1M,40M,11,", "1M,80M,11,50257"]
    path.write_text("\n".join(lines) + "\n")
    table = read_runs(path)
    assert table.text("diverged") == [None, "above_uniform", None, "above_uniform"]
    [warning] = table.warnings
    assert warning.code == "diverged"
    assert warning.message.startswith("2 runs diverged and are left out of every fit and comparison: row 1 N=1M D=20M")
    assert "loss 3.886e+05: its loss is not below ln(vocabulary)" in warning.message
    assert len(table.sound) == 2
    assert not table.sound.has("diverged")


def test_an_overfitted_run_of_a_foreign_table_is_kept() -> None:
    def row(loss: float, unique: float) -> dict[str, Any]:
        return {"N": 1e6, "D": 1e7, "loss": loss, "vocab": 512, "share.web": 1.0, "unique.web": unique}

    uniform = math.log(512)
    found = codes([row(7.0, 2e5), row(7.1, 1e7), row(uniform + 1e-4, 2e5), row(4 * uniform, 2e5)])
    assert found == [None, "above_uniform", "above_uniform", "above_uniform"]


def test_a_column_of_ones_own(tmp_path: Path) -> None:
    given = [
        {"N": 1e6, "D": 1e7 * (i + 1), "loss": 3.0, "diverged": mark} for i, mark in enumerate(["", "no", "yes", 1])
    ]
    assert codes(given) == [None, None, "given", "given"]
    with pytest.raises(BadInput, match="every run diverged; lower the learning rate"):
        _ = read_runs([row | {"diverged": "1"} for row in given]).sound


def chinchilla() -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)

    def loss(N: float, D: float) -> float:
        return float((1.9 + 38 * N**-0.34 + 260 * D**-0.36) * np.exp(rng.normal(0, 0.004)))

    return [
        {"N": N, "D": D, "seed": seed, "vocab": 4096, "loss": loss(N, D)}
        for N in (1e5, 3e5, 1e6)
        for D in (1e6, 3e6, 9e6)
        for seed in range(2)
    ]  # fmt: skip


def test_a_diverged_run_changes_no_fit_and_no_ranking() -> None:
    clean = chinchilla()
    lost = {"N": 3e5, "D": 3e6, "seed": 2, "vocab": 4096, "loss": 388_551.0}
    fits = [synthmix.fit("chinchilla", runs, bootstrap=50) for runs in (clean, [*clean, lost])]
    assert fits[0].values.tolist() == fits[1].values.tolist()
    ranked = [synthmix.compare(runs, ["chinchilla", "data"]) for runs in (clean, [*clean, lost])]
    assert ranked[0].scores == ranked[1].scores


def test_the_table_is_written_and_read_with_its_marks(tmp_path: Path) -> None:
    table = read_runs([*chinchilla(), {"N": 1e5, "D": 1e6, "seed": 2, "vocab": 4096, "loss": 9.0}])
    table.write(tmp_path / "runs.parquet")
    again = read_runs(tmp_path / "runs.parquet")
    assert again.text("diverged") == table.text("diverged") == [*[None] * 18, "above_uniform"]
    assert [warning.code for warning in again.warnings] == ["diverged"]


@pytest.fixture(scope="module")
def made() -> Results:
    return make_results()


def test_a_decision_leaves_them_out_and_says_so(made: Results) -> None:
    lost = made.runs[-1].model_copy(update={"loss": 388_551.0, "diverged": "above_uniform", "seed": 7})
    whole = read_runs(made)
    table = of_rows([*made.runs, lost], made.recipes, whole.kinds)
    question = Question(params=10**7, tokens=10**8, kinds=free(["hq"]))
    before = decide(whole, fit_study(whole, bootstrap=50), question, explore=False)
    fits = fit_study(table, bootstrap=50)
    assert [w.code for w in fits.warnings if w.code == "diverged"] == ["diverged"]
    after = decide(table, fits, question, explore=False)
    [caveat] = [c for c in after.caveats if c.code == "diverged"]
    assert (caveat.numbers, caveat.names) == ({"runs": 1.0, "of": len(table)}, [lost.recipe])
    from synthmix.report.sentences import caveats

    assert f"1 of {len(table)} runs diverged and were left out ({lost.recipe})" in caveats(after)
    assert after.model_copy(update={"caveats": before.caveats}) == before


def test_results_keep_them_apart_and_a_loss_that_is_none(made: Results, tmp_path: Path) -> None:
    lost = made.runs[-1].model_copy(
        update={"loss": math.inf, "losses": {}, "bits": {}, "diverged": "not_finite", "seed": 7}
    )
    results = made.model_copy(update={"diverged": [lost]})
    text = results.model_dump_json()
    assert Results.model_validate_json(text) == results
    table = read_runs(Results.model_validate_json(text))
    assert table.text("diverged")[-1] == "not_finite"
    assert math.isnan(table.column("loss")[-1])
    assert len(table.sound) == len(made.runs)
    assert replace(table.sound, warnings=()).noise() == read_runs(made).noise()
