"""From a study file to its runs: every recipe at every size, budget and seed."""

from fractions import Fraction

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.mixture.recipe import Recipe, make_recipe, share_recipe
from synthmix.study.corpora import Prepared
from synthmix.training.spec import RunSpec


def study_recipes(config: StudyConfig) -> list[Recipe]:
    """The recipes, the natural text alone first; equal ones once.

    Raises:
        BadInput: a recipe's shares do not add up.
    """
    mix = config.mix
    found = [share_recipe(mix.natural, s, share) for s in mix.synthetic for share in sorted(mix.shares)]
    found += [make_recipe(name, shares, where="mix.recipes") for name, shares in mix.recipes.items()]
    recipes: dict[tuple[tuple[str, Fraction], ...], Recipe] = {}
    for recipe in found or [share_recipe(mix.natural, mix.natural, Fraction(0))]:
        recipes.setdefault(tuple(sorted(recipe.shares)), recipe)
    return sorted(recipes.values(), key=lambda recipe: recipe.sources != (mix.natural,))


def cells(config: StudyConfig) -> list[tuple[Recipe, int, int, int]]:
    """``(recipe, params, steps, seed)`` of every run; needs nothing to be built.

    Raises:
        BadInput: a budget of fewer than ten steps, a size no shape fits, recipes that do not add up.
    """
    from synthmix.training.shape import shape_for

    ladder, found = config.ladder, []
    for params in sorted(set(ladder.params)):
        shape_for(params)
        for budget in sorted(set(ladder.budgets)):
            try:
                steps = config.training.steps(budget)
            except ValueError as error:
                raise BadInput(str(error), key="ladder.budgets") from None
            for seed in range(ladder.seeds_at(params, budget)):
                found += [(recipe, params, steps, seed) for recipe in study_recipes(config)]
    return found


def ladder_specs(config: StudyConfig, prepared: Prepared) -> list[RunSpec]:
    """The runs whose corpora are all there."""
    return [
        RunSpec(
            params=params,
            recipe=recipe.name,
            shares=dict(recipe.shares),
            corpora={name: prepared.corpora[name].id for name in recipe.sources},
            tokenizer=prepared.tokenizer.hash,
            vocab=prepared.tokenizer.vocab_size,
            steps=steps,
            seed=seed,
            protocol=config.training,
        )
        for recipe, params, steps, seed in cells(config)
        if all(name in prepared.corpora for name in recipe.sources)
    ]


def largest_need(config: StudyConfig) -> dict[str, int]:
    """Tokens of each corpus that its hungriest run asks for, within the allowed epochs."""
    need: dict[str, int] = {}
    for recipe, _, steps, _ in cells(config):
        for name, share in recipe.shares:
            need[name] = max(need.get(name, 0), int(share * steps * config.training.batch / config.training.epochs))
    return need
