"""The runs table: one row a measured point, in columns; the one rule for cells, the largest cell and seed noise.

Shape letters: n rows, k recipes, c cells.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput
from synthmix.quantities import format_count
from synthmix.results import Interval, Recipe, RunRow, Warn
from synthmix.runs.cells import Floats, Mask, labels
from synthmix.scaling.noise import PooledNoise, pooled_noise
from synthmix.scaling.runs import Runs

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["natural", "synthetic"]
Stage = Literal["ladder", "generator"]

LOSS = "loss"
#: Of the most recipes of a cell, what another one needs to be compared at: two small runs more, of a design whose runs
#: were chosen, are no reason to compare all others at a smaller size (CHOSEN: 6 of 7, 9 of 10; but 5 of 5).
NEARLY = 0.85
#: Columns of numbers, beside ``share.<source>``, ``unique.<source>`` and the metrics. A column that is not known is
#: absent, a cell that is not known is NaN.
NUMBERS = (
    *("N", "N_total", "D", "step", "share", "unique", "quality", "weight"),
    *("flops", "seconds", "tokens_per_second", "vocab"),
)
#: Stage of runs whose text was cut, so that they repeat it as often as a target would.
CUT = "simulated epochs"
#: Columns of text; None where not known.
TEXTS = ("run", "recipe", "mixture", "synthetic", "seed", "group", "stage", "diverged")


class Cell(NamedTuple):
    """A model size and a budget: non-embedding parameters and training tokens."""

    N: float
    D: float

    @property
    def compute(self) -> float:
        """6 N D, FLOPs."""
        return 6.0 * self.N * self.D

    def __str__(self) -> str:
        return f"{format_count(self.N)} parameters and {format_count(self.D)} tokens"


@dataclass(frozen=True)
class Metric:
    """What a column of measurements holds.

    Attributes:
        name: of the column.
        unit: ``nats`` per token, ``bits`` per byte, or ``score`` (a task's, between 0 and 1).
        higher_is_better: as of scores.
        domain, task: what it was measured on; both None: the average over domains.
        measure, items, chance, id: of a task what its score is (``acc``), how many questions were asked, what guessing
            scores, and the hash of the questions: a column holds scores on equal questions. None where not known.
    """

    name: str
    unit: Literal["nats", "bits", "score"] = "nats"
    higher_is_better: bool = False
    domain: str | None = None
    task: str | None = None
    measure: str | None = None
    items: int | None = None
    chance: float | None = None
    id: str | None = None

    @classmethod
    def of_task(cls, task: str, **about: Any) -> "Metric":
        """A task's score; ``about``: measure, items, chance, id."""
        return cls(f"task.{task}", "score", higher_is_better=True, task=task, **about)


@dataclass(frozen=True)
class RunsTable:
    """Measured points in columns, all of one length n.

    Attributes:
        numbers: column -> (n,) float64: :data:`NUMBERS`, ``share.<source>``, ``unique.<source>`` and the metrics.
            ``N`` are non-embedding parameters, ``D`` training tokens, ``share`` the synthetic share of the tokens.
        texts: column -> n strings or None: :data:`TEXTS`. ``mixture`` is the recipe's identity (its shares), ``recipe``
            only what it is called. ``group``: points that share a training run (a trunk's budgets, checkpoints).
            ``diverged``: code of why a run diverged (:data:`synthmix.training.divergence.DIVERGED`), if one did.
        metrics: what the metric columns hold, ``loss`` first where it is there.
        kinds: source -> natural or synthetic, as far as known.
        warnings: what was taken for granted in reading.
        taken: column -> what it was read from, in a foreign table's own names.

    Raises:
        BadInput: lengths differ, or no point is there.
    """

    numbers: Mapping[str, Floats]
    texts: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = (Metric(LOSS),)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    warnings: tuple[Warn, ...] = ()
    taken: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(column) for column in (*self.numbers.values(), *self.texts.values())}
        if len(lengths) > 1:
            raise BadInput("the columns are not of one length", where="runs")
        if not lengths or lengths == {0}:
            raise BadInput("holds no runs", where="runs")

    def __len__(self) -> int:
        return len(next(iter((*self.numbers.values(), *self.texts.values()))))

    def __repr__(self) -> str:
        sizes = f"{len(self.recipes)} recipes, {len(self.cells)} cells (N, D)" if self.has("N", "D") else "one curve"
        return f"<RunsTable: {len(self)} runs, {sizes}; metrics {', '.join(m.name for m in self.metrics)}>"

    def metric(self, name: str) -> Metric:
        """What a column of measurements holds.

        Raises:
            BadInput: there is none of that name.
        """
        found = next((metric for metric in self.metrics if metric.name == name), None)
        if found is None:
            there = ", ".join(metric.name for metric in self.metrics)
            raise BadInput(f"no metric {name!r}", where="runs", remedy=f"there are {there}")
        return found

    def has(self, *columns: str) -> bool:
        """Whether all of ``columns`` are there."""
        return all(name in self.numbers or name in self.texts for name in columns)

    def column(self, name: str) -> Floats:
        """A column of numbers (n,).

        Raises:
            BadInput: there is none of that name.
        """
        if name not in self.numbers:
            raise BadInput(f"no column {name!r}", where="runs", remedy=f"there are {', '.join(self.numbers)}")
        return self.numbers[name]

    def text(self, name: str) -> list[str | None]:
        """A column of text, n strings; all None where it is absent."""
        return list(self.texts.get(name, [None] * len(self)))

    def select(self, which: Mask | npt.NDArray[np.intp]) -> "RunsTable":
        """The rows of a boolean mask (n,) or of integer positions.

        Raises:
            BadInput: nothing is left.
        """
        places = np.flatnonzero(which) if np.asarray(which).dtype == bool else np.asarray(which)
        return replace(
            self,
            numbers={name: column[places] for name, column in self.numbers.items()},
            texts={name: [column[i] for i in places] for name, column in self.texts.items()},
        )

    def of_recipe(self, *names: str) -> "RunsTable":
        """The runs of recipes, by their names.

        Raises:
            BadInput: there is no such recipe.
        """
        known = [name for name in dict.fromkeys(self.text("recipe")) if name is not None]
        for name in names:
            if name not in known:
                have = ", ".join(sorted(known)) or "no recipe column"
                raise BadInput(f"no runs of the recipe {name!r}", key="recipe", remedy=f"the table has: {have}")
        return self.select(np.array([name in names for name in self.text("recipe")]))

    @cached_property
    def uncut(self) -> "RunsTable":
        """The runs but those of simulated epochs, whose text was cut: to a law that reads no unique tokens they are
        runs of the same mixture with another loss. All of them where there are no others."""
        if "stage" not in self.texts or CUT not in self.text("stage"):
            return self
        keep = np.array([stage != CUT for stage in self.text("stage")])
        return self.select(keep) if keep.any() else self

    @cached_property
    def sound(self) -> "RunsTable":
        """The runs that did not diverge: what laws are fitted to and decisions rest on.

        Raises:
            BadInput: every run diverged.
        """
        if "diverged" not in self.texts:
            return self
        keep = np.array([code is None for code in self.text("diverged")])
        if not keep.any():
            raise BadInput("every run diverged", where="runs", remedy="lower the learning rate and train them again")
        left = self.select(keep)
        return replace(left, texts={name: cells for name, cells in left.texts.items() if name != "diverged"})

    @cached_property
    def recipes(self) -> list[str]:
        """Names of the recipes, natural text alone first, then by synthetic share and as they stand in the table."""
        first: dict[str, int] = {}
        for place, name in enumerate(self.text("recipe")):
            first.setdefault(name or "", place)
        share = self.numbers.get("share")
        order = {name: (0.0 if share is None else float(share[place]), place) for name, place in first.items()}
        return sorted(first, key=lambda name: order[name])

    @cached_property
    def natural(self) -> str | None:
        """The recipe of natural text alone; None where it has no run. Of several, the one with the most runs."""
        if "share" not in self.numbers:
            return None
        counts: dict[str, int] = {}
        for name, share in zip(self.text("recipe"), self.numbers["share"].tolist(), strict=True):
            if share == 0:
                counts[name or ""] = counts.get(name or "", 0) + 1
        return max(counts, key=lambda name: counts[name], default=None)

    @cached_property
    def sources(self) -> list[str]:
        """Names of the sources that have a share column."""
        return [name.removeprefix("share.") for name in self.numbers if name.startswith("share.")]

    def with_sources(self, sources: Sequence[str]) -> "RunsTable":
        """The same rows with share columns for exactly these sources, in this order; one that is not there has share 0.

        Raises:
            BadInput: a row has a share of another source.
        """
        for name in self.sources:
            if name not in sources and self.numbers[f"share.{name}"].max() > 0:
                raise BadInput(f"has a share of {name!r}", key="shares", remedy=f"known are {', '.join(sources)}")
        rest = {name: column for name, column in self.numbers.items() if not name.startswith("share.")}
        shares = {f"share.{s}": self.numbers.get(f"share.{s}", np.zeros(len(self))) for s in sources}
        return replace(self, numbers={**rest, **shares})

    def shares(self, recipe: str) -> dict[str, float]:
        """Source -> share of a recipe, sources without a share left out."""
        place = self.text("recipe").index(recipe)
        found = {source: float(self.numbers[f"share.{source}"][place]) for source in self.sources}
        return {source: share for source, share in found.items() if share > 0}

    def synthetic(self, recipe: str) -> str | None:
        """The one synthetic source of a recipe; None where there is none, or several."""
        return self.text("synthetic")[self.text("recipe").index(recipe)]

    def share(self, recipe: str) -> float:
        """The synthetic share of a recipe."""
        return float(self.column("share")[self.text("recipe").index(recipe)])

    # Cells

    @cached_property
    def cells(self) -> list[Cell]:
        """Every (N, D) that was trained, by compute."""
        found = {Cell(n, d) for n, d in zip(self.column("N").tolist(), self.column("D").tolist(), strict=True)}
        return sorted(found, key=lambda cell: (cell.compute, cell))

    def largest_cell(self, *required: str) -> Cell | None:
        """The cell at which recipes are compared: of those with the most recipes, or nearly so (:data:`NEARLY`), and
        with natural text alone where it has runs at all, the one of the most compute. None where no cell has two
        recipes.

        ``required``: recipes that must have runs there.
        """
        need = {*required, *([self.natural] if self.natural is not None else [])}
        found: dict[Cell, set[str]] = {}
        rows = zip(self.text("recipe"), self.column("N").tolist(), self.column("D").tolist(), strict=True)
        for name, n, d in rows:
            found.setdefault(Cell(n, d), set()).add(name or "")
        able = {cell: names for cell, names in found.items() if len(names) > 1 and need <= names}
        most = max(map(len, able.values()), default=0)
        return max(
            (cell for cell in able if len(able[cell]) >= NEARLY * most), key=lambda c: (c.compute, c), default=None
        )

    def at(self, cell: Cell) -> "RunsTable":
        """The runs of one cell."""
        return self.select((self.column("N") == cell.N) & (self.column("D") == cell.D))

    def mean(self, recipe: str, cell: Cell, metric: str = LOSS) -> float:
        """Mean of a metric over the runs of a recipe at a cell; NaN where there is none."""
        return float(np.mean(values)) if len(values := self._values(recipe, cell, metric)) else float("nan")

    def count(self, recipe: str, cell: Cell) -> int:
        """Runs of a recipe at a cell."""
        return len(self._values(recipe, cell, None))

    # Noise and measured differences

    @cached_property
    def replicates(self) -> npt.NDArray[np.intp]:
        """(n,) which replicate set (N, D, mixture) a row is of: rows of one label differ in their seed alone."""
        names = self.text("mixture") if "mixture" in self.texts else self.text("recipe")
        known = [name for name in ("N", "D", "share", "unique", "quality") if name in self.numbers]
        return labels([name or "" for name in names], *(self.numbers[name] for name in known))

    def noise(self, metric: str = LOSS) -> PooledNoise:
        """Seed noise of one run, pooled over the cells with replicates; ``by`` holds it by recipe where the replicates
        say that recipes differ in it."""
        values = self.column(metric)
        known = np.isfinite(values)
        names = np.array([name or "" for name in self.text("recipe")])
        return pooled_noise(values[known], self.replicates[known], by=names[known])

    def difference(
        self,
        recipe: str,
        other: str,
        cell: Cell,
        metric: str = LOSS,
        *,
        level: float = 0.9,
        noise: PooledNoise | None = None,
    ) -> Interval:
        """Mean of a metric for one recipe minus that for another, at one cell, with the seed noise's interval.

        Runs of equal seeds are paired (equal initialisation and order): with three pairs or more the interval is
        Student's t over the pairs' differences; else t * sqrt(sd_a^2 / n + sd_b^2 / m) with the pooled seed noise and
        its degrees of freedom. Without replicates there is none.

        Args:
            noise: known from elsewhere (the whole table's, for a selection of its rows); None: this table's.
        """
        from scipy.special import stdtrit

        mine, theirs = self._by_seed(recipe, cell, metric), self._by_seed(other, cell, metric)
        common = [seed for seed in mine if seed in theirs and seed is not None]
        if len(common) > 2:
            pairs = np.array([mine[seed] - theirs[seed] for seed in common])
            half = float(stdtrit(len(pairs) - 1, (1 + level) / 2) * pairs.std(ddof=1) / np.sqrt(len(pairs)))
            value = float(pairs.mean())
            return Interval(mid=value, low=value - half, high=value + half, level=level)
        a, b = self._values(recipe, cell, metric), self._values(other, cell, metric)
        value = float(a.mean() - b.mean()) if len(a) and len(b) else float("nan")
        if not np.isfinite(value):
            return Interval(mid=None, level=level, why="not measured at one size and budget")
        noise = self.noise(metric) if noise is None else noise
        if noise.sd is None:
            return Interval(mid=value, level=level, why="no replicates")
        spread = float(np.sqrt(noise.of(recipe) ** 2 / len(a) + noise.of(other) ** 2 / len(b)))
        half = float(stdtrit(noise.dof, (1 + level) / 2)) * spread
        return Interval(mid=value, low=value - half, high=value + half, level=level)

    def _values(self, recipe: str, cell: Cell, metric: str | None) -> Floats:
        here = (self.column("N") == cell.N) & (self.column("D") == cell.D)
        here &= np.array([name == recipe for name in self.text("recipe")])
        if metric is None:
            return np.ones(int(here.sum()))
        values = self.column(metric)[here]
        found: Floats = values[np.isfinite(values)]
        return found

    def _by_seed(self, recipe: str, cell: Cell, metric: str) -> dict[str | None, float]:
        here = (self.column("N") == cell.N) & (self.column("D") == cell.D) & np.isfinite(self.column(metric))
        names, seeds = self.text("recipe"), self.text("seed")
        return {seeds[i]: float(self.column(metric)[i]) for i in np.flatnonzero(here) if names[i] == recipe}

    # Ways out

    def arrays(self, metric: str = LOSS) -> Runs:
        """The columns that laws read, as arrays; runs that differ in their seed alone are one group. Rows at which the
        metric was not measured are left out. Of a score it is the error, 1 - score: that falls, and is above 0.

        Raises:
            BadInput: a value that a law cannot bear (``metric`` not positive, N or D missing, a score of 1 or more).
        """
        values = self.column(metric)
        which = np.isfinite(values) if metric != LOSS else np.ones(len(self), dtype=bool)
        if not which.any():
            raise BadInput("is not measured in any run", where="runs", key=metric)
        known = next((each for each in self.metrics if each.name == metric), Metric(metric))
        if known.unit == "score":
            if float(values[which].max()) >= 1:
                remedy = "scores lie between 0 and 1: in a mapping file units: {task.NAME: percent} divides by 100"
                raise BadInput(
                    f"is {values[which].max():g} somewhere, not below 1", where="runs", key=metric, remedy=remedy
                )
            values = 1 - values if known.higher_is_better else values
        names = [name for name in ("N", "D", "share", "unique", "quality") if name in self.numbers]
        columns = {name: self.numbers[name][which] for name in names}
        weight = self.numbers["weight"][which] if "weight" in self.numbers else None
        run = None
        if "step" in self.numbers and "group" in self.texts:  # rows are steps of training runs
            run = labels([name or "" for name in self.text("group")])[which]
        return Runs(**columns, loss=values[which], weight=weight, group=self.replicates[which], run=run)

    def to_frame(self, backend: Literal["pyarrow", "pandas", "polars"] = "pyarrow") -> Any:
        """The table as a frame: the text columns, the numbers, the metrics.

        Raises:
            BadInput: the library is not installed.
        """
        table = self._arrow()
        if backend == "pyarrow":
            return table
        import narwhals as nw

        try:
            frame = nw.from_native(table, eager_only=True)
            return frame.to_pandas() if backend == "pandas" else frame.to_polars()
        except ImportError:
            raise BadInput(
                f"{backend} is not installed", remedy=f"pip install {backend}, or take an Arrow table"
            ) from None

    def write(self, path: Any) -> None:
        """Write the table as Parquet, with what its metrics and sources are; :func:`read_runs` reads it back equal."""
        import io
        import json
        from dataclasses import asdict

        import pyarrow.parquet as pq

        from synthmix.checksums import SEAL, sealed
        from synthmix.files import write_bytes

        about: dict[str, Any] = {"metrics": [asdict(metric) for metric in self.metrics], "kinds": dict(self.kinds)}
        about |= {"taken": dict(self.taken), "warnings": [warning.model_dump() for warning in self.warnings]}
        table = self._arrow().replace_schema_metadata({"synthmix-runs-1": json.dumps(about), "digest": SEAL})
        held = io.BytesIO()
        pq.write_table(table, held)
        write_bytes(path, sealed(held.getvalue()))

    def _arrow(self) -> "pa.Table":
        import pyarrow as pa

        columns: dict[str, Any] = {name: pa.array(column, type=pa.string()) for name, column in self.texts.items()}
        columns |= {name: pa.array(column, from_pandas=True) for name, column in self.numbers.items()}
        return pa.table(columns)


def mixture_of(shares: Mapping[str, float], unique: Mapping[str, float] | None = None) -> str:
    """A mixture's identity: its sources and shares, in the order of names, and what is cut to which part of the budget.
    Equal mixtures have equal ones."""
    parts = " + ".join(f"{share:.6g} {name}" for name, share in sorted(shares.items()) if share)
    cut = " + ".join(f"{ratio:.6g} {name}" for name, ratio in sorted((unique or {}).items()))
    return f"{parts} of {cut}" if cut else parts


def of_rows(
    rows: Sequence[RunRow],
    recipes: Iterable[Recipe],
    kinds: Mapping[str, Kind],
    tasks: Mapping[str, Metric] | None = None,
) -> RunsTable:
    """The table of a study's rows, those that diverged marked.

    Args:
        recipes: the shares of every recipe that ``rows`` name.
        kinds: source -> natural or synthetic.
        tasks: task -> what is known of its scores.

    Raises:
        BadInput: there are no rows.
    """
    from synthmix.runs.divergence import marked

    every = {recipe.name: recipe for recipe in recipes}
    mixtures = {name: recipe.shares for name, recipe in every.items()}
    identity = {name: mixture_of(recipe.shares, recipe.unique) for name, recipe in every.items()}
    sources = list(dict.fromkeys(name for shares in mixtures.values() for name in shares))
    numbers: dict[str, Floats] = {
        "N": _floats(row.params for row in rows),
        "N_total": _floats(row.params_total for row in rows),
        "D": _floats(row.tokens for row in rows),
        "share": _floats(row.share for row in rows),
        "flops": _floats(row.flops for row in rows),
        "seconds": _floats(row.seconds for row in rows),
        "tokens_per_second": _floats(row.tokens_per_second for row in rows),
        LOSS: _floats(row.loss if math.isfinite(row.loss) else None for row in rows),
    }
    numbers |= {f"share.{source}": _floats(mixtures[row.recipe].get(source, 0.0) for row in rows) for source in sources}
    for source in sources:  # tokens of a source that are new: its part of the budget over its epochs
        parts = [mixtures[row.recipe].get(source, 0.0) * row.tokens for row in rows]
        numbers[f"unique.{source}"] = _floats(
            part / max(row.epochs.get(source, 0.0), 1.0) for part, row in zip(parts, rows, strict=True)
        )
    metrics = [Metric(LOSS)]
    for name in dict.fromkeys(name for row in rows for name in row.losses):
        numbers[f"loss.{name}"] = _floats(row.losses.get(name) for row in rows)
        metrics.append(Metric(f"loss.{name}", domain=name))
    for name in dict.fromkeys(name for row in rows for name in row.bits):
        numbers[f"bits.{name}"] = _floats(row.bits.get(name) for row in rows)
        metrics.append(Metric(f"bits.{name}", "bits", domain=name))
    for name in dict.fromkeys(name for row in rows for name in row.tasks):
        numbers[f"task.{name}"] = _floats(row.tasks.get(name) for row in rows)
        metrics.append((tasks or {}).get(name) or Metric.of_task(name))
    texts: dict[str, list[str | None]] = {
        "run": [row.id for row in rows],
        "recipe": [row.recipe for row in rows],
        "mixture": [identity[row.recipe] for row in rows],
        "synthetic": [row.synthetic for row in rows],
        "seed": [str(row.seed) for row in rows],
        "group": [f"{identity[row.recipe]} | {row.params} | {row.seed}" for row in rows],
        "stage": [CUT if every[row.recipe].unique else "ladder" for row in rows],
        "diverged": [row.diverged for row in rows],
    }
    return marked(RunsTable(numbers, texts, tuple(metrics), dict(kinds)))


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
