"""Loss by how often training showed a token: figures and the table."""

from collections.abc import Sequence
from typing import Protocol

from synthmix.report.figures import Figure, Spec, View, axis, label, layout
from synthmix.report.sections import Shown, numbers


class Rare(Protocol):
    """One recipe, domain and bin: :class:`synthmix.study.rare_tokens.RareRow`."""

    @property
    def recipe(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def bin(self) -> str: ...
    @property
    def nats(self) -> float | None: ...
    @property
    def of_tokens(self) -> float: ...
    @property
    def of_loss(self) -> float: ...
    @property
    def gain(self) -> float | None: ...


def rare_figures(rare: Sequence[Rare], recipes: list[str]) -> list[Figure]:
    """What tokens cost, and where the difference to natural text comes from, a view a held-out domain."""
    if not rare:
        return []
    domains, bins = list(dict.fromkeys(r.domain for r in rare)), list(dict.fromkeys(r.bin for r in rare))
    nats = [View(label(d), _lines(rare, recipes, d, bins), _by_bin(bins, "nats per token")) for d in domains]
    gains = [
        View(
            label(d), _bars(rare, recipes, d, bins), _by_bin(bins, "difference to natural text, nats", barmode="group")
        )
        for d in domains
    ]
    return [
        Figure("nats", "What a token costs by how often training showed it", "By each recipe's own counts, at the "
               "largest cell.", "A falling line for each recipe.", nats),
        Figure("gains", "Where the difference to natural text comes from", "By the natural text's counts; below zero "
               "the mixture is better. A recipe's bars add up to its difference.", "Bars by bin and recipe.", gains),
    ]  # fmt: skip


def _lines(rare: Sequence[Rare], recipes: list[str], domain: str, bins: list[str]) -> list[Spec]:
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": label(recipe, 40),
            "x": [bins.index(r.bin) for r in rare if (r.recipe, r.domain) == (recipe, domain)],
            "y": [r.nats for r in rare if (r.recipe, r.domain) == (recipe, domain)],
            "line": {"color": f"@s{i}", "width": 2},
        }
        for i, recipe in enumerate(recipes)
    ]


def _bars(rare: Sequence[Rare], recipes: list[str], domain: str, bins: list[str]) -> list[Spec]:
    return [
        {
            "type": "bar",
            "name": label(recipe, 40),
            "x": [bins.index(r.bin) for r in rare if (r.recipe, r.domain) == (recipe, domain)],
            "y": [r.gain for r in rare if (r.recipe, r.domain) == (recipe, domain)],
            "marker": {"color": f"@s{i}"},
        }
        for i, recipe in enumerate(recipes)
        if any(r.gain is not None for r in rare if r.recipe == recipe)
    ]


def _by_bin(bins: list[str], title: str, **more: object) -> Spec:
    x = axis("times that training showed the token", tickvals=list(range(len(bins))), ticktext=bins)
    return layout(x, axis(title), **more)


def rare_table(rare: Sequence[Rare]) -> list[Shown]:
    """All of it in numbers."""
    rows = [
        [
            r.recipe,
            r.domain,
            r.bin,
            f"{r.of_tokens:.2%}",
            "n/a" if r.nats is None else f"{r.nats:.3f}",
            f"{r.of_loss:.2%}",
            "" if r.gain is None else f"{r.gain:+.4f}",
        ]
        for r in rare
    ]
    head = ["Recipe", "Held out", "Seen in training", "Of tokens", "Nats", "Of loss", "Against natural"]
    return [numbers("", head, rows, names=3)] if rows else []
