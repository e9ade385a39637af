"""The best mixture of a designed study: its question and bounds, and what a law of mixtures makes of its runs."""

from typing import Any

from synthmix.config import StudyConfig
from synthmix.decisions.optimize import decide_mixture
from synthmix.errors import BadInput
from synthmix.mixture.recipe import make_scheduled_recipe
from synthmix.results import Question, Results, Warn
from synthmix.results.mixtures import Group, MixtureDecision, MixtureQuestion
from synthmix.runs import RunsTable
from synthmix.runs.load import of_results
from synthmix.runs.mixtures import mixture_runs
from synthmix.scaling.mixtures import fit_mixtures

LAW = "effective_tokens"


def study_mixture(config: StudyConfig, table: RunsTable) -> tuple[MixtureDecision | None, list[Warn]]:
    """The best mixture at the study's question under its bounds, by the runs of ``table``; why there is none, where so.
    None without a design."""
    if config.mix.design is None:
        return None, []
    try:
        found = fit_mixtures(LAW, mixture_runs(table), level=config.fit.level)
        return decide_mixture(found, mixture_question(config, table)), []
    except BadInput as error:
        return None, [Warn(code="no_best_mixture", message=f"No best mixture is named: {error}.")]


def mixture_question(config: StudyConfig, table: RunsTable) -> MixtureQuestion:
    """What the study file asks of its mixtures; without a question, at the largest size and budget that was trained."""
    asked, mix, there = config.question, config.mix, set(table.sources)
    known: dict[str, Any] = {
        "params": int(table.column("N").max()) if asked is None else asked.params,
        "tokens": int(table.column("D").max()) if asked is None else asked.tokens,
    }
    if asked is not None:
        supply = {name: tokens for name, tokens in asked.supply.items() if tokens is not None and name in there}
        epochs = {name: often for name, often in asked.epochs.items() if name in there}
        priced = asked.source_prices if asked.budget_money is not None else {}  # without money they bound nothing
        prices = {name: price for name, price in priced.items() if name in there}
        known |= {"supply": supply, "epochs": epochs, "prices": prices, "budget_money": asked.budget_money}
    groups = [(name, each, tuple(s for s in each.sources if s in there)) for name, each in mix.groups.items()]
    return MixtureQuestion(
        **known,
        least={name: float(each.least) for name, each in mix.sources.items() if each.least > 0 and name in there},
        most={name: float(each.most) for name, each in mix.sources.items() if each.most < 1 and name in there},
        groups=tuple(
            Group(name=name, sources=inside, least=float(each.least), most=float(each.most))
            for name, each, inside in groups
            if inside
        ),
        natural={name: float(share) for name, share in mix.natural_mixture.items()},
        beside={
            recipe.name: {source: float(share) for source, share in recipe.shares}
            for recipe in (make_scheduled_recipe(*each, where="mix.recipes") for each in mix.recipes.items())
            if recipe.is_static and set(recipe.sources) <= there
        },
    )


def mixture_of_results(results: Results, question: Question) -> MixtureDecision | None:
    """The best mixture of a finished study at a question: the study's own where that is asked, else decided anew under
    the same bounds. None without designed mixtures.

    Where natural text is of several corpora, one number of natural tokens is not the supply of each: theirs then stays.

    Raises:
        BadInput: the supply, as often as it may be gone through, is less than the budget.
    """
    own = results.mixture
    if own is None:
        return None
    kinds = {kind.name for kind in question.kinds}
    natural = [name for name in own.question.natural if name not in kinds]
    supply = {name: tokens for name, tokens in own.question.supply.items() if name not in kinds}
    epochs = {name: often for name, often in own.question.epochs.items() if name not in kinds}
    if len(natural) == 1:
        supply = {} if question.natural is None else {natural[0]: question.natural}
        epochs = {} if question.natural_epochs is None else {natural[0]: question.natural_epochs}
    supply |= {kind.name: kind.tokens for kind in question.kinds if kind.tokens is not None}
    epochs |= {kind.name: kind.epochs for kind in question.kinds if kind.epochs is not None}
    money = question.budget_money
    prices = {kind.name: kind.price for kind in question.kinds if kind.price > 0 and money is not None}
    about = {"params": question.params, "tokens": question.tokens, "supply": supply, "epochs": epochs}
    asked = own.question.model_copy(update=about | {"prices": prices, "budget_money": money})
    if asked == own.question:
        return own
    return decide_mixture(fit_mixtures(LAW, mixture_runs(of_results(results).sound), level=own.level), asked)
