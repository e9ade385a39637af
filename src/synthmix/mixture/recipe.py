"""A recipe: shares of named corpora that add up to one, kept as exact fractions; constant or changing along the run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from synthmix.errors import BadInput
from synthmix.mixture.schedule import Curve, Schedule, constant, make_curve, what_is_left
from synthmix.quantities import format_share

TOLERANCE = Fraction(1, 1000)  # 0.333 + 0.667 is meant to be one, and 33% + 33% + 33% is not


@dataclass(frozen=True)
class Recipe:
    """Shares of named corpora, in tokens. ``shares`` maps a corpus name to a positive fraction; they sum to 1.

    Where shares change along the run, ``schedule`` holds each source's share over progress and ``shares`` are their
    means, what the recipe is called by. Progress is that of a run's whole budget: a shorter run of the same recipe
    is not a prefix of a longer one, so several budgets cannot branch off one trunk (``is_static`` is False). The same
    holds where ``unique`` cuts the text of a source to so many unique tokens, in parts of a run's budget.
    """

    name: str
    shares: tuple[tuple[str, Fraction], ...]
    schedule: tuple[tuple[str, Curve], ...] | None = None
    unique: tuple[tuple[str, Fraction], ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the corpora, in the recipe's order."""
        return tuple(name for name, _ in self.shares)

    @property
    def is_static(self) -> bool:
        """Whether every prefix has the same shares, so that one trunk can serve several budgets."""
        return self.schedule is None and not self.unique

    @property
    def content(self) -> tuple[object, ...]:
        """What decides the text seen, without the name: equal recipes have equal contents."""
        cut = (frozenset(self.unique),) if self.unique else ()
        return frozenset(self.shares), frozenset(self.schedule or ()), *cut

    def as_dict(self) -> dict[str, Any]:
        """Shares, schedule and cut texts as plain data, for hashes and records; only those that there are."""
        plain: dict[str, Any] = {"shares": {name: str(share) for name, share in self.shares}}
        if self.schedule is not None:
            plain["schedule"] = {name: curve.as_list() for name, curve in self.schedule}
        if self.unique:
            plain["unique"] = {name: str(ratio) for name, ratio in self.unique}
        return plain


def make_recipe(name: str, shares: Mapping[str, Fraction], *, where: str | None = None) -> Recipe:
    """Check that the shares add up to one and normalise rounding (within 0.1 %) away.

    Raises:
        BadInput: no source, a negative share, or a sum that is not one.
    """
    kept = {source: share for source, share in shares.items() if share != 0}
    total = sum(kept.values(), Fraction(0))
    if not kept or min(kept.values()) < 0 or abs(total - 1) > TOLERANCE:
        listed = " + ".join(f"{source} {format_share(share)}" for source, share in shares.items()) or "nothing"
        raise BadInput(
            f"the shares {listed} make {format_share(total)}, not 100%",
            where=where,
            key=name,
            remedy="make them add up to 100%",
        )
    return Recipe(name, tuple((source, share / total) for source, share in kept.items()))


def make_scheduled_recipe(
    name: str, sources: Mapping[str, Schedule | Fraction | str], *, where: str | None = None
) -> Recipe:
    """A recipe whose shares may change along the run: a share, a schedule or ``"rest"`` (once) for each source.

    Where no share changes, this is :func:`make_recipe`'s static recipe.

    Raises:
        BadInput: ``rest`` twice, or shares that make more, or without ``rest`` less, than 100 % somewhere.
    """
    rests = [source for source, entry in sources.items() if isinstance(entry, str)]
    if len(rests) > 1 or any(sources[source] != "rest" for source in rests):
        raise BadInput("write 'rest' for one source, a share or a schedule for the others", where=where, key=name)
    curves = {
        source: entry.curve() if isinstance(entry, Schedule) else constant(entry)
        for source, entry in sources.items()
        if not isinstance(entry, str)
    }
    if not rests and curves and all(curve.is_constant for curve in curves.values()):
        return make_recipe(name, {source: curve.mean for source, curve in curves.items()}, where=where)
    left = what_is_left(list(curves.values()))
    for piece in left:
        for x, share in ((piece.start, piece.first), (piece.end, piece.last)):
            if share < 0 or (share > 0 and not rests):
                raise BadInput(
                    f"at {format_share(x)} of the run the shares make {format_share(1 - share)}, not 100%",
                    where=where,
                    key=name,
                    remedy="lower one" if share < 0 else "write 'rest' for one source",
                )
    curves |= {rest: make_curve(left) for rest in rests}
    ordered = tuple((source, curves[source]) for source in sources if curves[source].mean > 0)
    means = tuple((source, curve.mean) for source, curve in ordered)
    return Recipe(name, means, None if all(curve.is_constant for _, curve in ordered) else ordered)


def with_simulated_epochs(recipe: Recipe, ratios: Mapping[str, Fraction]) -> Recipe:
    """The recipe on text cut to the ``ratios`` of unique tokens to budget that a target has: it goes through each
    source as often as there. Ratios that its share does not reach cut nothing."""
    shares = dict(recipe.shares)
    unique = tuple((name, ratio) for name, ratio in ratios.items() if ratio < shares.get(name, 0))
    return replace(recipe, name=f"{recipe.name}, repeated", unique=unique)


def share_recipe(natural: str, synthetic: str, share: Fraction | Schedule) -> Recipe:
    """The recipe with ``share`` of one synthetic corpus and the rest natural text, with its usual name."""
    if isinstance(share, Schedule):
        curve = share.curve()
        if not curve.is_constant:
            name = f"{_percent(curve.mean)}% {synthetic} ({share.in_words()}) + {natural}"
            return make_scheduled_recipe(name, {natural: "rest", synthetic: share})
        share = curve.mean
    if share == 0:
        return Recipe(natural, ((natural, Fraction(1)),))
    if share == 1:
        return Recipe(synthetic, ((synthetic, Fraction(1)),))
    return Recipe(f"{_percent(share)}% {synthetic} + {natural}", ((natural, 1 - share), (synthetic, share)))


def _percent(share: Fraction) -> str:
    return format_share(share).removesuffix("%")
