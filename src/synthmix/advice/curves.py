"""Each kind's curve of difference against share, its best share with an interval, and its flat range."""

from collections.abc import Sequence

import numpy as np

from synthmix.advice.found import KindCurve
from synthmix.advice.knowledge import Knowledge
from synthmix.advice.outlook import Outlook
from synthmix.interval import Interval
from synthmix.scaling.share_summary import BestShare, from_curves
from synthmix.study.fits import envelope


def kind_curves(known: Knowledge, looks: Sequence[Outlook]) -> list[KindCurve]:
    """The curves of all kinds at the question, intervals widened to what every law says."""
    found = []
    for look in looks:
        laws = known.kinds[look.kind.name]
        shares = look.shares[look.even]
        said = _said(look, known) if len(shares) > 2 else []
        none = Interval(mid=None, level=known.level, why="no synthetic token can be had")
        flats = [each.flat for each in said if each.flat is not None]
        found.append(
            KindCurve(
                kind=look.kind.name,
                law=laws.laws[0].law.name,
                rivals=[law.law.name for law in laws.laws[1:]],
                best=envelope([each.best for each in said]) if said else none,
                flat=(min(low for low, _ in flats), max(high for _, high in flats)) if flats else None,
                shares=shares.tolist() if said else [],
                mean=said[0].mean.tolist() if said else [],
                low=np.min([each.low for each in said], axis=0).tolist() if said else [],
                high=np.max([each.high for each in said], axis=0).tolist() if said else [],
                measured=[share for share in laws.shares if share > 0],
                extrapolation=laws.ranking.scores[0].extrapolation,
            )
        )
    return found


def _said(look: Outlook, known: Knowledge) -> list[BestShare]:
    grid = look.shares[look.even]
    ends = (float(grid[0]), float(grid[-1]))
    found = []
    for one in look.said:
        curves = one.difference[:, look.even]
        draws = curves[1:]
        found.append(
            from_curves(grid, curves[0], draws, noise=known.results.noise.sd, level=known.level, measured=ends)
        )
    return found
