"""What the laws predict for every share of a kind at the question, with repeats where text is short.

Shape letters: d draws, m shares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmix.decisions.determined import undetermined_law
from synthmix.decisions.fits import StudyFits, source_runs
from synthmix.decisions.supply import effective, effective_mixture, repeats_draws
from synthmix.results import Kind, Question
from synthmix.runs import RunsTable
from synthmix.scaling import Fit, Inputs
from synthmix.scaling.runs import Array

STEPS = 101  # shares on the curve, one percent apart


@dataclass(frozen=True)
class LawPrediction:
    """One law's losses at the question: the value first, then the draws, the law's own error in their spread:
    (1 + d, m), nats per token.

    ``natural``: of natural text alone (1 + d,), under the same limits; ``base``: the law that it is from.
    """

    fit: Fit
    loss: Array
    natural: Array
    base: Fit

    @property
    def difference(self) -> Array:
        """Loss minus that of natural text alone (1 + d, m), paired by draw; NaN where both are infinite."""
        with np.errstate(invalid="ignore"):
            return self.loss - self.natural[:, None]


@dataclass(frozen=True)
class Prediction:
    """One synthetic source, or one recipe of its own law, at the question.

    Attributes:
        name: the kind's, or the recipe's where it has a law of its own.
        kinds: of synthetic text in it; one where the share varies.
        shares: (m,) synthetic shares, between those trained. even: (m,) marks the evenly spaced ones, the others are
            those trained.
        parts: source -> (m,) its share of the tokens.
        laws: the law that extrapolates best, then its rivals.
        recipes: names of the recipes trained. recipe: the one that has a law of its own.
        trained: shares trained. unique: source -> tokens that can be had.
        undetermined: codes of what the runs leave open about the first law.
        allowed: (m,) where no text is gone through more often than the question allows; None: all. natural_allowed: of
            natural text alone.
    """

    name: str
    kinds: tuple[Kind, ...]
    shares: Array
    even: npt.NDArray[np.bool_]
    parts: Mapping[str, Array]
    laws: tuple[LawPrediction, ...]
    trained: tuple[float, ...]
    unique: Mapping[str, float]
    recipes: tuple[str, ...] = ()
    recipe: str | None = None
    undetermined: list[str] = field(default_factory=list)
    extrapolation: float = 0.0
    allowed: npt.NDArray[np.bool_] | None = None
    natural_allowed: bool = True

    @property
    def kind(self) -> Kind | None:
        """The one kind; None where there are several."""
        return self.kinds[0] if len(self.kinds) == 1 else None

    def bought(self, tokens: float) -> Array:
        """Unique synthetic tokens (m,) of a budget of ``tokens``."""
        each = [np.minimum(self.parts[kind.name] * tokens, self.unique[kind.name]) for kind in self.kinds]
        found: Array = np.sum(each, axis=0)
        return found

    def money(self, tokens: float) -> Array:
        """Their price (m,)."""
        each = [np.minimum(self.parts[kind.name] * tokens, self.unique[kind.name]) * kind.price for kind in self.kinds]
        found: Array = np.sum(each, axis=0) / 1e6
        return found

    def generation(self, tokens: float) -> Array | None:
        """FLOPs (m,) to generate them; None where a generator is not known."""
        costs = [kind.generation_flops for kind in self.kinds]
        if any(cost is None for cost in costs):
            return None
        each = [
            np.minimum(self.parts[kind.name] * tokens, self.unique[kind.name]) * (cost or 0.0)
            for kind, cost in zip(self.kinds, costs, strict=True)
        ]
        found: Array = np.sum(each, axis=0)
        return found


def predictions(
    table: RunsTable, fits: StudyFits, question: Question, *, steps: int = STEPS, draws: int | None = None
) -> list[Prediction]:
    """A prediction for each kind that is asked about and has a law in its share, then one for each recipe of these
    kinds that has a law of its own only, from the first ``draws`` draws of each law."""
    kinds = {kind.name: kind for kind in question.kinds}
    found = [_of_source(table, fits, kinds[name], question, steps, draws) for name in kinds if name in fits.sources]
    for recipe in table.recipes:
        synthetic = [name for name in table.shares(recipe) if table.kinds.get(name) == "synthetic"]
        covered = len(synthetic) == 1 and synthetic[0] in fits.sources
        asked = synthetic and all(name in kinds for name in synthetic)
        if asked and not covered and recipe in fits.own and table.natural in fits.own:
            found.append(_of_recipe(table, fits, recipe, [kinds[name] for name in synthetic], question, draws))
    return found


def parameters(law: Fit, draws: int | None = None) -> Array:
    """The fitted parameters, then those of the draws: (1 + d, p)."""
    return np.vstack([law.values, law.draws[:draws]])


def natural_supply(question: Question) -> float:
    """Unique natural tokens."""
    return np.inf if question.natural is None else float(question.natural)


def allowed_at(question: Question, natural: Array | float, kinds: Sequence[tuple[Kind, Array | float]]) -> Any:
    """Where a share of natural text and shares of kinds, scalars or (m,), repeat no text more often than allowed."""
    most = [(natural, natural_supply(question), question.natural_epochs)]
    most += [(share, question.limit(kind), kind.epochs) for kind, share in kinds]
    found: Any = True
    for share, unique, epochs in most:
        if epochs is not None:
            found = found & (np.asarray(share) * question.tokens <= unique * epochs * (1 + 1e-9))
    return found


def asked(question: Question, share: float | None) -> dict[str, float]:
    """The question as columns of a law."""
    at = {"N": float(question.params), "D": float(question.tokens)}
    return at if share is None else {**at, "share": share}


def natural_losses(
    law: Fit, share: float | None, question: Question, draws: int | None = None, *, widened: bool = True
) -> Array:
    """Losses (1 + d,) of natural text alone at the question, repeated where it is short.

    ``widened``: with the law's own error in their spread.
    """
    theta = parameters(law, draws)
    tokens = effective(float(question.tokens), natural_supply(question), repeats_draws(len(theta) - 1))[:, None]
    shares = None if share is None else np.full_like(tokens, share)
    losses = _losses(law, theta, question.params, tokens, shares)[:, 0]
    return law.widen(losses, **asked(question, share)) if widened else losses


def _of_source(
    table: RunsTable, fits: StudyFits, kind: Kind, question: Question, steps: int, draws: int | None
) -> Prediction:
    """On a grid of shares and on the trained ones."""
    mine = source_runs(table, kind.name)
    trained = tuple(sorted(set(mine.column("share").tolist())))
    unique = question.limit(kind)
    grid = np.linspace(trained[0], trained[-1], steps) if unique >= 1 else np.zeros(1)
    beside = [share for share in trained if np.abs(grid - share).min() > 1e-9 and unique >= 1]
    shares = np.sort(np.r_[grid, beside])
    laws = []
    for law in fits.sources[kind.name].laws:
        theta = parameters(law, draws)
        repeats = repeats_draws(len(theta) - 1)[:, None]
        parts = [(1 - shares[None, :], natural_supply(question)), (shares[None, :], unique)]
        tokens = effective_mixture(float(question.tokens), parts, repeats)
        loss = _losses(law, theta, question.params, tokens, np.broadcast_to(shares, tokens.shape))
        natural = natural_losses(law, 0.0, question, draws, widened=False)
        loss = law.widen_shares(loss, natural, shares, **asked(question, None))
        laws.append(LawPrediction(law, loss, natural_losses(law, 0.0, question, draws), law))
    return Prediction(
        name=kind.name,
        kinds=(kind,),
        shares=shares,
        even=np.isin(shares, grid),
        parts={kind.name: shares},
        laws=tuple(laws),
        trained=trained,
        unique={kind.name: unique},
        recipes=tuple(name for name in mine.recipes if name != table.natural),
        undetermined=undetermined_law(laws[0].fit),
        extrapolation=fits.extrapolation.get(kind.name, 0.0),
        allowed=np.broadcast_to(allowed_at(question, 1 - shares, [(kind, shares)]), shares.shape),
        natural_allowed=bool(allowed_at(question, 1.0, [])),
    )


def _of_recipe(
    table: RunsTable, fits: StudyFits, recipe: str, kinds: list[Kind], question: Question, draws: int | None
) -> Prediction:
    """One recipe by its own law in (N, D), against natural text by its own."""
    shares, law, base = table.shares(recipe), fits.own[recipe], fits.own[table.natural or ""]
    unique = {kind.name: question.limit(kind) for kind in kinds}
    theta = parameters(law, draws)
    repeats = repeats_draws(len(theta) - 1)
    parts = [(share, unique.get(source, natural_supply(question))) for source, share in shares.items()]
    tokens = effective_mixture(float(question.tokens), parts, repeats)
    loss = law.widen(_losses(law, theta, question.params, tokens[:, None], None), **asked(question, None))
    natural = natural_losses(base, None, question, draws)
    count = min(len(loss), len(natural))
    share = np.array([table.share(recipe)])
    return Prediction(
        name=recipe,
        kinds=tuple(kinds),
        shares=share,
        even=np.ones(1, dtype=bool),
        parts={kind.name: np.array([shares[kind.name]]) for kind in kinds},
        laws=(LawPrediction(law, loss[:count], natural[:count], base),),
        trained=(float(share[0]),),
        unique=unique,
        recipes=(recipe,),
        recipe=recipe,
        undetermined=list(dict.fromkeys([*undetermined_law(law), *undetermined_law(base)])),
        allowed=np.broadcast_to(
            allowed_at(question, 1 - table.share(recipe), [(kind, shares[kind.name]) for kind in kinds]), (1,)
        ),
        natural_allowed=bool(allowed_at(question, 1.0, [])),
    )


def _losses(law: Fit, theta: Array, params: float, tokens: Array, shares: Array | None) -> Array:
    """Losses (d, m): row d of the parameters at its own tokens and shares (d, m)."""
    given = {"N": np.full(tokens.size, float(params)), "D": tokens.ravel()}
    if shares is not None:
        given["share"] = shares.ravel()
    x = Inputs(**{name: given[name] for name in law.law.columns})
    return law.law.predict_each(np.repeat(theta, tokens.shape[1], axis=0), x).reshape(tokens.shape)
