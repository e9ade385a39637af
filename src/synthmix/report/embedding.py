"""Figures and data as a page carries them: strict JSON inside a script element."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from synthmix.report.figures import Figure

PLOTLY = {"responsive": True, "displaylogo": False, "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]]}


def drawing(figures: Iterable[Figure], themes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the page's script draws: every figure's views, in the colours of each theme."""
    return {
        "themes": themes,
        "config": PLOTLY,
        "figures": {
            figure.id: [
                {"data": view.data, "layout": {**view.layout, "height": figure.height}} for view in figure.views
            ]
            for figure in figures
        },
    }


def embedded(value: Any) -> str:
    """Strict JSON that is safe inside a script element: no ``<``, no NaN (a number that is not finite becomes null)."""
    text = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
