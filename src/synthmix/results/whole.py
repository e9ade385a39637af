"""All of it, as one object."""

from typing import Any, Literal

from pydantic import Field, model_validator

from synthmix.results.choices import Choices
from synthmix.results.decisions import Decision
from synthmix.results.domains import DomainFound
from synthmix.results.fitted import Curve, FitSummary, IsoFlop, ProfileCurve, Residual
from synthmix.results.gap import Gap
from synthmix.results.measured import CorpusRow, Domain, Noise, Recipe, RunRow, ShareCurve, Spent, Statistic
from synthmix.results.mixtures import MixtureDecision
from synthmix.results.parts import Part, Warn
from synthmix.results.tasks import TaskFound


class Results(Part):
    """All of it."""

    study: str
    version: str
    averaging: str
    context: int | None
    domains: list[Domain]
    corpora: list[CorpusRow]
    recipes: list[Recipe]
    runs: list[RunRow]
    diverged: list[RunRow] = Field(default=[])  # marked, in no fit and no comparison; ``runs`` are the others
    noise: Noise
    fits: list[FitSummary]
    curves: list[Curve]
    share_curves: list[ShareCurve]
    decision: Decision | None = None
    mixture: MixtureDecision | None = None  # of a study with designed mixtures: the best one
    choices: Choices | None = None  # of a study whose runs were chosen
    statistics: list[Statistic]
    gap: Gap | None = None  # what the best mixture lacks for the held-out domains, where it was asked for
    residuals: list[Residual] = Field(default=[])
    profiles: list[ProfileCurve] = Field(default=[])
    isoflops: list[IsoFlop] = Field(default=[])
    tasks: list[TaskFound] = Field(default=[])
    by_domain: list[DomainFound] = Field(default=[])  # where there are two domains or more
    spent: Spent
    versions: dict[str, str]
    protocol: dict[str, str]  # how the models were trained, in words
    warnings: list[Warn]
    imported: dict[str, str] | None = None  # of another trainer's runs: column -> what it was read from

    @model_validator(mode="before")
    @classmethod
    def _without_digest(cls, raw: Any) -> Any:
        """The file's own digest is compared where the file is read; it is no part of the results."""
        return {name: value for name, value in raw.items() if name != "digest"} if isinstance(raw, dict) else raw

    def to_frame(self, backend: Literal["pyarrow", "pandas", "polars"] = "pandas") -> Any:
        """The runs, a row each: what was trained, its losses (``loss.<domain>``), bits per byte and task scores.

        Raises:
            ImportError: the library is not installed.
        """
        import pyarrow as pa

        rows = []
        for run in self.runs:
            row = run.model_dump(exclude={"losses", "bits", "tasks", "epochs", "heldout"})
            for name in ("losses", "bits", "tasks", "epochs"):
                key = {"losses": "loss", "tasks": "task"}.get(name, name)
                row |= {f"{key}.{what}": value for what, value in getattr(run, name).items()}
            rows.append(row)
        names = dict.fromkeys(name for row in rows for name in row)
        table = pa.table({name: [row.get(name) for row in rows] for name in names})
        if backend == "pyarrow":
            return table
        import narwhals as nw

        frame = nw.from_native(table, eager_only=True)
        return frame.to_pandas() if backend == "pandas" else frame.to_polars()

    def __repr__(self) -> str:
        return f"<Results of {self.study}: {len(self.runs)} runs of {len(self.recipes)} recipes; {self.decision!r}>"

    __str__ = __repr__
