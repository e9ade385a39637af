"""The text of a loop: what of it meets the limits, written with its card."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from synthmix.corpus.load import GENERATED
from synthmix.corpus.sources import Document
from synthmix.files import write_json, write_text
from synthmix.generation.card import RISKS, quality_section
from synthmix.generation.measures import sampled
from synthmix.generation.output import CARD, QUALITY, write_pairs, write_records
from synthmix.generation.quality import QualityReport, quality_report
from synthmix.interval import Interval
from synthmix.loop.arms import Text
from synthmix.loop.limits import ABOUT, Limits, Tally, excess, measures_of
from synthmix.loop.record import Decision, LoopSummary
from synthmix.markdown import cell, front_matter, size_category
from synthmix.quantities import fixed, format_count, percent
from synthmix.statistics.representation import represented, summary
from synthmix.table import Column, Table, facts

STOPPED = {
    "budget": "the budget is used up",
    "price": "no arm's next round is worth its price",
    "supply": "the arms have no more text",
    "limits": "the limits allow none of the arms that have more text",
}
UNSEEN = "What is not valued here (truth, safety, whatever the reference does not hold) did not decide."
COMPARED = 2_000  # texts of a side whose words and topics are compared


@dataclass(frozen=True)
class Part:
    """A round: its arm, the sums over its text, and whether its gain is below zero with its whole interval."""

    arm: str
    tally: Tally
    harmful: bool


def published(parts: Sequence[Part], natural: Tally, limits: Limits) -> list[bool]:
    """Which rounds are published: those that took nothing from the value, as many of them as meet the limits.

    While a limit is broken, of the arms' last rounds that one is left out without which the text is nearest to all
    limits; the last of equals. Nothing is left where no part of the text meets them.
    """
    kept = [part.tally.documents > 0 and not part.harmful for part in parts]

    def beyond(chosen: Sequence[bool]) -> float:
        whole = sum((part.tally for part, keep in zip(parts, chosen, strict=True) if keep), Tally())
        measures = measures_of(whole, natural)
        return sum(excess(name, measures[name], limit) / max(limit, 0.01) for name, limit in limits.given.items())

    while any(kept) and beyond(kept) > 0:
        last = {part.arm: number for number, part in enumerate(parts) if kept[number]}
        found = []
        for number in last.values():
            without = [keep and i != number for i, keep in enumerate(kept)]
            found.append((round(beyond(without), 12), -number, without) if any(without) else (0.0, -number, without))
        kept = min(found)[2]
    return kept


def publish(
    made: LoopSummary,
    folder: Path,
    texts: Sequence[Text],
    decisions: Sequence[Decision],
    have: Iterable[Document],
) -> LoopSummary:
    """Write the text, its quality, the card and, last, the summary; it with the names of the files."""
    files = [str(path.relative_to(folder)) for path in write_records((text.record for text in texts), folder)]
    whole = made.model_copy(update={"files": files})
    arms = list(dict.fromkeys(text.record["arm"] for text in texts))
    report = quality_report({arm: [text.pair for text in texts if text.record["arm"] == arm] for arm in arms})
    write_json(folder / QUALITY, report.model_dump(mode="json"))
    write_pairs(sampled((text.pair for text in texts), COMPARED).pairs, folder)
    natural = [document.text for document, _ in zip(have, range(COMPARED), strict=False)]
    manner = summary(represented("loop", [text.record["text"] for text in texts[:COMPARED]], natural))
    write_text(folder / CARD, loop_card(whole, texts, decisions, report, manner))
    write_json(folder / GENERATED, whole.model_dump(mode="json"), digest=True)
    return whole


def loop_card(
    made: LoopSummary,
    texts: Sequence[Text],
    decisions: Sequence[Decision],
    report: QualityReport | None,
    manner: Sequence[str],
) -> str:
    """The dataset card, in the Hugging Face format."""
    front = {
        "pretty_name": "text chosen round by round",
        "license": "unknown",
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "task_categories": ["text-generation"],
        "tags": ["synthetic", "synthmix", "loop"],
        "size_categories": [size_category(made.documents)],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": ["data/*.jsonl.gz"]}]}],
    }
    spent, budget = _amount(made.spent, made.unit), _amount(made.budget, made.unit)
    checked = f" The half of the reference that no decision saw says {made.checked} nats." if made.checked else ""
    price = (
        f"Any gain was worth its price: {made.unit} had none beside the budget."
        if made.worth is None
        else f"A hundredth of a nat per token was worth {made.worth:g} {made.unit}."
    )
    left_out = (
        f" {made.held_back:,} documents were left out: they break the limits, or take from the value."
        if made.held_back
        else ""
    )
    parts = [
        front_matter(front),
        "# Text chosen round by round",
        f"{made.documents:,} documents of {format_count(made.tokens)} tokens, by {len(made.arms)} arms in "
        f"{made.rounds} rounds. Each line holds `text`, the `arm` that brought it, and its `provenance`.",
        "## How the text was chosen",
        f"After each round its text was valued: what it adds, for a reference, to the text there is already and to the "
        f"rounds before, in nats per token of a trained model's loss. The next round went to the arm with the highest "
        f"upper quantile of the gain per unit of cost, the gain of an arm modelled as a falling curve. {price} It "
        f"stopped because {STOPPED[made.stopped]}; {spent} of {budget} are spent.{left_out}",
        f"All rounds added {made.value:+.4f} nats by the half of the reference that chose.{checked}",
        arm_table(made).markdown(),
        "### Decisions",
        round_table(decisions).markdown(),
        "## What it represents, repeats and keeps",
        measure_table(made).markdown(),
        *(["Against the text there is:", "\n".join(f"- {cell(line)}" for line in manner)] if manner else []),
        *quality_section(report),
        "## Where it comes from",
        facts("", _provenance(texts)).markdown(),
        "## Known risks",
        "\n".join(f"- {risk}" for risk in (*RISKS, UNSEEN)),
        f"Made with synthmix {version('synthmix')}.",
    ]
    return "\n\n".join(parts) + "\n"


def arm_table(made: LoopSummary) -> Table:
    """A row an arm: what it brought, and what its next round would."""
    columns = [
        Column("arm"),
        Column("voice", "generator"),
        Column("rounds"),
        Column("documents"),
        Column("tokens", form=format_count),
        Column("cost", unit=made.unit, form=lambda cost: _amount(cost, made.unit)),
        Column("gain", unit="nats", form="+.4f"),
        Column("next", "next round", ".4f", "nats", kind=Interval, missing="no more"),
        Column("next_cost", "for", form=lambda cost: _amount(cost, made.unit), missing=""),
    ]
    rows = [
        (a.arm, a.voice, a.rounds, a.documents, a.tokens, a.cost, a.gain, a.next, a.next_cost) for a in made.arms
    ]  # fmt: skip
    return Table("arms", columns, rows, title="Arms")


def round_table(decisions: Sequence[Decision]) -> Table:
    """A row a round: what was expected, what it cost and brought."""
    columns = [
        Column("round"),
        Column("arm"),
        Column("expected", form=".4f", unit="nats", kind=Interval, missing="first look"),
        Column("pays", "worth its price", percent, missing=""),
        Column("tokens", form=format_count),
        Column("cost", form=format_count),
        Column("gain", "measured", ".4f", "nats", kind=Interval, missing="in work"),
        Column("value", "in all", "+.4f", "nats"),
    ]
    rows = []
    for each in decisions:
        mine = next(arm for arm in each.considered if arm.arm == each.arm)
        expected = None if each.look else mine.gain
        rows.append((each.round, each.arm, expected, mine.pays, each.tokens, each.cost, each.gain, each.value))
    return Table("decisions", columns, rows, title="Decisions")


def measure_table(made: LoopSummary) -> Table:
    """A row a measure: the text, its limit, and every arm."""
    columns = [
        Column("measure"),
        Column("text", "published text", percent),
        Column("limit", missing="none"),
        *(Column(f"arm {i}", arm.arm, percent) for i, arm in enumerate(made.arms)),
        Column("says", "what it is"),
    ]
    rows = []
    for name, about in ABOUT.items():
        limit = made.limits.get(name)
        said = None if limit is None else f"at {about.end} {percent(limit)}"
        rows.append(
            (name.replace("_", " "), made.measures[name], said, *(arm.measures[name] for arm in made.arms), about.says)
        )
    return Table("measures", columns, rows, title="Measures")


def _provenance(texts: Sequence[Text]) -> list[tuple[str, str]]:
    counted: dict[str, Counter[str]] = {}
    for text in texts:
        about = text.record["provenance"]
        model, template = about.get("model"), about.get("template")
        said = f"{template} by {model}" if model else "text that was there"
        counted.setdefault(text.record["arm"], Counter())[said] += 1
    return [
        (arm, "; ".join(f"{said} ({count:,} documents)" for said, count in counts.most_common()))
        for arm, counts in counted.items()
    ]


def _amount(value: float, unit: str) -> str:
    return format_count(value) if unit == "tokens" else fixed(value, 2)
