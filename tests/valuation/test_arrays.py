"""Arrays in files: a single one is read as it is asked for, a batch at a time."""

from pathlib import Path

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.valuation.load import open_pool
from synthmix.valuation.pool import BATCH, Pool
from synthmix.valuation.valuer import Valuer


def test_an_npy_is_read_from_the_disk_a_batch_at_a_time(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(BATCH + 300, 3, 2)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    pool = open_pool(str(tmp_path / "rows.npy"))
    first, second = pool.batches()
    assert isinstance(first.items, np.memmap)
    assert (len(first), len(second)) == (BATCH, 300)
    valuer = Valuer(weights="discrepancy").fit(Pool.of("reference", rows[:200] + 1))
    assert valuer.score(pool).value == valuer.score(Pool.of("held", rows)).value


def test_a_value_that_is_not_finite_is_found_wherever_it_is(tmp_path: Path) -> None:
    rows = np.zeros((2 * BATCH + 1, 2))
    rows[-1, 0] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    with pytest.raises(BadInput, match=r"rows: holds values that are not finite; drop"):
        open_pool(str(tmp_path / "rows.npy"))
