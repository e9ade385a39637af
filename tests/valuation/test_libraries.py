"""Our baselines hold the numbers of the field's libraries; those that are not installed are left out."""

from collections.abc import Callable, Iterator
from importlib import import_module

import pytest
from benchmarks.valuation.comparison import Comparison

EQUAL = {
    "geomloss": {"mmd": 1e-9},
    "dattri": {"trak": 5e-3, "tracin": 1e-5, "logra": 1e-3},
    "pydvl": {"knn_shapley": 1e-9, "loo": 1e-9, "data_shapley": 1e-9},
}
ALIKE = {
    "geomloss": {"discrepancy": 0.95, "transport": 0.95, "documents": 0.9},
    "dattri": {"influence": 0.5},
    "pydvl": {"exact_shapley": 0.9},
}


@pytest.fixture
def compare() -> Iterator[Callable[[str, str], Comparison]]:
    def made(library: str, name: str) -> Comparison:
        pytest.importorskip(library, reason=f"{library} is no dependency: see benchmarks/valuation/libraries.py")
        found: Comparison = getattr(import_module(f"benchmarks.valuation.against_{library}"), name)()
        return found

    return made


@pytest.mark.filterwarnings("ignore")  # of the libraries themselves
@pytest.mark.parametrize(("library", "name"), [(library, name) for library, held in EQUAL.items() for name in held])
def test_values_are_the_librarys(compare: Callable[[str, str], Comparison], library: str, name: str) -> None:
    found = compare(library, name)
    assert found.difference < EQUAL[library][name]
    assert found.ours.std() > 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("library", "name"), [(library, name) for library, held in ALIKE.items() for name in held])
def test_approximations_have_the_librarys_order(
    compare: Callable[[str, str], Comparison], library: str, name: str
) -> None:
    found = compare(library, name)
    assert found.spearman > ALIKE[library][name]
