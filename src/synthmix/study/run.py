"""A study from its file to its results: text, generators, ladder, each resumed where it was left."""

from typing import Any

from synthmix.config import StudyConfig
from synthmix.corpus.sources import Source
from synthmix.engine import Engine, open_engine
from synthmix.errors import BadInput
from synthmix.progress import Progress, Silent
from synthmix.quantities import format_count
from synthmix.results import Results
from synthmix.study.account import stage
from synthmix.study.check import check_given
from synthmix.study.corpora import Prepared, real_corpora
from synthmix.study.generate import sampled_corpus
from synthmix.study.generated import find_generated
from synthmix.study.generators import generator_spec
from synthmix.study.ladder import ladder_specs, largest_need
from synthmix.study.speed import measure
from synthmix.study.tokenizers import study_tokenizer
from synthmix.study.train_all import expected_seconds, train_all
from synthmix.study.workspace import Workspace
from synthmix.study.written import is_written, written_corpus


def run_study(
    config: StudyConfig, *, progress: Progress | None = None, engine: Engine[Any, Any] | None = None
) -> Results:
    """Do everything that is left of a study and return its results, which are also written with the report.

    Safe to interrupt at any moment and to start twice: the same call resumes, finished runs are not repeated.

    Args:
        engine: where tasks run (:func:`synthmix.engine.open_engine`); None: processes of this machine.

    Raises:
        BadInput: something that was given cannot be used; told before anything is trained where it can be known.
        Failure: runs failed (the others are finished first), a worker was killed, the disk is full.
    """
    from synthmix.study.conclude import conclude

    progress = progress or Silent()
    check_given(config)
    space = Workspace(config.root.absolute())  # a worker elsewhere has another working folder
    space.create()
    with stage(space, "text"):
        prepared = real_text(config, space, progress)
    with engine or open_engine(workers=config.workers) as engine:
        engine.check_folder(space.root)
        with stage(space, "timing"):
            speeds = measure(config, space, prepared.tokenizer.vocab_size, engine)
        for name in prepared.pending:
            prepared = find_generated(config, name, space, prepared)
        for name in (name for name in prepared.pending if is_written(config, name)):
            with stage(space, f"writing {name}"):
                prepared = written_corpus(config, name, space, prepared, progress, engine)
        check_tokens(config, prepared)
        progress.start("study", expected_seconds(config, prepared, speeds), "seconds")
        generators = [generator_spec(config, name, prepared) for name in config.sampled]
        if prepared.pending:
            with stage(space, "generators and natural runs"):
                specs = [*generators, *ladder_specs(config, prepared)]
                train_all(config, space, prepared, specs, speeds, engine, progress)
            for name in prepared.pending:
                with stage(space, f"sampling {name}"):
                    prepared = sampled_corpus(config, name, space, prepared, engine, progress)
            check_tokens(config, prepared)
        with stage(space, "ladder"):
            specs = [*generators, *ladder_specs(config, prepared)]
            train_all(config, space, prepared, specs, speeds, engine, progress)
        progress.finish("study")
    return conclude(config, space, prepared, progress=progress)


def real_text(config: StudyConfig, space: Workspace, progress: Progress) -> Prepared:
    """Tokenizer, held-out domains and real corpora, with enough tokens for every recipe."""
    _harvest(config, progress)
    tokenizer = study_tokenizer(config, space, progress)
    if tokenizer is None:
        raise TypeError("a tokenizer that may be built is never None")
    prepared = real_corpora(config, space, tokenizer, progress)
    short = [domain.name for domain in prepared.domains if domain.tokens <= config.training.context]
    if short:
        raise BadInput(
            f"holds {min(d.tokens for d in prepared.domains)} tokens, less than one sequence",
            key=f"evaluate.{short[0]}",
            remedy="hold out more text or shorten training.context",
        )
    check_tokens(config, prepared)
    return prepared


def _harvest(config: StudyConfig, progress: Progress) -> None:
    """Read the embedded sample's domains once, all together, with progress (half a minute on a new machine)."""
    from synthmix.corpus.sample import prepare_sample

    entries = [*config.corpora.values(), *config.evaluate.values()]
    wanted = [entry.sample for entry in entries if isinstance(entry, Source) and entry.sample is not None]
    if wanted:
        every = "all" if "all" in wanted else sorted({domain for domains in wanted for domain in domains})
        prepare_sample(every, progress)


def check_tokens(config: StudyConfig, prepared: Prepared) -> None:
    """Hold the corpora that are built to what the recipes need.

    Raises:
        BadInput: a corpus is smaller than its hungriest recipe asks for.
    """
    for name, need in largest_need(config).items():
        if name in prepared.corpora:
            have = prepared.corpora[name].train_counts.tokens - config.training.context
            if have < need:
                raise BadInput(
                    f"has {format_count(max(have, 0))} training tokens, {format_count(need)} are needed by a recipe",
                    where=config.study,
                    key=f"corpora.{name}",
                    remedy="add text, lower ladder.budgets, or raise training.epochs to repeat it",
                )
