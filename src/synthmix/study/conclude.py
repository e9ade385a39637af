"""From finished runs to results and report."""

from pathlib import Path

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.evaluation.losses import AVERAGING
from synthmix.files import write_json
from synthmix.progress import Progress, Silent
from synthmix.results import Recipe, Results, Statistic, Warn
from synthmix.store import RunRecord
from synthmix.study.answer import answer_question
from synthmix.study.corpora import Prepared
from synthmix.study.curves import curves_of
from synthmix.study.diagnostics import isoflops, profiles, residuals, unseen_warnings
from synthmix.study.execute import missing, versions
from synthmix.study.families import fit_families
from synthmix.study.fits import fit_recipes
from synthmix.study.ladder import cells, ladder_specs, study_recipes, trunk_records
from synthmix.study.rows import corpus_rows, domain_rows, recipe_row, run_row, spent
from synthmix.study.sampled import generator_spec
from synthmix.study.shares import share_curves
from synthmix.study.task_laws import task_results
from synthmix.study.timings import seconds
from synthmix.study.workspace import Workspace


def conclude(config: StudyConfig, space: Workspace, prepared: Prepared, *, progress: Progress | None = None) -> Results:
    """Fit, compare and write ``results.json``, the report and its tables, from the runs that are finished.

    Raises:
        BadInput: no run is finished, or a record is damaged.
    """
    from synthmix.report import write_report

    progress = progress or Silent()
    progress.start("fit and report", None, "steps")
    results = gather(config, space, prepared)
    write_json(space.results, results.model_dump(mode="json"))
    write_report(results, space.root)
    progress.finish("fit and report")
    return results


def gather(config: StudyConfig, space: Workspace, prepared: Prepared) -> Results:
    """The results from the runs that are finished; writes nothing.

    Raises:
        BadInput: no run is finished, or a record is damaged.
    """
    specs = ladder_specs(config, prepared)
    records = [r for r in map(space.runs.record, (spec.id for spec in specs)) if r and not missing(r, prepared.domains)]
    if not records:
        raise BadInput("no run is finished yet", where=space.root, remedy="run it with synthmix study run")
    mixtures = study_recipes(config)
    present = {mixture.content: mixture.name for mixture in mixtures}  # names may have changed since
    recipes = [recipe_row(config, mixture) for mixture in mixtures]
    by_name = {recipe.name: recipe for recipe in recipes}
    names = [domain.name for domain in prepared.domains]
    rows = [run_row(record, by_name[present[record.spec.mixture.content]], names) for record in records]
    fits = fit_recipes(config, recipes, rows)
    fit_families(config, recipes, rows, fits)
    answer = answer_question(config, recipes, rows, fits)
    curves = share_curves(config, recipes, rows, fits)
    planned = len(cells(config))
    if len(records) < planned:
        message = f"{planned - len(records)} of {planned} runs are not finished: this is a preliminary report."
        fits.warnings.insert(0, Warn(code="unfinished", message=message))
    found = statistics(config, recipes, prepared, max(row.tokens for row in rows))
    fits.warnings += unseen_warnings(found, config.mix.natural)
    return Results(
        study=config.study,
        version=versions()["synthmix"],
        averaging=AVERAGING,
        context=config.training.context,
        domains=domain_rows(prepared),
        corpora=corpus_rows(prepared),
        recipes=recipes,
        runs=rows,
        noise=fits.noise,
        fits=fits.summaries,
        curves=curves_of(fits.readings, rows),
        share_curves=curves,
        answer=answer,
        statistics=found,
        residuals=residuals(rows, fits.readings),
        profiles=profiles(fits),
        isoflops=isoflops(config, rows, fits),
        tasks=task_results(config, recipes, rows, records, fits, curves),
        spent=spent(records, _generators(config, space, prepared), trunk_records(space.runs, specs), seconds(space)),
        versions=versions(),
        protocol=config.training.in_words(),
        warnings=fits.warnings,
    )


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
