"""The page and the tables of a quality report of generated text, from its JSON alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.interval import Interval, format_interval
from synthmix.report.figures import Figure, View, dots
from synthmix.report.html import Section, write_page
from synthmix.report.tables import write_table
from synthmix.style import Spec, axis, label, layout
from synthmix.table import Column, Table

_GROUPS = {
    "faithfulness": (
        "Faithfulness",
        "What of the sources comes back",
        "Proxies by words, numbers and names: see below.",
    ),
    "diversity": ("Diversity", "How varied the text is", "On blocks of equal size; higher distinct-n is more varied."),
    "lengths": ("Lengths", "How long the texts are", ""),
    "failures": (
        "Failures",
        "What went wrong",
        "Of the texts that were measured; a job's card says what its filters had dropped before.",
    ),
}
_COLUMNS = {"set": str, "group": str, "measure": str, "mean": Interval, "n": int}
_SOURCE = "source"
_COMPARED = (
    *("words", "words_kept", "words_added", "numbers_kept", "numbers_added", "names_kept", "names_added", "copied"),
    *("distinct_2", "compression", "self_repetition", "self_similarity"),
)


def write_quality(report: Mapping[str, Any], folder: Path) -> Path:
    """Write ``folder/quality.html`` and ``folder/tables/quality.csv|parquet`` and ``quality_differences.csv|parquet``;
    the page last, each file atomically.

    Args:
        report: ``QualityReport.model_dump()``, or its JSON read back.

    Raises:
        BadInput: it holds no sets, or the folder cannot be written to.
        Failure: the disk is full.
    """
    if not report.get("sets"):
        raise BadInput("holds no sets of text", where=folder, remedy="measure some text first")
    for table in (quality_table(report), difference_table(report)):
        write_table(table, folder / "tables")
    page = folder / "quality.html"
    names = [one["name"] for one in report["sets"] if one["name"] != _SOURCE]
    write_page(
        page,
        title="Generated text",
        eyebrow="How good is the generated text?",
        lead=_lead(names, against=_SOURCE in [one["name"] for one in report["sets"]]),
        under=_under(report),
        sections=[*(section for group in _GROUPS if (section := _section(report, group)).figures), _against(report)],
        facts={about["label"]: about["says"] for about in report["about"].values()},
        colours=len(report["sets"]),
    )
    return page


def quality_table(report: Mapping[str, Any]) -> Table:
    """A row for each set and measure; ``against_source``: the value over the source's, where it has one."""
    base: Mapping[str, Any] = next((one["measures"] for one in report["sets"] if one["name"] == _SOURCE), {})
    rows: list[tuple[Any, ...]] = []
    for one in report["sets"]:
        for name, measure in one["measures"].items():
            mean = Interval(**measure["mean"])
            over = base[name]["mean"]["mid"] if name in base else None
            relative = mean.mid / over if over and mean.mid is not None else None
            own = (mean, measure["n"], relative)
            rows.append((one["name"], report["about"][name]["group"], name, *own))
    return Table.of("quality", {**_COLUMNS, "against_source": float}, rows)


def quality_rows(report: Mapping[str, Any]) -> list[tuple[str, str, Interval]]:
    """Set, measure and its mean, for each."""
    return [
        (one["name"], name, Interval(**measure["mean"]))
        for one in report["sets"]
        for name, measure in one["measures"].items()
    ]


def difference_table(report: Mapping[str, Any]) -> Table:
    """A row for each two sets and measure."""
    columns = {"one": str, "other": str, "measure": str, "difference": Interval, "n": int, "paired": bool}
    rows = [
        (
            *(each[key] for key in ("one", "other", "measure")),
            Interval(**each["difference"]),
            each["n"],
            each["paired"],
        )
        for each in report.get("differences", [])
    ]
    return Table.of("quality_differences", columns, rows)


def _against(report: Mapping[str, Any]) -> Section:
    """Differences in the measures that say most; those whose interval holds zero are said to be undecided."""
    rows = []
    chosen = [each for name in _COMPARED for each in report.get("differences", []) if each["measure"] == name]
    for each in chosen:
        about, apart = report["about"][each["measure"]], Interval(**each["difference"])
        decided = {1: "more", -1: "less", 0: "not determined"}[apart.sign()]
        over = f"{each['n']} common sources" if each["paired"] else "unpaired"
        rows.append((about["label"], each["one"], decided, each["other"], _shown(apart, about["share"]), over))
    columns = [
        *(Column("measure", "Measure"), Column("one", ""), Column("has"), Column("than")),
        *(Column("difference", "Difference", align="right"), Column("over", "Over")),
    ]
    table = Table("differences", columns, rows, "Differences with 95% intervals, not corrected for their number")
    return Section("against", "Against each other", "Against each other", tables=[table] if rows else [])


def _lead(names: Sequence[str], *, against: bool) -> str:
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "The source"
    return f"{listed}, measured against {'the source' if against and names else 'nothing but itself'}"


def _under(report: Mapping[str, Any]) -> list[str]:
    """What stands out: failures whose interval lies above zero, and the best and worst of two faithfulness measures."""
    lines = [
        "Samples: "
        + ", ".join(f"{one['name']} {one['documents']:,} of {one['seen']:,} documents" for one in report["sets"])
        + ".",
    ]
    for name in ("numbers_kept", "names_kept"):
        values = {
            one["name"]: Interval(**one["measures"][name]["mean"]) for one in report["sets"] if name in one["measures"]
        }
        if len(values) > 1:
            best, worst = (choose(values, key=lambda who: values[who].mid or 0.0) for choose in (max, min))
            apart = (values[best].low or 0) > (values[worst].high or 1)
            about = report["about"][name]["label"]
            lines.append(
                f"{about}: most by {best} ({_shown(values[best], True)}), least by {worst}"
                f" ({_shown(values[worst], True)}); {'beyond' if apart else 'within'} their intervals."
            )
    return lines + list(report.get("warnings", []))


def _section(report: Mapping[str, Any], group: str) -> Section:
    short, title, caption = _GROUPS[group]
    chosen = {name: about for name, about in report["about"].items() if about["group"] == group}
    present = {name: a for name, a in chosen.items() if any(name in one["measures"] for one in report["sets"])}
    if not present:
        return Section(group, short, title)
    figure = Figure(
        id=group,
        title="Each measure with its interval",
        caption=f"{caption} Bars: 95 % intervals.".strip(),
        summary=f"{title}: a dot with an interval for each set; every number is in the table below.",
        views=[_view(report, name, about) for name, about in present.items()],
        height=140 + 34 * len(report["sets"]),
    )
    return Section(group, short, title, [figure], [measure_table(report, list(present))])


def _view(report: Mapping[str, Any], name: str, about: Mapping[str, Any]) -> View:
    scale = 100 if about["share"] else 1
    data: list[Spec] = []
    for number, one in enumerate(report["sets"]):
        measure = one["measures"].get(name)
        if measure is None:
            continue
        mean = Interval(**measure["mean"])
        shape = "diamond" if one["name"] == _SOURCE else "circle"
        data.append(dots([mean.scaled(scale)], [label(one["name"])], f"s{number}", one["name"], size=10, symbol=shape))
    unit = f"{about['label']} (%)" if about["share"] else about["label"]
    names = axis("", autorange="reversed", type="category")
    return View(about["label"], data, layout(axis(unit), names, showlegend=False))


def measure_table(report: Mapping[str, Any], names: Sequence[str] | None = None) -> Table:
    """A row a measure (``names``: only these), a column a set of texts."""
    chosen = [
        (name, about)
        for name, about in report["about"].items()
        if (names is None or name in names) and any(name in one["measures"] for one in report["sets"])
    ]
    columns = [Column("measure", "Measure")]
    columns += [Column(f"in {one['name']}", one["name"], align="right") for one in report["sets"]]
    rows = [
        (
            about["label"],
            *(
                _shown(Interval(**one["measures"][name]["mean"]), about["share"]) if name in one["measures"] else ""
                for one in report["sets"]
            ),
        )
        for name, about in chosen
    ]
    return Table("measures", columns, rows, note="95% intervals.")


def _shown(found: Interval, share: bool) -> str:
    unit = "%" if share else ""
    return format_interval(found.scaled(100 if share else 1), lambda value: f"{value:.3g}{unit}", level=False)
