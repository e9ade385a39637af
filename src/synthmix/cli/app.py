"""The tree of commands."""

from typing import Annotated

import typer

from synthmix.cli import (
    advise,
    analysis,
    bound,
    compare_generators,
    compare_tokenizers,
    corpora,
    doctor,
    evaluate,
    generate,
    ladder,
    laws,
    look,
    phases,
    quality,
    runs,
    select,
    statistics,
    studies,
    train,
    tune,
    value,
)

app = typer.Typer(
    name="synthmix",
    help="Measure how real and synthetic text should be mixed for language-model pre-training.\n\n"
    "Start with: synthmix study run examples/quickstart.yaml",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.add_typer(studies.app, name="study")
app.add_typer(corpora.app, name="corpus")
app.add_typer(phases.app, name="phases")
app.command("advise")(advise.advise)
app.command("generate")(generate.generate)
app.command("quality")(quality.quality)
app.command("ladder")(ladder.ladder)
app.command("tune")(tune.tune)
app.command("mix")(runs.mix)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("bound")(bound.bound)
app.command("fit")(laws.fit)
app.command("compare")(laws.compare)
app.command("stats")(statistics.stats)
app.command("compare-generators")(compare_generators.compare_generators)
app.command("compare-tokenizers")(compare_tokenizers.compare_tokenizers)
app.command("doctor")(doctor.doctor)
app.command("look")(look.look)
app.command("value")(value.value)
app.command("select")(select.select)
app.command("report")(analysis.report)


@app.command("version", hidden=True)  # its name before --version
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as of

    typer.echo(of("synthmix"))


def _show_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
