"""``--until`` and ``--cost`` of a study whose runs are chosen: when a decision is known well enough, at what cost."""

import math
import re
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from synthmix.errors import BadInput
from synthmix.quantities import parse_number
from synthmix.results.choices import Measure, Standing, Unit

_UNTIL = re.compile(r"(\w+)\s*([<>]=?)\s*([^\s]+?)\s*(nats|nat)?")
_COST = re.compile(r"([^\s]+?)\s*(s|sec|seconds?|min|minutes?|h|hours?|d|days?|flops?)?", re.IGNORECASE)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIGN = {"width": "<", "regret": "<", "confidence": ">"}
_EXAMPLES = 'write "width < 0.03 nats", "regret < 0.002 nats" or "confidence > 95%"'


@dataclass(frozen=True)
class Until:
    """A measure of the decision and the bound that it is to pass."""

    text: str
    measure: Measure
    bound: float

    def met(self, standing: Standing) -> bool:
        """Whether the decision is known so well."""
        value = getattr(standing, self.measure)
        if value is None:
            return False
        return bool(value > self.bound if self.measure == "confidence" else value < self.bound)

    def ratio(self, standing: Standing) -> float:
        """To what part what is open must shrink; 0: it is not known from how much."""
        value = getattr(standing, self.measure)
        if value is None:
            return 0.0
        if self.measure == "confidence":
            return min(float(ndtri(min(value, 1 - 1e-12)) / ndtri(self.bound)), 1.0)
        return min(self.bound / max(value, 1e-12), 1.0)

    def after(self, standing: Standing, ratio: float) -> float | None:
        """What the measure would be, were what is open shrunk to a part."""
        value = getattr(standing, self.measure)
        if value is None:
            return None
        if self.measure == "confidence":
            return float(ndtr(ndtri(min(value, 1 - 1e-12)) / max(ratio, 1e-6)))
        return float(value * ratio)

    def said(self, value: float | None) -> str:
        """A value of the measure in words."""
        if value is None:
            return "not determined"
        return f"{value:.0%}" if self.measure == "confidence" else f"{value:.2g} nats"


@dataclass(frozen=True)
class Limit:
    """What the chosen runs may cost together; ``seconds``: of training by all workers."""

    text: str
    amount: float
    unit: Unit


def parse_until(text: str) -> Until:
    """``width < 0.03 nats``, ``regret < 0.002``, ``confidence > 95%``.

    Raises:
        BadInput: anything else.
    """
    match = _UNTIL.fullmatch(text.strip())
    measures: tuple[Measure, ...] = ("width", "regret", "confidence")
    measure = next((each for each in measures if match is not None and match[1].lower() == each), None)
    if match is None or measure is None:
        raise BadInput(f"'{text}' is no condition", key="--until", remedy=_EXAMPLES)
    if match[2][0] != _SIGN[measure]:
        raise BadInput(f"'{text}' never ends: {measure} is to be {_SIGN[measure]} a bound", key="--until")
    try:
        bound = parse_number(match[3])
    except ValueError:
        raise BadInput(f"'{match[3]}' is not a number", key="--until", remedy=_EXAMPLES) from None
    if measure == "confidence" and (not 0.5 < bound < 1 or match[4]):
        raise BadInput(f"'{text}': a confidence lies between 50% and 100%", key="--until", remedy=_EXAMPLES)
    if not (bound > 0 and math.isfinite(bound)):
        raise BadInput(f"'{text}': the bound is not above 0", key="--until", remedy=_EXAMPLES)
    return Until(text.strip(), measure, bound)


def parse_cost(text: str) -> Limit:
    """``2h``, ``90 min``, ``30s``, or FLOPs: ``1e18``.

    Raises:
        BadInput: anything else.
    """
    match = _COST.fullmatch(str(text).strip())
    unit = "" if match is None or match[2] is None else match[2].lower()
    remedy = "write a time (2h, 90min, 30s) or FLOPs (1e18)"
    try:
        amount = parse_number("" if match is None else match[1])
    except ValueError:
        raise BadInput(f"'{text}' is no cost", key="--cost", remedy=remedy) from None
    if not (amount > 0 and math.isfinite(amount)):
        raise BadInput(f"'{text}' is not above 0", key="--cost", remedy=remedy)
    if unit in ("", "flop", "flops"):
        return Limit(str(text).strip(), amount, "flops")
    return Limit(str(text).strip(), amount * _SECONDS[unit[0]], "seconds")
