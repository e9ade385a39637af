"""Our baselines beside the libraries of their field, on the same small cases of digits.

The libraries are no dependencies of the project (pyDVL asks for numpy below 2, dattri for a reader of music): install
them without theirs, in an environment of their own that sees the project's,

    pip install --no-deps geomloss dattri pyDVL

POT is one (the baseline lava uses it), traker is one of the tests (tests/valuation/test_trak.py).
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

from benchmarks.valuation.comparison import Comparison
from benchmarks.valuation.tables import markdown_table

LIBRARIES = {"geomloss": "geomloss", "dattri": "dattri", "pydvl": "pyDVL"}  # module, and package


def comparisons(module: str) -> Iterator[Comparison]:
    """All with one library, which is there."""
    for make in import_module(f"benchmarks.valuation.against_{module}").COMPARISONS:
        yield make()


def tables(names: Sequence[str]) -> Iterator[str]:
    """One table, of whatever tasks; the largest difference is in units of the largest value."""
    rows, missing = [], []
    for module, package in LIBRARIES.items():
        if find_spec(module) is None:
            missing.append(package)
            continue
        for each in comparisons(module):
            mine, theirs = (f"{1000 * seconds:.1f}" for seconds in each.seconds)
            rows.append([f"{package} {version(package)}", each.what, str(len(each.ours)), f"{each.spearman:.3f}",
                         f"{each.difference:.1e}", each.why, mine, theirs])  # fmt: skip
    yield "## Libraries\n"
    if rows:
        head = ["library", "ours, theirs", "values", "Spearman", "largest difference", "not equal by",
                "ms, ours", "ms, theirs"]  # fmt: skip
        yield markdown_table(head, rows) + "\n"
    if missing:
        yield f"Not installed: {', '.join(missing)}\n"
