"""The one style of all figures: axes, lines, marks and bands as plain data in Plotly's JSON schema, and the colours of
both themes.

A colour is a ``@token`` that a page resolves by its theme; :func:`figure` resolves it for a figure that stands alone.
The hues follow Okabe and Ito's (2008, "Color Universal Design"), their lightness and chroma chosen so that any two, the
ink of natural text among them, stay apart in OKLab for normal vision, protanopia and deuteranopia (as simulated by
Machado et al. 2009), each with a contrast of 4.5 to the page.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

from synthmix.console import plain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from plotly.graph_objects import Figure

Spec = dict[str, Any]
Values: TypeAlias = "Sequence[float | str | None] | Sequence[float | None] | npt.NDArray[np.float64]"

_LONGEST_LABEL = 26
THEMES = ("light", "dark")
_BASE = {
    "light": {
        "paper": "#fcfcfb",
        "panel": "#ffffff",
        "ink": "#17191c",
        "muted": "#5c636b",
        "rule": "#d9dce0",
        "grid": "#e8eaec",
        "accent": "#0b5c94",
        "flag": "#a34700",
    },
    "dark": {
        "paper": "#121417",
        "panel": "#191c20",
        "ink": "#e7e9ec",
        "muted": "#9aa2ab",
        "rule": "#33383f",
        "grid": "#272b31",
        "accent": "#7cc0f2",
        "flag": "#f0a35e",
    },
}
_HUES = {  # blue, vermilion, green, purple, brown (dark: yellow), petrol (dark: sky blue)
    "light": ["#0825a3", "#d63907", "#377e67", "#9f55be", "#583d00", "#00566e"],
    "dark": ["#5b89f6", "#de6907", "#4bc98f", "#b86d98", "#fed835", "#2fccfe"],
}
_TONES = 3.2, 11.5  # contrast with the page of the faintest and the strongest tone of a hue
_SCALES = {
    "light": {"diverging": ["#0067ab", "#f4f4f2", "#c94f00"], "sequential": ["#f2f5f8", "#1d4c74"]},
    "dark": {"diverging": ["#2a76ad", "#22262b", "#b95a22"], "sequential": ["#1c2126", "#356f9e"]},
}


def axis(title: str, **more: Any) -> Spec:
    """An axis; ``title`` is trusted text."""
    return {
        "title": {"text": title, "standoff": 10},
        "gridcolor": "@grid",
        "linecolor": "@rule",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "@rule",
        "ticklen": 4,
        "automargin": True,
        "ticklabeloverflow": "allow",
        **more,
    }


def layout(x: Spec, y: Spec, **more: Any) -> Spec:
    """A layout without frame, title or background: the page gives those."""
    return {
        "xaxis": x,
        "yaxis": y,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "@ink", "size": 13, "family": "system-ui, -apple-system, 'Segoe UI', sans-serif"},
        "margin": {"l": 64, "r": 24, "t": 12, "b": 96},
        "hoverlabel": {"bgcolor": "@panel", "bordercolor": "@rule", "font": {"color": "@ink"}},
        "legend": {"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom", "font": {"size": 12}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "@muted", "activecolor": "@ink"},
        "showlegend": True,
        **more,
    }


def label(name: str, longest: int = _LONGEST_LABEL) -> str:
    """A user's name as Plotly text: markup escaped (Plotly reads a subset of HTML), long names shortened."""
    name = plain(name, one_line=True)
    short = name if len(name) <= longest else name[: longest - 1] + "…"
    return escape(short).replace("$", "&#36;").replace("%{", "%&#123;")


def line(
    x: Values,
    y: Values,
    token: str,
    name: str,
    hover: str = "",
    *,
    dash: str = "solid",
    longest: int = _LONGEST_LABEL,
    **more: Any,
) -> Spec:
    """A line through (n,) points; ``hover``: Plotly's template, the name stands beside it."""
    style = {"color": f"@{token}", "width": 2, **({} if dash == "solid" else {"dash": dash})}
    return {**_trace("lines", x, y, label(name, longest), hover), "line": style, **more}


def marks(
    x: Values,
    y: Values,
    token: str,
    name: str,
    hover: str = "",
    *,
    size: int = 9,
    symbol: str = "circle",
    longest: int = _LONGEST_LABEL,
    **more: Any,
) -> Spec:
    """A mark at each of (n,) points."""
    marker = {"color": f"@{token}", "symbol": symbol, "size": size, "line": {"color": "@panel", "width": 1}}
    return {**_trace("markers", x, y, label(name, longest), hover), "marker": marker, **more}


def _trace(mode: str, x: Values, y: Values, name: str, hover: str) -> Spec:
    found: Spec = {"type": "scatter", "mode": mode, "name": name, "x": x, "y": y}
    return {**found, "hovertemplate": f"{hover}<extra>{name}</extra>"} if hover else found


def band(x: Values, low: Values, high: Values, token: str, group: str) -> Spec:
    """A filled interval, drawn as one closed path so that it needs no hidden partner trace."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*x, *reversed(x)],
        "y": [*high, *reversed(low)],
        "fill": "toself",
        "fillcolor": f"@{token}-band",
        "line": {"width": 0, "color": f"@{token}"},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": group,
    }


def figure(title: str, x: str, y: str, data: Sequence[Spec] = (), *, log: str = "", **more: Any) -> "Figure":
    """A figure that stands alone, in the light theme: for notebooks and pages of one figure.

    ``log``: ``x``, ``y`` or ``xy``, the logarithmic axes. ``more``: of the layout.
    """
    from plotly.graph_objects import Figure

    axes = [
        axis(text, **({"type": "log", "exponentformat": "power"} if name in log else {}))
        for name, text in (("x", x), ("y", y))
    ]
    frame = {"t": 56 if title else 24}
    shape = layout(*axes, title={"text": title}, hovermode="closest", **more)
    shape |= {"paper_bgcolor": "@paper", "plot_bgcolor": "@panel", "margin": {**shape["margin"], **frame}}
    return Figure(data=[standing(trace) for trace in data], layout=standing(shape))


def standing(spec: Any) -> Any:
    """A spec with the colours of the light theme for its tokens."""
    if isinstance(spec, dict):
        return {key: standing(value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [standing(value) for value in spec]
    return series(len(_HUES["light"]) + 1, "light")[spec[1:]] if isinstance(spec, str) and spec[:1] == "@" else spec


def series(count: int, theme: str) -> dict[str, str]:
    """The page's own colours, and ``s<i>``, ``s<i>-band`` for ``count`` series that are no recipes; ``s0`` is ink."""
    found = base(theme)
    for i in range(count):
        found[f"s{i}"] = found["ink"] if i == 0 else hue(i - 1, theme)
        found[f"s{i}-band"] = faint(found[f"s{i}"])
    return found


def base(theme: str) -> dict[str, str]:
    """The page's own colours."""
    return dict(_BASE[theme])


def scales(theme: str) -> dict[str, list[tuple[float, str]]]:
    """Colour scales of the heat maps, as Plotly takes them."""
    return {name: [(i / (len(c) - 1), colour) for i, colour in enumerate(c)] for name, c in _SCALES[theme].items()}


def hue(index: int, theme: str) -> str:
    """One of six colours, from the first again after the last."""
    return _HUES[theme][index % len(_HUES[theme])]


def tones(index: int, theme: str, count: int) -> list[str]:
    """``count`` tones of one hue, the least contrast with the page first, in equal ratios of contrast; of one the hue.

    A tone lies on the way from the page's colour through the hue to the ink's.
    """
    own, panel, ink = hue(index, theme), _BASE[theme]["panel"], _BASE[theme]["ink"]
    if count < 2:
        return [own]
    way = [blend(own, panel, i / 50) for i in range(50)] + [blend(ink, own, i / 50) for i in range(51)]
    contrasts = [contrast(colour, panel) for colour in way]
    least, most = _TONES
    wanted = [least * (most / least) ** (i / (count - 1)) for i in range(count)]
    return [next(c for c, found in zip(way, contrasts, strict=True) if found >= each) for each in wanted]


def contrast(one: str, other: str) -> float:
    """The ratio of two colours' relative luminances, at least 1 (WCAG 2.1)."""
    first, second = sorted((_luminance(one), _luminance(other)))
    return (second + 0.05) / (first + 0.05)


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in _rgb(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def blend(over: str, under: str, strength: float) -> str:
    """``strength`` of one colour over another."""
    pairs = zip(_rgb(over), _rgb(under), strict=True)
    return "#" + "".join(f"{round(strength * a + (1 - strength) * b):02x}" for a, b in pairs)


def faint(colour: str) -> str:
    """A colour as that of a band."""
    red, green, blue = _rgb(colour)
    return f"rgba({red},{green},{blue},0.13)"


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
