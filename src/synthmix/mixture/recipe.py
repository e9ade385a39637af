"""A recipe: shares of named corpora that add up to one, kept as exact fractions."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from synthmix.errors import BadInput
from synthmix.quantities import format_share

TOLERANCE = Fraction(1, 1000)  # 0.333 + 0.667 is meant to be one, and 33% + 33% + 33% is not


@dataclass(frozen=True)
class Recipe:
    """Shares of named corpora, in tokens. ``shares`` maps a corpus name to a positive fraction; they sum to 1."""

    name: str
    shares: tuple[tuple[str, Fraction], ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the corpora, in the recipe's order."""
        return tuple(name for name, _ in self.shares)


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


def share_recipe(natural: str, synthetic: str, share: Fraction) -> Recipe:
    """The recipe with ``share`` of one synthetic corpus and the rest natural text, with its usual name."""
    if share == 0:
        return Recipe(natural, ((natural, Fraction(1)),))
    if share == 1:
        return Recipe(synthetic, ((synthetic, Fraction(1)),))
    name = f"{format_share(share).removesuffix('%')}% {synthetic} + {natural}"
    return Recipe(name, ((natural, 1 - share), (synthetic, share)))
