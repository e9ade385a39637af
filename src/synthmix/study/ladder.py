"""From a study file to its runs: every recipe at every size, budget and seed."""

from dataclasses import dataclass, field
from fractions import Fraction

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.mixture.recipe import Recipe, make_scheduled_recipe, share_recipe
from synthmix.mixture.schedule import Schedule
from synthmix.study.corpora import Prepared
from synthmix.training.protocol import Protocol
from synthmix.training.settle import settle
from synthmix.training.shape import Shape, shape_for
from synthmix.training.spec import RunSpec


def study_recipes(config: StudyConfig) -> list[Recipe]:
    """The recipes, the natural text alone first; equal ones once.

    Raises:
        BadInput: a recipe's shares do not add up.
    """
    mix = config.mix
    shares = sorted(mix.shares, key=lambda share: isinstance(share, Schedule) or share)
    found = [share_recipe(mix.natural, s, share) for s in mix.synthetic for share in shares]
    found += [make_scheduled_recipe(name, sources, where="mix.recipes") for name, sources in mix.recipes.items()]
    recipes: dict[tuple[object, ...], Recipe] = {}
    for recipe in found or [share_recipe(mix.natural, mix.natural, Fraction(0))]:
        recipes.setdefault(recipe.content, recipe)
    return sorted(recipes.values(), key=lambda recipe: recipe.sources != (mix.natural,))


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
    def family(self) -> tuple[str, int, int]:
        """What the budgets of one trunk have in common: recipe, size, seed."""
        return self.recipe.name, self.params, self.seed


def cells(config: StudyConfig) -> list[Cell]:
    """Every run; needs nothing to be built.

    Raises:
        BadInput: a budget of fewer than ten steps, a size no shape fits, recipes that do not add up.
    """
    ladder, found = config.ladder, []
    for params in sorted(set(ladder.params)):
        given = ladder.shapes.get(params, {})
        shape_for(params, **given)
        for budget in sorted(set(ladder.budgets)):
            protocol = protocol_for(config, params)
            try:
                steps = protocol.steps(budget)
                protocol.branch(steps)
            except ValueError as error:
                raise BadInput(str(error), key="ladder.budgets") from None
            for seed in range(ladder.seeds_at(params, budget)):
                found += [Cell(recipe, params, steps, seed, protocol, given) for recipe in study_recipes(config)]
    return found


def protocol_for(config: StudyConfig, params: int) -> Protocol:
    """The protocol of all runs of one size: what depends on size and on the smallest budget settled.

    Raises:
        BadInput: the smallest budget is below ten steps.
    """
    smallest, shape = min(config.ladder.budgets), config.ladder.shapes.get(params)
    try:
        return settle(config.training, params, smallest, shape)
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


def largest_need(config: StudyConfig) -> dict[str, int]:
    """Tokens of each corpus that its hungriest run asks for, within the allowed epochs."""
    need: dict[str, int] = {}
    for cell in cells(config):
        for name, share in cell.recipe.shares:
            need[name] = max(need.get(name, 0), int(share * cell.tokens / config.training.epochs))
    return need
