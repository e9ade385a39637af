"""The curve of a world as a table: exact, closed, by phase. What ``synthmix phases simulate`` prints."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.theory import (
    Breakpoints,
    Curve,
    Setting,
    breakpoints,
    closed_form,
    exact,
    local_slope,
    phase_formulas,
    slopes,
)

_FIELDS = ("beta", "k", "pi", "a", "alpha", "b", "lam", "synthetic_beta", "items")


@dataclass(frozen=True)
class Simulation:
    """One world at chosen n.

    Attributes:
        setting: the world.
        curve: the exact curve (m,).
        closed: the closed form (m,); None where there is none (temperature, finitely many items).
        formulas: the phases' own formulas (m,).
        slope: d ln(L - L_inf) / d ln n (m,).
        breaks: n1 and n2.
    """

    setting: Setting
    curve: Curve
    closed: np.ndarray | None
    formulas: dict[str, np.ndarray]
    slope: np.ndarray
    breaks: Breakpoints

    def as_json(self) -> dict[str, Any]:
        """Strict JSON: what is infinite or undefined is null."""
        world, ends = self.setting, self.breaks
        rows = []
        for j, n in enumerate(self.curve.n):
            row: dict[str, Any] = {"n": float(n), "phase": int(ends.phase(n)), "loss": float(self.curve.loss[j])}
            row |= {"excess": float(self.curve.excess[j]), "error": float(self.curve.error[j])}
            row |= {"slope": _finite(self.slope[j])}
            row |= {"closed": None if self.closed is None else _finite(self.closed[j])}
            rows.append(row | {name: _finite(values[j]) for name, values in self.formulas.items()})
        named = {name: _finite(value) for name, value in vars(world).items() if name in _FIELDS}
        derived = {"C": world.C, "Z": world.Z, "tail_mass": world.tail_mass, "floor": world.floor}
        return {
            "setting": named,
            **derived,
            "n1": _finite(ends.n1),
            "n2": _finite(ends.n2),
            "slopes": slopes(world),
            "points": rows,
        }


def simulate_phases(setting: Setting, n: Any) -> Simulation:
    """The exact curve of ``setting`` at ``n`` samples (m,), with everything that the theory says of it.

    Raises:
        BadInput: an n that is not a positive finite number.
    """
    curve = exact(setting, n)
    plain = setting.synthetic_exponent == setting.beta and math.isinf(setting.items)
    return Simulation(
        setting,
        curve,
        closed_form(setting, curve.n) if plain else None,
        phase_formulas(setting, curve.n) if plain else {},
        local_slope(setting, curve.n),
        breakpoints(setting),
    )


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
