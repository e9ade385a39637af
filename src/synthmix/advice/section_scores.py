"""The section of valuation scores: did they rank what was measured, and their own curve over the share of each kind."""

from synthmix.advice.figures_share import token_of
from synthmix.advice.found import Advice
from synthmix.advice.found_beside import KindValue
from synthmix.interval import format_interval
from synthmix.quantities import format_count, percent
from synthmix.report.figures import Figure, Spec, View, axis, band, label, layout
from synthmix.report.sections import Section, Shown


def score_section(advice: Advice) -> Section:
    """A figure and tables; without scores, why there are none."""
    title = "What the valuation scores say"
    if advice.scores is None:
        tables = [Shown("", ["None"], [[advice.scores_note]])] if advice.scores_note else []
        return Section("scores", "Scores", title, tables=tables)
    head = ["Kind", "Best share by score", "By the laws, at the question", "Verdict", "By held-out domain"]
    rows = [
        [
            kind.kind,
            format_interval(kind.best, percent),
            format_interval(kind.by_laws, percent),
            f"{kind.verdict}: {kind.reason}",
            ", ".join(f"{name} {percent(share)}" for name, share in kind.domains.items()),
        ]
        for kind in advice.scores.kinds
    ]
    ranked = Shown("", ["Did it rank what was measured?"], [[advice.scores.says]])
    return Section("scores", "Scores", title, _figure(advice), [ranked, *([Shown("", head, rows)] if rows else [])])


def _figure(advice: Advice) -> list[Figure]:
    """Gain of the score over real text alone by share, a star at each best share."""
    if advice.scores is None or not advice.scores.kinds:
        return []
    kinds = advice.scores.kinds
    data = [trace for kind in kinds for trace in _traces(kind, token_of(advice, kind.kind))]
    # Text alone is far below every mixture: the curve is what is to be seen, so the axis ends a little below it.
    top = max(max(kind.high) for kind in kinds)
    inner = min(min(kind.low[:-1]) for kind in kinds)
    y = axis("score minus real text's", tickformat="+.3~f", range=[min(inner, -0.2 * top) * 1.1, 1.15 * max(top, 1e-4)])
    view = View("a line a kind", data, layout(axis("synthetic share", ticksuffix="%", range=[-2, 102]), y))
    caption = (
        f"Mixtures of {format_count(kinds[0].tokens)} tokens, the largest budget trained; higher is better, a star is "
        "the best. The band is that of other documents of the same texts. Cut off below the mixtures."
    )
    title = "The score's own curve over the share"
    return [Figure("advice-score", title, caption, "Valuation score against the synthetic share.", [view])]


def _traces(kind: KindValue, token: str) -> list[Spec]:
    x = [100 * share for share in kind.shares]
    name = label(kind.kind)
    found: list[Spec] = [
        band(x, kind.low, kind.high, token, kind.kind),
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "legendgroup": kind.kind,
            "x": x,
            "y": kind.gain,
            "line": {"color": f"@{token}", "width": 2},
            "hovertemplate": "%{x:.0f}%: %{y:+.4f}<extra>" + name + "</extra>",
        },
    ]
    if kind.best.mid is None:
        return found
    star = {
        "type": "scatter",
        "mode": "markers",
        "name": f"{name}, best",
        "legendgroup": kind.kind,
        "showlegend": False,
        "x": [100 * kind.best.mid],
        "y": [max(kind.gain)],
        "marker": {"color": f"@{token}", "size": 12, "symbol": "star"},
        "hovertemplate": "best at %{x:.0f}%<extra>" + name + "</extra>",
    }
    return [*found, star]
