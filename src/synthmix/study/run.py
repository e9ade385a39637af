"""A study from its file to its results: text, generators, ladder, each resumed where it was left."""

from typing import Any

from synthmix.engine import Engine, open_engine
from synthmix.progress import Progress, Silent
from synthmix.results import Results
from synthmix.study.ladder import ladder_specs
from synthmix.study.load import Study, load_study
from synthmix.study.prepare import check_given, check_tokens, find_generated, natural_text
from synthmix.study.sampled import generator_spec, sampled_corpus
from synthmix.study.scheduler import expected_seconds, train_all
from synthmix.study.timings import measure, stage
from synthmix.study.workspace import Workspace
from synthmix.study.written import written_corpus


def run_study(study: Study, *, progress: Progress | None = None, engine: Engine[Any, Any] | None = None) -> Results:
    """Do everything that is left of a study and return its results, which are also written with the report.

    Safe to interrupt at any moment and to start twice: the same call resumes, finished runs are not repeated.

    Args:
        study: its file, its YAML as text, a dict, or one that is loaded (:func:`synthmix.load_study`).
        engine: where tasks run (:func:`synthmix.engine.open_engine`); None: processes of this machine.

    Raises:
        BadInput: something that was given cannot be used; told before anything is trained where it can be known.
        Failure: runs failed (the others are finished first), a worker was killed, the disk is full.
    """
    from synthmix.study.conclude import conclude

    config, progress = load_study(study), progress or Silent()
    check_given(config)
    space = Workspace(config.root.absolute())  # a worker elsewhere has another working folder
    space.create()
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
