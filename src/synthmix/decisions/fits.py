"""The scaling laws of a runs table, fitted once and kept with the study: per recipe in (N, D), per source in the share.

A source's law is one for all its shares: recipes share their noise and their exponents, so that differences between
them, and the best share, are known far better than the losses themselves.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthmix.checksums import SEAL, check_seal, sealed
from synthmix.errors import BadInput
from synthmix.files import content_hash, write_bytes
from synthmix.quantities import listed
from synthmix.results import FitSummary, HeldOut, Interval, Warn
from synthmix.runs import RunsTable
from synthmix.scaling import Comparison, Fit, Runs, compare, fit, held_out
from synthmix.scaling.noise import PooledNoise

# Laws in (N, D, share) that can say "none": a quadratic in the share (scaling/laws) and the three-phase candidate. The
# mixture laws of Shukor et al. cannot: their term in h^gamma, gamma < 1, makes the first grain of any source pay.
CANDIDATES = ("joint_quadratic", "three_phase_size")
FEWEST_SHARES = 3
#: Distinct points per parameter from which a law is fitted to a study's runs: half as many again (CHOSEN).
POINTS_PER_PARAMETER = 1.5
#: A law that predicts the largest runs with so many times the error of the chosen one is no rival of it: weighed by
#: inverse squared errors it is less than a twentieth, a tail of a 90 % interval (CHOSEN).
OUT_OF_THE_RACE = 4.0
FORMAT = "synthmix-fits-2"


@dataclass(frozen=True)
class RecipeLaw:
    """The law that predicts a recipe, and the share to give it where the law has one.

    ``rivals`` are other laws of the same runs: values are the law's, intervals hold what the rivals predict as well.
    """

    fit: Fit
    share: float | None
    rivals: tuple[Fit, ...] = ()

    @property
    def laws(self) -> tuple[Fit, ...]:
        """The law and its rivals."""
        return (self.fit, *self.rivals)

    def at(self, **columns: Any) -> dict[str, Any]:
        """The columns with the share."""
        return columns if self.share is None else {**columns, "share": self.share}

    def loss(self, kind: Literal["mean", "new_run"], **columns: float) -> Interval:
        """Expected loss at one point."""
        return envelope([law.loss(kind=kind, **self.at(**columns)) for law in self.laws])


@dataclass
class StudyFits:
    """All laws of one runs table.

    Attributes:
        noise: seed noise of the averaged loss.
        own: recipe -> its law in (N, D) by itself, where its runs determine one.
        laws: recipe -> the law that predicts it: its own, or that of its source.
        sources: synthetic source -> the law in (N, D, share) of all its recipes, at share 0.
        held_out: source or recipe -> how its law did on runs that it was not fitted to; None: not tested.
        extrapolation: source -> mean relative error of its law on the largest runs, held out in several cuts.
        level: of every interval.
        summaries, warnings: for the report.
        key: hash of the runs that they were fitted to. bootstrap: resamples of each law.
    """

    noise: PooledNoise
    level: float
    key: str = ""
    bootstrap: int = 0
    own: dict[str, Fit] = field(default_factory=dict)
    laws: dict[str, RecipeLaw] = field(default_factory=dict)
    sources: dict[str, RecipeLaw] = field(default_factory=dict)
    held_out: dict[str, HeldOut | None] = field(default_factory=dict)
    extrapolation: dict[str, float] = field(default_factory=dict)
    summaries: list[FitSummary] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)

    def __repr__(self) -> str:
        return (
            f"<StudyFits: laws of {', '.join(self.laws) or 'no recipe'}; sources {', '.join(self.sources) or 'none'}>"
        )

    def save(self, path: Path) -> None:
        """Write the laws, their draws and their runs (safetensors, its header JSON); atomically."""
        from safetensors.numpy import save

        kept: list[Fit] = []
        places: dict[int, int] = {}

        def place(one: Fit) -> int:
            if id(one) not in places:
                places[id(one)] = len(kept)
                kept.append(one)
            return places[id(one)]

        def law(one: RecipeLaw) -> dict[str, Any]:
            return {"fit": place(one.fit), "share": one.share, "rivals": [place(rival) for rival in one.rivals]}

        noise = vars(self.noise) | {"by": dict(self.noise.by)}
        head = {
            "format": FORMAT, "key": self.key, "level": self.level, "bootstrap": self.bootstrap, "noise": noise,
            "own": {name: place(one) for name, one in self.own.items()},
            "laws": {name: law(one) for name, one in self.laws.items()},
            "sources": {name: law(one) for name, one in self.sources.items()},
            "held_out": {name: None if one is None else one.model_dump() for name, one in self.held_out.items()},
            "extrapolation": self.extrapolation,
            "summaries": [one.model_dump(mode="json") for one in self.summaries],
            "warnings": [one.model_dump() for one in self.warnings],
        }  # fmt: skip
        states = [one.state() for one in kept]
        head["fits"] = [plain for plain, _ in states]
        arrays = {
            f"{i}/{name}": np.ascontiguousarray(a) for i, (_, held) in enumerate(states) for name, a in held.items()
        }
        write_bytes(path, sealed(save(arrays, metadata={"synthmix": json.dumps(head), "digest": SEAL})))

    @classmethod
    def load(cls, path: Path, key: str) -> "StudyFits | None":
        """What :meth:`save` wrote; None where there is nothing, or it is of other runs, damaged or of another form."""
        from safetensors import SafetensorError, safe_open

        try:
            if not check_seal(path):  # of an earlier version: fitting again is cheap, a wrong law is not
                return None
            with safe_open(path, framework="numpy") as file:
                head = json.loads((file.metadata() or {}).get("synthmix", "{}"))
                if head.get("format") != FORMAT or head["key"] != key:
                    return None
                arrays: list[dict[str, Any]] = [{} for _ in head["fits"]]
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    place, _, what = name.partition("/")
                    arrays[int(place)][what] = file.get_tensor(name)
            fits = [Fit.of_state(plain, held) for plain, held in zip(head["fits"], arrays, strict=True)]
        except (SafetensorError, FileNotFoundError, ValueError, KeyError, TypeError, BadInput):
            return None

        def law(plain: dict[str, Any]) -> RecipeLaw:
            return RecipeLaw(fits[plain["fit"]], plain["share"], tuple(fits[i] for i in plain["rivals"]))

        return cls(
            noise=PooledNoise(**head["noise"]),
            level=head["level"],
            key=key,
            bootstrap=head["bootstrap"],
            own={name: fits[i] for name, i in head["own"].items()},
            laws={name: law(plain) for name, plain in head["laws"].items()},
            sources={name: law(plain) for name, plain in head["sources"].items()},
            held_out={name: None if h is None else HeldOut(**h) for name, h in head["held_out"].items()},
            extrapolation=head["extrapolation"],
            summaries=[FitSummary.model_validate(one) for one in head["summaries"]],
            warnings=[Warn(**one) for one in head["warnings"]],
        )


def fits_key(table: RunsTable) -> str:
    """Hash of the runs that laws are fitted to."""
    columns = {
        name: [value if math.isfinite(value) else None for value in table.column(name).tolist()]
        for name in ("N", "D", "share", "loss")
        if table.has(name)
    }
    left_out = [table.text("diverged")] if table.has("diverged") else []
    return content_hash([FORMAT, CANDIDATES, table.text("mixture"), table.text("seed"), columns, *left_out])


def fit_study(table: RunsTable, *, bootstrap: int = 1000, level: float = 0.9) -> StudyFits:
    """Fit every recipe by itself, then every synthetic source over its shares.

    A law that the runs do not determine is left out, with a warning that says why, and so are runs that diverged.
    """
    key, warnings = fits_key(table), [warning for warning in table.warnings if warning.code == "diverged"]
    table = table.sound.uncut
    found = StudyFits(table.noise(), level, key, bootstrap, warnings=warnings)
    sd_log = _log_noise(table)
    for recipe in table.recipes:
        mine = table.of_recipe(recipe)
        size, budget = mine.column("N").max(), mine.column("D").max()
        settings = {"bootstrap": bootstrap, "level": level, "noise": sd_log}
        joint = _fit("chinchilla", mine, recipe, found, settings)
        _fit("data", mine.select(mine.column("N") == size), recipe, found, settings, params=int(size))
        _fit("model", mine.select(mine.column("D") == budget), recipe, found, settings, tokens=int(budget))
        if joint is not None:
            found.own[recipe] = joint
            found.laws[recipe] = RecipeLaw(joint, None)
    for source in dict.fromkeys(name for name in table.text("synthetic") if name is not None):
        _fit_source(table, source, found, bootstrap, level)
    return found


def source_runs(table: RunsTable, source: str) -> RunsTable:
    """The runs of natural text with one synthetic source, natural text alone among them."""
    alone = [name == table.natural for name in table.text("recipe")]
    mine = [name == source for name in table.text("synthetic")]
    return table.select(np.array(alone) | np.array(mine))


def envelope(intervals: list[Interval]) -> Interval:
    """The first interval, widened to hold what the others hold: a bootstrap does not hold the choice of law, and
    laws that agree on the runs part beyond them (CHOSEN; 1-scaling.md asks to widen with the extrapolation)."""
    first = intervals[0]
    others = [each for each in intervals if each.mid is not None]
    if first.mid is None or len(others) < 2:
        return first
    lows, highs = [each.low for each in others], [each.high for each in others]
    points = [each.mid for each in others if each.mid is not None]
    return replace(
        first,
        low=None if None in lows else min([*(low for low in lows if low is not None), *points]),
        high=None if None in highs else max([*(high for high in highs if high is not None), *points]),
        why=first.why or next((each.why for each in others if each.why), None),
    )


def _log_noise(table: RunsTable) -> float | None:
    from synthmix.scaling.noise import seed_noise

    return seed_noise(table.arrays()).sd_log


def _fit(
    law: str,
    table: RunsTable,
    recipe: str,
    found: StudyFits,
    settings: dict[str, Any],
    *,
    params: int | None = None,
    tokens: int | None = None,
) -> Fit | None:
    runs = table.arrays()
    try:
        enough(law, runs)
        fitted = fit(law, runs, delta=None, **settings)
    except BadInput as error:
        found.warnings.append(Warn(code="not_fitted", message=f"The {law} law: {error}.", about=recipe))
        return None
    check = None
    try:
        check = held_out(law, runs, column="N" if law == "model" else "D", delta=None)
    except BadInput as error:
        if law == "chinchilla":
            message = f"No held-out check of the {law} law: {error}."
            found.warnings.append(Warn(code="no_held_out_check", message=message, about=recipe))
    if law == "chinchilla":
        found.held_out[recipe] = check
    found.summaries.append(summary(fitted, check, recipe=recipe, params=params, tokens=tokens))
    return fitted


def enough(law: str, runs: Runs) -> None:
    """Raise BadInput where the distinct points are fewer than the law's parameters and half as many again."""
    from synthmix.scaling.laws import find

    count = len(find(law).names)
    if runs.cells < POINTS_PER_PARAMETER * count:
        raise BadInput(
            f"{count} parameters on {runs.cells} distinct points cannot be checked",
            remedy=f"measure {int(np.ceil(POINTS_PER_PARAMETER * count))} points or more",
        )


def summary(fitted: Fit, check: HeldOut | None, **about: Any) -> FitSummary:
    """A fit as a row of the results; ``about``: its recipe or source, and what is held fixed."""
    return FitSummary(
        law=fitted.law.name,
        formula=fitted.law.formula,
        points=len(fitted.runs),
        parameters=fitted.intervals(),
        r2=fitted.r2,
        objective=fitted.objective,
        held_out=check,
        warnings=fitted.warnings,
        **{"recipe": None, "params": None, "tokens": None, **about},
    )


def _fit_source(table: RunsTable, source: str, found: StudyFits, bootstrap: int, level: float) -> None:
    """Choose the law in (N, D, share) that best predicts the largest runs, and fit it; others that the runs do not
    refute are its rivals."""
    mine = source_runs(table, source)
    names = mine.recipes
    if len(set(mine.column("share").tolist())) < FEWEST_SHARES:
        message = f"Fewer than {FEWEST_SHARES} shares were measured, so each recipe has a law of its own."
        found.warnings.append(Warn(code="no_joint_law", message=message, about=source))
        return
    runs = mine.arrays()
    try:
        ranking = compare(runs, list(CANDIDATES), delta=None, level=level)
        laws = standing(ranking)
        law, *rivals = [fit(name, runs, bootstrap=bootstrap, level=level, delta=None) for name in laws]
    except BadInput as error:
        message = f"No law in size, tokens and share: {error}. Each recipe has a law of its own."
        found.warnings.append(Warn(code="no_joint_law", message=message, about=source))
        return
    check = None
    try:
        check = held_out(ranking.winner, runs, column="D", delta=None)
    except BadInput as error:  # one run beyond the others in N: the law stands, ranked by the other cuts
        message = f"No held-out check of the {ranking.winner} law: {error}."
        found.warnings.append(Warn(code="no_held_out_check", message=message, about=source))
    chosen = next(score for score in ranking.scores if score.law == ranking.winner)
    found.sources[source] = RecipeLaw(law, 0.0, tuple(rivals))
    found.held_out[source], found.extrapolation[source] = check, chosen.extrapolation
    found.summaries.insert(0, summary(law, check, synthetic=source))
    found.warnings.append(_choice(ranking, laws, source))
    for name in names:
        if name != table.natural or len(found.sources) == 1:
            found.laws[name] = RecipeLaw(law, mine.share(name), tuple(rivals))


def standing(ranking: Comparison) -> list[str]:
    """The law to take, then those that the held-out runs do not refute."""
    error = {score.law: score.extrapolation for score in ranking.scores}
    most = OUT_OF_THE_RACE * error[ranking.winner] if ranking.decided else math.inf
    rivals = [score.law for score in ranking.scores if score.law != ranking.winner and error[score.law] <= most]
    return [ranking.winner, *rivals]


def _choice(ranking: Comparison, laws: Sequence[str], source: str) -> Warn:
    """How the law was chosen. ``laws``: those that stand."""
    scores = ", ".join(f"{score.law} {score.extrapolation:.1%}" for score in ranking.scores)
    message = f"Chosen by its error on the largest runs, held out: {scores}"
    refuted = [score.law for score in ranking.scores if score.law not in laws]
    if refuted:
        message += f"; the intervals do not hold what {listed(refuted)} predicts"
    elif not ranking.decided and len(ranking.scores) > 1:
        message += f"; the margin is within what the runs can tell, so {ranking.winner} is taken, the first in order"
    message += "."
    return Warn(code="law_choice", message=message, about=source)
