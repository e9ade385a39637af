"""Laws of mixtures ranked by how well they predict mixtures, and a scale, that were held out of their fit."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.results import Warn
from synthmix.rounding import ROUNDING
from synthmix.scaling.mixtures.fit import fit_mixtures
from synthmix.scaling.mixtures.fitted import MixtureFit
from synthmix.scaling.mixtures.law import MIXTURE_LAWS, MixtureLaw, find_mixture_law
from synthmix.scaling.mixtures.points import MixtureRuns

_RESAMPLES = 500
_FEWEST = 1.5  # log_quadratic has many parameters, which its priors hold; below so many runs a source it says nothing


@dataclass(frozen=True)
class MixtureScore:
    """One law.

    Attributes:
        law: its name. parameters: how many it has in each domain; freedom: how many the runs determined, on average.
        mixture: mean absolute relative error on mixtures held out of the fit; scale: on the largest N or D held out,
            None where nothing could be. error: the mean of the two, by which laws are ranked.
        mixture_covered, scale_covered: share of the held-out losses inside of the fit's own interval.
        rank: mean over domains of the rank correlation of predicted with measured held-out mixtures.
    """

    law: str
    parameters: int
    freedom: float
    mixture: float
    scale: float | None
    mixture_covered: float
    scale_covered: float | None
    rank: float

    @property
    def error(self) -> float:
        """What laws are ranked by."""
        return self.mixture if self.scale is None else (self.mixture + self.scale) / 2


@dataclass(frozen=True, repr=False)
class MixtureComparison:
    """The ranking, the best first.

    Attributes:
        scores: of the laws. winner: the law to take: the best where ``decided``, else the first named of the two.
        margin: error of the second minus that of the first, its interval over resampled mixtures.
        skipped: law -> why it was not compared. warnings: coded.
    """

    scores: list[MixtureScore]
    winner: str
    margin: Interval
    decided: bool
    skipped: dict[str, str]
    warnings: list[Warn]

    def __repr__(self) -> str:
        return self.report()

    def as_json(self) -> dict[str, Any]:
        """What ``synthmix compare --json`` prints."""
        return {
            "winner": self.winner,
            "decided": self.decided,
            "margin": asdict(self.margin),
            "laws": [{**asdict(score), "error": score.error} for score in self.scores],
            "skipped": self.skipped,
            "warnings": [{"code": warn.code, "message": warn.message} for warn in self.warnings],
        }

    def report(self) -> str:
        """The ranking as text."""
        lines = [f"{'law':<24}{'held-out mixtures':>18}{'scale':>9}{'rank':>8}{'covered':>9}{'parameters':>12}"]
        for score in self.scores:
            scale = "-" if score.scale is None else f"{score.scale:.3%}"
            lines.append(
                f"{score.law:<24}{score.mixture:>18.3%}{scale:>9}{score.rank:>8.4f}{score.mixture_covered:>9.0%}"
                f"{score.parameters:>12}"
            )
        if self.margin.mid is not None:
            verdict = "decided" if self.decided else "not decided"
            lines.append(f"{self.scores[0].law} leads by {self.margin.mid:.3%}: {verdict}; take {self.winner}")
        lines += [f"skipped {law}: {why}" for law, why in self.skipped.items()]
        return "\n".join(lines)


def compare_mixtures(
    runs: MixtureRuns, laws: Sequence[str | MixtureLaw] | None = None, *, level: float = 0.9, seed: int = 0
) -> MixtureComparison:
    """Rank laws by their mean relative error on mixtures held out in five folds and on the held-out largest scale.

    Args:
        laws: the candidates; None: all of them.
        level: of intervals. seed: of the folds, the same for all laws, and of the margin's resampling.

    Raises:
        BadInput: no law can be fitted to the runs.
    """
    able = [find_mixture_law(law) for law in laws] if laws is not None else list(MIXTURE_LAWS.values())
    skipped: dict[str, str] = {}
    scored: list[tuple[MixtureScore, MixtureFit]] = []
    mixtures = int(runs.points.mixtures.max()) + 1
    for law in able:
        names = len(law.of(runs.points).names(runs.points))
        if (
            laws is None
            and law.name == "log_quadratic"
            and mixtures < max(_FEWEST * len(runs.points.sources), names / 8)
        ):
            skipped[law.name] = f"{names} parameters are too many for {mixtures} mixtures"
            continue
        try:
            found = fit_mixtures(law, runs, draws=0, level=level, seed=seed)
        except BadInput as error:
            skipped[law.name] = error.problem
            continue
        scored.append((_score(found, names), found))
    if not scored:
        raise BadInput("no law can be fitted", where="compare", remedy=next(iter(skipped.values()), "add runs"))
    scored.sort(key=lambda pair: round(pair[0].error / ROUNDING))
    margin = _margin([found for _, found in scored[:2]], level, seed)
    decided = margin.sign() > 0
    order = [law.name for law in able]
    winner = scored[0][0].law if decided else min((score.law for score, _ in scored[:2]), key=order.index)
    warnings = list(scored[0][1].warnings)
    if len(scored) > 1 and not decided:
        message = f"{scored[0][0].law} leads {scored[1][0].law} by less than the held-out runs can tell"
        warnings.append(Warn(code="not_decided", message=message))
    return MixtureComparison([score for score, _ in scored], winner, margin, decided, skipped, warnings)


def _score(found: MixtureFit, parameters: int) -> MixtureScore:
    from scipy.stats import rankdata

    by = {each.what: each for each in found.held_out}
    ranks = []
    mixture = by["mixture"]
    for measured, predicted in zip(found.runs.losses.T, mixture.predicted.T, strict=True):
        known = np.isfinite(measured) & np.isfinite(predicted)
        if known.sum() > 2:
            ranks.append(np.corrcoef(rankdata(predicted[known]), rankdata(measured[known]))[0, 1])
    scale = by.get("scale")
    return MixtureScore(
        found.law.name, parameters, float(found.freedom.mean()), mixture.error, scale.error if scale else None,
        mixture.covered, scale.covered if scale else None, float(np.mean(ranks)),
    )  # fmt: skip


def _margin(leaders: Sequence[MixtureFit], level: float, seed: int) -> Interval:
    """The second's error minus the first's, mixtures resampled."""
    if len(leaders) < 2:
        return Interval(mid=None, level=level, why="only one law could be compared")
    labels = leaders[0].runs.points.mixtures
    count = int(labels.max()) + 1
    weights = np.random.default_rng([seed, 3]).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    drawn, mid, parts = np.zeros(_RESAMPLES), 0.0, min(len(found.held_out) for found in leaders)
    for place in range(parts):
        first, second = (np.abs(found.held_out[place].errors) for found in leaders)
        both = second - first
        known = np.isfinite(both)
        sums = np.bincount(labels, weights=np.where(known, both, 0.0).sum(axis=1), minlength=count)
        sizes = np.bincount(labels, weights=known.sum(axis=1).astype(float), minlength=count)
        drawn += (weights @ sums) / np.maximum(weights @ sizes, 1) / parts
        mid += float(sums.sum() / sizes.sum()) / parts
    low, high = (float(end) for end in np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    return Interval(mid=mid, low=low, high=high, level=level)
