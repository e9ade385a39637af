"""A study whose runs are chosen: rounds of fit, choose, train, evaluate, until the decision is known well enough.

The runs that may be made are those of the study file (sizes, budgets, recipes and seeds). Every choice is written to
``choices.json`` before its runs are trained, so that a killed study goes on with the same ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from synthmix.config import StudyConfig
from synthmix.decisions.choose import NATURAL, Pick, choose, difference
from synthmix.decisions.decide import loss_spread
from synthmix.decisions.fits import StudyFits
from synthmix.decisions.next_runs import open_kinds, top_share
from synthmix.decisions.optimize import decide_mixture
from synthmix.decisions.predict import predictions
from synthmix.design.acquire import Could, mixture_belief, recipe_belief, share_beliefs
from synthmix.errors import BadInput
from synthmix.files import write_json
from synthmix.interval import Interval
from synthmix.quantities import format_count, format_share, plural
from synthmix.report.choices import cost_text, reason, standing_text
from synthmix.results import Question
from synthmix.results.choices import Basis, ChoiceRound, Choices, ChosenRun, Standing, Stopped, Unit
from synthmix.runs import RunsTable
from synthmix.runs.mixtures import mixture_runs
from synthmix.scaling.acquisition import Belief, Points, choose_runs
from synthmix.scaling.acquisition import Pick as Picked
from synthmix.scaling.mixtures import MixturePoints, fewest_mixtures, fit_mixtures
from synthmix.scaling.runs import Array, Index, Mask
from synthmix.study.ladder import Cell, cells, find_trunks, study_design
from synthmix.study.mixture import LAW, mixture_question
from synthmix.study.rows import recipe_row
from synthmix.study.timings import Speeds
from synthmix.study.until import Limit, Until
from synthmix.study.workspace import Workspace, read_choices

GROWTH = 0.5  # a round costs at most this part of the runs made before it (CHOSEN: few fits, choices still fresh)
SLACK = 1.5  # beyond the bound, what all affordable runs would leave is said to be too much (CHOSEN)
Z = 1.645
Beliefs = list[tuple[Belief, Index]]
Key = tuple[str, int, int, int]


class Known(NamedTuple):
    """What the finished runs say: the standing of the decision, and what is believed of runs that could be made."""

    basis: Basis
    standing: Standing
    beliefs: Callable[[Literal["regret", "width"]], Beliefs]


@dataclass
class Chooser:
    """Chooses the runs of one study.

    Attributes:
        config, space: of the study. vocab: of its tokenizer. speeds: of the workers.
        until, limit: what was asked; one of them may be None.
    """

    config: StudyConfig
    space: Workspace
    vocab: int
    speeds: Speeds
    until: Until | None
    limit: Limit | None

    def __post_init__(self) -> None:
        self.cells = cells(self.config)
        self.keys = [key_of(cell) for cell in self.cells]
        self.places = {key: place for place, key in enumerate(self.keys)}
        self.trunks = find_trunks(self.cells)
        self.unit: Unit = "seconds" if self.limit is None else self.limit.unit
        self.choices = read_choices(self.space) or Choices(candidates=len(self.cells))
        if self.choices.rounds and self.choices.unit != self.unit:
            kept, remedy = "a time" if self.choices.unit == "seconds" else "FLOPs", "give it in the same unit"
            raise BadInput(f"the runs so far were chosen by {kept}", key="--cost", remedy=remedy)
        said = {"until": self.until and self.until.text, "cost": self.limit and self.limit.text, "unit": self.unit}
        self.choices = self.choices.model_copy(update={**said, "stopped": None, "needed": None})

    @property
    def lawful(self) -> bool:
        """Whether a law of shares is to be had of the study's recipes."""
        return self.config.mix.design is not None or bool(self.config.mix.synthetic)

    # Costs

    def costs(self, made: set[int]) -> Array:
        """Of every run (c,), the part that a trunk shares with runs that were made left out."""
        far: dict[object, int] = {}
        for place in made:
            cell = self.cells[place]
            far[cell.family] = max(far.get(cell.family, 0), cell.branch)
        found = []
        for cell in self.cells:
            shared = min(far.get(cell.family, 0), cell.branch) if cell.family in self.trunks else 0
            found.append(self._cost(cell, cell.tokens - shared * cell.protocol.batch))
        return np.array(found)

    def made_for(self, made: set[int]) -> float:
        """What the runs that were made cost, chosen or not, a trunk once."""
        total = 0.0
        trunks: dict[object, float] = {}
        for place in made:
            cell = self.cells[place]
            shared = cell.branch if cell.family in self.trunks else 0
            total += self._cost(cell, cell.tokens - shared * cell.protocol.batch)
            trunks[cell.family] = max(trunks.get(cell.family, 0.0), self._cost(cell, shared * cell.protocol.batch))
        return total + sum(trunks.values())

    def _cost(self, cell: Cell, tokens: int) -> float:
        """Of so many tokens of a run."""
        if self.unit == "flops":
            return float(tokens * cell.shape.flops_per_token(self.vocab, self.config.training.context))
        return self.speeds.seconds(cell.shape, tokens) / self.speeds.workers

    def left(self) -> float:
        """What may still be spent."""
        return np.inf if self.limit is None else self.limit.amount - self.choices.spent

    def check(self) -> None:
        """Raises:
        BadInput: the limit pays for no run, or not even the whole ladder reaches ``until`` by public priors.
        """
        costs = self.costs(set())
        if self.limit is not None and self.limit.amount < costs.min():
            least = cost_text(float(costs.min()), self.unit)
            raise BadInput(
                f"{self.limit.text} pays for no run: the cheapest costs {least}", key="--cost", remedy="allow more"
            )
        if self.until is not None and self.until.measure == "width" and not self.choices.rounds:
            self._by_priors(self.until)

    def _by_priors(self, until: Until) -> None:
        from synthmix.design import public_worlds
        from synthmix.design.linear import linearised, widths
        from synthmix.study.design import design_of

        asked = self.config.question
        design = design_of(self.config)
        if asked is None or self.config.mix.design is not None or not design.sources:
            return
        question = (float(asked.params), float(asked.tokens))
        worlds = public_worlds(design, 6, vocab=self.vocab)
        least = min(
            float(widths([linearised(world, source, question, design) for world in worlds], design).min())
            for source in design.sources
        )
        if least > until.bound:
            raise BadInput(
                f"no design reaches {until.text}: all {len(self.cells)} runs of the study file would leave about "
                f"{least:.2g} nats or more by public priors",
                key="--until",
                remedy=f"ask for more than {SLACK * least:.2g} nats or add larger runs (synthmix design names some)",
            )

    # Rounds

    def chosen(self) -> set[int]:
        """Places of the runs that were chosen so far."""
        return {self.places[key] for run in self.choices.runs if (key := _key(run)) in self.places}

    def first(self, made: set[int]) -> ChoiceRound | None:
        """The cheapest runs from which a law can be fitted and tested; where they are made and there is none yet, the
        next cheapest. None where all that can be paid for are made."""
        wanted, allowed = [place for place in self._first() if place not in made], np.inf
        if not wanted:
            wanted = [place for place in range(len(self.cells)) if place not in made]
            allowed = GROWTH * self.choices.spent
        costs, left = self.costs(made), self.left()
        runs: list[ChosenRun] = []
        for place in sorted(wanted, key=lambda place: (self.cells[place].seed, costs[place], place)):
            if costs[place] <= left and (costs[place] <= allowed or not runs):
                left, allowed = left - costs[place], allowed - costs[place]
                runs.append(self._run(place, float(costs[place])))
        return ChoiceRound(basis="first runs", spent=self.choices.spent, runs=runs) if runs else None

    def _first(self) -> list[int]:
        config = self.config
        sizes = sorted({cell.params for cell in self.cells})
        smallest = {size: sorted({cell.steps for cell in self.cells if cell.params == size}) for size in sizes}
        # Four budgets at the smallest size, fewer at the next: a largest one can then be held out of three others.
        few_values = len(smallest[sizes[0]]) < 4
        corner = {
            (size, steps)
            for i, size in enumerate(sizes[:3])
            for j, steps in enumerate(smallest[size][:4])
            if (i, j) <= (0, 3) or i + j < 3 or few_values
        }
        names = list(dict.fromkeys(cell.recipe.name for cell in self.cells))
        key = (sizes[0], smallest[sizes[0]][0])
        if config.mix.design is not None:
            designed = list(dict.fromkeys(recipe.name for recipe, run in study_design(config) if not run.repeat))
            few = set(designed[: fewest_mixtures(len(config.mix.sources))])
            across = set(designed[:3])
        else:
            rows = {cell.recipe.name: recipe_row(config, cell.recipe) for cell in self.cells}
            across = {names[0]}
            for source in config.mix.synthetic:
                mine = sorted((row.share, name) for name, row in rows.items() if row.synthetic == source)
                across |= {mine[i][1] for i in {(len(mine) - 1) // 2, len(mine) - 1}} if mine else set()
            few = set(names) if not config.mix.synthetic else across
        found = []
        for place, cell in enumerate(self.cells):
            at, name = (cell.params, cell.steps), cell.recipe.name
            wanted = (at in corner and name in across) or (at == key and name in few)
            noise = cell.seed == 1 and at == key and name == names[0]
            if (cell.seed == 0 and wanted) or noise:
                found.append(place)
        return found

    def next(self, known: Known, made: set[int]) -> ChoiceRound | Stopped:
        """The next round, or why there is none."""
        until = self.until
        if until is not None and until.met(known.standing):
            return "reached"
        costs, left, every = self.costs(made), self.left(), np.arange(len(self.cells))
        free = ~np.isin(every, list(made))
        if not free.any():
            return "all made"
        if not (costs[free] <= left).any():
            return "cost"
        target: Literal["regret", "width"] = "regret" if until is None or until.measure == "regret" else "width"
        if until is not None and (needed := self._unreachable(until, known, target, costs, free)):
            self.choices = self.choices.model_copy(update={"needed": needed})
            return "unreachable"
        so_far = max(self.choices.spent, self.made_for(made))  # a ladder may have been trained before the first choice
        allowed = min(left, max(GROWTH * so_far, float(np.sort(costs[free])[: self.speeds.workers].sum())))
        picks = choose_runs(known.beliefs(target), costs, target=target, spend=allowed, free=free)
        if not picks:
            few = self.speeds.workers
            picks = choose_runs(known.beliefs(target), costs, target=target, spend=left, count=few, free=free)
        if not picks:
            return "nothing tells"
        runs = [self._run(pick.run, pick.cost, pick) for pick in picks]
        spent = self.choices.spent
        return ChoiceRound(basis=known.basis, target=target, standing=known.standing, spent=spent, runs=runs)

    def _unreachable(
        self, until: Until, known: Known, target: Literal["regret", "width"], costs: Array, free: Mask
    ) -> str | None:
        """What would reach ``until``, in words, where no runs that can be paid for do; None: some may."""
        need = until.ratio(known.standing)
        if need == 0.0:
            return None
        picks = choose_runs(known.beliefs(target), costs, target=target, spend=self.left(), free=free)
        if not picks or picks[-1].after <= SLACK * need * picks[0].before:
            return None
        said = f"about {until.said(until.after(known.standing, picks[-1].after / picks[0].before))}"
        return f"{said} with all that can be paid for; {self._would(until, known, target, costs, free)}"

    def _would(self, until: Until, known: Known, target: Literal["regret", "width"], costs: Array, free: Mask) -> str:
        """What it would take, or what all runs of the study file would leave."""
        need = until.ratio(known.standing)
        picks = choose_runs(known.beliefs(target), costs, target=target, spend=np.inf, free=free)
        sum_of = self.choices.spent
        for pick in picks:
            sum_of += pick.cost
            if need and pick.after <= need * picks[0].before:
                return f"--cost {cost_text(sum_of, self.unit)} would do"
        left = picks[-1].after / picks[0].before if picks else 1.0
        whole = until.said(until.after(known.standing, left))
        return f"all {len(self.cells)} runs of the study file would leave {whole}: add larger runs or seeds"

    def add(self, made: ChoiceRound) -> None:
        """Write a round before its runs are trained."""
        self.choices = self.choices.model_copy(update={"rounds": [*self.choices.rounds, made]})
        self.write()

    def stop(self, why: Stopped, known: Known | None, made: set[int]) -> None:
        """Write why no further run is chosen."""
        update: dict[str, object] = {"stopped": why}
        if known is not None:
            update["standing"] = known.standing
            if self.until is not None and why in ("cost", "nothing tells", "all made"):
                target: Literal["regret", "width"] = "regret" if self.until.measure == "regret" else "width"
                free = ~np.isin(np.arange(len(self.cells)), list(made))
                update["needed"] = self._would(self.until, known, target, self.costs(made), free)
        self.choices = self.choices.model_copy(update=update)
        self.write()

    def write(self) -> None:
        """Atomically."""
        write_json(self.space.choices, self.choices.model_dump(mode="json"), digest=True)

    def refuse(self) -> None:
        """Raises:
        BadInput: what was asked for was not reached.
        """
        until, choices = self.until, self.choices
        if until is None or choices.stopped == "reached":
            return
        value = until.said(getattr(choices.standing, until.measure))
        spent = f"{plural(len(choices.runs), 'run')} for {cost_text(choices.spent, self.unit)}"
        raise BadInput(f"{until.text} is not reached: {until.measure} is {value} after {spent}", key="--until",
                       remedy=choices.needed)  # fmt: skip

    def said(self, made: ChoiceRound) -> str:
        """A round in a line."""
        cost = cost_text(sum(run.cost for run in made.runs), self.unit)
        head = f"round {len(self.choices.rounds)}, for {cost}: {reason(made)}"
        return head if made.basis == "first runs" else f"{head}; so far {standing_text(made.standing)}"

    def _run(self, place: int, cost: float, pick: Picked | None = None) -> ChosenRun:
        cell = self.cells[place]
        flops = cell.tokens * cell.shape.flops_per_token(self.vocab, self.config.training.context)
        why: dict[str, object] = {}
        if pick is not None:
            instead = None if pick.instead is None else _label(self.cells[pick.instead])
            after = pick.instead_after
            why = {"before": pick.before, "after": pick.after, "instead": instead, "instead_after": after}
        recipe, params, tokens, seed = self.keys[place]
        return ChosenRun(recipe=recipe, params=params, tokens=tokens, seed=seed, cost=cost, flops=float(flops), **why)  # type: ignore[arg-type]


def known_of(
    config: StudyConfig, table: RunsTable, fits: Callable[[], StudyFits], question: Question, planned: list[Cell]
) -> Known | None:
    """What the finished runs say about the question; None where two recipes cannot even be compared."""
    if config.mix.design is not None:
        found = _by_mixture_law(config, table, planned)
    else:
        found = _by_laws(config, table, fits(), question, planned)
    return found or _by_recipes(config, table, question, planned)


def _by_laws(
    config: StudyConfig, table: RunsTable, fits: StudyFits, question: Question, planned: list[Cell]
) -> Known | None:
    sound = table.sound.uncut
    if sound.natural is None or not fits.sources:
        return None
    found = [one for one in predictions(sound, fits, question) if one.kind is not None and one.recipe is None]
    rows = {cell.recipe.name: recipe_row(config, cell.recipe) for cell in planned}
    runs = [
        Could(rows[cell.recipe.name].synthetic if rows[cell.recipe.name].share else None,
              rows[cell.recipe.name].share, cell.shape.params, cell.tokens)
        for cell in planned
    ]  # fmt: skip
    beliefs = share_beliefs(sound, fits, question, runs) if found else []
    if not beliefs:
        return None
    choice = choose(found, question.tokens, fits.noise.sd or 0.0, fits.level, loss_spread(sound))
    kinds = open_kinds(found, choice)
    intervals = [difference(found, Pick(k, top_share(found, k)), NATURAL, fits.level) for k in kinds]
    loose = any(choice.undetermined[k][top_share(found, k)] for k in kinds)
    widths = [None if loose else _width(each) for each in intervals]
    best = int(np.argmin([np.inf if each.mid is None else each.mid for each in intervals]))
    gain = intervals[best].mid
    name = "natural text alone"
    if gain is not None and gain < 0:
        name = (
            f"{format_share(float(found[kinds[best]].shares[top_share(found, kinds[best])]))} {found[kinds[best]].name}"
        )
    standing = Standing(
        named=name,
        width=None if None in widths else max(each for each in widths if each is not None),
        regret=sum(belief.regret() for belief, _ in beliefs),
        confidence=None if loose else _confidence(intervals[best]),
    )
    return Known("laws", standing, lambda _: share_beliefs(sound, fits, question, runs))


def _by_mixture_law(config: StudyConfig, table: RunsTable, planned: list[Cell]) -> Known | None:
    try:
        found = fit_mixtures(LAW, mixture_runs(table.sound), level=config.fit.level)
        asked = mixture_question(config, table.sound)
        decision = decide_mixture(found, asked)
    except BadInput:
        return None
    sources, here = found.sources, found.runs.points
    named = {share.source: share.share for share in decision.shares}
    natural = decision.natural
    rows = [named, *([] if natural is None else [natural.shares])]
    rows += [
        {name: float(share) for name, share in recipe.shares} for recipe, run in study_design(config) if not run.repeat
    ]
    shares = np.array([[row.get(name, 0.0) for name in sources] for row in rows])
    shares = shares[np.abs(shares.sum(axis=1) - 1) < 0.02]
    supply = None
    if here.unique is not None:
        supply = np.broadcast_to([float(asked.supply.get(name, np.inf)) for name in sources], shares.shape)
    at = {
        name: np.full(len(shares), float(value)) for name, value in (("N", asked.params), ("D", asked.tokens)) if value
    }
    options = MixturePoints(
        sources=sources, shares=shares, N=None if here.N is None else at["N"], D=None if here.D is None else at["D"],
        unique=supply,
    )  # fmt: skip
    could = [cell for cell in planned if set(cell.recipe.sources) <= set(sources)]
    mine = np.array([place for place, cell in enumerate(planned) if cell in could], dtype=np.intp)
    cut = [dict(cell.recipe.unique) for cell in could]
    unique = np.array([
        [float(part[name]) * cell.tokens if name in part else np.inf for name in sources]
        for part, cell in zip(cut, could, strict=True)
    ])  # fmt: skip
    runs = MixturePoints(
        sources=sources,
        shares=np.array([[float(dict(cell.recipe.shares).get(name, 0)) for name in sources] for cell in could]),
        N=None if here.N is None else np.array([float(cell.shape.params) for cell in could]),
        D=None if here.D is None else np.array([float(cell.tokens) for cell in could]),
        unique=None if here.unique is None else unique,
    )
    weights = found.weighted(asked.objective or None)

    def beliefs(target: Literal["regret", "width"]) -> Beliefs:
        return [(mixture_belief(found, options, runs, weights, None if natural is None else 1), mine)]

    gain = None if natural is None else natural.gain
    standing = Standing(
        named=" + ".join(f"{format_share(share)} {name}" for name, share in named.items() if share > 0),
        width=None if gain is None else _width(gain),
        regret=beliefs("regret")[0][0].regret(),
        confidence=None if gain is None else _confidence(gain),
    )
    return Known("mixture law", standing, beliefs)


def _by_recipes(config: StudyConfig, table: RunsTable, question: Question, planned: list[Cell]) -> Known | None:
    """Recipes compared without a law of shares: what they were at other scales, less so the farther these are."""
    sound = table.sound.uncut
    names = list(dict.fromkeys(cell.recipe.name for cell in planned if not cell.recipe.unique))
    if len(sound.recipes) < 2 or sound.natural is None:
        return None
    every = {cell.recipe.name: {name: float(share) for name, share in cell.recipe.shares} for cell in planned}
    sources = sorted({name for shares in every.values() for name in shares})

    def points(recipes: list[str], N: Array, D: Array) -> Points:
        shares = [[every[recipe].get(name, 0.0) for name in sources] for recipe in recipes]
        return Points(np.array(shares), np.column_stack([np.log10(N), np.log10(D)]))

    rows = np.array([name in every for name in sound.text("recipe")])
    made = sound.select(rows)
    losses = np.log(made.column("loss"))
    past = points([str(name) for name in made.text("recipe")], made.column("N"), made.column("D"))
    options = points(names, np.full(len(names), float(question.params)), np.full(len(names), float(question.tokens)))
    could = points(
        [cell.recipe.name for cell in planned],
        np.array([float(cell.shape.params) for cell in planned]),
        np.array([float(cell.tokens) for cell in planned]),
    )
    noise, reference = made.noise().sd, names.index(sound.natural) if sound.natural in names else None
    one = None if noise is None else noise / float(np.exp(losses.mean()))

    def beliefs(target: Literal["regret", "width"]) -> Beliefs:
        return [(recipe_belief(options, could, past, losses, one, reference), np.arange(len(planned)))]

    belief, level = beliefs("width")[0][0], float(np.exp(losses.min()))
    sd = belief.sd(belief.beside, reference) * level
    gap = 0.0 if reference is None else abs(float(belief.mean[belief.beside] - belief.mean[reference])) * level
    from scipy.special import ndtr

    standing = Standing(
        named=names[belief.best], width=2 * Z * sd, regret=belief.regret() * level,
        confidence=float(ndtr(gap / max(sd, 1e-12))),
    )  # fmt: skip
    return Known("recipes", standing, beliefs)


def _width(interval: Interval) -> float | None:
    return None if interval.low is None or interval.high is None else interval.high - interval.low


def _confidence(interval: Interval) -> float | None:
    """That the difference has its sign, by a Gaussian of the interval's width."""
    from scipy.special import ndtr, ndtri

    if interval.mid is None or not interval.half_width:
        return None
    return float(ndtr(abs(interval.mid) * ndtri((1 + interval.level) / 2) / interval.half_width))


def key_of(cell: Cell) -> Key:
    """What a run is called by in the file: recipe, size as the study file writes it, tokens, seed."""
    return cell.recipe.name, cell.params, cell.tokens, cell.seed


def _key(run: ChosenRun) -> Key:
    return run.recipe, run.params, run.tokens, run.seed


def _label(cell: Cell) -> str:
    return f"{cell.recipe.name} at {format_count(cell.params)} and {format_count(cell.tokens)}, seed {cell.seed}"
