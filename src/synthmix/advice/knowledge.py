"""What a finished study knows of the kinds that are asked about: its runs, and laws in size, tokens and share."""

from dataclasses import dataclass
from pathlib import Path

from synthmix.advice.asked import KEY, Asked
from synthmix.errors import BadInput
from synthmix.progress import Progress, Silent
from synthmix.quantities import format_share
from synthmix.report.read import read_results
from synthmix.results import Recipe, Results, RunRow
from synthmix.scaling import Comparison, Fit
from synthmix.study.families import FEWEST_SHARES, fit_shares
from synthmix.study.fits import as_runs
from synthmix.study.text_found import study_folder
from synthmix.study.workspace import Workspace

LEVEL = 0.9
DRAWS = 1000


@dataclass(frozen=True)
class KindLaws:
    """A kind's laws in (N, D, share), the one that extrapolates best first; ``shares``: those trained, 0 included."""

    kind: str
    laws: tuple[Fit, ...]
    ranking: Comparison
    shares: tuple[float, ...]
    rows: tuple[RunRow, ...]


@dataclass(frozen=True)
class Knowledge:
    """``natural``: the recipe of real text alone."""

    results: Results
    where: Path
    natural: Recipe
    kinds: dict[str, KindLaws]
    level: float

    @property
    def noise(self) -> float:
        """Seed noise of one run, nats; 0 where nothing was repeated."""
        return self.results.noise.sd or 0.0


def finished_results(where: Path) -> Results:
    """A finished study's results, named by its file, its folder or its results.json.

    Raises:
        BadInput: no such study, nothing finished, some runs unfinished, or the results are damaged.
    """
    folder = study_folder(where)
    path = where if where.suffix == ".json" and where.is_file() else Workspace(folder).results
    if not path.exists():
        begun = any((folder / "runs").glob("*/record.json"))
        remedy = "write them with synthmix study report FILE" if begun else "run it with synthmix study run FILE"
        raise BadInput("has no results yet", where=folder, remedy=remedy)
    results = read_results(path)
    left = next((warning for warning in results.warnings if warning.code == "unfinished"), None)
    if left is not None:
        problem = left.message.split(":")[0]
        raise BadInput(problem, where=path, remedy="finish them with synthmix study run FILE")
    return results


def learn(
    results: Results, asked: Asked, where: Path, *, draws: int = DRAWS, progress: Progress | None = None
) -> Knowledge:
    """Fit the laws of the kinds that are asked about: the same candidates, choice and resamples as the study's report.

    Raises:
        BadInput: no run of real text alone, a kind that the study does not have, too few shares, or runs that
            determine no law.
    """
    natural = next((r for r in results.recipes if r.share == 0 and len(r.shares) == 1), None)
    if natural is None or not any(row.recipe == natural.name for row in results.runs):
        remedy = "add share 0 to mix.shares and run the study again"
        raise BadInput("no run is on real text alone, the yardstick of the answer", where=where, remedy=remedy)
    _known(results, asked, where)
    level = results.answer.recipes[0].loss.level if results.answer and results.answer.recipes else LEVEL
    progress, kinds = progress or Silent(), {}
    for kind in asked.kinds:
        progress.start(f"laws of {kind.name}", None, "steps")
        kinds[kind.name] = _laws(results, natural, kind.name, where, level, draws)
        progress.finish(f"laws of {kind.name}")
    return Knowledge(results, where, natural, kinds, level)


def _known(results: Results, asked: Asked, where: Path) -> None:
    there = list(dict.fromkeys(row.synthetic for row in results.runs if row.synthetic))
    for kind in asked.kinds:
        if kind.name not in there:
            names = ", ".join(there) or "none"
            remedy = f"it has {names}; ask about these, or leave --study away for the published findings"
            raise BadInput(f"the study has no runs of '{kind.name}'", where=where, key=KEY, remedy=remedy)


def _laws(results: Results, natural: Recipe, kind: str, where: Path, level: float, draws: int) -> KindLaws:
    names = {r.name for r in results.recipes if r.synthetic == kind or r.name == natural.name}
    rows = tuple(row for row in results.runs if row.recipe in names)
    shares = tuple(sorted({row.share for row in rows}))
    if len(shares) < FEWEST_SHARES:
        trained = ", ".join(format_share(share) for share in shares)
        raise BadInput(
            f"'{kind}' was trained at shares {trained} only, and a best share needs {FEWEST_SHARES} or more",
            where=where,
            remedy="add shares to mix.shares and run the study again",
        )
    try:
        ranking, laws = fit_shares(as_runs(list(rows)), bootstrap=draws, level=level)
    except BadInput as error:
        remedy = error.remedy or "add sizes or budgets to the ladder and run the study again"
        raise BadInput(f"no law for '{kind}': {error.problem}", where=where, remedy=remedy) from None
    return KindLaws(kind, tuple(laws), ranking, shares, rows)
