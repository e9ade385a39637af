"""The best share of each source, of losses that fall and of scores that grow, measured and by a law."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.runs import Cell, RunsTable, read_runs
from synthmix.runs.best_share import best_shares

TRUE = {"qa": 0.3, "hq": 0.7}
MAPPING = {"shares": "mix.*", "metrics": {"acc": "task.acc", "flat": "task.flat"}, "synthetic": ["qa", "hq"]}


def made(*, noise: float = 0.003) -> RunsTable:
    """Two sources beside web, one also beside code; their best shares are TRUE, and .5 beside code."""
    rng = np.random.default_rng(0)
    rows = []
    for n in (1e7, 3e7, 1e8):
        for d in (1e8, 3e8, 1e9):
            for source, natural, top in (("qa", "web", 0.3), ("hq", "web", 0.7), ("qa", "code", 0.5)):
                for share in (0, 0.25, 0.5, 0.75, 1):
                    if natural == "code" and share == 1:
                        continue
                    for seed in range(2):
                        loss = 1.9 + 300 * n**-0.34 + 300 * d**-0.34 + 0.5 * (share - top) ** 2
                        loss *= 1 + noise * rng.standard_normal()
                        mix = {f"mix.{name}": 0.0 for name in ("web", "code", "qa", "hq")}
                        mix |= {f"mix.{natural}": 1 - share, f"mix.{source}": share}
                        score = max(0.0, 0.9 - 0.15 * loss)
                        rows.append({"N": n, "D": d, "loss": loss, "acc": score, "flat": 0.5, "seed": seed, **mix,
                                     "run": f"{n}{d}{source}{natural}{share}{seed}"})  # fmt: skip
    return read_runs(rows, mapping=MAPPING)


@pytest.mark.parametrize("metric", [None, "task.acc"])
def test_each_source_has_its_own_beside_each_natural_text(metric: str | None) -> None:
    found = best_shares(made(), metric, bootstrap=300)
    largest = [one for one in found if one.cell == Cell(1e8, 1e9)]
    tops = {(one.source, one.beside): one for one in largest}
    assert set(tops) == {("qa", "web"), ("hq", "web"), ("qa", "code")}
    for (source, beside), one in tops.items():
        true = 0.5 if beside == "code" else TRUE[str(source)]
        assert one.best.low is not None
        assert one.best.high is not None
        assert one.best.low <= true <= one.best.high
        assert one.best.mid == pytest.approx(true, abs=0.15)
        assert one.gain.mid is not None
        assert one.gain.mid > 0, "positive is better, of a score too"
        assert one.law is None
    assert found[0].cell == Cell(1e8, 1e9), "the largest first"
    assert len(found) == 27


def test_a_score_may_be_zero_and_is_not_turned_into_a_logarithm() -> None:
    """Scores moved down until the lowest is 0 have the same best share, to the last digit of the draws."""
    table = made().select(made().column("N") == 1e7)
    moved = table.column("task.acc") - table.column("task.acc").min()
    lower = RunsTable({**table.numbers, "task.acc": moved}, table.texts, table.metrics, table.kinds)
    assert moved.min() == 0
    as_is, zero = (best_shares(each, "task.acc", source="hq", bootstrap=200) for each in (table, lower))
    assert [one.best.mid for one in zero] == pytest.approx([one.best.mid for one in as_is], abs=1e-6)


def test_elsewhere_a_law_predicts_it() -> None:
    table = made()
    web = table.select(table.column("share.code") == 0)
    (one,) = best_shares(web, source="qa", at=Cell(1e10, 1e11), bootstrap=20)
    assert one.law in ("joint_quadratic", "three_phase_size")
    assert one.best.mid == pytest.approx(0.3, abs=0.15)
    assert "far_extrapolation" in {w.code for w in one.warnings}
    (score,) = best_shares(web, "task.acc", source="qa", at=Cell(1e9, 1e10), bootstrap=20)
    assert score.value.mid is not None
    assert 0.45 < score.value.mid < 0.65, "a score again, not its error"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"metric": "task.none"}, r"no metric 'task\.none'; there are loss, task\.acc"),
        ({"metric": "task.flat"}, r"task\.flat: is 0\.5 in every run"),
        ({"source": "web"}, "no runs with the one synthetic source 'web'; there are qa and hq"),
    ],
)
def test_what_cannot_be_asked_is_named(how: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        best_shares(made(), **how)


def test_what_the_table_lacks_is_named() -> None:
    rows = {"N": [1e6, 1e6], "D": [1e7, 1e7], "loss": [3.0, 2.9]}
    with pytest.raises(BadInput, match="has no share of synthetic text"):
        best_shares(read_runs(rows | {"seed": [0, 1]}))
    with pytest.raises(BadInput, match="nowhere were three shares measured"):
        best_shares(read_runs(rows | {"share": [0, 0.5]}))
    scores = {"columns": {"share": "s"}, "metrics": {"a": "task.a", "b": "task.b"}}
    two = {"N": [1e6, 1e6], "D": [1e7, 1e7], "a": [0.1, 0.2], "b": [0.2, 0.1], "s": [0, 0.5]}
    with pytest.raises(BadInput, match=r"several metrics and no loss; name one of task\.a, task\.b"):
        best_shares(read_runs(two, mapping=scores))
