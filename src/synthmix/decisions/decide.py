"""The decision: table, fits, question and constraints in, one validated object out."""

from collections.abc import Mapping, Sequence

import numpy as np

from synthmix.decisions.caveats import Tasks, common_caveats, confidence, decades, source_caveats
from synthmix.decisions.choose import NATURAL, Choice, Pick, choose, share_of
from synthmix.decisions.curves import kind_curves
from synthmix.decisions.economics import YARDSTICK, option, ranges, with_costs
from synthmix.decisions.fits import StudyFits
from synthmix.decisions.next_runs import next_runs
from synthmix.decisions.predict import Prediction, predictions
from synthmix.decisions.sensitivity import SEVERAL, Ground, sensitivity
from synthmix.interval import Covers
from synthmix.results import (
    Caveat,
    Decision,
    Edge,
    Interval,
    Kind,
    KindCurve,
    Measured,
    Option,
    Prices,
    Question,
    Sensitivity,
    ShareCurve,
    State,
    Verdict,
)
from synthmix.rounding import ROUNDING, first_lowest
from synthmix.runs import Cell, RunsTable


def decide(
    table: RunsTable,
    fits: StudyFits,
    question: Question | None,
    *,
    study: str = "",
    most_flops: float | None = None,
    built: Mapping[str, float] | None = None,
    tasks: Tasks = (),
    share_curves: Sequence[ShareCurve] = (),
    explore: bool = True,
) -> Decision:
    """Decide between natural text alone and the mixtures of a runs table.

    Args:
        table: the runs; those that diverged are left out, with a caveat.
        fits: its laws (:func:`synthmix.decisions.fit_study`).
        question: None, or one that no law answers: decided at the largest cell that was trained, as measured.
        study: its name. most_flops: that one of the next runs may cost; None: what all runs did.
        built: source -> training tokens that there are, for the next runs.
        tasks: of each task's scores its name, whether any run is above chance, and whether its best share is another
            than that by loss (:func:`question_curves`).
        share_curves: of the measured cells, for the best share where nothing is extrapolated.
        explore: sensitivity and next runs too, which take most of the time.
    """
    caveats = common_caveats(question, tasks, table)
    table = table.sound.uncut
    seen = measured(table, fits)
    if question is None or table.natural is None or not fits.laws:
        return _as_measured(table, fits, question, study, seen, caveats, share_curves)
    found, choice = _chosen(table, fits, question)
    noise = fits.noise.sd or 0.0
    picks = [NATURAL, *_shown(found, choice)]
    options = [
        option(table, fits, question, found, choice, pick, _neighbour(seen, found, pick), noise) for pick in picks
    ]
    options = with_costs([*options, *_lawless(table, fits, question, found, seen)], question)
    places = {pick: i for i, pick in enumerate(picks)}
    best, recommended = places.get(choice.best), places.get(choice.recommended)
    far = decades(table, question.params, question.tokens)
    curves = kind_curves(found, choice, fits.noise.sd, fits.level)
    verdicts = verdicts_of(fits, options, far, curves, found, asked=True)
    rows: list[Sensitivity] = []
    runs, mix = [], None
    if explore:
        ground = Ground(table, fits, noise, loss_spread(table))
        rows = sensitivity(ground, question, found, choice, options[best or 0])
        cap = _flops(table) if most_flops is None else most_flops
        runs = next_runs(table, found, choice, most_flops=cap, built=built)
        rows += _several(table, question)
        mix = _to_mix(table, question, found, choice)
    return Decision(
        study=study,
        basis="laws",
        question=question,
        params=question.params,
        tokens=question.tokens,
        level=fits.level,
        two_runs=fits.noise.apart(fits.level),
        decades_params=far[0],
        decades_tokens=far[1],
        decades_compute=far[2],
        measured=seen,
        options=options,
        best=best,
        recommended=recommended,
        verdicts=verdicts,
        caveats=caveats,
        alternatives=ranges(found, choice, question),
        curves=curves,
        sensitivity=rows,
        next_runs=runs,
        next_run_to_mix=mix,
        uncompared=uncompared(table),
    )


def _chosen(table: RunsTable, fits: StudyFits, question: Question) -> tuple[list[Prediction], Choice]:
    found = predictions(table, fits, question)
    return found, choose(found, question.tokens, fits.noise.sd or 0.0, fits.level, loss_spread(table))


def question_curves(table: RunsTable, fits: StudyFits, question: Question | None) -> list[KindCurve]:
    """The curves that a decision on this question has: difference from natural text alone against the share of each
    source. Empty where nothing is extrapolated."""
    table = table.uncut
    if question is None or table.natural is None or not fits.laws:
        return []
    return kind_curves(*_chosen(table, fits, question), fits.noise.sd, fits.level)


def measured(table: RunsTable, fits: StudyFits) -> list[Measured]:
    """Every recipe at the largest cell, natural text alone first; empty where nothing can be compared."""
    cell = table.largest_cell()
    if cell is None or table.natural is None:
        return []
    here, found = table.at(cell), []
    for recipe in [name for name in table.recipes if name in here.recipes]:
        yardstick = Interval(mid=None, level=fits.level, why=YARDSTICK)
        found.append(
            Measured(
                recipe=recipe,
                share=table.share(recipe),
                params=int(cell.N),
                tokens=int(cell.D),
                runs=here.count(recipe, cell),
                loss=_mean(here, recipe, cell, fits),
                difference=yardstick
                if recipe == table.natural
                else here.difference(recipe, table.natural, cell, level=fits.level, noise=fits.noise),
            )
        )
    return found


def uncompared(table: RunsTable) -> str | None:
    """Code of why nothing can be compared as measured; None: something can."""
    if len(table.recipes) < 2:
        return "one_recipe"
    if table.natural is None:
        return "no_natural"
    if not (table.column("share") > 0).any():
        return "no_synthetic"
    return "no_common_cell" if table.largest_cell() is None else None


def loss_spread(table: RunsTable) -> float:
    """Of the losses that were measured, nats: the largest minus the smallest."""
    losses = table.column("loss")
    return float(losses.max() - losses.min())


def _mean(here: RunsTable, recipe: str, cell: Cell, fits: StudyFits, runs: float = 0.0) -> Interval:
    """Mean loss at a cell; the interval t * sd * sqrt(1 / n + runs), of the mean or (1) of one new run."""
    from scipy.special import stdtrit

    value, count, noise = here.mean(recipe, cell), here.count(recipe, cell), fits.noise
    covers: Covers = "new run" if runs else "mean"
    if noise.sd is None:
        return Interval(mid=value, level=fits.level, covers=covers, why="no replicates")
    half = float(stdtrit(noise.dof, (1 + fits.level) / 2)) * noise.of(recipe) * (1 / count + runs) ** 0.5
    return Interval(low=value - half, mid=value, high=value + half, level=fits.level, covers=covers)


def _as_measured(
    table: RunsTable,
    fits: StudyFits,
    question: Question | None,
    study: str,
    seen: list[Measured],
    caveats: list[Caveat],
    share_curves: Sequence[ShareCurve],
) -> Decision:
    """Decided at the largest cell, nothing extrapolated."""
    blank = Interval(mid=None, level=fits.level, why="measured at one budget only")
    noise = fits.noise.sd or 0.0
    lowest = min((each.loss.mid or 0.0 for each in seen), default=0.0)
    options = []
    for each in seen:
        cell = Cell(float(each.params), float(each.tokens))
        above = (each.loss.mid or 0.0) - lowest
        options.append(
            Option(
                recipe=each.recipe,
                kind=table.synthetic(each.recipe),
                share=each.share,
                shares=table.shares(each.recipe),
                law=None,
                measured=each,
                loss=each.loss,
                new_run=_mean(table, each.recipe, cell, fits, 1.0),
                difference=each.difference,
                above_best=Interval(mid=above, level=fits.level, why="of the means"),
                sign=each.difference.sign(noise),
                as_good=False,
                speedup=blank,
                tokens_saved=blank,
                worth=blank,
            )
        )
    best = first_lowest([each.loss.mid or 0.0 for each in options]) if options else None
    if best is not None:
        cell = Cell(float(seen[0].params), float(seen[0].tokens))
        names = [each.recipe for each in options]
        worse = [
            i != best and table.difference(name, names[best], cell, level=fits.level, noise=fits.noise).sign(noise) > 0
            for i, name in enumerate(names)
        ]
        options = [each.model_copy(update={"as_good": not bad}) for each, bad in zip(options, worse, strict=True)]
    recommended = None
    if best is not None:
        natural = next((i for i, each in enumerate(options) if each.is_natural), best)
        recommended = natural if options[natural].as_good else best
    far = (0.0, 0.0, 0.0)
    verdicts = verdicts_of(fits, options, far, [], [], asked=False, share_curves=share_curves)
    return Decision(
        study=study,
        basis="measured",
        question=question,
        params=seen[0].params if seen else 0,
        tokens=seen[0].tokens if seen else 0,
        level=fits.level,
        two_runs=fits.noise.apart(fits.level),
        measured=seen,
        options=options,
        best=best,
        recommended=recommended,
        verdicts=verdicts,
        caveats=caveats,
        uncompared=uncompared(table),
    )


def verdicts_of(
    fits: StudyFits,
    options: Sequence[Option],
    far: tuple[float, float, float],
    curves: Sequence[KindCurve],
    found: Sequence[Prediction],
    *,
    asked: bool,
    share_curves: Sequence[ShareCurve] = (),
) -> list[Verdict]:
    """A source helps if one of its recipes is clearly better, hurts if all of them are clearly worse; everything else
    is not determined by these runs. The best source first."""
    groups: dict[str | None, list[int]] = {}
    for i, each in enumerate(options):
        if not each.is_natural:
            groups.setdefault(each.kind, []).append(i)
    two_runs = fits.noise.apart(fits.level)
    verdicts = []
    for source, places in groups.items():
        mine = [options[i] for i in places]
        better = [i for i in places if options[i].sign < 0]
        worse = [i for i in places if options[i].sign > 0]
        state: State = "helps" if better else "hurts" if len(worse) == len(places) else "not determined"
        able = better or [i for i in places if options[i].difference.mid is not None]
        rests = able[first_lowest([options[i].difference.mid or 0.0 for i in able])] if able else None
        row = options[rests] if rests is not None else None
        best, edge = _best_share(source, curves, share_curves, row)
        held = _held_out(fits, source, row)
        predicted = next((one for one in found if one.name == source), None)
        caveats = source_caveats(
            state, row, mine, two_runs=two_runs, held_out=held, far=far, asked=asked, predicted=predicted,
            noise=fits.noise,
        )  # fmt: skip
        verdicts.append(
            Verdict(
                source=source,
                state=state,
                option=rests,
                tried=len(places),
                best=best,
                edge=edge,
                held_out=held,
                confidence=confidence(state, caveats),
                caveats=caveats,
            )
        )
    order = {"helps": 0, "not determined": 1, "hurts": 2}

    def rank(verdict: Verdict) -> tuple[int, float, str]:
        value = None if verdict.option is None else options[verdict.option].difference.mid
        return order[verdict.state], float("inf") if value is None else round(value / ROUNDING), verdict.source or ""

    return sorted(verdicts, key=rank)


def _best_share(
    source: str | None, curves: Sequence[KindCurve], share_curves: Sequence[ShareCurve], row: Option | None
) -> tuple[Interval | None, Edge]:
    """The source's best share where the verdict holds, and whether it is an end of what was tried."""
    for curve in curves:
        if curve.kind == source:
            return curve.best, _edge(curve.best.mid, curve.shares)
    at = row.measured if row is not None else None
    for one in share_curves:
        if at is not None and (one.synthetic, one.params, one.tokens) == (source, at.params, at.tokens):
            return one.best, _edge(one.best.mid, one.shares)
    return None, "none"


def _edge(value: float | None, shares: Sequence[float]) -> Edge:
    if value is None or not shares or max(shares) <= min(shares):
        return "none"
    near = 0.005 * (max(shares) - min(shares))
    return "bottom" if value <= min(shares) + near else "top" if value >= max(shares) - near else "none"


def _held_out(fits: StudyFits, source: str | None, row: Option | None) -> float | None:
    """Relative error of the law that predicts an option, on runs that it was not fitted to."""
    name = source if source in fits.sources else (row.recipe if row is not None else None)
    check = fits.held_out.get(name or "")
    return None if check is None else check.mean_abs_relative_error


def _shown(found: Sequence[Prediction], choice: Choice) -> list[Pick]:
    """Every trained share of each source, its best share, and its cheapest one that is good."""
    picks = []
    for k, one in enumerate(found):
        trained = np.isin(one.shares, one.trained)
        places = set(np.flatnonzero(trained & (one.shares > 0)).tolist())
        top = choice.tops[k]
        if top is not None:
            places.add(top.place)
        good = np.flatnonzero(choice.as_good[k] & (one.shares > 0))
        if len(good) and not choice.natural_good:
            places.add(int(good[0]))
        picks += [Pick(k, place) for place in sorted(places) if one.shares[place] > 0]
    return picks


def _neighbour(seen: Sequence[Measured], found: Sequence[Prediction], pick: Pick) -> Measured | None:
    """An option as it was measured, or the measured recipe of the nearest share of its source."""
    if pick.at is None:
        return next((each for each in seen if each.share == 0), None)
    one, share = found[pick.at], share_of(found, pick)
    mine = [each for each in seen if each.recipe == one.recipe] if one.recipe else _of_source(seen, one)
    return min(mine, key=lambda each: abs(each.share - share), default=None)


def _of_source(seen: Sequence[Measured], one: Prediction) -> list[Measured]:
    names = one.recipes
    return [each for each in seen if each.recipe in names]


def _lawless(
    table: RunsTable, fits: StudyFits, question: Question, found: Sequence[Prediction], seen: Sequence[Measured]
) -> list[Option]:
    """Recipes of the kinds that are asked about which no law predicts: as measured, if they were."""
    kinds = {kind.name: kind for kind in question.kinds}
    covered = {name for one in found for name in one.recipes}
    blank = Interval(mid=None, level=fits.level, why="not determined")
    options = []
    for recipe in table.recipes:
        shares = table.shares(recipe)
        mine = [name for name in shares if table.kinds.get(name) == "synthetic"]
        if recipe in covered or table.share(recipe) == 0 or not mine or any(name not in kinds for name in mine):
            continue
        bought = {name: min(shares[name] * question.tokens, question.limit(kinds[name])) for name in mine}
        options.append(
            Option(
                recipe=recipe,
                kind=mine[0] if len(mine) == 1 else None,
                share=table.share(recipe),
                shares=shares,
                law=None,
                undetermined=["no_law"],
                measured=next((each for each in seen if each.recipe == recipe), None),
                loss=blank,
                new_run=blank,
                difference=blank,
                above_best=blank,
                as_good=False,
                bought=sum(bought.values()),
                money=sum(tokens * kinds[name].price / 1e6 for name, tokens in bought.items()),
                speedup=blank,
                tokens_saved=blank,
                worth=blank,
            )
        )
    return options


def _several(table: RunsTable, question: Question) -> list[Sensitivity]:
    """Where two kinds or more are asked about and none was measured with another: that the answer may lie there."""
    names = [kind.name for kind in question.kinds]
    if len(names) < 2 or _mixed(table, names):
        return []
    return [Sensitivity(what=SEVERAL, now=None, value=None, code="never_mixed", names=names)]


def _mixed(table: RunsTable, names: Sequence[str]) -> bool:
    return any(len(set(table.shares(recipe)) & set(names)) > 1 for recipe in table.recipes)


def _to_mix(
    table: RunsTable, question: Question, found: Sequence[Prediction], choice: Choice
) -> dict[str, float] | None:
    """The recipe to train to know of two kinds at once, where two are as good as the best and no run mixed them."""
    if _mixed(table, [kind.name for kind in question.kinds]):
        return None
    tops = [pick for pick in choice.tops if pick is not None and pick.at is not None]
    good = [pick for pick in tops if choice.as_good[pick.at or 0][pick.place] and found[pick.at or 0].kind is not None]
    if len(good) < 2:
        return None
    return {found[pick.at or 0].name: round(share_of(found, pick) / 2, 2) for pick in good[:2]}


def _flops(table: RunsTable) -> float:
    if table.has("flops"):
        return float(np.nansum(table.column("flops")))
    return float((6.0 * table.column("N") * table.column("D")).sum())


def with_caveats(decision: Decision, more: Sequence[Caveat]) -> Decision:
    """The decision with further caveats, of evidence that is read beside the laws."""
    return decision.model_copy(update={"caveats": [*decision.caveats, *more]}) if more else decision


def free(
    names: Sequence[str], costs: Mapping[str, float | None] | None = None, prices: Prices | None = None
) -> tuple[Kind, ...]:
    """The kinds of a study that is asked without constraints: as much of each as is needed, at no price but the list's.

    ``costs``: kind -> FLOPs to generate one token, where known.
    """
    priced = prices.generated if prices is not None else {}
    return tuple(Kind(name=name, price=priced.get(name, 0.0), per_token=(costs or {}).get(name)) for name in names)
