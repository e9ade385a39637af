"""Small plots as SVG, for the pages of results: lines, dots with intervals, and rows of estimates."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

COLOURS = ("#3366aa", "#cc6633", "#338855", "#8855aa", "#888888")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 64, 48, 36, 150


class Plot:
    """A small plot as SVG: lines, dots with intervals, a legend."""

    def __init__(self, title: str, x: tuple[float, float, str], y: tuple[float, float, str]) -> None:
        self.title, self.x, self.y = title, x, y
        self.parts: list[str] = []
        self.names: list[str] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        (x0, x1, _), (y0, y1, _) = self.x, self.y
        wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + (x - x0) / (x1 - x0) * wide, HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * high

    def colour(self, name: str) -> str:
        if name not in self.names:
            self.names.append(name)
        return COLOURS[self.names.index(name) % len(COLOURS)]

    def line(self, xs: Sequence[float], ys: Sequence[float], name: str, *, dashed: bool = False) -> None:
        points = " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in zip(xs, ys, strict=True))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<polyline points="{points}" fill="none" stroke="{self.colour(name)}" stroke-width="2"{dash}/>'
        )

    def dots(
        self, xs: Sequence[float], ys: Sequence[float], name: str, ends: Sequence[tuple[float, float]] | None = None
    ) -> None:
        colour = self.colour(name)
        for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
            px, py = self.at(x, y)
            if ends is not None:
                low, high = self.at(x, ends[i][0])[1], self.at(x, ends[i][1])[1]
                self.parts.append(f'<path d="M{px:.1f} {low:.1f}V{high:.1f}" stroke="{colour}" stroke-width="1.5"/>')
            self.parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colour}"/>')

    def span(self, low: float, high: float, y: float, name: str) -> None:
        (a, py), (b, _) = self.at(low, y), self.at(high, y)
        self.parts.append(f'<path d="M{a:.1f} {py:.1f}H{b:.1f}" stroke="{self.colour(name)}" stroke-width="4" stroke-opacity=".45"/>')  # fmt: skip

    def text(self, ticks: Sequence[tuple[float, str]] | None = None) -> str:
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(self.title)}</text>',
        ]
        (x0, x1, x_name), (y0, y1, y_name) = self.x, self.y
        for i in range(6):
            y = y0 + (y1 - y0) * i / 5
            px, py = self.at(x0, y)
            out.append(f'<path d="M{px} {py:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/><text x="{LEFT - 6}" y="{py + 4:.1f}" text-anchor="end">{y:.3g}</text>')  # fmt: skip
        marks = ticks or [(x0 + (x1 - x0) * i / 5, f"{x0 + (x1 - x0) * i / 5:.3g}") for i in range(6)]
        for x, label in marks:
            px, _ = self.at(x, y0)
            out.append(f'<text x="{px:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{escape(label)}</text>')
        out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_name)}</text>')  # fmt: skip
        out.append(f'<text transform="translate(14 {(HEIGHT - BOTTOM + TOP) / 2}) rotate(-90)" text-anchor="middle">{escape(y_name)}</text>')  # fmt: skip
        out += self.parts
        for i, name in enumerate(self.names):
            y = TOP + 10 + 18 * i
            out.append(f'<rect x="{WIDTH - RIGHT + 12}" y="{y - 8}" width="12" height="8" fill="{COLOURS[i % len(COLOURS)]}"/><text x="{WIDTH - RIGHT + 30}" y="{y}">{escape(name)}</text>')  # fmt: skip
        return "\n".join([*out, "</svg>"]) + "\n"


def rows(
    title: str, x: tuple[float, float, str], found: Sequence[tuple[str, str, float, float, float]], mark: float = 0.0
) -> str:
    """A row for each (name, group, value, low, high): an estimate along x with its interval, a colour a group.

    ``x``: its ends and its name; ``mark``: where the upright line stands.
    """
    step, left, wide, top = 22, 300, 310, 34
    groups = list(dict.fromkeys(group for _, group, *_ in found))
    height = top + step * len(found) + 46 + (20 if len(groups) > 1 else 0)
    x0, x1, name = x

    def at(value: float) -> float:
        return left + (min(max(value, x0), x1) - x0) / (x1 - x0) * wide

    bottom = top + step * len(found)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    for i in range(5):
        value = x0 + (x1 - x0) * i / 4
        out.append(f'<path d="M{at(value):.1f} {top}V{bottom}" stroke="#dddddd"/><text x="{at(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:.3g}</text>')  # fmt: skip
    out.append(f'<path d="M{at(mark):.1f} {top}V{bottom}" stroke="#666666"/>')
    out.append(f'<text x="{left + wide / 2}" y="{bottom + 36}" text-anchor="middle">{escape(name)}</text>')
    for i, (label, group, value, low, high) in enumerate(found):
        y, colour = top + step * (i + 0.5), COLOURS[groups.index(group) % len(COLOURS)]
        out.append(f'<text x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
        out.append(f'<path d="M{at(low):.1f} {y:.1f}H{at(high):.1f}" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<circle cx="{at(value):.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
    for i, group in enumerate(groups if len(groups) > 1 else ()):
        out.append(f'<circle cx="{left + 130 * i + 4}" cy="{bottom + 54}" r="4" fill="{COLOURS[i]}"/><text x="{left + 130 * i + 14}" y="{bottom + 58}">{escape(group)}</text>')  # fmt: skip
    return "\n".join([*out, "</svg>"]) + "\n"
