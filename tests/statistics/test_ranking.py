"""The table of statistics against loss."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from synthmix.errors import BadInput
from synthmix.statistics.ranking import Measure, statistic_table

RNG = np.random.default_rng(3)
LOSSES = RNG.normal(3, 0.3, (6, 8))
NAMES = [f"r{i}" for i in range(8)]


def test_the_loss_itself_ranks_perfectly_and_noise_does_not():
    measures = {
        "loss": Measure(LOSSES.copy(), higher=False),
        "minus loss": Measure(-LOSSES, higher=True),
        "wrong way": Measure(LOSSES.copy(), higher=True),
        "noise": Measure(RNG.normal(size=LOSSES.shape), higher=False),
    }
    table = statistic_table(LOSSES, measures, recipes=NAMES, resamples=200)
    rows = {row.name: row for row in table.rows}
    assert (rows["loss"].spearman.mid, rows["minus loss"].kendall.mid) == (pytest.approx(1), pytest.approx(1))
    assert (rows["loss"].spearman.low, rows["loss"].kendall.high) == (pytest.approx(1), pytest.approx(1))
    assert rows["wrong way"].spearman.mid == pytest.approx(-1)
    assert rows["noise"].spearman.low < 0 < rows["noise"].spearman.high
    assert rows["loss"].chooses == table.best == NAMES[int(LOSSES.mean(axis=0).argmin())]
    assert rows["loss"].regret == 0
    assert rows["wrong way"].regret == pytest.approx(np.ptp(LOSSES.mean(axis=0)))
    assert table.rows[0].name in ("loss", "minus loss")
    assert "2 of 4 statistics would have chosen" in table.sentence or "3 of 4" in table.sentence


def test_the_mean_over_groups_is_scipys():
    values = RNG.integers(0, 4, LOSSES.shape).astype(float)  # with ties
    row = statistic_table(LOSSES, {"m": Measure(values, higher=False)}, recipes=NAMES, resamples=50).rows[0]
    pairs = list(zip(values, LOSSES, strict=True))
    assert row.spearman.mid == pytest.approx(np.mean([spearmanr(a, b).statistic for a, b in pairs]))
    assert row.kendall.mid == pytest.approx(np.mean([kendalltau(a, b).statistic for a, b in pairs]))


def test_the_largest_cell_decides_and_what_is_unknown_is_left_out():
    losses = np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]])
    values = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]])
    constant = np.ones_like(losses)
    table = statistic_table(
        losses, {"m": Measure(values, higher=False), "c": Measure(constant, higher=True)}, recipes=["a", "b", "c"],
        decisive=[1], resamples=50,
    )  # fmt: skip
    rows = {row.name: row for row in table.rows}
    assert table.best == "b"
    assert rows["m"].groups == 1
    assert (rows["m"].chooses, rows["m"].regret) == ("a", pytest.approx(2.0))
    assert rows["c"].spearman.mid is None
    assert rows["c"].chooses is None


def test_refuses():
    with pytest.raises(BadInput, match="2 recipes cannot be ranked"):
        statistic_table(LOSSES[:, :2], {}, recipes=NAMES[:2])
    with pytest.raises(ValueError, match="shape"):
        statistic_table(LOSSES, {"m": Measure(LOSSES[:2], higher=False)}, recipes=NAMES)
