"""The tree of commands, in the groups that ``synthmix --help`` shows."""

from typing import Annotated

import typer

from synthmix.cli import (
    advise,
    data,
    design,
    doctor,
    evaluation,
    export,
    gap,
    generation,
    generators,
    laws,
    optimize,
    phases,
    rank,
    runs,
    statistics,
    study,
    training,
    tuning,
    valuation,
)

STUDIES, DATA, TRAINING, ANALYSIS, DECISIONS = "Studies", "Data", "Training", "Analysis", "Decisions"

app = typer.Typer(
    name="synthmix",
    help="Measure how natural and synthetic text should be mixed for language-model pre-training.\n\n"
    "Start with: synthmix study run --example quickstart, or with your own files: synthmix init FILE...",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _add(panel: str, name: str, command: object, line: str) -> None:
    """Add a command; ``line`` is what the list of commands says of it."""
    app.command(name, rich_help_panel=panel, short_help=line)(command)  # type: ignore[type-var]


_add(STUDIES, "init", study.init, "A commented study file from your own files, ready to plan.")
app.add_typer(study.app, name="study", rich_help_panel=STUDIES, short_help="Plan, run and report a whole study.")
_add(STUDIES, "design", design.design, "What a ladder could answer, before it is trained.")
_add(STUDIES, "doctor", doctor.doctor, "What this machine can do, what is slow or broken, and the remedy.")
app.add_typer(data.app, name="corpus", rich_help_panel=DATA, short_help="Build, sample and show corpora.")
_add(DATA, "generate", generation.generate, "Text from any LLM: rephrase a corpus or write anew.")
_add(DATA, "quality", generation.quality, "Diversity, faithfulness and failures of generated text.")
_add(DATA, "look", generation.look, "Human evaluation sheets, and the agreement of raters.")
_add(DATA, "mix", training.mix, "Shares and a budget to an exact order of sequences.")
_add(DATA, "select", valuation.select, "The documents of a pool that add most to its value, as a corpus.")
_add(TRAINING, "ladder", training.ladder, "Hyper-parameters derived from model size.")
_add(TRAINING, "train", training.train, "Train one model on a mixture and evaluate it.")
_add(TRAINING, "tune", tuning.tune, "Sweep the learning rate at small sizes.")
_add(TRAINING, "evaluate", evaluation.evaluate, "Loss on held-out text, or scores on tasks.")
app.add_typer(runs.app, name="runs", rich_help_panel=ANALYSIS, short_help="Runs of any trainer as one table.")
_add(ANALYSIS, "fit", laws.fit, "Fit a scaling law to runs, with intervals.")
_add(ANALYSIS, "compare", laws.compare, "Rank laws by their error on the largest runs, held out.")
_add(ANALYSIS, "stats", statistics.stats, "Coverage, divergence, Zipf and Heaps exponents of text.")
_add(ANALYSIS, "gap", gap.gap, "What a mixture lacks for the domains of its evaluation.")
_add(ANALYSIS, "compare-generators", generators.compare_generators, "Is a bigger generator better, and why?")
_add(ANALYSIS, "compare-tokenizers", statistics.compare_tokenizers, "What a tokenizer trained on other text costs.")
app.add_typer(phases.app, name="phases", rich_help_panel=ANALYSIS, short_help="Three phases of learning on mixtures.")
_add(ANALYSIS, "bound", phases.bound, "The generalization bound of a mixture, term by term.")
_add(DECISIONS, "optimize", optimize.optimize, "The best mixture of many sources, with intervals.")
_add(DECISIONS, "advise", advise.advise, "Which synthetic text, how much, at what cost, and what to run next.")
_add(DECISIONS, "rank", rank.rank, "Which of many recipes is best at a target, and how surely.")
_add(DECISIONS, "export", export.export, "A mixture into another trainer: weights, or the mixed data.")
_add(DECISIONS, "value", valuation.value, "What datasets and their mixtures are worth, before training.")
_add(DECISIONS, "report", study.render_report, "The page and the tables of a finished study.")


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
