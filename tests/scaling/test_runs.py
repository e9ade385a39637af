import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import Inputs, Runs, seed_noise


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"N": [1e6, -1.0], "D": [1e7, 1e7], "loss": [3.0, 3.1]}, "N"),
        ({"N": [1e6, 0.0], "D": [1e7, 1e7], "loss": [3.0, 3.1]}, "N"),
        ({"N": [1e6, 1e6], "D": [1e7, np.nan], "loss": [3.0, 3.1]}, "D"),
        ({"N": [1e6, 1e6], "D": [1e7, np.inf], "loss": [3.0, 3.1]}, "D"),
        ({"N": [1e6, 1e6], "D": [1e7, 1e7], "loss": [3.0, np.nan]}, "loss"),
        ({"N": [1e6, 1e6], "D": [1e7, 1e7], "loss": [3.0, -1.0]}, "loss"),
        ({"N": [1e6, 1e6], "D": [1e7, 1e7], "loss": [3.0]}, "loss"),
        ({"N": [1e6, 1e6], "D": [1e7, 1e7], "loss": ["a", "b"]}, "loss"),
        ({"N": [1e6, 1e6, 1e6], "D": [1e7, 1e7], "loss": [3.0, 3.0]}, "N, D"),
        ({"D": [1e7, 1e7], "share": [0.0, 1.5], "loss": [3.0, 3.0]}, "share"),
        ({"D": [1e7, 1e7], "weight": [0.0, 1.0], "loss": [3.0, 3.0]}, "weight"),
        ({"loss": [3.0, 3.0]}, "no column"),
    ],
)
def test_a_bad_column_is_named(columns: dict, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        Runs(**columns)
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cells_are_runs_equal_in_every_column() -> None:
    runs = Runs(N=[1, 1, 1, 2], D=[5, 5, 6, 5], share=[0, 0.5, 0, 0], loss=[1, 1, 1, 1])
    assert runs.cells == 4
    runs = Runs(N=[1, 1, 1, 2], D=[5, 5, 6, 5], share=[0, 0, 0, 0], loss=[1, 2, 1, 1])
    assert runs.cells == 3
    assert runs.group[0] == runs.group[1]
    assert runs.select([True, True, False, False]).cells == 1


def test_arrays_are_copies_that_cannot_be_changed() -> None:
    sizes = np.array([1.0, 2.0])
    runs = Runs(N=sizes, D=[3.0, 3.0], loss=[1.0, 1.0])
    sizes[0] = 9.0
    assert runs.N[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        runs.N[0] = 2.0


def test_scalars_broadcast() -> None:
    x = Inputs(N=1e6, D=[1e7, 1e8])
    assert x.N.tolist() == [1e6, 1e6]
    assert len(x) == 2


def test_seed_noise_is_the_pooled_standard_deviation() -> None:
    runs = Runs(N=[1, 1, 2, 2, 2, 3], D=[1] * 6, loss=np.exp([1.0, 1.2, 2.0, 2.3, 2.6, 5.0]))
    noise = seed_noise(runs)
    assert (noise.dof, noise.cells, noise.runs) == (3, 2, 5)
    assert noise.sd_log == pytest.approx(np.sqrt((0.02 + 0.18) / 3))
    assert seed_noise(runs.select([0, 2, 5])).sd_log is None
