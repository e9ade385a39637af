"""The prior of a kind: best share and effect at a size and budget, by the model, with the rows that it rests on."""

import json
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from importlib.resources import files

import numpy as np

from synthmix.evidence.model import SCALES, EffectModel, Family, Floats, fit_effects, log_compute, points_of
from synthmix.evidence.model import question_points as _asked
from synthmix.evidence.table import Effect, effects, kinds, studies
from synthmix.interval import Interval
from synthmix.results.evidence import Combined, KindPrior, MetricPrior, Statement, StudySays
from synthmix.rounding import symmetric_root

SHARES = np.round(np.linspace(0.05, 1.0, 20), 2)
DRAWS = 4000
FAMILIES: tuple[Family, ...] = ("nats", "score")


def kind_prior(
    name: str, params: float, tokens: float, *, like: str | None = None, most: float = 1.0,
    rows: Sequence[Effect] | None = None, level: float = 0.9,
) -> KindPrior:  # fmt: skip
    """What published effects say of a kind.

    Args:
        name, like: the kind, and the published one that it is like, if its own name is none.
        params, tokens: non-embedding parameters and budget. most: the largest share that can be had.
        rows: the effects; None: those that come with the package.

    Raises:
        BadInput: effects of fewer than two studies.
    """
    table = effects() if rows is None else tuple(rows)
    known = kinds(table)
    published = like if like in known else name if name in known else None
    mine = [row for row in table if row.kind == published]
    metrics = [
        _metric(effect_model(family, None if rows is None else table), published, params, tokens, most, level)
        for family in FAMILIES
    ]
    stated = [_statement(row) for row in mine if row.unit in ("share", "speedup")]
    return KindPrior(kind=name, published=published, metrics=metrics, statements=stated)


def effect_model(family: Family, rows: tuple[Effect, ...] | None = None) -> EffectModel:
    """The model of the package's own effects, kept with it, or of others, fitted now."""
    return _own(family) if rows is None else fit_effects(rows, family)


@cache
def _own(family: Family) -> EffectModel:
    kept = json.loads((files(__package__) / "data" / "fitted.json").read_text("utf-8"))[family]
    rows = tuple(row for row in effects() if row.unit == family)
    if kept["rows"] != fingerprint(rows):  # the table was changed by hand: what is kept belongs to another
        return fit_effects(rows, family)
    at = points_of(rows)
    return EffectModel(
        family=family, rows=rows, points=at, gain=np.array([row.gain for row in rows]),
        se=np.array([SCALES[family].unknown if row.se is None else row.se for row in rows]),
        spread=np.array(kept["spread"]), residual=kept["residual"], weights=kept["weights"],
    )  # fmt: skip


def fingerprint(rows: Sequence[Effect]) -> str:
    """A hash of what the model reads of the rows."""
    read = [
        (row.study, row.kind, row.recipe, row.generator, row.base, row.N, row.D, row.share, row.effect, row.se)
        for row in rows
    ]
    return blake2b(json.dumps(read).encode(), digest_size=16).hexdigest()


def kept_fit(model: EffectModel) -> dict[str, object]:
    """What is kept of a fit with the package."""
    return {
        "rows": fingerprint(model.rows),
        "spread": [[float(f"{value:.6g}") for value in row] for row in model.spread.tolist()],
        "residual": float(f"{model.residual:.6g}"),
        "weights": {name: float(f"{value:.6g}") for name, value in model.weights.items()},
    }


def effect_at(
    model: EffectModel, kind: str | None, share: float, params: float, tokens: float, level: float = 0.9
) -> Interval:
    """The effect of a mixture, mixture minus natural text alone, with the interval of one new study."""
    mean, covariance, freedom = model.predict(_asked(kind or "", np.array([share]), params, tokens))
    half = _quantile(freedom, level) * float(np.sqrt(covariance[0, 0]))
    sign = -1.0 if model.family == "nats" else 1.0
    return _interval(sign, float(mean[0]), half, level)


def _metric(
    model: EffectModel, kind: str | None, params: float, tokens: float, most: float, level: float
) -> MetricPrior:
    from scipy.special import stdtr

    shares = SHARES[: int(np.searchsorted(SHARES, most + 1e-9))]
    if len(shares) == 0:
        shares = np.array([most])
    mean, covariance, freedom = model.predict(_asked(kind or "", shares, params, tokens))
    sd = np.sqrt(np.diag(covariance))
    half = _quantile(freedom, level) * sd
    sign = -1.0 if model.family == "nats" else 1.0
    best = int(np.argmax(mean))
    # A run's own residual is not of the curve: it would move the highest point of every draw.
    draws = _draws(mean, covariance - model.residual**2 * np.eye(len(mean)), freedom)
    grid, curves = np.r_[0.0, shares], np.column_stack([np.zeros(len(draws)), draws])
    tail = (1 - level) / 2
    low, high = np.quantile(grid[curves.argmax(axis=1)], [tail, 1 - tail])
    shown = float(shares[best]) if mean[best] > 0 else 0.0
    mine = [row for row in model.rows if row.kind == kind]
    here = log_compute(params, tokens)
    bands = [_interval(sign, m, h, level) for m, h in zip(mean.tolist(), half.tolist(), strict=True)]
    return MetricPrior(
        unit=model.family,
        share=Interval(low=float(low), mid=shown, high=float(high), level=level),
        effect=bands[best],
        helps=float(stdtr(freedom, mean[best] / sd[best])),
        shares=[0.0, *shares.tolist()],
        mid=[0.0, *(sign * mean).tolist()],
        low=[0.0, *(float(band.low or 0.0) for band in bands)],
        high=[0.0, *(float(band.high or 0.0) for band in bands)],
        rows=len(model.rows),
        studies=len({row.study for row in model.rows}),
        says=_says(mine),
        decades=min((abs(log_compute(row.N, row.D) - here) for row in mine), default=None),
    )


def _interval(sign: float, mean: float, half: float, level: float) -> Interval:
    mid = sign * mean
    return Interval(low=mid - half, mid=mid, high=mid + half, level=level, covers="new run")


def _quantile(freedom: float, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


def _draws(mean: Floats, covariance: Floats, freedom: float, seed: int = 0) -> Floats:
    """Curves of one new study each (draws, g)."""
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((DRAWS, len(mean))) @ symmetric_root(covariance)
    return np.asarray(mean + normal * np.sqrt(freedom / rng.chisquare(freedom, (DRAWS, 1))))


def _says(rows: Sequence[Effect]) -> list[StudySays]:
    found = []
    for name in dict.fromkeys(row.study for row in rows):
        mine = [row for row in rows if row.study == name]
        shares = [row.share for row in mine if row.share is not None]
        sizes = [row.N for row in mine if row.N is not None]
        about = studies().get(name)
        found.append(
            StudySays(
                study=name,
                source=name if about is None else about.source,
                link="" if about is None else about.link,
                rows=len(mine),
                low=min(row.effect for row in mine),
                high=max(row.effect for row in mine),
                shares=(min(shares), max(shares)) if shares else None,
                params=(min(sizes), max(sizes)) if sizes else None,
            )
        )
    return found


def _statement(row: Effect) -> Statement:
    about = studies().get(row.study)
    return Statement(
        source=row.study if about is None else about.source, link="" if about is None else about.link,
        recipe=row.recipe, unit="share" if row.unit == "share" else "speedup", value=row.effect, params=row.N,
        tokens=row.D, obtained=row.obtained,
    )  # fmt: skip


def combine(own: Interval, prior: Interval, *, recipe: str, kind: str, share: float) -> Combined | None:
    """Two estimates of one effect as one, each weighted by its precision (inverse variance of a Gaussian with its
    interval); None where either has no interval. The runs' interval has their law's own error within it, so that more
    runs, and runs nearer to the question, weigh more."""
    from scipy.special import ndtri

    if own.low is None or own.high is None or prior.low is None or prior.high is None:
        return None
    if not own.half_width or not prior.half_width:
        return None
    level = own.level
    sds = [each.half_width / float(ndtri((1 + each.level) / 2)) for each in (own, prior) if each.half_width]
    centres = [(own.low + own.high) / 2, prior.mid or 0.0]
    precision = np.array([1 / sd**2 for sd in sds])
    weight = float(precision[0] / precision.sum())
    mid = weight * centres[0] + (1 - weight) * centres[1]
    half = float(ndtri((1 + level) / 2)) / float(np.sqrt(precision.sum()))
    both = Interval(low=mid - half, mid=mid, high=mid + half, level=level)
    apart = own.low > prior.high or own.high < prior.low
    return Combined(
        recipe=recipe, kind=kind, share=share, own=own, prior=prior, both=both, weight=weight, apart=bool(apart)
    )
