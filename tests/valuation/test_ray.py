"""Candidates that are read on a real Ray: the same scores and intervals as in this process."""

from pathlib import Path

import pytest

from synthmix.engine import open_engine
from synthmix.valuation.load import open_pool
from synthmix.valuation.parallel import score_all
from synthmix.valuation.valuer import Valuer


def test_scores_on_ray_are_those_of_this_process(data: Path) -> None:
    valuer = Valuer(order=3).fit(open_pool(str(data / "other.jsonl")))
    pools = [open_pool(str(data / f"{name}.jsonl")) for name in ("web", "hq")]
    here, _ = score_all(valuer, pools)
    with open_engine("ray", workers=1) as engine:
        there, sums = score_all(valuer, pools, each=engine.each)
        halves, _ = score_all(valuer, pools, each=engine.each, parts=2)
    local, _ = score_all(valuer, pools, parts=2)
    assert [(each.name, each.value, each.interval) for each in there] == [
        (each.name, each.value, each.interval) for each in here
    ]
    assert [(each.value, each.interval) for each in halves] == [(each.value, each.interval) for each in local]
    assert [each.value for each in halves] == pytest.approx([each.value for each in here])
    assert [each.items for each in sums] == [400, 200]
    assert here[0].value != here[1].value
