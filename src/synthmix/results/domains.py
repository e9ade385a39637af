"""The same by the loss on each held-out domain."""

from pydantic import Field

from synthmix.interval import Interval
from synthmix.results.fitted import FitSummary
from synthmix.results.parts import Part, Warn


class DomainShare(Part):
    """The best share of one source by the loss on one domain, at one (params, tokens).

    ``gain``: loss at share 0 minus loss at the best share, nats per token. ``flat``: shares within the noise of the
    best. ``law``: that predicts it; None: measured there.
    """

    synthetic: str
    params: int
    tokens: int
    law: str | None
    best: Interval
    gain: Interval
    flat: tuple[float, float] | None


class DomainFound(Part):
    """One held-out domain over the runs of a study: its laws, the best shares by its loss.

    ``laws``: one a synthetic source, in (N, D, share), of the form that was chosen for the averaged loss; where no
    source has one, that of natural text alone in (N, D).
    """

    domain: str
    laws: list[FitSummary] = Field(default=[])
    shares: list[DomainShare] = Field(default=[])
    warnings: list[Warn] = Field(default=[])
