"""From a study file to its runs: every recipe at every size, budget and seed, and what several runs share.

With ``schedule: wsd`` the runs of one recipe, size and seed differ in their budgets alone, and until its decay begins
a run does not depend on its budget: this stable phase, their trunk, is trained once, to the furthest branch point.
B1 < ... < Bk tokens cost (1 - decay) Bk + decay (B1 + ... + Bk) instead of B1 + ... + Bk (Haegele et al., arXiv
2405.18392, section 5; DERIVED).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.mixture.design import Bounds, Designed, Group, make_design
from synthmix.mixture.recipe import Recipe, make_recipe, make_scheduled_recipe, share_recipe, with_simulated_epochs
from synthmix.mixture.schedule import Schedule
from synthmix.quantities import plural
from synthmix.store import RunRecord, Store, TrunkRecord
from synthmix.study.corpora import Prepared
from synthmix.training.hyperparameters import resolve
from synthmix.training.protocol import Protocol
from synthmix.training.shape import Shape, shape_for
from synthmix.training.spec import RunSpec


def study_recipes(config: StudyConfig) -> list[Recipe]:
    """The recipes, the natural text alone first. A recipe is what its shares are, and its name is its alone.

    Share 0 of any synthetic corpus is one recipe, the natural text alone.

    Raises:
        BadInput: a recipe's shares do not add up, or two recipes are equal or have one name; a design that cannot be
            (:func:`study_design`).
    """
    mix, made = config.mix, _by_hand(config)
    there = {recipe.content for _, recipe in made}
    for recipe, run in study_design(config):
        if not run.repeat and recipe.content not in there:
            made.append(("mix.design", recipe))
    _refuse_twice(made)
    recipes = [recipe for _, recipe in made] or [share_recipe(mix.natural, mix.natural, Fraction(0))]
    return sorted(recipes, key=lambda recipe: dict(recipe.shares) != mix.natural_mixture)


def _by_hand(config: StudyConfig) -> list[tuple[str, Recipe]]:
    """The recipes whose shares are given, with their keys in the study file."""
    mix = config.mix
    shares = sorted(mix.shares, key=lambda share: isinstance(share, Schedule) or share)
    made: list[tuple[str, Recipe]] = []
    for synthetic in mix.synthetic:
        mixed = [("mix.shares", share_recipe(mix.natural, synthetic, share)) for share in shares]
        _refuse_twice(mixed)
        made += [each for each in mixed if each not in made]
    for name, sources in mix.recipes.items():
        recipe = make_scheduled_recipe(name, sources, where="mix.recipes")
        if mix.simulated_epochs and config.question is not None and recipe.is_static:
            recipe = replace(with_simulated_epochs(recipe, config.question.ratios()), name=name)
        made.append((f"mix.recipes.{name}", recipe))
    _refuse_twice(made)
    return made


def study_design(config: StudyConfig) -> list[tuple[Recipe, Designed]]:
    """The designed runs in their order, each with its recipe; empty without a design. A mixture is called by its place
    in the design, or, of one source or of natural text and one more, as one that is given by hand.

    Raises:
        BadInput: bounds that leave no mixture, or a source without one; fewer runs than a law of mixtures can bear.
    """
    mix = config.mix
    if mix.design is None:
        return []
    names = tuple(mix.sources)
    bounds = Bounds(
        names,
        tuple(each.least for each in mix.sources.values()),
        tuple(each.most for each in mix.sources.values()),
        tuple(Group(name, tuple(each.sources), each.least, each.most) for name, each in mix.groups.items()),
    )
    from synthmix.scaling.mixtures import fewest_mixtures

    need = fewest_mixtures(len(names))
    try:
        asked, every = mix.design.runs, mix.design.natural_every
        runs = make_design(bounds, mix.natural_mixture, max(asked, 2 * need), natural_every=every)
        enough = next(n for n in range(len(runs) + 1) if len({run.shares for run in runs[:n]}) >= need)
        if asked < enough:
            raise BadInput(
                f"{plural(asked, 'run')} of {len(names)} sources are fewer than a law of mixtures can bear",
                key="design.runs", remedy=f"{enough} would do",
            )  # fmt: skip
    except BadInput as error:
        raise BadInput(error.problem, where="mix", key=error.key, remedy=error.remedy) from None
    by_hand = {recipe.name: recipe.content for _, recipe in _by_hand(config)}
    found: list[tuple[Recipe, Designed]] = []
    for place, run in enumerate(runs[:asked]):
        recipe = _called(run, place + 1, mix.natural)
        if by_hand.get(recipe.name, recipe.content) != recipe.content:  # shares that a name does not tell apart
            recipe = make_recipe(f"mixture {place + 1}", dict(run.shares))
        found.append((recipe, run))
    return found + _simulated_epochs(config, found)


REPEATS = Fraction(3, 2)  # epochs from which a mixture is worth a run on cut text (CHOSEN)


def _simulated_epochs(config: StudyConfig, designed: list[tuple[Recipe, Designed]]) -> list[tuple[Recipe, Designed]]:
    """The first designed mixtures that would repeat a source at the question, on text cut to the question's ratio of
    unique tokens to budget. Small runs have more text for their budget than the target: so they see its repetition."""
    count = config.mix.design.simulated_epochs if config.mix.design is not None else 0
    if not count or config.question is None:
        return []
    ratios = config.question.ratios()
    able = [
        (with_simulated_epochs(recipe, ratios), run._replace(kind="simulated epochs"))
        for recipe, run in designed
        if not run.repeat and any(share > REPEATS * ratios.get(name, 1) for name, share in recipe.shares)
    ]
    if len(able) < count:
        raise BadInput(
            f"{count} are asked for, and {len(able)} mixtures of the design would repeat a source at the question",
            where="mix",
            key="design.simulated_epochs",
            remedy=f"ask for {len(able)}" if able else "leave it out: the supply is enough",
        )
    return able[:count]


def _called(run: Designed, place: int, natural: str) -> Recipe:
    """The recipe of a designed run with its name."""
    shares = dict(run.shares)
    others = [name for name in shares if name != natural]
    if not others:
        return share_recipe(natural, natural, Fraction(0))
    if len(others) == 1 and (len(shares) == 1 or natural in shares):
        return share_recipe(natural, others[0], shares[others[0]])
    return make_recipe("natural mixture" if run.kind == "natural" else f"mixture {place}", shares)


def _refuse_twice(recipes: list[tuple[str, Recipe]]) -> None:
    """Hold ``(key in the study file, recipe)`` to one recipe a content and one content a name."""
    by_content: dict[tuple[object, ...], str] = {}
    by_name: dict[str, Recipe] = {}
    for key, recipe in recipes:
        if recipe.content in by_content:
            other = by_content[recipe.content]
            same = f"'{recipe.name}' is given twice" if other == recipe.name else f"is the recipe '{other}' again"
            raise BadInput(same, key=key, remedy="remove one of the two")
        if recipe.name in by_name:
            first, second = (_in_full(each) for each in (by_name[recipe.name], recipe))
            problem = f"two recipes are called '{recipe.name}': {first}, and {second}"
            raise BadInput(problem, key=key, remedy="remove one, or give it another name under mix.recipes")
        by_content[recipe.content], by_name[recipe.name] = recipe.name, recipe


def _in_full(recipe: Recipe) -> str:
    """The (mean) shares to more digits than names have."""
    return " + ".join(f"{float(share):.6%} {name}" for name, share in recipe.shares)


Family = tuple[tuple[object, ...], int, int]  # what a recipe is made of, size, seed


@dataclass(frozen=True)
class Cell:
    """One run of the ladder, before anything is built."""

    recipe: Recipe
    params: int
    steps: int
    seed: int
    protocol: Protocol
    given_shape: dict[str, int] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """The Llama that ``params`` resolves to."""
        return shape_for(self.params, **self.given_shape)

    @property
    def tokens(self) -> int:
        """The budget."""
        return self.steps * self.protocol.batch

    @property
    def branch(self) -> int:
        """The step at which it leaves a trunk; 0 when it can have none (a cosine, shares that change along a run)."""
        return self.protocol.branch(self.steps) if self.recipe.is_static else 0

    @property
    def family(self) -> Family:
        """What the budgets of one trunk have in common."""
        return self.recipe.content, self.params, self.seed


def cells(config: StudyConfig) -> list[Cell]:
    """Every run; needs nothing to be built.

    Raises:
        BadInput: a budget of fewer than ten steps, a size no shape fits, recipes that do not add up.
    """
    ladder, recipes, found = config.ladder, study_recipes(config), []
    times = Counter(recipe.content for recipe, _ in study_design(config))  # natural text is there several times
    for params in sorted(set(ladder.params)):
        given = ladder.shapes.get(params, {})
        shape_for(params, **given)
        protocol = protocol_for(config, params)
        for budget in sorted(set(ladder.budgets)):
            try:
                steps = protocol.steps(budget)
                protocol.branch(steps)
            except ValueError as error:
                raise BadInput(str(error), key="ladder.budgets") from None
            seeds = ladder.seeds_at(params, budget)
            for seed in range(seeds * max([1, *times.values()])):
                found += [
                    Cell(recipe, params, steps, seed, protocol, given)
                    for recipe in recipes
                    if seed < seeds * max(times[recipe.content], 1)
                ]
    return found


def protocol_for(config: StudyConfig, params: int) -> Protocol:
    """The protocol of all runs of one size: what depends on size and on the smallest and largest budget resolved.

    Raises:
        BadInput: the smallest budget is below ten steps.
    """
    smallest, shape = min(config.ladder.budgets), config.ladder.shapes.get(params)
    try:
        return resolve(config.training, params, smallest, shape, largest=max(config.ladder.budgets))
    except ValueError as error:
        raise BadInput(str(error), key="ladder.budgets") from None


def ladder_specs(config: StudyConfig, prepared: Prepared) -> list[RunSpec]:
    """The runs whose corpora are all there."""
    return [
        RunSpec(
            params=cell.params,
            given_shape=cell.given_shape,
            recipe=cell.recipe.name,
            shares=dict(cell.recipe.shares),
            schedule=dict(cell.recipe.schedule) if cell.recipe.schedule else None,
            unique=dict(cell.recipe.unique),
            corpora={name: prepared.corpora[name].id for name in cell.recipe.sources},
            tokenizer=prepared.tokenizer.hash,
            vocab=prepared.tokenizer.vocab_size,
            steps=cell.steps,
            seed=cell.seed,
            protocol=cell.protocol,
        )
        for cell in cells(config)
        if all(name in prepared.corpora for name in cell.recipe.sources)
    ]


#: Of its learning rate at which a run that diverged is repeated, one after the other (``training.on_divergence``).
RATE_FACTORS = (0.5, 0.25)


def at_rate(spec: RunSpec, factor: float) -> RunSpec:
    """The same run at ``factor`` times its peak learning rate."""
    return spec.model_copy(update={"protocol": spec.protocol.model_copy(update={"learning_rate": factor * spec.peak})})


def attempts(spec: RunSpec, store: Store, *, repeat: bool) -> list[tuple[float, RunRecord]]:
    """The finished attempts at a run, ``(factor of its learning rate, record)``: itself and, where it diverged and
    ``repeat``, those at lower rates up to the first that did not. The last one counts."""
    found: list[tuple[float, RunRecord]] = []
    for factor in (1.0, *(RATE_FACTORS if repeat else ())):
        record = store.record(spec.id if factor == 1 else at_rate(spec, factor).id)
        if record is None:
            break
        found.append((factor, record))
        if record.diverged is None:
            break
    return found


def largest_need(config: StudyConfig) -> dict[str, int]:
    """Tokens of each corpus that its hungriest run asks for, within the allowed epochs."""
    need: dict[str, int] = {}
    for cell in cells(config):
        cut = dict(cell.recipe.unique)
        for name, share in cell.recipe.shares:
            part = cut[name] if name in cut else share / Fraction(config.training.epochs)
            need[name] = max(need.get(name, 0), int(part * cell.tokens))
    return need


@dataclass(frozen=True)
class Trunk:
    """The shared part of several runs: ``cell`` is the longest of them, ``stops`` their branch points in steps."""

    cell: Cell
    stops: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Tokens trained once for all branches."""
        return max(self.stops) * self.cell.protocol.batch


def find_trunks(cells: Iterable[Cell]) -> dict[Family, Trunk]:
    """The trunks of a ladder, by family: where a schedule lets at least two budgets share one."""
    families: dict[Family, list[Cell]] = {}
    for cell in cells:
        if cell.branch:
            families.setdefault(cell.family, []).append(cell)
    return {
        family: Trunk(max(members, key=lambda cell: cell.steps), tuple(sorted({cell.branch for cell in members})))
        for family, members in families.items()
        if len({cell.steps for cell in members}) > 1
    }


def own_tokens(cell: Cell, trunks: dict[Family, Trunk]) -> int:
    """Tokens that are trained for this run alone: its decay when it has a trunk, else all of it."""
    return cell.tokens - (cell.branch * cell.protocol.batch if cell.family in trunks else 0)


def spec_family(spec: RunSpec) -> Family:
    """The family of a run that is specified."""
    return spec.mixture.content, spec.params, spec.seed


def trunk_records(store: Store, specs: Iterable[RunSpec]) -> list[TrunkRecord]:
    """What has been trained of the runs' trunks, each once."""
    found = (store.trunk_record(trunk) for trunk in sorted({spec.trunk for spec in specs}))
    return [record for record in found if record is not None]
