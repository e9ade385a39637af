"""``synthmix study``: plan, run, status, report; and ``synthmix report``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import Address, AllowKey, AsJson, EngineKind, Quiet, Workers, remember_keys, telling
from synthmix.cli.runs import Columns, InsteadOfStudy, MappingFile, SkipBad
from synthmix.errors import SynthmixError
from synthmix.quantities import format_count, format_seconds

if TYPE_CHECKING:
    from synthmix.config import StudyConfig
    from synthmix.results import Results
    from synthmix.results.status import Status
    from synthmix.study.plan import Plan, PlannedRun
    from synthmix.table import Table

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
StudyOrExample = Annotated[Path | None, typer.Argument(help="The study file (YAML).", show_default=False)]
Example = Annotated[
    str | None, typer.Option(help="One that comes with synthmix instead: quickstart or many-sources; written here.")
]


def _given(study: Path | None, example: str | None, *, quiet: bool) -> Path:
    """The study file, or the example's, which is written into the current folder."""
    from synthmix.errors import BadInput
    from synthmix.study.examples import example_file

    if (study is None) == (example is None):
        raise BadInput("a study file or --example is needed, and one of them", key="study")
    if study is not None:
        return study
    with telling(quiet=quiet) as progress:
        return example_file(str(example), progress=progress)


@app.command()
def plan(
    study: StudyOrExample = None,
    example: Example = None,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    allow_key: AllowKey = None,
    check: Annotated[float, typer.Option(help="Seconds to simulate the study in; 0: not at all.", min=0)] = 10,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Print the runs, their tokens, FLOPs, time and disk before anything runs, and what is done already.

    Times this machine for a few seconds; builds and trains nothing. A study with a question is simulated, as far as
    --check seconds allow, to say whether these runs can answer it; synthmix design does so in full.

    Example: synthmix study plan examples/quickstart.yaml

    Example: synthmix study plan examples/quickstart.yaml --check 0
    """
    from synthmix.cli.terminal import show
    from synthmix.engine import open_engine
    from synthmix.study.load import load_study
    from synthmix.study.plan import make_plan
    from synthmix.study.workspace import Workspace

    remember_keys(allow_key or [])
    study = _given(study, example, quiet=quiet)
    config = load_study(study)
    space = Workspace(config.root)
    space.create()
    with (
        naming(study),
        telling(quiet=quiet or as_json) as progress,
        open_engine(engine, workers=workers or config.workers, address=address) as where,
    ):
        progress.start("timing this machine", None, "steps")
        made = make_plan(config, space, where, progress)
        progress.finish("timing this machine")
        where.close(at_once=True)  # nothing is in work, and torch takes a second to end
        checked = None
        if check > 0:
            from synthmix.study.design import check_study

            progress.start("simulating the study", None, "steps")
            checked = check_study(config, seconds=check, proposals=())
            progress.finish("simulating the study")
    value = made.as_dict() | {"design_check": None if checked is None else checked.as_json()}
    more = [*checked.tables(), f"Ladders that answer better: synthmix design {study}"] if checked is not None else []
    show(value, *_plan(made), *more, as_json=as_json)


@app.command()
def run(
    study: StudyOrExample = None,
    example: Example = None,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    allow_key: AllowKey = None,
    until: Annotated[
        str | None, typer.Option(help='Choose runs until "width < 0.03 nats", "regret < 0.002" or "confidence > 95%".')
    ] = None,
    cost: Annotated[
        str | None, typer.Option(help="Choose runs for at most so much, all together: 2h, 90min, or FLOPs (1e18).")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(help="http(s) address, or env:NAME, that is posted how it ended, as JSON.")
    ] = None,
    then: Annotated[
        str | None, typer.Option(help="A command to run at the end, good or bad; the same JSON is on its stdin.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Do all that is left of a study and write its report. Interrupted, the same command resumes.

    With --until or --cost only those runs of the study file are trained that tell most of the decision for their cost;
    every choice and its reason is written to choices.json in the study's folder.

    Example: synthmix study run --example quickstart

    Example: synthmix study run mine.yaml --until "width < 0.03 nats" --cost 2h

    Example: synthmix study run mine.yaml --engine ray --address auto --webhook env:SLACK_WEBHOOK
    """
    from synthmix.engine import open_engine
    from synthmix.report import headline
    from synthmix.study.load import load_study
    from synthmix.study.notify import telling_the_end
    from synthmix.study.run import run_study

    remember_keys(allow_key or [])
    study = _given(study, example, quiet=quiet)
    config = load_study(study)
    with (
        naming(study),
        telling(quiet=quiet) as progress,
        telling_the_end(config.study, webhook, then, progress) as notice,
    ):
        where = open_engine(engine, workers=workers or config.workers, address=address)
        results = run_study(config, until=until, cost=cost, progress=progress, engine=where)
        notice.more |= {"headline": headline(results), "folder": str(config.root.resolve())}
    _tell(config, results, as_json=as_json)


@app.command()
def status(
    study: StudyFile,
    watch: Annotated[bool, typer.Option(help="Again and again, until all runs are done or Ctrl-C.")] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write it as a page as well; with --watch one that refreshes itself.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between two looks with --watch.", min=0.1)] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Show what is done, in work and to do, also while another process runs the study.

    Example: synthmix study status examples/quickstart.yaml

    Example: synthmix study status examples/quickstart.yaml --watch --html status.html
    """
    import time

    from synthmix.cli.terminal import clear, show
    from synthmix.study.load import load_study
    from synthmix.study.status import study_status

    config = load_study(study)
    while True:
        with naming(study):
            found = study_status(config)
        chosen = found.choices is not None and found.choices.stopped is not None
        ended = not watch or chosen or found.done == found.runs
        if html is not None:
            from synthmix.report.status import write_status

            write_status(found, html, every=None if ended else every)
        if watch and not as_json:
            clear()
        if ended or not as_json:  # one object, the last one
            show(found.as_dict(), *_status(found), *([f"Page: {html}"] if html else []), as_json=as_json)
        if ended:
            return
        time.sleep(every)


Slide = Annotated[bool, typer.Option("--slide", help="Write the answer on one slide of 16:9 too: slide.html.")]


@app.command()
def report(study: StudyFile, slide: Slide = False, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Fit and write the report again from the runs that are finished; trains nothing.

    Example: synthmix study report examples/quickstart.yaml

    Example: synthmix study report examples/quickstart.yaml --slide
    """
    from synthmix.study.load import load_study
    from synthmix.study.status import report_study

    config = load_study(study)
    with naming(study), telling(quiet=quiet or as_json) as progress:
        results = report_study(config, progress=progress)
    _tell(config, results, slide=slide, as_json=as_json)


@app.command()
def compare(
    studies: Annotated[list[Path], typer.Argument(help="Two or more study files.", show_default=False)],
    html: Annotated[Path | None, typer.Option(help="Write a page with the figure.")] = None,
    as_json: AsJson = False,
) -> None:
    """Finished studies side by side: what differs in their files and text, the runs they share, their answers and how
    far these lie apart.

    Example: synthmix study compare quickstart.yaml with-more-natural-text.yaml --html compared.html
    """
    from synthmix.cli.terminal import show
    from synthmix.study.comparison import compare_studies, write_comparison

    found = compare_studies(studies)
    if html is not None:
        write_comparison(found, html)
    show(found.as_dict(), *found.tables(), *([f"Page: {html}"] if html else []), as_json=as_json)


def _tell(config: "StudyConfig", results: "Results", *, slide: bool = False, as_json: bool) -> None:
    """The answer in a sentence and where the report is, or all of it as JSON."""
    from synthmix.cli.terminal import show
    from synthmix.report import headline, write_slide
    from synthmix.study.conclude import report_path
    from synthmix.study.workspace import Workspace

    page = report_path(Workspace(config.root)).resolve()
    other = {"slide": str(write_slide(results, page.parent))} if slide else {}
    show(
        {"report": str(page), **other, "headline": headline(results), "results": results.model_dump(mode="json")},
        f"\n{headline(results)}\n\nReport: {page}" + "".join(f"\nSlide: {path}" for path in other.values()),
        as_json=as_json,
    )


def _plan(plan: "Plan") -> "list[Table | str]":
    """A table by size and recipe, then the sums."""
    from synthmix.table import Column, Table

    groups: dict[tuple[str, int], list[PlannedRun]] = {}
    for run in sorted(plan.runs, key=lambda run: run.shape.params):
        groups.setdefault((run.recipe, run.shape.params), []).append(run)
    rows = [_planned(runs) for runs in (*groups.values(), *([run] for run in (*plan.trunks, *plan.generators)))]
    columns = [
        *(Column("recipe"), Column("params", "N", format_count), Column("runs"), Column("tokens", form=format_count)),
        *(Column("flops", "FLOPs", ".2g"), Column("seconds", "worker time", format_seconds), Column("done")),
    ]
    done = sum(run.done for run in plan.runs)
    budgets = sum(run.tokens for run in plan.runs)
    lines = [
        f"{len(plan.runs)} runs, {done} done; {format_count(plan.tokens_trained)} tokens, "
        f"{sum(run.flops for run in plan.all_work):.2g} FLOPs.",
        *(
            [
                f"{len(plan.trunks)} trunks serve several budgets each: {plan.tokens_trained / budgets:.0%} of the "
                f"{format_count(budgets)} tokens that separate runs would take."
            ]
            if plan.trunks
            else []
        ),
        *(
            [
                f"With training: {{schedule: wsd}} the budgets of a mixture would share a trunk: "
                f"{format_count(plan.trunk_tokens)} tokens instead of {format_count(budgets)}."
            ]
            if plan.trunk_tokens is not None
            else []
        ),
        f"About {format_seconds(plan.seconds_left)} left on {plan.speeds.workers} worker(s) of {plan.speeds.device}, "
        f"{plan.speeds.precision}; building text and the report come on top.",
        "Memory of a worker: "
        + ", ".join(f"{size / 1e9:.2g} GB at {format_count(n)}" for n, size in plan.memory.items())
        + ".",
        f"Disk: at most {plan.disk / 1e6:.0f} MB for models, corpora not counted.",
        *([f"Still to be built: {', '.join(plan.to_build)}."] if plan.to_build else []),
    ]
    return [*_design(plan), Table("plan", columns, rows), "\n".join(lines)]


def _design(plan: "Plan") -> "list[Table | str]":
    """The designed runs in their order: what is trained at each size and budget."""
    from synthmix.quantities import format_share
    from synthmix.table import Column, Table

    if not plan.design:
        return []
    sources = list(dict.fromkeys(name for _, run in plan.design for name, _ in run.shares))
    kinds = {"natural": "natural text", "extreme": "extreme of a source", "filling": "", "simulated epochs": "cut text"}
    rows = [
        (place + 1, recipe.name, *(dict(run.shares).get(name, 0) for name in sources),
         "natural text again" if run.repeat else kinds[run.kind])
        for place, (recipe, run) in enumerate(plan.design)
    ]  # fmt: skip
    columns = [
        *(Column("run", "Run"), Column("recipe")),
        *(Column(f"share.{name}", name, format_share) for name in sources),
        Column("kind", "Why"),
    ]
    return [Table("design", columns, rows, title="Designed mixtures, at each size and budget")]


def _planned(runs: "list[PlannedRun]") -> tuple[Any, ...]:
    first = runs[0]
    sums = (sum(run.own for run in runs), sum(run.flops for run in runs), sum(run.seconds for run in runs))
    return (first.recipe, first.shape.params, len(runs), *sums, sum(run.done for run in runs))


def _status(status: "Status") -> "list[Table | str]":
    """Where a study stands, what is in work, and the runs by recipe and size."""
    from synthmix.report.choices import reasons
    from synthmix.report.status import cell_table, left, working_table

    corpora = (
        f"  corpus {name}: " + ("not built" if tokens is None else f"{format_count(tokens)} tokens")
        for name, tokens in status.corpora.items()
    )
    head = [f"{status.study}: {status.done} of {status.runs} runs done{left(status)}, in {status.folder}", *corpora]
    tables: list[Table | str] = [cell_table(status), *([working_table(status)] if status.working else [])]
    if status.choices is not None:
        tables.append("\n".join(reasons(status.choices)))
    return ["\n".join(head), *tables, f"Report: {status.report}" if status.report else "No report yet."]


def render_report(
    results: Annotated[
        Path | None, typer.Argument(help="A study's results.json, or its folder.", show_default=False)
    ] = None,
    runs: InsteadOfStudy = None,
    columns: Columns = "",
    mapping: MappingFile = None,
    skip_bad: SkipBad = False,
    params: Annotated[str | None, typer.Option(help="With --runs: the parameters asked about.")] = None,
    tokens: Annotated[str | None, typer.Option(help="With --runs: the training tokens asked about.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Folder to write to; unset: beside the results.")] = None,
    slide: Slide = False,
    as_json: AsJson = False,
) -> None:
    """Render the page and the tables from a study's results, or from the runs of any trainer.

    Example: synthmix report studies/quickstart --to public/

    Example: synthmix report studies/quickstart --to public/ --slide

    Example: synthmix report --runs runs.parquet --params 7B --tokens 1T --to public/
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.report import headline, write_report, write_slide
    from synthmix.runs.load import read_results

    if (results is None) == (not runs):
        raise BadInput("a study's results or --runs is needed, and one of them", key="report")
    if runs:
        found = _of_runs(runs, columns, mapping, params, tokens, skip_bad=skip_bad)
        folder = to or Path()
        if to is None:
            raise BadInput("is missing", key="--to", remedy="name the folder to write to")
    else:
        assert results is not None
        if params is not None or tokens is not None:
            raise BadInput("is for --runs", key="--params", remedy="a study's question is in its file")
        path = results / "results.json" if results.is_dir() else results
        found, folder = read_results(path), to or path.parent
    page = write_report(found, folder).resolve()
    other = {"slide": str(write_slide(found, page.parent))} if slide else {}
    show(
        {"report": str(page), **other, "headline": headline(found)},
        f"{headline(found)}\n\nReport: {page}" + "".join(f"\nSlide: {path}" for path in other.values()),
        as_json=as_json,
    )


def _of_runs(
    runs: list[str], columns: str, mapping: Path | None, params: str | None, tokens: str | None, *, skip_bad: bool
) -> "Results":
    """Other people's runs as the results of a study; without a question decided as measured."""
    from synthmix.decisions import ask
    from synthmix.decisions.decide import free
    from synthmix.errors import BadInput
    from synthmix.runs import read_runs
    from synthmix.study.imported import results_of_table, synthetic_sources

    if (params is None) != (tokens is None):
        missing = "--params" if params is None else "--tokens"
        raise BadInput("is missing", key=missing, remedy="ask with both, or with neither for what was measured")
    table = read_runs(runs, columns, mapping=mapping, skip_bad=skip_bad)
    question = None
    if params is not None and tokens is not None:
        question = ask(params, tokens, synthetic=free(synthetic_sources(table)))
    return results_of_table(table, question, name=Path(runs[0]).name.split(".")[0])


def init(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Files or globs, natural and synthetic text.", show_default=False),
    ] = None,
    synthetic: Annotated[
        list[str] | None, typer.Option(help="One that is synthetic, whatever its name; may be repeated.")
    ] = None,
    evaluate: Annotated[
        list[str] | None, typer.Option(help="A held-out domain that nothing is trained on; may be repeated.")
    ] = None,
    to: Annotated[Path, typer.Option("--to", help="The study file to write.")] = Path("study.yaml"),
    params: Annotated[str | None, typer.Option(help="What you will train: non-embedding parameters.")] = None,
    tokens: Annotated[str | None, typer.Option(help="What you will train: tokens.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a commented study file from your own files, ready to plan.

    Looks into them: fields, sizes, languages, and which are natural text, synthetic text and held-out domains; what is
    guessed is said beside the key.

    Example: synthmix init data/web.jsonl.gz data/rephrased.jsonl --evaluate data/wiki.jsonl

    Example: synthmix init "data/*.parquet" --params 1B --tokens 100B --to mine.yaml
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.study.init import init_study
    from synthmix.table import Column, Table

    if not files and not synthetic:
        raise BadInput("no file is named", key="init", remedy="name your natural and synthetic text")
    path, parts = init_study(
        files or [], to, synthetic=synthetic or [], evaluate=evaluate or [], params=params, tokens=tokens
    )
    columns = [
        *(Column("name"), Column("kind"), Column("reason", "", align="left"), Column("format")),
        *(Column("text", "field"), Column("tokens", "about tokens", format_count), Column("languages")),
    ]
    rows = [
        (part.name, part.kind, part.reason, part.format, part.text, part.tokens, ", ".join(part.languages))
        for part in parts
    ]
    show(
        {"study": str(path), "parts": [vars(part) for part in parts]},
        Table("parts", columns, rows, title="What was found"),
        f"{path} is written. Look through it, then: synthmix study plan {path}",
        as_json=as_json,
    )
