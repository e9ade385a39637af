"""A study from its file to its results: text, generators, ladder, each resumed where it was left."""

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from synthmix.config import StudyConfig
from synthmix.engine import Engine, open_engine
from synthmix.errors import BadInput
from synthmix.locking import held_here_alone
from synthmix.progress import Progress, Silent
from synthmix.results import Results
from synthmix.study.corpora import Prepared
from synthmix.study.ladder import cells, ladder_specs
from synthmix.study.load import Study, load_study
from synthmix.study.prepare import check_given, check_tokens, find_generated, natural_text
from synthmix.study.sampled import generator_spec, sampled_corpus
from synthmix.study.scheduler import expected_seconds, train_all
from synthmix.study.timings import Speeds, measure, stage
from synthmix.study.workspace import Workspace
from synthmix.study.written import written_corpus

if TYPE_CHECKING:
    from synthmix.decisions import StudyFits
    from synthmix.runs import RunsTable
    from synthmix.study.choose import Chooser
    from synthmix.study.until import Limit, Until


def run_study(
    study: Study,
    *,
    until: str | None = None,
    cost: str | None = None,
    progress: Progress | None = None,
    engine: Engine[Any, Any] | None = None,
) -> Results:
    """Do everything that is left of a study and return its results, which are also written with the report.

    Safe to interrupt at any moment and to start twice: the same call resumes, finished runs are not repeated.

    Args:
        study: its file, its YAML as text, a dict, or one that is loaded (:func:`synthmix.load_study`).
        until: train no further run of the study file once the decision at its question is known so well:
            ``"width < 0.03 nats"``, ``"regret < 0.002 nats"`` or ``"confidence > 95%"``.
        cost: of all runs together at most: a time of training by all workers (``"2h"``) or FLOPs (``"1e18"``). With
            ``until`` or ``cost`` runs are chosen in rounds, those first that tell most of the decision for their cost.
        engine: where tasks run (:func:`synthmix.engine.open_engine`); None: processes of this machine.

    Raises:
        BadInput: something that was given cannot be used; told before anything is trained where it can be known. Or
            ``until`` was not reached: the results and the report are written then.
        Failure: runs failed (the others are finished first), a worker was killed, the disk is full.
    """
    from synthmix.study.conclude import conclude

    config, progress = load_study(study), progress or Silent()
    asked = _asked(config, until, cost)
    check_given(config)
    space = Workspace(config.root.absolute())  # a worker elsewhere has another working folder
    space.create()
    if why := held_here_alone(space.root):
        progress.say(f"locks hold on this machine alone ({why}): run the study on one machine at a time")
    with stage(space, "text", progress):
        prepared = natural_text(config, space, progress)
    with engine or open_engine(workers=config.workers) as engine:
        engine.check_folder(space.root)
        with stage(space, "timing"):
            speeds = measure(config, space, prepared.tokenizer.vocab_size, engine, progress)
        for name in prepared.pending:
            prepared = find_generated(config, name, space, prepared)
        for name in (name for name in prepared.pending if name in config.written):
            with stage(space, f"writing {name}"):
                prepared = written_corpus(config, name, space, prepared, progress, engine)
        check_tokens(config, prepared)
        chooser = None if asked is None else _chooser(config, space, prepared, speeds, *asked)
        progress.start("study", expected_seconds(config, prepared, speeds), "seconds")
        generators = [generator_spec(config, name, prepared) for name in config.sampled]
        if prepared.pending:
            with stage(space, "generators and natural runs"):
                specs = [*generators, *(ladder_specs(config, prepared) if chooser is None else [])]
                train_all(config, space, prepared, specs, speeds, engine, progress)
            for name in prepared.pending:
                with stage(space, f"sampling {name}"):
                    prepared = sampled_corpus(config, name, space, prepared, engine, progress)
            check_tokens(config, prepared)
        with stage(space, "ladder"):
            if chooser is None:
                specs = [*generators, *ladder_specs(config, prepared)]
                train_all(config, space, prepared, specs, speeds, engine, progress)
            else:
                _rounds(chooser, prepared, engine, progress)
        progress.finish("study")
    results = conclude(config, space, prepared, progress=progress)
    if chooser is not None:
        chooser.refuse()
    return results


def _asked(config: StudyConfig, until: str | None, cost: str | None) -> "tuple[Until | None, Limit | None] | None":
    """What ends a study whose runs are chosen; None: all of its runs are made."""
    if until is None and cost is None:
        return None
    from synthmix.study.until import parse_cost, parse_until

    asked = None if until is None else parse_until(until), None if cost is None else parse_cost(cost)
    if config.question is None:
        raise BadInput(
            "is missing: runs are chosen by what they tell of it",
            key="question",
            remedy="write question.params and tokens",
        )
    return asked


def _chooser(
    config: StudyConfig,
    space: Workspace,
    prepared: Prepared,
    speeds: Speeds,
    until: "Until | None",
    limit: "Limit | None",
) -> "Chooser":
    from synthmix.study.choose import Chooser

    chooser = Chooser(config, space, prepared.tokenizer.vocab_size, speeds, until, limit)
    chooser.check()
    return chooser


def _rounds(chooser: "Chooser", prepared: Prepared, engine: Engine[Any, Any], progress: Progress) -> None:
    """Train what was chosen, choose again, until enough is known or spent."""
    from synthmix.results.choices import ChoiceRound
    from synthmix.study.choose import known_of
    from synthmix.study.conclude import finished_runs, study_fits, study_question

    config, space, speeds = chooser.config, chooser.space, chooser.speeds
    planned, question = cells(config), study_question(config)
    specs = ladder_specs(config, prepared)
    assert question is not None
    while True:
        chosen = [specs[place] for place in sorted(chooser.chosen())]
        if chosen:
            progress.start("study", sum(speeds.seconds(spec.shape, spec.tokens) for spec in chosen), "seconds")
            train_all(config, space, prepared, chosen, speeds, engine, progress)
        made = {place for place, spec in enumerate(specs) if space.runs.record(spec.id) is not None}
        known = None
        if made:
            table = finished_runs(config, space, prepared)
            fits = cache(partial(_kept_fits, config, space, table, study_fits))
            known = known_of(config, table, fits, question, planned)
        lawless = known is None or (known.basis == "recipes" and chooser.lawful)
        first = chooser.first(made) if lawless else None
        found = first or (chooser.next(known, made) if known is not None else "cost")
        if not isinstance(found, ChoiceRound):
            chooser.stop(found, known, made)
            return
        chooser.add(found)
        progress.say(chooser.said(found))


def _kept_fits(
    config: StudyConfig, space: Workspace, table: "RunsTable", fit: "Callable[..., StudyFits]"
) -> "StudyFits":
    """The laws of the finished runs, kept so that the report does not fit them again."""
    fits = fit(config, space, table)
    fits.save(space.fits)
    return fits
