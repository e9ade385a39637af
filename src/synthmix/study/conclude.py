"""From finished runs to the runs table, its fits, the decision, and the report."""

from collections.abc import Mapping
from pathlib import Path

from synthmix.checksums import has_checksums
from synthmix.config import SampledCorpus, StudyConfig, WrittenCorpus
from synthmix.corpus.corpus import Corpus
from synthmix.decisions import StudyFits, decide, fit_study
from synthmix.decisions.decide import question_curves
from synthmix.decisions.fits import fits_key
from synthmix.errors import BadInput
from synthmix.evaluation.losses import AVERAGING
from synthmix.files import write_json
from synthmix.progress import Progress, Silent
from synthmix.results import Kind, Noise, Question, Recipe, Results, RunRow, Statistic, TaskFound, Warn
from synthmix.runs import RunsTable
from synthmix.runs.load import kinds_of
from synthmix.runs.table import Metric, of_rows
from synthmix.store import RunRecord
from synthmix.study.corpora import Prepared
from synthmix.study.diagnostics import (
    curves_of,
    isoflops,
    lost_warnings,
    profiles,
    residuals,
    share_curves,
    unseen_warnings,
)
from synthmix.study.domain_laws import domain_results
from synthmix.study.execute import missing, versions
from synthmix.study.gap import kept_gap
from synthmix.study.ladder import attempts, cells, ladder_specs, study_recipes, trunk_records
from synthmix.study.mixture import study_mixture
from synthmix.study.rows import corpus_rows, domain_rows, recipe_row, run_row, spent, synthetic_names, task_metrics
from synthmix.study.sampled import generator_spec
from synthmix.study.task_laws import task_results
from synthmix.study.timings import seconds
from synthmix.study.workspace import Workspace, read_choices
from synthmix.training.shape import shape_for
from synthmix.training.spec import RunSpec


def conclude(config: StudyConfig, space: Workspace, prepared: Prepared, *, progress: Progress | None = None) -> Results:
    """Fit, decide and write ``results.json``, the runs table, the fits, the report and its tables, from the runs that
    are finished.

    Raises:
        BadInput: no run is finished, or a record is damaged.
    """
    from synthmix.report import write_report

    progress = progress or Silent()
    progress.start("fit and report", None, "steps")
    seconds(space, progress)  # damaged ones are dropped, and said here
    results, fits, table = gather(config, space, prepared)
    table.write(space.table)
    fits.save(space.fits)
    write_json(space.results, results.model_dump(mode="json"), digest=True)
    write_report(results, space.root)
    progress.finish("fit and report")
    return results


def gather(config: StudyConfig, space: Workspace, prepared: Prepared) -> tuple[Results, StudyFits, RunsTable]:
    """The results from the runs that are finished, their laws and their table; writes nothing.

    Raises:
        BadInput: no run is finished, or a record is damaged.
    """
    specs = ladder_specs(config, prepared)
    tried, finished = _finished(config, space, prepared, specs)
    recipes = [recipe_row(config, mixture) for mixture in study_recipes(config)]
    asked, task_warnings = task_metrics([record for _, _, record in finished if record.diverged is None])
    corpora = corpus_rows(config, prepared)
    every, whole = _table(config, prepared, finished, asked)
    codes = whole.text("diverged")
    diverged = [row.model_copy(update={"diverged": code}) for row, code in zip(every, codes, strict=True) if code]
    rows = [row for row, code in zip(every, codes, strict=True) if code is None]
    table = whole.sound
    fits = study_fits(config, space, whole)
    curves, without_curve = share_curves(table, config.mix.synthetic, fits, bootstrap=config.fit.bootstrap)
    question = study_question(config)
    built = {corpus.name: float(corpus.train_tokens or 0) for corpus in corpora}
    generators = _generators(config, space, prepared)
    trained = [record for _, all_ in tried for _, record in all_]
    cost = spent(trained, generators, trunk_records(space.runs, specs), seconds(space))
    tasks = task_results(config, recipes, table, fits, curves, question_curves(table, fits, question), task_warnings)
    decision = decide(
        whole,
        fits,
        question,
        study=config.study,
        most_flops=cost.flops,
        built=built,
        tasks=task_agreement(tasks),
        share_curves=curves,
    )
    mixture, without_mixture = study_mixture(config, table)
    found = statistics(config, recipes, prepared, max(row.tokens for row in rows))
    unverified = _unverified(trained, [*prepared.corpora.values(), *prepared.evaluation.values()])
    warnings = [
        *fits.warnings,
        *without_curve,
        *without_mixture,
        *_repeated(rows),
        *unverified,
        *unseen_warnings(found, config.mix.natural),
    ]
    warnings += lost_warnings({**prepared.evaluation, **prepared.corpora})
    choices = read_choices(space)
    planned = len(cells(config)) if choices is None else len(choices.runs)
    if len(finished) < planned:
        message = f"{planned - len(finished)} of {planned} runs are not finished: this is a preliminary report."
        warnings.insert(0, Warn(code="unfinished", message=message))
    noise = fits.noise
    results = Results(
        study=config.study,
        version=versions()["synthmix"],
        averaging=AVERAGING,
        context=config.training.context,
        domains=domain_rows(prepared),
        corpora=corpora,
        recipes=recipes,
        runs=rows,
        diverged=diverged,
        noise=Noise(sd=noise.sd, cells=noise.cells, runs=noise.runs, by=dict(noise.by)),
        fits=fits.summaries,
        curves=curves_of(fits.laws, rows),
        share_curves=curves,
        decision=decision,
        mixture=mixture,
        choices=choices,
        statistics=found,
        gap=kept_gap(config, space, prepared, rows),
        residuals=residuals(rows, fits.laws),
        profiles=profiles(fits),
        isoflops=isoflops(question, rows, fits),
        tasks=tasks,
        by_domain=domain_results(table, fits, curves, question),
        spent=cost,
        versions=versions(),
        protocol=config.training.in_words(),
        warnings=warnings,
    )
    return results, fits, whole


Tried = list[tuple[RunSpec, list[tuple[float, RunRecord]]]]
Finished = list[tuple[RunSpec, float, RunRecord]]


def finished_runs(config: StudyConfig, space: Workspace, prepared: Prepared) -> RunsTable:
    """The table of the runs that are finished, those that diverged marked.

    Raises:
        BadInput: no run is finished, or a record is damaged.
    """
    _, finished = _finished(config, space, prepared, ladder_specs(config, prepared))
    asked, _ = task_metrics([record for _, _, record in finished if record.diverged is None])
    return _table(config, prepared, finished, asked)[1]


def _finished(
    config: StudyConfig, space: Workspace, prepared: Prepared, specs: list[RunSpec]
) -> tuple[Tried, Finished]:
    """All attempts at the runs, and of each that is finished the one that counts."""
    repeat = config.training.on_divergence == "repeat"
    tried = [(spec, attempts(spec, space.runs, repeat=repeat)) for spec in specs]
    finished = [(spec, *all_[-1]) for spec, all_ in tried if all_ and not missing(all_[-1][1], prepared.domains)]
    if not finished:
        raise BadInput("no run is finished yet", where=space.root, remedy="run it with synthmix study run")
    return tried, finished


def _table(
    config: StudyConfig, prepared: Prepared, finished: Finished, asked: Mapping[str, Metric]
) -> tuple[list[RunRow], RunsTable]:
    """The finished runs as rows, and as the runs table."""
    mixtures = study_recipes(config)
    present = {mixture.content: mixture.name for mixture in mixtures}  # names may have changed since
    recipes = [recipe_row(config, mixture) for mixture in mixtures]
    by_name = {recipe.name: recipe for recipe in recipes}
    names = [domain.name for domain in prepared.domains]
    every = [run_row(record, by_name[present[spec.mixture.content]], names, asked, f) for spec, f, record in finished]
    return every, of_rows(every, recipes, kinds_of(corpus_rows(config, prepared)), asked)


def _unverified(records: list[RunRecord], corpora: list[Corpus]) -> list[Warn]:
    """What an earlier version wrote without checksums: it is read as it is."""
    old = sum(not record.digested for record in records)
    names = [corpus.name for corpus in corpora if not has_checksums(corpus.folder)]
    parts = [f"{old} of {len(records)} run records"] if old else []
    parts += [f"the corpora {', '.join(names)}"] if names else []
    if not parts:
        return []
    message = (
        f"Written by an earlier version without checksums, and read as they are: {' and '.join(parts)}. A changed byte "
        "in them would not be seen; what is written from now on has checksums."
    )
    return [Warn(code="unverified", message=message)]


def _repeated(rows: list[RunRow]) -> list[Warn]:
    """Runs that count at a lower learning rate than the others of their size."""
    lower = [f"{row.recipe} N={row.params} D={row.tokens} seed {row.seed} at {row.rate_factor:g} of its rate"
             for row in rows if row.rate_factor < 1]  # fmt: skip
    if not lower:
        return []
    message = (
        f"{len(lower)} of {len(rows)} runs diverged and were repeated at a lower learning rate: {'; '.join(lower)}."
    )
    return [Warn(code="repeated", message=message)]


def study_fits(config: StudyConfig, space: Workspace, table: RunsTable) -> StudyFits:
    """The laws of a study's runs: those that are kept in its folder where they are of the same runs."""
    bootstrap, level = config.fit.bootstrap, config.fit.level
    kept = StudyFits.load(space.fits, fits_key(table))
    if kept is not None and (kept.bootstrap, kept.level) == (bootstrap, level):
        return kept
    return fit_study(table, bootstrap=bootstrap, level=level)


def study_question(config: StudyConfig) -> Question | None:
    """The study file's question: all of its synthetic text, what there is of it, at its price; where the file does not
    say, as much as is needed and at no price."""
    asked = config.question
    if asked is None:
        return None
    names = [name for name in config.mix.mixed if name in synthetic_names(config)]
    kinds = tuple(
        Kind(
            name=name, price=asked.source_prices.get(name, 0.0), tokens=asked.supply.get(name),
            epochs=asked.epochs.get(name), per_token=generation_flops(config, name),
        )
        for name in names
    )  # fmt: skip
    natural = list(config.mix.natural_mixture)
    there = [asked.supply.get(name) for name in natural]
    allowed = [asked.epochs[name] for name in natural if name in asked.epochs]
    prices = asked.price_list
    return Question(
        params=asked.params,
        tokens=asked.tokens,
        natural=None if None in there else sum(each or 0 for each in there),
        natural_epochs=min(allowed, default=None),
        kinds=kinds,
        budget_money=asked.budget_money,
        price_training=None if prices is None else prices.training(asked.params),
        prices=prices,
    )


def generation_flops(config: StudyConfig, source: str) -> float | None:
    """FLOPs to generate one token of a source: forward passes over prompt and output, 2 a parameter (a rewrite's prompt
    is taken to be as long as its output; CHOSEN). None for text that was brought along."""
    entry = config.corpora[source]
    if isinstance(entry, WrittenCorpus) and entry.params is not None:
        return 4.0 * entry.params
    if isinstance(entry, SampledCorpus):
        return 2.0 * shape_for(entry.params).params * entry.length / (entry.length - entry.prompt)
    return None


def task_agreement(tasks: list[TaskFound]) -> list[tuple[str, bool, bool]]:
    """Of each task its name, whether a run is above chance, and whether its best share is another than that by loss."""
    return [(t.task, not t.at_chance, any(share.verdict == "disagree" for share in t.shares)) for t in tasks]


def statistics(config: StudyConfig, recipes: list[Recipe], prepared: Prepared, tokens: int) -> list[Statistic]:
    """Unigram coverage and divergence of each recipe, at ``tokens`` tokens, against each held-out domain."""
    from synthmix.statistics import count_unigrams, recipe_counts, statistic

    vocab = prepared.tokenizer.vocab_size
    heldout = {domain.name: count_unigrams(domain.open().stream, vocab) for domain in prepared.domains}
    shares = {recipe.name: dict(recipe.shares) for recipe in study_recipes(config)}
    found = []
    for recipe in recipes:
        mine = shares[recipe.name]
        if all(name in prepared.corpora for name in mine):
            streams = {name: prepared.corpora[name].train for name in mine}
            counts = recipe_counts(streams, mine, tokens, vocab)
            found += [statistic(recipe.name, domain, counts, test) for domain, test in heldout.items()]
    return found


def _generators(config: StudyConfig, space: Workspace, prepared: Prepared) -> list[RunRecord]:
    records = [space.runs.record(generator_spec(config, name, prepared).id) for name in config.sampled]
    return [record for record in records if record]


def report_path(space: Workspace) -> Path:
    """Where the report is written."""
    return space.root / "report.html"
