"""Several finished studies side by side: what differs in their files and text, which runs are the same, and how far
their answers lie apart, with intervals."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.quantities import format_count, listed, plural
from synthmix.report.figures import SHAPES, Figure, View, dots
from synthmix.report.html import Section, write_page
from synthmix.results import Decision, Results
from synthmix.runs.load import read_results
from synthmix.study.load import Study, load_study
from synthmix.study.prepare import look
from synthmix.study.workspace import Workspace
from synthmix.style import Spec, axis, label, layout
from synthmix.table import Column, Table

NOT_COMPARED = ("study", "folder", "workers", "log")


@dataclass(frozen=True)
class Compared:
    """One recipe in several studies.

    Attributes:
        recipe: its name. at: ``question`` (predicted there) or ``measured`` (at the largest cell that is in all).
        params, tokens: where. differences: loss against natural text alone in each study, nats per token; None: it is
            not there, or not determined. apart: the last minus the first of those that are known, the two taken as
            independent.
    """

    recipe: str
    at: str
    params: int
    tokens: int
    differences: tuple[Interval | None, ...]
    apart: Interval | None

    @property
    def place(self) -> str:
        """``question, 1B on 20B tokens``."""
        return f"{self.at}, {format_count(self.params)} on {format_count(self.tokens)} tokens"


@dataclass(frozen=True)
class StudyComparison:
    """Studies side by side.

    Attributes:
        names: of the studies. keys: key of the study file -> its value in each, those that are not alike (None: not
            given). corpora: corpus -> the identity of its text in each (equal text, equal identity; None: not there).
        runs: of each; shared: runs (one identity: recipe, text, size, budget, seed, protocol) that are in both of a
            pair. recommended: recipe of each at its own question; None: not determined.
        recipes: :class:`Compared`, the question's first.
    """

    names: tuple[str, ...]
    keys: dict[str, tuple[str | None, ...]]
    corpora: dict[str, tuple[str | None, ...]]
    runs: tuple[int, ...]
    shared: dict[tuple[int, int], int]
    questions: tuple[str, ...]
    recommended: tuple[str | None, ...]
    recipes: tuple[Compared, ...]

    def tables(self) -> list[Table]:
        """Answers, recipes, what differs, and the runs they share."""
        heads = [Column(f"s{i}", name) for i, name in enumerate(self.names)]
        same = [
            (f"{self.names[a]} and {self.names[b]}", count, self.runs[a], self.runs[b])
            for (a, b), count in self.shared.items()
        ]
        recipes = [(one.recipe, one.place, *one.differences, one.apart) for one in self.recipes]
        recommended = (each or "not determined" for each in self.recommended)
        keys = [(key, *(value or "" for value in values)) for key, values in self.keys.items()]
        found = [
            Table("answers", [Column("what", ""), *heads],
                  [("question", *self.questions), ("recommended", *recommended)], title="Answers"),
            Table("recipes", [Column("recipe"), Column("at"), *heads, Column("apart", "last minus first")], recipes,
                  title="Loss against natural text alone, nats per token",
                  note="apart: the two studies taken as independent; where they share runs its interval is too wide"),
            Table("keys", [Column("key"), *heads], keys, title="Keys that differ"),
            Table("corpora", [Column("corpus"), *heads],
                  [(name, *(v or "not there" for v in values)) for name, values in self.corpora.items()],
                  title="Text: equal identities are equal text"),
            Table("shared", [Column("studies"), Column("shared", "same runs"), Column("a", "of the first"),
                             Column("b", "of the second")], same, title="Runs in both"),
        ]  # fmt: skip
        return [table for table in found if table.rows]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""

        def plain(one: Interval | None) -> dict[str, Any] | None:
            return None if one is None else {"low": one.low, "mid": one.mid, "high": one.high, "level": one.level}

        return {
            "studies": list(self.names),
            "keys": {key: list(values) for key, values in self.keys.items()},
            "corpora": {name: list(values) for name, values in self.corpora.items()},
            "runs": list(self.runs),
            "shared": [{"studies": [self.names[a], self.names[b]], "runs": n} for (a, b), n in self.shared.items()],
            "questions": list(self.questions),
            "recommended": list(self.recommended),
            "recipes": [
                {"recipe": one.recipe, "at": one.at, "params": one.params, "tokens": one.tokens,
                 "differences": [plain(each) for each in one.differences], "apart": plain(one.apart)}
                for one in self.recipes
            ],
        }  # fmt: skip


def compare_studies(studies: Sequence[Study]) -> StudyComparison:
    """What differs between finished studies, and between their answers.

    Raises:
        BadInput: fewer than two, one without results, or one twice.
    """
    configs = [load_study(study) for study in studies]
    if len(configs) < 2:
        raise BadInput("names one study", key="study compare", remedy="name two or more")
    roots = [config.root.resolve() for config in configs]
    for i, root in enumerate(roots):
        if root in roots[:i]:
            raise BadInput("is named twice", where=root, key="study compare")
    results = [_results(config) for config in configs]
    names = tuple(_apart([config.study for config in configs], [str(root.parent) for root in roots]))
    ids = [{run.id for run in (*found.runs, *found.diverged)} for found in results]
    pairs = itertools.combinations(range(len(configs)), 2)
    return StudyComparison(
        names=names,
        keys=_unlike([_flat(config.model_dump(mode="json", exclude_defaults=True)) for config in configs]),
        corpora=_corpora(configs),
        runs=tuple(len(each) for each in ids),
        shared={(a, b): len(ids[a] & ids[b]) for a, b in pairs},
        questions=tuple(_question(found.decision) for found in results),
        recommended=tuple(_recommended(found.decision) for found in results),
        recipes=(*_predicted([found.decision for found in results]), *_measured([found.decision for found in results])),
    )


def _results(config: StudyConfig) -> Results:
    path = Workspace(config.root).results
    if not path.exists():
        raise BadInput("has no results yet", where=config.root, remedy="run it with synthmix study run")
    return read_results(path)


def _apart(names: Sequence[str], folders: Sequence[str]) -> list[str]:
    """The names, with their folders where two are alike."""
    return [name if names.count(name) == 1 else f"{folder}/{name}" for name, folder in zip(names, folders, strict=True)]


def _flat(value: Any, above: str = "") -> dict[str, str]:
    """``{"a": {"b": 1}}`` -> ``{"a.b": "1"}``."""
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, inner in value.items():
            found |= _flat(inner, f"{above}.{key}" if above else str(key))
        return found
    return {above: ", ".join(map(str, value)) if isinstance(value, list) else str(value)}


def _unlike(flat: Sequence[Mapping[str, str]]) -> dict[str, tuple[str | None, ...]]:
    keys = dict.fromkeys(key for each in flat for key in each if key.split(".")[0] not in NOT_COMPARED)
    rows = {key: tuple(each.get(key) for each in flat) for key in keys}
    return {key: values for key, values in rows.items() if len(set(values)) > 1}


def _corpora(configs: Sequence[StudyConfig]) -> dict[str, tuple[str | None, ...]]:
    found = []
    for config in configs:
        prepared = look(config, Workspace(config.root))
        found.append({name: corpus.id for name, corpus in (prepared.corpora if prepared else {}).items()})
    names = dict.fromkeys(name for each in found for name in each)
    return {name: tuple(each.get(name) for each in found) for name in names}


def _question(decision: Decision | None) -> str:
    if decision is None:
        return "no answer"
    where = f"{format_count(decision.params)} on {format_count(decision.tokens)} tokens"
    return where if decision.basis == "laws" else f"{where}, as measured"


def _recommended(decision: Decision | None) -> str | None:
    chosen = None if decision is None else decision.recommended
    return None if decision is None or chosen is None else decision.options[chosen].recipe


def _predicted(decisions: Sequence[Decision | None]) -> list[Compared]:
    """Options at one question; nothing where the questions differ."""
    there = [d for d in decisions if d is not None]
    if len(there) < len(decisions) or len({(d.params, d.tokens) for d in there}) > 1:
        return []
    known = [{o.recipe: o.difference for o in d.options if o.determined and not o.is_natural} for d in there]
    return [_compared(recipe, "question", there[0].params, there[0].tokens, known) for recipe in _in_two(known)]


def _measured(decisions: Sequence[Decision | None]) -> list[Compared]:
    """Recipes at the largest cell, where that is one cell in all."""
    cells = {(m.params, m.tokens) for d in decisions if d is not None for m in d.measured}
    if len(cells) != 1 or any(d is None for d in decisions):
        return []
    [(params, tokens)] = cells
    known = [{m.recipe: m.difference for m in d.measured if m.share > 0} for d in decisions if d is not None]
    return [_compared(recipe, "measured", params, tokens, known) for recipe in _in_two(known)]


def _in_two(known: Sequence[Mapping[str, Interval]]) -> list[str]:
    names = dict.fromkeys(name for each in known for name in each)
    return [name for name in names if sum(name in each for each in known) > 1]


def _compared(recipe: str, at: str, params: int, tokens: int, known: Sequence[Mapping[str, Interval]]) -> Compared:
    each = tuple(found.get(recipe) for found in known)
    there = [one for one in each if one is not None]
    return Compared(recipe, at, params, tokens, each, _minus(there[-1], there[0]))


def _minus(one: Interval, other: Interval) -> Interval | None:
    """``one - other`` of independent estimates; None where one is undefined."""
    return None if one.mid is None or other.mid is None else one.minus(other)


def write_comparison(found: StudyComparison, path: Path) -> None:
    """Write the page, atomically.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    sections = {"answers": ("Answers", "Answers"), "recipes": ("Recipes", "Recipes, each study beside the others")}
    sections |= {"keys": ("Keys", "Keys that differ"), "corpora": ("Text", "Text"), "shared": ("Runs", "Runs in both")}
    tables = {table.name: table for table in found.tables()}
    drawn = {"recipes": _figure(found)}
    write_page(
        path,
        title="Studies compared",
        eyebrow="What differs, and how far do the answers lie apart?",
        lead=f"{listed(found.names)} compared.",
        under=[f"{plural(len(found.keys), 'key')} of their files differ." if found.keys else "Their files are alike."],
        sections=[
            Section(name, short, title, drawn.get(name, []), [tables[name]])
            for name, (short, title) in sections.items()
            if name in tables
        ],
        facts={
            "Difference": "loss against natural text alone, nats per token: below zero the mixture is better",
            "Apart": "the last study minus the first, taken as independent: too wide where they share runs",
            "Same runs": "of one identity: recipe, text, size, budget, seed and protocol",
        },
        colours=len(found.names) + 1,
    )


def _figure(found: StudyComparison) -> list[Figure]:
    """A view a place, a row a recipe, a mark a study."""
    views = []
    for place in dict.fromkeys(one.place for one in found.recipes):
        here = [one for one in found.recipes if one.place == place]
        data: list[Spec] = []
        for k, name in enumerate(found.names):
            mine = [(i, one.differences[k]) for i, one in enumerate(here)]
            known = [(i, each) for i, each in mine if each is not None and each.mid is not None]
            off = 0.3 * (k - (len(found.names) - 1) / 2)
            if known:
                rows = [i + off for i, _ in known]
                data.append(dots([each for _, each in known], rows, f"s{k}", name, "%{x:+.3f}", symbol=SHAPES[k % 6]))
        y = axis("", tickvals=list(range(len(here))), ticktext=[label(one.recipe) for one in here], ticks="")
        x = axis("difference from natural text alone, nats per token", zeroline=True, zerolinecolor="@rule")
        views.append(View(place, data, layout(x, y | {"autorange": "reversed"})))
    caption = "Marks are the studies' differences with their intervals; at the question they are predictions."
    most = max((len(view.layout["yaxis"]["tickvals"]) for view in views), default=0)
    title, told = "Loss against natural text alone", "The numbers are in the table below."
    return [Figure("compared", title, caption, told, views, 140 + 34 * most)] if any(v.data for v in views) else []
