"""What is exported: shares by hand, a recipe of a study, or the answer of a study or of an advice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from synthmix.corpus.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.files import read_json
from synthmix.mixture.recipe import Recipe, make_recipe
from synthmix.quantities import listed, parse_count, parse_share, parsed
from synthmix.results import Decision, Question
from synthmix.results.mixtures import MixtureDecision
from synthmix.runs.load import read_results
from synthmix.study.finished_study import FinishedStudy, ladder_records, read_study, study_folder
from synthmix.study.ladder import study_recipes
from synthmix.study.load import load_study
from synthmix.study.single import Sources, sources_of
from synthmix.study.workspace import Workspace
from synthmix.validation import validated

FINEST = 10_000  # denominator of a predicted share: a hundredth of a percent is finer than any answer is known (CHOSEN)
NAMED = "name the shares yourself: synthmix export 70%:web 30%:hq"


@dataclass(frozen=True)
class Ingredient:
    """One source of a mixture.

    Attributes:
        path: where the trainer finds it; None: not known.
        tokens: unique tokens that there are; None: not known.
        supply: where ``tokens`` is from: ``given``, ``question`` or ``corpus``.
        documents: of the built corpus, with ``corpus_tokens`` tokens; None: it is not built.
        text: what the corpus is opened or built from, for the data itself.
    """

    name: str
    share: Fraction
    path: str | None = None
    tokens: int | None = None
    supply: str | None = None
    text: Any = None
    documents: int | None = None
    corpus_tokens: int | None = None


@dataclass(frozen=True)
class Mixture:
    """A recipe with what is known of its sources.

    Attributes:
        origin: in words, where it is from.
        budget: tokens of the run that it is meant for; None: not said.
        context, epochs: of the study that it is from; None: not from a study.
    """

    recipe: Recipe
    ingredients: tuple[Ingredient, ...]
    origin: str
    budget: int | None = None
    context: int | None = None
    epochs: float | None = None


def find_mixture(
    what: Any,
    *,
    recipe: str | None = None,
    paths: Mapping[str, str] | None = None,
    available: Mapping[str, int | str] | None = None,
) -> Mixture:
    """The mixture that ``what`` names.

    Args:
        what: ``{name: share}``, ``{path: share}`` or ``{name: (text, share)}``; a :class:`Recipe`; a study's file,
            folder or results; an advice or an optimized mixture, or its JSON file (``synthmix advise --json``).
        recipe: of a study or an advice: this one instead of the recommended one.
        paths: source -> where the trainer finds it. available: source -> unique tokens that it has.

    Raises:
        BadInput: no such study or recipe, nothing recommended, shares that do not add up, a name that is no source.
    """
    found = _find(what, recipe)
    names = [each.name for each in found.ingredients]
    for key, given in (("--path", paths), ("--available", available)):
        for name in given or {}:
            if name not in names:
                raise BadInput(f"no source '{name}' in the mixture", key=key, remedy=f"it has {listed(names)}")
    ingredients = []
    for each in found.ingredients:
        if paths and each.name in paths:
            each = replace(each, path=paths[each.name])
        if available and each.name in available:
            tokens = parsed(parse_count, available[each.name], f"--available {each.name}")
            each = replace(each, tokens=tokens, supply="given")
        ingredients.append(each)
    return replace(found, ingredients=tuple(ingredients))


def _find(what: Any, recipe: str | None) -> Mixture:
    if isinstance(what, Recipe):
        return _refuse(recipe, Mixture(what, _plain(what), "a recipe"))
    if isinstance(what, Mapping):
        return _refuse(recipe, by_hand(sources_of(what)))
    if isinstance(what, MixtureDecision):
        return _refuse(recipe, _optimized(what, "an optimized mixture"))
    if isinstance(what, Decision):
        return _of_decision(what, what.question, recipe, what.study)
    if recipe is None and getattr(what, "mixture", None) is not None:  # of designed mixtures
        return _optimized(what.mixture, str(what.study))
    if hasattr(what, "decision"):  # results or an advice
        question = what.decision.question if what.decision is not None else None
        return _of_decision(what.decision, getattr(what, "question", question), recipe, str(what.study))
    where = Path(what).expanduser()
    if where.suffix == ".json" and where.is_file():
        raw = read_json(where, remedy="write it again: synthmix advise ... --json > FILE")
        if isinstance(raw, dict) and {"law", "domains", "shares", "question"} <= raw.keys():
            remedy = "write it again: synthmix optimize ... --json > FILE"
            found = validated(MixtureDecision, raw, where=where, problem="is damaged", remedy=remedy)
            return _refuse(recipe, _optimized(found, str(where)))
        if not isinstance(raw, dict) or "decision" not in raw:
            raise BadInput("is no advice and no results (it has no decision)", where=where, remedy=NAMED)
        if "study" in raw and "runs" in raw:
            return _of_study(where, recipe)
        return _of_json(raw, where, recipe)
    return _of_study(where, recipe)


def by_hand(sources: Sources) -> Mixture:
    """Shares that somebody wrote. ``sources``: name -> (text, share).

    Raises:
        BadInput: they do not add up.
    """
    recipe = make_recipe("mixture", {name: share for name, (_, share) in sources.items()})
    ingredients = []
    for name, share in recipe.shares:
        text = sources[name][0]
        ingredients.append(Ingredient(name, share, str(text) if isinstance(text, str | Path) else None, text=text))
    return Mixture(recipe, tuple(ingredients), "shares by hand")


def _optimized(found: MixtureDecision, where: str) -> Mixture:
    """The best mixture of many sources."""
    asked = found.question
    made = exact_recipe("best mixture", found.mixture)
    ingredients = tuple(
        replace(each, tokens=there, supply="question") if (there := asked.supply.get(each.name)) else each
        for each in _plain(made)
    )
    return Mixture(made, ingredients, f"recommended by {where}", budget=asked.tokens, epochs=asked.most_epochs)


def _refuse(recipe: str | None, found: Mixture) -> Mixture:
    if recipe is not None:
        raise BadInput("is for a study or an advice", key="--recipe", remedy="leave it out")
    return found


def _of_json(raw: dict[str, Any], where: Path, recipe: str | None) -> Mixture:
    """An advice as JSON."""
    problem, remedy = "is damaged", "write it again: synthmix advise ... --json > FILE"
    if recipe is None and raw.get("mixture") is not None:
        mixture = validated(MixtureDecision, raw["mixture"], where=where, problem=problem, remedy=remedy)
        return _optimized(mixture, str(where))
    if raw["decision"] is None:
        _nothing(None, where)
    decision = validated(Decision, raw["decision"], where=where, problem=problem, remedy=remedy)
    asked = raw.get("question")
    question = None if asked is None else validated(Question, asked, where=where, problem=problem, remedy=remedy)
    return _of_decision(decision, question, recipe, str(where))


def _nothing(decision: Decision | None, where: str | Path | None) -> None:
    if decision is None:
        raise BadInput("rests on published findings and recommends no mixture", where=where, remedy=NAMED)
    names = listed([option.recipe for option in decision.options])
    raise BadInput("recommends no recipe: none is determined", where=where, remedy=f"choose one with --recipe: {names}")


def _of_decision(
    decision: Decision | None, question: Question | None, recipe: str | None, where: str | None
) -> Mixture:
    """The recommended option, or the one named."""
    if decision is None or (recipe is None and decision.recommended is None):
        _nothing(decision, where)
    assert decision is not None
    option = decision.options[decision.recommended or 0] if recipe is None else decision.option(recipe)
    if option is None:
        names = listed([each.recipe for each in decision.options])
        raise BadInput(f"no option '{recipe}'", where=where, key="--recipe", remedy=f"there are {names}")
    made = exact_recipe(option.recipe, option.shares)
    supply: dict[str, int | None] = {}
    if question is not None:
        supply.update(dict.fromkeys(option.shares, question.natural))
        supply.update({kind.name: kind.tokens for kind in question.kinds})
    ingredients = tuple(
        replace(each, tokens=there, supply="question") if (there := supply.get(each.name)) else each
        for each in _plain(made)
    )
    origin = f"{'recommended by' if recipe is None else 'an option of'} {where or decision.study}"
    return Mixture(made, ingredients, origin, budget=None if question is None else question.tokens)


def exact_recipe(name: str, shares: Mapping[str, float]) -> Recipe:
    """A recipe of predicted shares: thirds and the like as they are, others to a hundredth of a percent, and what
    rounding leaves goes to the largest, so that they add up to exactly one."""
    kept = {source: share for source, share in shares.items() if share > 0}
    exact = {}
    for source, share in kept.items():
        near = parse_share(share)
        exact[source] = near if near.denominator <= FINEST else Fraction(round(share * FINEST), FINEST)
    largest = max(exact, key=lambda source: exact[source])
    exact[largest] += 1 - sum(exact.values())
    return make_recipe(name, exact)


def _plain(recipe: Recipe) -> tuple[Ingredient, ...]:
    return tuple(Ingredient(name, share) for name, share in recipe.shares)


def _of_study(where: Path, recipe: str | None) -> Mixture:
    """A study's answer, or one of its recipes, trained or only written in its file."""
    in_file = where.suffix in (".yaml", ".yml")
    if recipe is not None and in_file and not ladder_records(Workspace(study_folder(where))):
        return _written(where, recipe)
    study = read_study(where)
    path = Workspace(study.folder).results
    results = read_results(path) if path.exists() else None
    if recipe is None and results is not None and results.mixture is not None:
        found = _optimized(results.mixture, str(where))
    elif recipe is None:
        decision = None if results is None else results.decision
        if decision is None:
            remedy = "run it with synthmix study run, or choose one of its recipes with --recipe"
            raise BadInput("has no decision yet", where=where, remedy=remedy)
        found = _of_decision(decision, decision.question, None, str(where))
    else:
        record = next((each for each in study.records if each.spec.recipe == recipe), None)
        if record is None:
            if in_file:
                return _built(_written(where, recipe), study)
            raise BadInput(
                f"no recipe '{recipe}'", where=where, key="--recipe", remedy=f"it has {listed(study.recipes)}"
            )
        mixture = record.spec.mixture
        asked = results.decision.question if results is not None and results.decision is not None else None
        found = Mixture(mixture, _plain(mixture), f"a recipe of {where}", None if asked is None else asked.tokens)
    return _built(found, study)


def _written(where: Path, recipe: str) -> Mixture:
    """A recipe of a study's file that no run was trained on yet."""
    config = load_study(where)
    recipes = {each.name: each for each in study_recipes(config)}
    if recipe not in recipes:
        raise BadInput(f"no recipe '{recipe}'", where=where, key="--recipe", remedy=f"it has {listed(list(recipes))}")
    made = recipes[recipe]
    tokens = None if config.question is None else config.question.tokens
    return Mixture(made, _plain(made), f"a recipe of {where}", tokens, config.training.context, config.training.epochs)


def _built(found: Mixture, study: FinishedStudy) -> Mixture:
    """With the corpora that the study built, the newest of a name, and the protocol of its runs."""
    corpora: dict[str, Corpus] = {}
    for record in study.records:
        for name, key in record.spec.corpora.items():
            if key in study.corpora:
                corpora[name] = study.corpora[key]
    protocol = study.records[-1].spec.protocol
    ingredients = []
    for each in found.ingredients:
        corpus = corpora.get(each.name)
        if corpus is not None:
            counts = corpus.train_counts
            supply = each.supply or "corpus"
            each = replace(
                each,
                text=corpus,
                tokens=each.tokens or counts.tokens,
                supply=supply,
                documents=counts.documents,
                corpus_tokens=counts.tokens,
            )
        ingredients.append(each)
    return replace(found, ingredients=tuple(ingredients), context=protocol.context, epochs=protocol.epochs)
