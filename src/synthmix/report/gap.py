"""What a mixture lacks, in words, tables and as a page."""

from pathlib import Path

from synthmix.interval import Interval, format_interval
from synthmix.quantities import format_count, listed, percent, plural
from synthmix.report.figures import Figure, View
from synthmix.report.html import Section, write_page
from synthmix.results.gap import Gap, LackingTerm, SourceCutoff
from synthmix.style import axis, label, layout
from synthmix.table import Column, Table

SHOWN = 20  # rows of a terminal, and of a study's report
COLOURS = 3  # series with a colour of their own


def gap_headline(gap: Gap) -> str:
    """Whether there is a gap, how large, and where it lies, in two or three sentences."""
    size = format_interval(gap.gap, "+.3f")
    if gap.state == "none":
        return (
            f"No gap: {format_count(gap.replaced)} words of the reference's own text in the place of as many of the "
            f"mixture would change its loss of {gap.loss:.2f} nats per word by {_less(gap.gap)}, which is not told "
            "from nothing."
        )
    rare = [each for each in gap.bins[:2] if each.words]
    of_gap, of_words = sum(each.of_gap for each in rare), sum(each.of_words for each in rare)
    said = (
        f"The mixture lacks {size} nats per word of the reference's loss of {gap.loss:.2f}: what "
        f"{format_count(gap.replaced)} words of its own text would save in the place of as many of the mixture. "
        f"{percent(of_gap)} of that lies on the {percent(of_words)} of its words that the learner was shown less than "
        "10 times."
    )
    if gap.terms:
        said += f" Most on {listed([term.text for term in gap.terms[:5]])}."
    return said


def gap_sentences(gap: Gap) -> list[str]:
    """The headline, a sentence a cutoff, and what holds it loosely."""
    return [gap_headline(gap), *(cutoff_sentence(gap, one) for one in gap.cutoffs), *(w.message for w in gap.warnings)]


def _less(gap: Interval) -> str:
    return format_interval(gap.scaled(-1), "+.3f")


def cutoff_sentence(gap: Gap, one: SourceCutoff) -> str:
    """``From 40B tokens on, tables add nothing below rank 60k (...)``."""
    what = "words" if one.order == 1 else "pairs of words"
    if one.k.mid is None or one.n1.mid is None:
        return f"{one.source}: no cutoff within the first {format_count(one.ranks)} ranks of {what}."
    verb = "adds nothing" if (one.beyond.mid or 0.0) < 0.1 else f"shows {percent(one.beyond.mid)} of the natural share"
    rank, n1 = format_interval(one.k, format_count), format_interval(one.n1, format_count, level=False)
    said = f"From {n1} tokens on, {one.source} {verb} below rank {rank} of {what}"
    if one.shape == "narrowed":
        said = (
            f"From {n1} tokens on, {one.source} shows less than half of the natural share below rank {rank} of {what}"
        )
    if one.n2.mid is None:
        said += "; without natural text nothing else does"
    else:
        said += f"; natural text alone teaches what is rarer, from {format_count(one.n2.mid)} tokens on"
    at = {
        1: "before n1: all of it still teaches",
        2: "between n1 and n2: the plateau, where more of it teaches nothing new",
        3: "beyond n2: only the natural part counts",
    }
    return f"{said}. {format_count(gap.budget)} tokens lie {at[one.phase or 1]}."


def gap_tables(gap: Gap, most: int | None = None) -> dict[str, Table]:
    """All tables by name; ``most`` rows of the long ones."""
    return {
        "sources": _sources(gap),
        "bins": _bins(gap),
        "terms": _terms("terms", "Words that it lacks", gap.terms, most),
        "phrases": _terms("phrases", "Words in a row that it lacks", gap.phrases, most),
        "topics": _topics(gap),
        "carriers": _carriers(gap, most),
        "cutoffs": cutoff_table(gap),
    }


def _sources(gap: Gap) -> Table:
    columns = [
        *(Column("source"), Column("kind"), Column("share", form=percent), Column("tokens", form=format_count)),
        *(Column("read", "words read", format_count), Column("documents", form=format_count)),
    ]
    rows = [(one.name, one.kind, one.share, one.tokens, one.words, one.documents) for one in gap.sources]
    held = listed([f"{name} ({format_count(words)} words)" for name, words in gap.reference.items()])
    note = f"Reference: {held}, {plural(gap.reference_documents, 'document')}. Losses of: {gap.learner}."
    return Table("sources", columns, rows, "The mixture", note=note)


def _bins(gap: Gap) -> Table:
    columns = [
        Column("shown", "shown in training", align="right"),
        *(Column("of_words", "of words", percent), Column("nats", "nats per word", ".2f", kind=float)),
        *(Column("of_loss", "of loss", percent), Column("of_gap", "of the gap", percent)),
    ]
    rows = [(one.name, one.of_words, one.nats, one.of_loss, one.of_gap) for one in gap.bins if one.words]
    return Table("bins", columns, rows, "Where the reference's loss and the gap lie")


def _terms(name: str, title: str, terms: list[LackingTerm], most: int | None) -> Table:
    columns = [
        *(Column("text", ""), Column("documents", "in documents"), Column("of_loss", "of loss", ".2%")),
        Column("gap", "gap", ".5f", "nats per word", help="what the reference's own text would save on it"),
        Column("needed", "needed per million", ".1f"),
        *(Column("shown", "shown per million", ".1f"), Column("expected", "at the budget", format_count)),
        Column("rank", "natural rank", kind=int, missing="none"),
    ]
    rows = [
        (one.text, one.documents, one.of_loss, one.gap, one.needed, one.shown, one.expected, one.rank)
        for one in terms[:most]
    ]
    table = Table(name, columns, rows, title)
    return table if name == "terms" else table.only(*[c.key for c in columns if c.key != "rank"])


def _topics(gap: Gap) -> Table:
    columns = [
        *(Column("topic"), Column("reference", form=percent), Column("mixture", form=percent)),
        Column("difference", form="+.1%", kind=Interval),
        *(Column("of_loss", "of loss", percent), Column("of_gap", "of the gap", percent)),
    ]
    rows = [
        (" ".join(one.words), one.reference, one.mixture, one.difference, one.of_loss, one.of_gap) for one in gap.topics
    ]
    return Table("topics", columns, rows, "Topics", note="Shares of documents.")


def _carriers(gap: Gap, most: int | None) -> Table:
    columns = [
        *(Column("document"), Column("source"), Column("words", form=format_count)),
        Column("times", "times a uniform draw", ".1f", help="how much more often a draw by the gap takes it"),
        *(Column("terms", "carries"), Column("begins")),
    ]
    rows = [
        (one.document, one.source, one.words, one.times, ", ".join(one.terms), one.begins)
        for one in gap.carriers[:most]
    ]
    return Table("carriers", columns, rows, "Natural documents that carry them")


def cutoff_table(gap: Gap) -> Table:
    """Cutoffs and breakpoints."""
    columns = [
        *(
            Column("source"),
            Column("of", "ranks of"),
            Column("shape"),
            Column("k", form=format_count, kind=Interval, missing="none"),
        ),
        Column("beyond", "left beyond", percent, kind=Interval, help="synthetic over natural share beyond k"),
        *(Column(name, form=format_count, kind=Interval, missing="none") for name in ("n1", "n2")),
        Column("phase", "phase at the budget", kind=int, missing="none"),
    ]

    def known(one: Interval) -> Interval | None:
        return one if one.mid is not None else None

    rows = [
        (
            *(one.source, "words" if one.order == 1 else "pairs", one.shape, known(one.k), one.beyond),
            *(known(one.n1), known(one.n2), one.phase),
        )
        for one in gap.cutoffs
    ]
    note = f"n1, n2: tokens of the mixture, {percent(gap.natural_share)} natural; budget {format_count(gap.budget)}."
    return Table("cutoffs", columns, rows, "Where synthetic sources end", note=note)


def gap_figure(gap: Gap) -> Figure:
    """Shares of words, loss and gap by how often the mixture shows a word."""
    bins = [one for one in gap.bins if one.words]
    names = [one.name for one in bins]
    data = [
        {"type": "bar", "name": name, "x": names, "y": values, "marker": {"color": f"@s{i}"}}
        for i, (name, values) in enumerate(
            {
                "of its words": [one.of_words for one in bins],
                "of its loss": [one.of_loss for one in bins],
                "of the gap": [one.of_gap for one in bins],
            }.items()
        )
    ]
    x = axis("times that the mixture shows the word", type="category")
    view = View("all", data, layout(x, axis("share of the reference", tickformat=".0%"), barmode="group"))
    caption = "What is rare in the mixture carries more of the loss than of the words; the gap is what can be saved."
    return Figure("gap-bins", "Where the loss and the gap lie", caption, "Bars by how often a word is shown.", [view])


def term_figure(gap: Gap) -> Figure:
    """The largest terms."""
    top = gap.terms[:SHOWN][::-1]
    data = [
        {
            "type": "bar", "orientation": "h", "x": [one.gap for one in top], "y": [label(one.text) for one in top],
            "marker": {"color": "@s0"}, "name": "gap",
        }
    ]  # fmt: skip
    view = View("all", data, layout(axis("nats per word of the reference"), axis("", ticks=""), showlegend=False))
    caption = "What the reference's own text would save on each word, of the whole gap."
    return Figure("gap-terms", "Words that it lacks", caption, "A bar a word.", [view], height=120 + 22 * len(top))


def gap_sections(gap: Gap, most: int | None = None) -> list[Section]:
    """Sections of the page, and of the study's."""
    tables = gap_tables(gap, most)
    return [
        Section("bins", "Loss", "Where the loss and the gap lie", [gap_figure(gap)],
                [tables["bins"], tables["sources"]]),
        Section("terms", "Words", "Words that it lacks", [term_figure(gap)] if gap.terms else [],
                [t for t in (tables["terms"], tables["phrases"]) if t.rows]),
        Section("topics", "Topics", "Topics", [], [tables["topics"]] if gap.topics else []),
        Section("carriers", "Documents", "Natural documents that carry them", [],
                [tables["carriers"]] if gap.carriers else []),
        Section("cutoffs", "Cutoffs", "Where synthetic sources end", [], [tables["cutoffs"]] if gap.cutoffs else []),
    ]  # fmt: skip


def write_gap(gap: Gap, path: Path) -> None:
    """Write the page.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    write_page(
        path,
        title=f"Gap to {listed(list(gap.reference))}",
        eyebrow="What does the mixture lack for what it will be evaluated on?",
        lead=gap_headline(gap),
        under=gap_sentences(gap)[1:],
        sections=gap_sections(gap),
        facts={
            "Gap": "nats per word that other documents of the reference save when they replace as many words of the "
            "mixture; 0 in expectation where the mixture is text like the reference",
            "Words": "what stands in one reference document alone is no gap: no other text is known to teach it",
            "Cutoff": "the rank beyond which synthetic text shows less than half of what natural text does",
            "n1, n2": "tokens after which the synthetic part teaches nothing new, and after which the natural part "
            "alone teaches the tail (arXiv 2511.13640)",
        },
        colours=COLOURS,
    )
