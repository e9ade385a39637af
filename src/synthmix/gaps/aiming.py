"""From a gap to the aim of a generation job."""

from synthmix.errors import BadInput
from synthmix.generation.aim import Aim
from synthmix.results.gap import Gap

MOST = 5_000  # lacking words that seeds are drawn by


def aim_of(found: Gap) -> Aim:
    """What should be written: the lacking words by their part of the gap.

    Raises:
        BadInput: there is no gap, or no word that it lies on.
    """
    if found.state == "none" or not found.terms:
        raise BadInput("no gap: nothing is lacking", where=", ".join(found.reference))
    return Aim(
        {term.text: term.gap for term in found.terms},
        tuple(found.reference),
        {term.text: term.mass for term in found.terms if term.mass is not None},
        # As much of the seeds as of the mixture: what both show together is then what the reference does.
        {term.text: (2 * term.needed - term.shown) / 1e6 for term in found.terms},
    )
