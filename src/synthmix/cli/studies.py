"""``synthmix study``: plan, run, status, report."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmix.cli.common import Address, AsJson, EngineKind, Quiet, Workers, telling
from synthmix.errors import SynthmixError

if TYPE_CHECKING:
    from synthmix.config import StudyConfig
    from synthmix.results import Results

app = typer.Typer(help="A whole study from one file.", no_args_is_help=True)


@contextmanager
def naming(study: Path) -> Iterator[None]:
    """Put the study file's name before what is said of one of its keys."""
    try:
        yield
    except SynthmixError as error:
        if error.where is not None or error.key is None:
            raise
        raise type(error)(error.problem, where=study, key=error.key, remedy=error.remedy) from error


StudyFile = Annotated[Path, typer.Argument(help="The study file (YAML).", show_default=False)]


@app.command()
def plan(
    study: StudyFile,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Print the runs, their tokens, FLOPs, time and disk before anything runs, and what is done already.

    Times this machine for a few seconds; builds and trains nothing.

    Example: synthmix study plan examples/quickstart.yaml
    """
    from synthmix.cli.plan_text import plan_text
    from synthmix.cli.terminal import show
    from synthmix.engine import open_engine
    from synthmix.study.load import load_study
    from synthmix.study.plan import make_plan
    from synthmix.study.workspace import Workspace

    config = load_study(study)
    space = Workspace(config.root)
    space.create()
    with (
        naming(study),
        telling(quiet=quiet or as_json) as progress,
        open_engine(engine, workers=workers or config.workers, address=address) as where,
    ):
        progress.start("timing this machine", None, "steps")
        made = make_plan(config, space, where)
        progress.finish("timing this machine")
    show(made.as_dict(), plan_text(made), as_json=as_json)


@app.command()
def run(
    study: StudyFile,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Do all that is left of a study and write its report. Interrupted, the same command resumes.

    Example: synthmix study run examples/quickstart.yaml

    Example: synthmix study run mine.yaml --engine ray --address auto
    """
    from synthmix.engine import open_engine
    from synthmix.study.load import load_study
    from synthmix.study.run import run_study

    config = load_study(study)
    with naming(study), telling(quiet=quiet) as progress:
        where = open_engine(engine, workers=workers or config.workers, address=address)
        results = run_study(config, progress=progress, engine=where)
    _tell(config, results, as_json=as_json)


@app.command()
def status(study: StudyFile, as_json: AsJson = False) -> None:
    """Say what is done, in work and to do, also while another process runs the study.

    Example: synthmix study status examples/quickstart.yaml
    """
    from synthmix.cli.plan_text import status_text
    from synthmix.cli.terminal import show
    from synthmix.study.load import load_study
    from synthmix.study.status import study_status

    with naming(study):
        found = study_status(load_study(study))
    show(found.as_dict(), status_text(found), as_json=as_json)


@app.command()
def report(study: StudyFile, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Fit and write the report again from the runs that are finished; trains nothing.

    Example: synthmix study report examples/quickstart.yaml
    """
    from synthmix.study.load import load_study
    from synthmix.study.status import report_study

    config = load_study(study)
    with naming(study), telling(quiet=quiet or as_json) as progress:
        results = report_study(config, progress=progress)
    _tell(config, results, as_json=as_json)


def _tell(config: "StudyConfig", results: "Results", *, as_json: bool) -> None:
    """The answer in a sentence and where the report is, or all of it as JSON."""
    from synthmix.cli.terminal import show
    from synthmix.report import headline
    from synthmix.study.conclude import report_path
    from synthmix.study.workspace import Workspace

    page = report_path(Workspace(config.root)).resolve()
    show(
        {"report": str(page), "headline": headline(results), "results": results.model_dump(mode="json")},
        f"\n{headline(results)}\n\nReport: {page}",
        as_json=as_json,
    )
