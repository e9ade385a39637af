"""Each source's curve of difference against share, its best share with an interval, and its flat range."""

from collections.abc import Sequence

import numpy as np

from synthmix.decisions.choose import Choice
from synthmix.decisions.fits import envelope
from synthmix.decisions.predict import Prediction
from synthmix.results import Interval, KindCurve
from synthmix.scaling.share_summary import BestShare, from_curves


def kind_curves(found: Sequence[Prediction], choice: Choice, noise: float | None, level: float) -> list[KindCurve]:
    """The curves of all sources that have a law in the share, intervals widened to what every law predicts. One that is
    not determined has no points. ``noise``: standard deviation of one run's loss, nats; None: not known."""
    curves = []
    for k, one in enumerate(found):
        if one.recipe is not None:
            continue
        shares = one.shares[one.even]
        codes = list(one.undetermined)
        if all(choice.undetermined[k][i] for i in np.flatnonzero(one.shares > 0)):
            codes = list(dict.fromkeys([*codes, *(code for each in choice.undetermined[k] for code in each)]))
        bests = _best_shares(one, noise, level) if len(shares) > 2 and not codes else []
        why = "not determined" if codes else "no synthetic token can be had"
        flats = [each.flat for each in bests if each.flat is not None]
        curves.append(
            KindCurve(
                kind=one.name,
                law=one.laws[0].fit.law.name,
                rivals=[law.fit.law.name for law in one.laws[1:]],
                undetermined=codes,
                best=envelope([each.best for each in bests]) if bests else Interval(mid=None, level=level, why=why),
                flat=(min(low for low, _ in flats), max(high for _, high in flats)) if flats else None,
                shares=shares.tolist() if bests else [],
                mean=bests[0].mean.tolist() if bests else [],
                low=np.min([each.low for each in bests], axis=0).tolist() if bests else [],
                high=np.max([each.high for each in bests], axis=0).tolist() if bests else [],
                **_losses(one, level) if bests else {},
                measured=[share for share in one.trained if share > 0],
                extrapolation=one.extrapolation,
            )
        )
    return curves


def _best_shares(one: Prediction, noise: float | None, level: float) -> list[BestShare]:
    grid = one.shares[one.even]
    ends = (float(grid[0]), float(grid[-1]))
    found = []
    for law in one.laws:
        curves = law.difference[:, one.even]
        found.append(from_curves(grid, curves[0], curves[1:], noise=noise, level=level, measured=ends))
    return found


def _losses(one: Prediction, level: float) -> dict[str, list[float]]:
    """The curve as losses, with the band of every law; none below zero."""
    tails = [(1 - level) / 2, (1 + level) / 2]
    bands = [np.quantile(np.maximum(law.loss[1:, one.even], 0.0), tails, axis=0) for law in one.laws]
    return {
        "loss": np.maximum(one.laws[0].loss[0, one.even], 0.0).tolist(),
        "loss_low": np.min([band[0] for band in bands], axis=0).tolist(),
        "loss_high": np.max([band[1] for band in bands], axis=0).tolist(),
    }
