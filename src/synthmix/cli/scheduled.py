"""The recipe that ``synthmix mix`` is given, with or without a schedule."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from synthmix.cli.common import Part, parse_parts, parsed
from synthmix.errors import BadInput

if TYPE_CHECKING:
    from synthmix.mixture.recipe import Recipe


def mixed(arguments: Sequence[str], schedule: str | None) -> "tuple[list[Part], Recipe]":
    """The sources and their recipe. With a schedule the last source follows it and the first takes what is left.

    Raises:
        BadInput: shares or a schedule that cannot be, or a written share that is not the schedule's mean.
    """
    from synthmix.mixture.recipe import TOLERANCE, make_recipe, make_scheduled_recipe
    from synthmix.mixture.schedule import Schedule, parse_schedule
    from synthmix.quantities import format_share

    if schedule is None:
        sources = parse_parts(arguments)
        return sources, make_recipe("mixture", {part.name: part.share for part in sources})
    shape = parsed(parse_schedule, schedule, "--schedule")
    if len(arguments) < 2:
        raise BadInput("a share that changes needs a second source", key="--schedule", remedy="name natural text first")
    bare = {i for i, each in enumerate(arguments) if i in (0, len(arguments) - 1) and ":" not in each}
    sources = parse_parts([f"0:{each}" if i in bare else each for i, each in enumerate(arguments)])
    shares: dict[str, Schedule | Fraction | str] = {part.name: part.share for part in sources}
    recipe = make_scheduled_recipe(
        "mixture", shares | {sources[0].name: "rest", sources[-1].name: shape}, where="--schedule"
    )
    means = dict(recipe.shares)
    for i, part in enumerate(sources):
        mean = means.get(part.name, Fraction(0))
        if i not in bare and abs(part.share - mean) > TOLERANCE:
            raise BadInput(
                f"{format_share(part.share)} asked for, {format_share(mean)} in the schedule's mean",
                key=part.name,
                remedy="leave the share out",
            )
    return sources, recipe
