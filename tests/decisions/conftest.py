"""Studies made from a formula."""

from collections.abc import Callable

import pytest
from tests.made_study import make_results

from synthmix.results import Results


@pytest.fixture
def make() -> Callable[..., Results]:
    """:func:`make_results`, for tests (which cannot import a conftest)."""
    return make_results


@pytest.fixture
def one_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the law that the made studies follow is fitted: fast, and its answers are known."""
    monkeypatch.setattr("synthmix.decisions.fits.CANDIDATES", ("joint_quadratic",))
