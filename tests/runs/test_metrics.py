"""Metrics by name, by pattern, and weighted."""

import pytest

import synthmix
from synthmix.errors import BadInput
from synthmix.runs import RunsTable, read_runs
from synthmix.runs.metrics import asked_metrics
from synthmix.scaling import Fit


@pytest.fixture
def table() -> RunsTable:
    rows = [
        {"N": n, "D": d, "loss": loss, "loss.web": loss - 0.1, "loss.code": loss + 0.3, "task.a": 0.5, "run": f"{n}{d}"}
        for n in (1e6, 3e6, 1e7, 3e7) for d in (1e8, 3e8, 1e9) for loss in [2 + 400 * n**-0.34 + 400 * d**-0.3]
    ]  # fmt: skip
    return read_runs(rows)


def test_names_patterns_and_expressions(table: RunsTable) -> None:
    assert asked_metrics(table, None) == (table, [])
    assert asked_metrics(table, ["loss.*", "loss.web", "loss"])[1] == ["loss.web", "loss.code", "loss"]
    weighted, (name,) = asked_metrics(table, "0.7 * loss.web + 0.3 * loss.code")
    assert weighted.column(name) == pytest.approx(table.column("loss") + 0.02)
    assert (weighted.metric(name).unit, weighted.metric(name).higher_is_better) == ("nats", False)
    assert len(table.metrics) == len(weighted.metrics) - 1, "the table itself stays"


def test_a_law_is_fitted_to_a_weighted_metric(table: RunsTable) -> None:
    found = synthmix.fit("chinchilla", table, metric="0.7 * loss.web + 0.3 * loss.code", bootstrap=0)
    plain = synthmix.fit("chinchilla", table, bootstrap=0)
    assert isinstance(found, Fit)
    assert isinstance(plain, Fit)
    assert found.predict(N=1e9, D=1e10)[0] == pytest.approx(plain.predict(N=1e9, D=1e10)[0] + 0.02, abs=1e-3)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("task.a", r"task\.a: is 0\.5 in every run"),
        ("task.b", r"no metric 'task\.b'; there are loss, loss\.web"),
        ("loss.web + task.a", "adds nats and score; weigh metrics of one unit"),
        ("0.5", "no metric '0.5'"),
        ("loss.web +", r"no metric 'loss\.web \+'"),
    ],
)
def test_what_is_no_metric_is_named(table: RunsTable, asked: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        asked_metrics(table, asked)
