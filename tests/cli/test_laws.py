"""``synthmix fit`` and ``compare``: what they print and write besides the fit itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.smoke

Run = Callable[..., Any]


@pytest.fixture
def runs(here: Path) -> Path:
    rng, rows = np.random.default_rng(0), ["N,D,loss"]
    for n in (1e6, 3e6, 1e7, 3e7):
        for d in (3e7, 1e8, 3e8, 1e9):
            loss = (1.9 + 406 * n**-0.34 + 1000 * d**-0.33) * np.exp(0.002 * rng.standard_normal())
            rows.append(f"{n:.0f},{d:.0f},{loss:.5f}")
    (here / "runs.csv").write_text("\n".join(rows) + "\n")
    return here / "runs.csv"


def test_plots_are_a_page_each(run: Run, runs: Path, here: Path) -> None:
    ran = run("fit", runs, "--law", "chinchilla", "--bootstrap", "0", "--plots", here / "plots", "--json")
    names = {
        "N",
        "D",
        "residuals-N",
        "residuals-D",
        "isoflop",
        *(f"profile-{name}" for name in ran.value["parameters"]),
    }
    pages = sorted(here.glob("plots/*.html"))
    assert [Path(path) for path in sorted(ran.value["plots"])] == pages
    assert {page.stem.removeprefix("chinchilla-") for page in pages} == names
    assert all(b"Plotly.newPlot" in page.read_bytes() for page in pages)


def test_profiles_and_a_budget_stand_beside_the_fit(run: Run, runs: Path) -> None:
    ran = run("fit", runs, "--law", "chinchilla", "--bootstrap", "0", "--profiles", "--compute", "1e18", "--json")
    for name, (low, high) in ran.value["profile_intervals"].items():
        assert low is None or high is None or low <= ran.value["parameters"][name] <= high
    best = ran.value["compute_optimal"]
    assert 6 * best["N"]["mid"] * best["D"]["mid"] == pytest.approx(1e18)
