"""``synthmix design`` as it is typed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import Ran

Run = Callable[..., Ran]
ASKED = ("design", "--params", "1B", "--tokens", "100B")
FAST = ("--seconds", "0.1", "--studies", "4")  # nothing is simulated: what is linearised stands alone


def test_a_ladder_that_cannot_answer_is_told_so(run: Run, here: Path) -> None:
    ladder = ("--sizes", "25k,76k", "--budgets", "200k,400k,800k", "--proposals", "none")
    value = run(*ASKED, *ladder, *FAST, "--json").value
    assert value["basis"] == "public priors"
    assert value["decades_beyond"]["N"] == pytest.approx(np.log10(1e9 / 76e3))
    assert [note["code"] for note in value["notes"]] == ["too_far", "few_values", "not_simulated"]
    assert value["seeds"]["one"] > value["seeds"]["designed"] > value["seeds"]["more"]
    said = run(*ASKED, *ladder, *FAST).out
    assert "9.2 decades of compute beyond the largest run (4.1 in N, 5.1 in D)" in " ".join(said.split())
    assert "too_far: the question lies 4.1 decades in N" in said


def test_a_cost_and_earlier_runs_make_a_ladder(run: Run, here: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ["params,tokens,share,recipe,synthetic,seed,loss"]
    for n in (1e6, 3e6, 1e7):
        for d in (1e7, 3e7, 1e8):
            for share in (0, 0.5, 1):
                for seed in range(2):
                    loss = 2 + 300 * n**-0.34 + 900 * d**-0.33 - 0.3 * share + 0.3 * share**2
                    name = f"{share:.0%} hq,hq" if share else "web,"
                    rows.append(f"{n:.0f},{d:.0f},{share},{name},{seed},{loss * np.exp(0.002 * rng.normal()):.5f}")
    (here / "early.csv").write_text("\n".join(rows) + "\n")
    options = ("--sources", "hq", "--cost", "1e16", "--runs", "early.csv", "--proposals", "none")
    value = run(*ASKED, *options, *FAST, "--json").value
    assert value["basis"] == "earlier runs"
    assert value["design"]["sources"] == ["hq"]
    assert 7e15 < value["design"]["flops"] <= 1e16
    assert len(value["design"]["sizes"]) >= 3
