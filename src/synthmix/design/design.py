"""A design: which runs a study would make, before any of them is made, and what they cost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import format_count, percent
from synthmix.runs import RunsTable
from synthmix.runs.table import LOSS, Metric, mixture_of
from synthmix.scaling.runs import Array, Index

NATURAL = "natural"
SMALLEST = (25_000, 100_000)  # parameters and tokens: smaller models of a ladder do not leave the unigram level
FlopsPerToken = Callable[[float], float]


def six_n(params: float) -> float:
    """Training FLOPs of a token: 6 N."""
    return 6.0 * params


@dataclass(frozen=True)
class DesignRun:
    """One run: N non-embedding parameters, D training tokens, the share of each synthetic source, and its seed."""

    params: float
    tokens: float
    shares: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    recipe: str = ""


@dataclass(frozen=True)
class Design:
    """The runs of a study.

    Attributes:
        runs: all of them.
        trunk: whether the budgets of one recipe, size and seed share their stable phase (WSD), so that B1 < ... < Bk
            cost (1 - decay) Bk + decay (B1 + ... + Bk).
        decay: the fraction of a budget that is its decay.
        flops_per_token: FLOPs of one training token at N.
        natural: what natural text is called.
    """

    runs: tuple[DesignRun, ...]
    trunk: bool = False
    decay: float = 0.2
    flops_per_token: FlopsPerToken = six_n
    natural: str = NATURAL

    def __post_init__(self) -> None:
        if not self.runs:
            raise BadInput("has no runs", where="design")

    @classmethod
    def grid(
        cls,
        sizes: Iterable[float],
        budgets: Iterable[float],
        shares: Iterable[float],
        sources: Sequence[str] = ("synthetic",),
        *,
        seeds: int = 1,
        replicates: int = 1,
        trunk: bool = False,
        flops_per_token: FlopsPerToken = six_n,
    ) -> "Design":
        """Every share of every source at every size and budget.

        Args:
            shares: synthetic shares, 0 among them or not: natural text alone is always trained, once for all sources.
            seeds: of every cell. replicates: seeds of the smallest size at the smallest and the largest budget, where
                that is more.

        Raises:
            BadInput: a number that is none, or nothing of one of them.
        """
        sizes, budgets = sorted(set(sizes)), sorted(set(budgets))
        shares = sorted({0.0, *shares})
        for key, values in (("sizes", sizes), ("budgets", budgets)):
            if not values or min(values) <= 0:
                raise BadInput("holds no positive number", where="design", key=key)
        if shares[-1] > 1 or shares[0] < 0 or len(shares) < 2:
            raise BadInput("are not between 0 and 1, or hold nothing above 0", where="design", key="shares")
        mixtures: list[dict[str, float]] = [{}, *({source: r} for source in sources for r in shares if r > 0)]
        runs = []
        for n in sizes:
            for d in budgets:
                count = max(seeds, replicates) if n == sizes[0] and d in (budgets[0], budgets[-1]) else seeds
                runs += [DesignRun(n, d, each, seed, _name(each)) for seed in range(count) for each in mixtures]
        return cls(tuple(runs), trunk, flops_per_token=flops_per_token)

    @property
    def sources(self) -> list[str]:
        """Names of the synthetic sources."""
        return list(dict.fromkeys(name for run in self.runs for name in run.shares))

    @property
    def sizes(self) -> list[float]:
        """N, smallest first."""
        return sorted({run.params for run in self.runs})

    @property
    def budgets(self) -> list[float]:
        """D, smallest first."""
        return sorted({run.tokens for run in self.runs})

    @property
    def shares(self) -> list[float]:
        """Synthetic shares, smallest first."""
        return sorted({round(sum(run.shares.values()), 4) for run in self.runs})

    @property
    def flops(self) -> float:
        """Training FLOPs of all runs, what a trunk is shared by counted once."""
        if not self.trunk:
            return sum(run.tokens * self.flops_per_token(run.params) for run in self.runs)
        families: dict[tuple[str, float, int], list[float]] = {}
        for run in self.runs:
            families.setdefault((run.recipe, run.params, run.seed), []).append(run.tokens)
        return sum(
            self.flops_per_token(params) * ((1 - self.decay) * max(budgets) + self.decay * sum(budgets))
            for (_, params, _), budgets in families.items()
        )

    @property
    def N(self) -> Array:  # noqa: N802 - as the laws call it
        """(n,) of the runs."""
        return np.array([run.params for run in self.runs], dtype=np.float64)

    @property
    def D(self) -> Array:  # noqa: N802
        """(n,) of the runs."""
        return np.array([run.tokens for run in self.runs], dtype=np.float64)

    def share_of(self, source: str) -> Array:
        """(n,) the share of a source in every run."""
        return np.array([run.shares.get(source, 0.0) for run in self.runs], dtype=np.float64)

    @property
    def families(self) -> Index:
        """(n,) integer labels: runs of one recipe, size and seed, which a trunk serves."""
        keys = [f"{run.recipe}|{run.params}|{run.seed}" for run in self.runs]
        return np.unique(keys, return_inverse=True)[1]

    def single_seeds(self) -> "Design":
        """The same cells, each with its first seed alone."""
        first: dict[tuple[str, float, float], DesignRun] = {}
        for run in self.runs:
            first.setdefault((run.recipe, run.params, run.tokens), run)
        return replace(self, runs=tuple(first.values()))

    def more_seeds(self) -> "Design":
        """The same runs, and each cell once more."""
        last: dict[tuple[str, float, float], int] = {}
        for run in self.runs:
            key = (run.recipe, run.params, run.tokens)
            last[key] = max(last.get(key, 0), run.seed)
        more = [
            DesignRun(n, d, next(run.shares for run in self.runs if run.recipe == name), seed + 1, name)
            for (name, n, d), seed in last.items()
        ]
        return replace(self, runs=(*self.runs, *more))

    def table(self, losses: Array) -> RunsTable:
        """The runs with losses (n,), as a study's runs table."""
        natural, sources = self.natural, [self.natural, *self.sources]
        shares = {source: self.share_of(source) for source in self.sources}
        total = np.sum([*shares.values()], axis=0) if shares else np.zeros(len(self.runs))
        shares[natural] = 1 - total
        numbers = {"N": self.N, "D": self.D, "share": total, LOSS: np.asarray(losses, dtype=np.float64)}
        numbers |= {f"share.{source}": shares[source] for source in sources}
        mixtures = [mixture_of({natural: 1 - sum(run.shares.values()), **run.shares}) for run in self.runs]
        synthetic = [next(iter(run.shares)) if len(run.shares) == 1 else None for run in self.runs]
        texts = {
            "recipe": [run.recipe for run in self.runs],
            "mixture": mixtures,
            "synthetic": synthetic,
            "seed": [str(run.seed) for run in self.runs],
        }
        kinds = {natural: "natural", **dict.fromkeys(self.sources, "synthetic")}
        return RunsTable(numbers, texts, (Metric(LOSS),), kinds)  # type: ignore[arg-type]

    def said(self) -> str:
        """In a line."""
        sizes, budgets = (", ".join(format_count(each) for each in column) for column in (self.sizes, self.budgets))
        shares = ", ".join(percent(share) for share in self.shares)
        how = ", one trunk for the budgets" if self.trunk else ""
        return f"{len(self.runs)} runs: N {sizes}; D {budgets}; shares {shares}{how}; {self.flops:.2g} FLOPs"


def _name(shares: Mapping[str, float]) -> str:
    return " + ".join(f"{share:.4g} {source}" for source, share in shares.items()) or NATURAL
