"""Many recipes at few scales: which is best at a target, as codes and numbers."""

from pydantic import Field

from synthmix.interval import Interval
from synthmix.results.parts import Part, Warn


class RankedRecipe(Part):
    """One recipe at the target.

    Attributes:
        place: 1 has the highest expectation. group: recipes of one group are not told apart from its first.
        runs: of it in the table. params, tokens, measured: its largest cell, and the median of its runs there.
        behind: how much worse than the first it is expected to be, in units of the metric, of the mean over seeds.
        best: the probability that it is the best of all. beats_first: that a run of it is better than one of the
            first. regret: what choosing it is expected to lose against the best there is.
        single: its place by the order at the largest cell at which it was measured with the first; law: by a power law
            of its own (of scores a straight line) in the compute; None: there is none.
    """

    recipe: str
    place: int
    group: int
    runs: int
    params: int
    tokens: int
    measured: float
    behind: Interval
    best: float
    beats_first: float
    regret: float
    single: int | None
    law: int | None


class RankedPair(Part):
    """Two recipes, the one expected to be better first.

    Attributes:
        probability: that a run of ``better`` scores above a run of ``worse`` at the target.
        decided: told apart. single, law: whether the order at the largest common cell, and that of their own laws, is
            the same; None: there is none.
    """

    better: str
    worse: str
    probability: float
    decided: bool
    single: bool | None
    law: bool | None


class CalibrationBin(Part):
    """Pairs whose probability lay between ``low`` and ``high``: what was expected, and what was right."""

    low: float
    high: float
    expected: float
    right: float
    pairs: int


class RankCheck(Part):
    """The method's own past: the largest scale left out, then foretold from the others.

    Attributes:
        params, tokens: the cell that was foretold. recipes: measured there and below.
        pairs: of them. right: rightly ordered. decided: the part of the pairs that it told apart; decided_right: of
            these, rightly. single, law: rightly ordered by the plain order at the largest common cell, and by laws of
            their own, each of its own number of pairs.
        brier: mean squared error of the probabilities. bins: their calibration.
    """

    params: int
    tokens: int
    recipes: int
    pairs: int
    right: float
    decided: float
    decided_right: float | None
    single: float | None
    single_pairs: int
    law: float | None
    law_pairs: int
    brier: float
    bins: list[CalibrationBin]


class RankNext(Part):
    """A run that would settle something. ``value``: by how much it is expected to raise the score of what is chosen."""

    recipe: str
    params: int
    tokens: int
    flops: float
    value: float


class Ranking(Part):
    """Recipes at a target.

    Attributes:
        decades: log10 of the target's compute over the largest cell's.
        level: of intervals, and the part of the decided pairs that is expected to be right.
        recipes: by place. pairs: all of them. groups: of names, the best first.
        regret: expected loss from choosing the first, in units of the metric.
        check: None: there is no smaller scale to foretell the largest from (``no_check`` among the warnings).
        own, length: what the runs and the prior say of the part of a recipe's standing that is a scale's own, and of
            the decades over which the rest drifts (posterior means). noise: of one run; None: no run was repeated.
    """

    metric: str
    higher_is_better: bool
    params: int
    tokens: int
    decades: float
    level: float
    recipes: list[RankedRecipe]
    pairs: list[RankedPair]
    groups: list[list[str]]
    regret: float
    check: RankCheck | None = None
    next_runs: list[RankNext] = Field(default=[])
    own: float
    length: float
    noise: float | None
    warnings: list[Warn] = Field(default=[])

    @property
    def decided(self) -> float:
        """The part of the pairs that is told apart."""
        return sum(pair.decided for pair in self.pairs) / len(self.pairs)

    def probability(self, recipe: str, other: str) -> float:
        """That a run of ``recipe`` is better at the target than one of ``other``.

        Raises:
            KeyError: they are no pair of the ranking.
        """
        for pair in self.pairs:
            if (pair.better, pair.worse) == (recipe, other):
                return pair.probability
            if (pair.better, pair.worse) == (other, recipe):
                return 1 - pair.probability
        raise KeyError(f"{recipe}, {other}")

    def __repr__(self) -> str:
        said = f"{self.decided:.0%} of {len(self.pairs)} pairs told apart, expected regret {self.regret:.3g}"
        return f"<Ranking of {len(self.recipes)} recipes by {self.metric}: {self.recipes[0].recipe} first; {said}>"

    __str__ = __repr__
