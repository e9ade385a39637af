"""What a sweep of learning rates found, as text, plain data and a plot."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from synthmix.interval import Interval, format_interval
from synthmix.quantities import format_count
from synthmix.training.protocol import peak_rate

if TYPE_CHECKING:
    from synthmix.study.tune import Tuned


def tuned_dict(found: "Tuned") -> dict[str, Any]:
    """One JSON object: the runs, each size's best rate, the rule, warnings and what to write in a study file."""
    rule = found.rule
    return {
        "tokens": found.tokens,
        "batch": found.protocol.batch,
        "context": found.protocol.context,
        "vocab": found.vocab,
        "level": found.level,
        "sizes": [
            {
                "params": optimum.params,
                "width": optimum.width,
                "runs": [
                    {"rate": rate, "seed": seed, "loss": loss}
                    for rate, loss, seed in zip(sweep.rates, sweep.losses, sweep.seeds, strict=True)
                ],
                "rate": None if optimum.rate is None else asdict(optimum.rate),
                "best_tried": optimum.best,
                "edge": optimum.edge,
                "used": peak_rate(optimum.width),
                "used_inside": None if optimum.rate is None else optimum.rate.holds(peak_rate(optimum.width)),
            }
            for sweep, optimum in zip(found.sweeps, found.optima, strict=True)
        ],
        "rule": None
        if rule is None
        else {
            "exponent_width": asdict(rule.exponent),
            "exponent_params": asdict(rule.exponent_params),
            "factor": asdict(rule.factor),
            "used_factor": rule.used,
            "exponent_inside": rule.exponent_inside,
            "factor_inside": rule.factor_inside,
        },
        "warnings": warnings(found),
        "use": advice(found),
    }


def tuned_text(found: "Tuned") -> str:
    """A table of the losses, then a line a size, the rule, warnings and advice."""
    lines = []
    for sweep, optimum in zip(found.sweeps, found.optima, strict=True):
        lines.append(f"N = {format_count(optimum.params)}, width {optimum.width}, {format_count(found.tokens)} tokens")
        for rate in sorted(set(sweep.rates)):
            losses = [loss for each, loss in zip(sweep.rates, sweep.losses, strict=True) if each == rate]
            lines.append(f"  {rate:.3g}  " + "  ".join(f"{loss:.4f}" for loss in losses))
        used = peak_rate(optimum.width)
        if optimum.rate is None:
            lines.append("  no lowest point")
        else:
            lines.append(f"  best rate {_words(optimum.rate)}; the rule's {used:.3g} is {_inside(optimum.rate, used)}")
    if found.rule is not None:
        rule = found.rule
        judged = _inside(rule.factor, rule.used)
        lines += [
            f"rate = c / width^p: p = {_words(rule.exponent)}; the rule's 1 is {_inside(rule.exponent, 1)}",
            f"rate = c / N^p: p = {_words(rule.exponent_params)}",
            f"rate = c / width: c = {_words(rule.factor)}; the rule's {rule.used:g} is {judged}",
        ]
    lines += [f"warning: {warning}" for warning in warnings(found)]
    return "\n".join([*lines, *(f"use: {line}" for line in advice(found))])


def advice(found: "Tuned") -> list[str]:
    """What to write under ``training`` in a study file, and the factor that the sweep would put into the rule."""
    sure = [optimum for optimum in found.optima if optimum.rate is not None and optimum.edge is None]
    if found.rule is not None and len(sure) == len(found.optima) and found.rule.factor_inside:
        return [f"the rule, {found.rule.used:g} / width: leave training.learning_rate unset"]
    lines = [
        f"training: {{learning_rate: {optimum.rate.mid:.3g}}}  # at {format_count(optimum.params)} parameters"
        for optimum in sure
        if optimum.rate is not None
    ]
    return (
        lines
        if found.rule is None
        else [
            *lines,
            f"training: {{rate_factor: {found.rule.factor.mid:.3g}}}  # over the width, at all sizes",
        ]
    )


def warnings(found: "Tuned") -> list[str]:
    """What makes the result less than it seems."""
    said = []
    for optimum in found.optima:
        size = format_count(optimum.params)
        if optimum.edge:
            beyond = "below" if optimum.edge == "low" else "above"
            said.append(f"{size}: the best rate is at the sweep's edge; try rates {beyond} {optimum.best:.3g}")
        elif optimum.rate is None:
            said.append(f"{size}: the loss has no lowest point; add seeds or tokens")
        elif optimum.rate.low is None:
            said.append(f"{size}: the noise leaves the best rate unbounded; add seeds or rates")
    if found.lost:
        runs = ", ".join(f"{format_count(size)} at {rate:.3g} (seed {seed})" for size, rate, seed in found.lost)
        said.append(f"left out, as they diverged: {runs}")
    if found.rule is not None and len(found.optima) == 2:
        said.append("two sizes fix an exponent, they do not test that it is one power")
    return said


def tuned_plot(found: "Tuned") -> Any:
    """Loss against rate, a colour a size: runs, parabola, best rate (solid) and the rule's (dotted)."""
    import numpy as np
    from plotly.graph_objects import Figure

    colours = ("#2a6f97", "#bc4749", "#6a994e", "#8d6a9f", "#bc8034")
    figure = Figure()
    for i, (sweep, optimum) in enumerate(zip(found.sweeps, found.optima, strict=True)):
        colour, name = colours[i % len(colours)], f"N = {format_count(optimum.params)}"
        figure.add_scatter(x=sweep.rates, y=sweep.losses, mode="markers", marker={"color": colour}, name=name)
        grid = np.geomspace(min(sweep.rates), max(sweep.rates), 100)
        figure.add_scatter(x=grid, y=optimum.loss(grid), mode="lines", line={"color": colour}, showlegend=False)
        if optimum.rate is not None:
            figure.add_vline(x=optimum.rate.mid, line={"color": colour, "width": 1})
        figure.add_vline(x=peak_rate(optimum.width), line={"color": colour, "width": 1, "dash": "dot"})
    figure.update_layout(template="plotly_white", title="Best rate (solid) and the rule's (dotted)")
    figure.update_xaxes(title="peak learning rate", type="log")
    figure.update_yaxes(title="held-out loss, nats per token")
    return figure


def _words(estimate: Interval) -> str:
    return format_interval(estimate, ".3g", level=estimate.low is None)


def _inside(estimate: Interval, value: float) -> str:
    held = estimate.holds(value)
    return "not judged" if held is None else "inside" if held else "outside"
