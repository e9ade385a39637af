"""``synthmix.advise``: what to do, from a study's decision or from what is published."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from synthmix.advice.break_even import of_together
from synthmix.advice.pilot_study import pilot_study
from synthmix.advice.prices import read_prices
from synthmix.advice.priors import advise_without, published_kind, together
from synthmix.advice.schema import Advice
from synthmix.advice.valuation import disagreements, study_scores
from synthmix.decisions import StudyFits, ask, decide, fit_study
from synthmix.decisions.decide import free, with_caveats
from synthmix.decisions.fits import fits_key
from synthmix.decisions.question import KEY
from synthmix.errors import BadInput
from synthmix.evidence import Effect, effects, read_effects
from synthmix.files import write_text
from synthmix.progress import Progress, Silent
from synthmix.report import mixture_sentences, sentences
from synthmix.results import Decision, Kind, Prices, Question, Results
from synthmix.runs import RunsTable, read_runs
from synthmix.runs.load import of_results, read_results
from synthmix.study.conclude import task_agreement
from synthmix.study.finished_study import study_folder
from synthmix.study.imported import results_of_table, synthetic_sources
from synthmix.study.mixture import mixture_of_results
from synthmix.study.workspace import Workspace

MINUTES = 60.0


def advise(
    params: int | str | None = None,
    tokens: int | str | None = None,
    *,
    natural: int | str | None = None,
    synthetic: str | Iterable[str | Kind] | Mapping[str, Mapping[str, Any]] = (),
    study: str | Path | Results | None = None,
    runs: Any = None,
    columns: str = "",
    mapping: Any = None,
    skip_bad: bool = False,
    budget_money: float | None = None,
    price_training: float | None = None,
    prices: str | Path | Mapping[str, Any] | Prices | None = None,
    next_flops: float | None = None,
    scores: bool | None = None,
    minutes: float = MINUTES,
    natural_files: str | None = None,
    write_study: str | Path | None = None,
    evidence: str | Path | None = None,
    progress: Progress | None = None,
) -> Advice:
    """I will train ``params`` parameters on ``tokens`` tokens, and have these texts at these prices: what should I do?

    >>> synthmix.advise("1B", "100B", synthetic=["hq=30B,price=0.5"], study="mine.yaml")  # doctest: +SKIP

    Args:
        params: non-embedding parameters. tokens: the budget. Unset, those of the study's own question.
        natural: unique natural tokens, and how often they may be gone through where that is limited:
            ``"60B,epochs=4"``; None: those of the study's own question, else as many as are needed.
        synthetic: kinds as ``"hq=30B,price=0.5,params=8B,epochs=2"`` or ``{"hq": {"tokens": "30B", "price": 0.5}}``;
            the price is money per million tokens. With a study and none named: all of the study's, as its own question
            has them, else at no price.
        study: a finished study's file, folder or results; None: published findings, as priors.
        runs: instead of a study, runs of any trainer, as :func:`synthmix.read_runs` takes them, with ``columns``,
            ``mapping`` and ``skip_bad``; their question is the one asked here.
        budget_money: for synthetic tokens. price_training: money per million training tokens at this size.
        prices: a price list (YAML file, or what stands in one): ``gpu_hour``, ``flops``, ``mfu``, ``generated``. None:
            the study's own, where its file has one.
        next_flops: the most that one of the next runs may cost.
        scores: read the study's texts for its valuation scores: the first time some seven seconds for each million
            tokens, then nothing, for they are kept in its folder. None: those that are kept; False: none.
        minutes: of training that the study may take which would replace the priors. natural_files: its natural text.
        write_study: where its study file is written; a file that is there is never replaced.
        evidence: a CSV file of further published effects, beside those of the package (docs/guides/add-evidence.md).

    Raises:
        BadInput: a question that cannot be, or a study without the runs that it needs.
    """
    given = [synthetic] if isinstance(synthetic, str) else synthetic
    rows = None if evidence is None else (*effects(), *read_effects(evidence))
    if study is not None and (write_study is not None or natural_files is not None):
        key = "--write-study" if write_study is not None else "--natural-files"
        raise BadInput("is for asking without a study", key=key, remedy="leave it or --study away")
    if runs is not None:
        if study is not None:
            raise BadInput("is for asking without a study", key="--runs", remedy="leave it or --study away")
        table = read_runs(runs, columns, mapping=mapping, skip_bad=skip_bad)
        money: dict[str, Any] = {"budget_money": budget_money, "price_training": price_training}
        money["prices"] = None if prices is None else read_prices(prices)
        return _of_runs(table, _named(runs), params, tokens, natural, given, next_flops, rows, **money)
    where, results = None, None
    if isinstance(study, Results):
        results = study
    elif study is not None:
        where = Path(study)
        results = finished_results(where)
    own = results.decision.question if results is not None and results.decision is not None else None
    if own is not None:
        params = own.params if params is None else params
        tokens = own.tokens if tokens is None else tokens
    _said(params, tokens)
    listed = read_prices(prices) if prices is not None else own.prices if own is not None else None
    if results is not None:
        given = given if isinstance(given, Mapping) else list(given)
        given = given or _own_kinds(own, _kinds(results), listed)
    if own is not None:
        budget_money = own.budget_money if budget_money is None else budget_money
    question = ask(
        params,
        tokens,
        natural=natural,
        synthetic=given,
        budget_money=budget_money,
        price_training=price_training,
        prices=listed,
    )
    if own is not None and natural is None:
        question = question.model_copy(update={"natural": own.natural, "natural_epochs": own.natural_epochs})
    if next_flops is not None and not next_flops > 0:
        raise BadInput("is not above 0", key="--next-flops")
    if results is not None:
        costed = _with_costs(question, own)
        return _of_study(results, costed, where, next_flops, rows, scores=scores, progress=progress)
    for kind in question.kinds:
        published_kind(kind, rows)  # an unknown kind is told before a file is
    if not minutes > 0:
        raise BadInput("is not above 0", key="--minutes")
    target = None if write_study is None else Path(write_study)
    if target is not None and target.exists():
        raise BadInput("is there already", where=target, key="--write-study", remedy="name a new file")
    begun = pilot_study(question, minutes=minutes, natural_files=natural_files, file=target, progress=progress)
    if target is not None:
        write_text(target, begun.text)
    return advise_without(question, begun, rows)


def _of_runs(
    table: RunsTable, name: str, params: Any, tokens: Any, natural: Any, given: Any, next_flops: float | None,
    rows: tuple[Effect, ...] | None, *, prices: Prices | None, **money: Any,
) -> Advice:  # fmt: skip
    """The decision of other people's runs."""
    _said(params, tokens)
    there = synthetic_sources(table)
    given = given if isinstance(given, Mapping) else list(given)
    kinds = given or free(there, prices=prices)
    question = ask(params, tokens, natural=natural, synthetic=kinds, prices=prices, **money)
    _known(question, there, name)
    if next_flops is not None and not next_flops > 0:
        raise BadInput("is not above 0", key="--next-flops")
    results = results_of_table(table, question, name=name, most_flops=next_flops)
    return _of_study(results, question, None, None, rows, scores=False, progress=None)


def _named(runs: Any) -> str:
    """What a table is called: by its first file."""
    first = runs[0] if isinstance(runs, list | tuple) and runs else runs
    return Path(first).name.split(".")[0] if isinstance(first, str | Path) else "runs"


def _said(params: Any, tokens: Any) -> None:
    for name, value in (("params", params), ("tokens", tokens)):
        if value is None:
            raise BadInput("is missing", key=f"--{name}", remedy="say what you will train: --params 1B --tokens 100B")


def _known(question: Question, there: list[str], name: Any) -> None:
    for kind in question.kinds:
        if kind.name not in there:
            names = ", ".join(there) or "none"
            remedy = f"it has {names}; ask about these, or leave --study away for the published findings"
            raise BadInput(f"the study has no runs of '{kind.name}'", where=name, key=KEY, remedy=remedy)


def finished_results(where: Path) -> Results:
    """A finished study's results, named by its file, its folder or its results.json.

    Raises:
        BadInput: no such study, nothing finished, some runs unfinished, or the results are damaged.
    """
    folder = study_folder(where)
    path = where if where.suffix == ".json" and where.is_file() else Workspace(folder).results
    if not path.exists():
        begun = any((folder / "runs").glob("*/record.json"))
        remedy = "write them with synthmix study report FILE" if begun else "run it with synthmix study run FILE"
        raise BadInput("has no results yet", where=folder, remedy=remedy)
    results = read_results(path)
    left = next((warning for warning in results.warnings if warning.code == "unfinished"), None)
    if left is not None:
        raise BadInput("has unfinished runs", where=path, remedy="finish them with synthmix study run FILE")
    return results


def _of_study(
    results: Results,
    question: Question,
    where: Path | None,
    next_flops: float | None,
    rows: tuple[Effect, ...] | None,
    *,
    scores: bool | None,
    progress: Progress | None,
) -> Advice:
    decision = _decision(results, question, where, next_flops, progress or Silent())
    texts = None if scores is False else where
    mixture = mixture_of_results(results, question)
    said, note = study_scores(
        texts, decision.curves, decision.level, mixture=mixture, read=scores is True, progress=progress
    )
    decision = with_caveats(decision, disagreements(said))
    gains = "" if mixture is None else " ".join(mixture_sentences.gains(mixture))
    both = together(decision, rows)
    return Advice(
        question=question,
        basis="study",
        study=results.study,
        measured=sentences.as_measured(decision) if decision.basis == "laws" else "",
        headline=sentences.answer(decision) if mixture is None else mixture_sentences.best(mixture),
        recommendation=sentences.recommendation(decision) if mixture is None else gains,
        confidence=sentences.confidence(decision) if mixture is None else "",
        decision=decision,
        mixture=mixture,
        caveats=sentences.caveats(decision),
        evidence=sentences.evidence(results.model_copy(update={"decision": decision})),
        scores=said,
        scores_note=note,
        together=both,
        break_even=of_together(question, both),
    )


def _decision(
    results: Results, question: Question, where: Path | None, next_flops: float | None, progress: Progress
) -> Decision:
    """The study's own decision where its own question is asked; else decided anew from the fits that it kept.

    Raises:
        BadInput: no run on natural text alone, or a kind that the study does not have.
    """
    kept = results.decision
    if kept is not None and next_flops is None and kept.question == question:
        return kept
    name = where or results.study
    table = of_results(results)
    if table.natural is None:
        remedy = "add share 0 to mix.shares and run the study again"
        raise BadInput("no run is on natural text alone, the yardstick of the answer", where=name, remedy=remedy)
    _known(question, _kinds(results), name)
    fits = None if where is None else StudyFits.load(Workspace(study_folder(where)).fits, fits_key(table))
    if fits is None:
        progress.start("scaling laws", None, "steps")
        fits = fit_study(table) if kept is None else fit_study(table, level=kept.level)
        progress.finish("scaling laws")
    built = {corpus.name: float(corpus.train_tokens) for corpus in results.corpora if corpus.train_tokens}
    cap = results.spent.flops if next_flops is None else next_flops
    return decide(
        table,
        fits,
        question,
        study=results.study,
        most_flops=cap,
        built=built,
        tasks=task_agreement(results.tasks),
        share_curves=results.share_curves,
    )


def _kinds(results: Results) -> list[str]:
    """The synthetic sources that runs were trained on."""
    synthetic = {corpus.name for corpus in results.corpora if corpus.kind == "synthetic"}
    trained = {row.recipe for row in results.runs}
    named = [name for recipe in results.recipes if recipe.name in trained for name in recipe.shares]
    alone = [recipe.synthetic for recipe in results.recipes if recipe.synthetic and recipe.name in trained]
    return list(dict.fromkeys([*alone, *(name for name in named if name in synthetic)]))


def _own_kinds(own: Question | None, there: list[str], prices: Prices | None) -> tuple[Kind, ...]:
    """The kinds that a study has runs of: as its own question has them, at the prices of a list where it has them."""
    if own is None:
        return free(there, prices=prices)
    priced = prices.generated if prices is not None else {}
    kinds = [kind for kind in own.kinds if kind.name in there]
    return tuple(kind.model_copy(update={"price": priced.get(kind.name, kind.price)}) for kind in kinds)


def _with_costs(question: Question, own: Question | None) -> Question:
    """What the study knows of its generators, where the question does not say otherwise."""
    known = {kind.name: kind.per_token for kind in own.kinds} if own is not None else {}
    kinds = tuple(
        kind if kind.params is not None else kind.model_copy(update={"per_token": known.get(kind.name)})
        for kind in question.kinds
    )
    return question.model_copy(update={"kinds": kinds})
