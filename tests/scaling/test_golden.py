"""Published fits, reproduced from the published tables."""

import numpy as np
import pytest

from synthmix.scaling import Fit, Runs, fit

from .golden import table

DATABLATIONS = {
    "E": np.exp(0.6254804),
    "A": np.exp(6.255414),
    "B": np.exp(7.3049974),
    "alpha": 0.3526596,
    "beta": 0.3526596,
}


@pytest.fixture(scope="module")
def epoch() -> Runs:
    """Besiroglu et al. (arXiv 2404.10102): the 5 highest losses are dropped, D = FLOP / (6 N)."""
    raw = table("chinchilla_epoch/svg_extracted_data.csv")
    keep = np.argsort(raw["loss"])[:-5]
    N, flop, loss = (raw[name][keep] for name in ("Model Size", "Training FLOP", "loss"))
    return Runs(N=N, D=flop / 6 / N, loss=loss)


def test_chinchilla_reaches_the_optimum(epoch: Runs) -> None:
    found = fit("chinchilla", epoch, bootstrap=0)
    assert len(epoch) == 240
    assert found.objective <= 1.0182740e-3 + 1e-9
    assert found.objective == pytest.approx(1.01827401780e-3, rel=1e-9)
    for name, value in {"A": 477.825, "B": 2143.42, "E": 1.817218, "alpha": 0.347310, "beta": 0.367173}.items():
        assert found.parameters[name] == pytest.approx(value, rel=5e-6)
    alpha, beta = found.parameters["alpha"], found.parameters["beta"]
    assert beta / (alpha + beta) == pytest.approx(0.51390, abs=1e-5)


@pytest.mark.parametrize("starts", [3, 10, 1000])
def test_chinchilla_reaches_it_from_few_and_many_starts(epoch: Runs, starts: int) -> None:
    assert fit("chinchilla", epoch, bootstrap=0, starts=starts).objective <= 1.0182740e-3 + 1e-9


PUBLISHED = {"E": (1.769, 1.871), "alpha": (0.317, 0.373), "beta": (0.331, 0.415)}


def test_chinchilla_bootstrap_gives_the_published_intervals(epoch: Runs) -> None:
    """95 % over the authors' own 4,000 resamples (their generator and seed, in the order of their table)."""
    order = np.argsort(np.argsort(table("chinchilla_epoch/svg_extracted_data.csv")["loss"])[:-5])
    theirs = np.random.RandomState(42)
    counts = np.array([np.bincount(theirs.choice(240, 240), minlength=240) for _ in range(4000)])
    drawn = np.zeros_like(counts)
    drawn[:, order] = counts
    got = fit("chinchilla", epoch, bootstrap=drawn, level=0.95).intervals()
    for name, (low, high) in PUBLISHED.items():
        assert got[name].low == pytest.approx(low, abs=0.001)
        assert got[name].high == pytest.approx(high, abs=0.001)
    assert got["A"].high == pytest.approx(743.626, abs=0.1)
    assert got["B"].low == pytest.approx(1042.357, abs=0.1)
    assert got["B"].high == pytest.approx(5810.344, abs=0.1)


def test_chinchilla_bootstrap_of_our_own(epoch: Runs) -> None:
    """The ends over 4,000 resamples have a standard deviation of .001 (E, beta): .004 leaves room for both sides'."""
    got = fit("chinchilla", epoch, bootstrap=4000, level=0.95).intervals()
    for name, (low, high) in PUBLISHED.items():
        assert got[name].low == pytest.approx(low, abs=0.004)
        assert got[name].high == pytest.approx(high, abs=0.004)


def test_datablations_objective_and_r2() -> None:
    """The published R_D, R_N are not at the optimum (the profile is flat), so the objective and R2 are compared."""
    raw = table("datablations/data_constrained_fit182.csv")
    runs = Runs(N=raw["params"], D=raw["tokens"], unique=raw["unique_tokens"], loss=raw["val_loss"])
    published = fit("repetition_full", runs, fixed={**DATABLATIONS, "R_D": 15.387756}, bootstrap=0)
    exact = fit("repetition_full", runs, fixed={**DATABLATIONS, "R_D": 15.387756, "R_N": 5.309743}, bootstrap=0)
    assert exact.objective == pytest.approx(0.0158259353, abs=2e-10)
    assert exact.r2 == pytest.approx(0.7722046085, abs=1e-9)
    assert published.objective <= exact.objective
    plain = fit("chinchilla", runs, fixed=DATABLATIONS, bootstrap=0)
    assert plain.r2 == pytest.approx(0.4451684379, abs=1e-9)
    best = fit("repetition_full", runs, fixed=DATABLATIONS, bootstrap=200)
    assert best.objective <= 0.0158053
    ends = best.intervals()["R_D"]
    assert ends.low is not None
    assert ends.low < 15.387756 < ends.high
    assert ends.high > 100  # flat, and said so:
    assert {"flat_profile", "parameter_at_bound"} & {warn.code for warn in best.warnings}


@pytest.fixture(scope="module")
def overtraining() -> dict[str, tuple[Runs, Runs]]:
    """Training set -> (the five runs of the recipe, all runs). Gadre et al., arXiv 2403.08540; N total parameters."""
    raw = table("overtraining_mlfoundations/runs.csv")
    times = raw["chinchilla_multiplier"]
    narrow = np.array([name.startswith("d=96_") for name in raw["model"]])
    small = np.array([name.startswith(("d=96_", "d=512_", "d=576_", "d=1024_")) for name in raw["model"]])
    chosen = (small & (times == 1)) | (narrow & (times == 16))
    out = {}
    for dataset in np.unique(raw["dataset"]):
        mine = raw["dataset"] == dataset
        runs = Runs(N=raw["N"][mine], D=20 * times[mine] * raw["N"][mine], loss=raw["loss_c4_val"][mine])
        out[str(dataset)] = (runs.select(chosen[mine]), runs)
    return out


def least_squares_of_the_loss(runs: Runs) -> Fit:
    """Their curve_fit minimises squared errors of the loss; with this weight ours does, to first order."""
    weighted = Runs(N=runs.N, D=runs.D, loss=runs.loss, weight=runs.loss**2)
    return fit("chinchilla_tied", weighted, delta=np.inf, bootstrap=0)


@pytest.mark.parametrize(
    ("dataset", "values"),
    [
        ("rpj", (166.211, 366.687, 0.2729, 1.8366)),
        ("c4_original", (113.693, 189.516, 0.2425, 1.5083)),
        ("rw_original", (125.096, 246.207, 0.2544, 1.7345)),
    ],
)
def test_overtraining_parameters(overtraining: dict, dataset: str, values: tuple[float, ...]) -> None:
    train, _ = overtraining[dataset]
    assert len(train) == 5
    found = least_squares_of_the_loss(train)
    A, B, eta, E = values
    # Their law: E + A N^-eta + B 6^(-eta/2) D^-eta. Five points leave a long valley: 1 % of an exponent is 5 % of A.
    assert found.parameters["eta"] == pytest.approx(eta, rel=0.01)
    assert found.parameters["E"] == pytest.approx(E, rel=0.01)
    assert found.parameters["A"] == pytest.approx(A, rel=0.05)
    assert found.parameters["B"] == pytest.approx(B * 6 ** (-eta / 2), rel=0.05)


def test_overtraining_predictions(overtraining: dict) -> None:
    train, runs = overtraining["rpj"]
    found = least_squares_of_the_loss(train)
    for N, times, published in ((1.4e9, 640, 0.7103), (6.9e9, 20, 0.7320)):
        row = np.flatnonzero((np.abs(runs.N / N - 1) < 0.05) & np.isclose(runs.D / runs.N, times))
        assert len(row) == 1
        error = abs(found.law.predict(found.values, runs.select(row)) / runs.loss[row] - 1)
        assert 100 * error[0] == pytest.approx(published, abs=0.03)
