"""All of it, as one object."""

from pydantic import Field

from synthmix.results.decisions import Decision
from synthmix.results.fitted import Curve, FitSummary, IsoFlop, ProfileCurve, Residual
from synthmix.results.measured import CorpusRow, Domain, Noise, Recipe, RunRow, ShareCurve, Spent, Statistic
from synthmix.results.parts import Part, Warn
from synthmix.results.tasks import TaskFound


class Results(Part):
    """All of it."""

    study: str
    version: str
    averaging: str
    context: int
    domains: list[Domain]
    corpora: list[CorpusRow]
    recipes: list[Recipe]
    runs: list[RunRow]
    noise: Noise
    fits: list[FitSummary]
    curves: list[Curve]
    share_curves: list[ShareCurve]
    decision: Decision | None = None
    statistics: list[Statistic]
    residuals: list[Residual] = Field(default=[])
    profiles: list[ProfileCurve] = Field(default=[])
    isoflops: list[IsoFlop] = Field(default=[])
    tasks: list[TaskFound] = Field(default=[])
    spent: Spent
    versions: dict[str, str]
    protocol: dict[str, str]  # how the models were trained, in words
    warnings: list[Warn]

    def __repr__(self) -> str:
        return f"<Results of {self.study}: {len(self.runs)} runs of {len(self.recipes)} recipes; {self.decision!r}>"

    __str__ = __repr__
