"""Laws ranked by extrapolation, as a result object."""

from dataclasses import dataclass

from synthmix.interval import Interval
from synthmix.results import Warn


@dataclass(frozen=True)
class Score:
    """One law.

    Attributes:
        law: its name.
        extrapolation: mean over the cuts of the mean absolute relative error of the held-out runs.
        cuts: the error of each cut, by its name.
        in_sample: mean absolute relative error of all runs under the fit to all of them.
        parameters: how many the law has.
        bic, aicc: information criteria of the fit to all runs, Gaussian in log-loss (lower is better); aicc None when
            there are too few runs for it.
        warnings: codes of the fit to all runs.
    """

    law: str
    extrapolation: float
    cuts: dict[str, float]
    in_sample: float
    parameters: int
    bic: float
    aicc: float | None
    warnings: list[str]


@dataclass(frozen=True)
class Comparison:
    """The ranking.

    Attributes:
        scores: best extrapolation first.
        winner: the law to take: the one with the lowest extrapolation error where ``decided``, else whichever of the
            two lowest was named first among the candidates: a lead that the runs do not show chooses nothing.
        margin: extrapolation error of the second minus that of the first, with an interval over held-out cells.
        noise: seed noise (log-loss), None without replicates: a margin far below it decides nothing.
        decided: whether the margin's interval lies above 0.
        skipped: law -> why it was not compared.
        warnings: coded.
    """

    scores: list[Score]
    winner: str
    margin: Interval
    noise: float | None
    decided: bool
    skipped: dict[str, str]
    warnings: list[Warn]

    def report(self) -> str:
        """The ranking as text."""
        lines = [f"{'law':<18}{'extrapolation':>14}{'in-sample':>11}{'parameters':>12}{'BIC':>10}"]
        lines += [
            f"{s.law:<18}{s.extrapolation:>14.3%}{s.in_sample:>11.3%}{s.parameters:>12}{s.bic:>10.1f}"
            for s in self.scores
        ]
        if self.margin.mid is not None:
            noise = "unknown" if self.noise is None else f"{self.noise:.3%}"
            verdict = "decided" if self.decided else "not decided"
            lines.append(f"{self.scores[0].law} leads by {self.margin.mid:.3%} (seed noise {noise}): {verdict}")
        lines += [f"skipped {law}: {why}" for law, why in self.skipped.items()]
        return "\n".join(lines)
