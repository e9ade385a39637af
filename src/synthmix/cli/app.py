"""The tree of commands, in the groups that ``synthmix --help`` shows; the modules of a command are imported with it."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

STUDIES, DATA, TRAINING, ANALYSIS, DECISIONS = "Studies", "Data", "Training", "Analysis", "Decisions"

_LISTED: dict[str, tuple[str, str, str]] = {}  # name: panel, module and attribute within synthmix.cli, line


def _add(panel: str, name: str, where: str, line: str) -> None:
    """List a command, or a group of them; ``line`` is what the list of commands says of it."""
    _LISTED[name] = panel, where, line


_add(STUDIES, "init", "study.init", "A commented study file from your own files, ready to plan.")
_add(STUDIES, "study", "study.app", "Plan, run and report a whole study.")
_add(STUDIES, "design", "design.design", "What a ladder could answer, before it is trained.")
_add(STUDIES, "doctor", "doctor.doctor", "What this machine can do, what is slow or broken, and the remedy.")
_add(DATA, "corpus", "data.app", "Build, sample and show corpora.")
_add(DATA, "generate", "generation.generate", "Text from any LLM: rephrase a corpus or write anew.")
_add(DATA, "quality", "generation.quality", "Diversity, faithfulness and failures of generated text.")
_add(DATA, "look", "generation.look", "Human evaluation sheets, and the agreement of raters.")
_add(DATA, "mix", "training.mix", "Shares and a budget to an exact order of sequences.")
_add(DATA, "select", "valuation.select", "The documents of a pool that add most to its value, as a corpus.")
_add(TRAINING, "ladder", "training.ladder", "Hyper-parameters derived from model size.")
_add(TRAINING, "train", "training.train", "Train one model on a mixture and evaluate it.")
_add(TRAINING, "tune", "tuning.tune", "Sweep the learning rate at small sizes.")
_add(TRAINING, "evaluate", "evaluation.evaluate", "Loss on held-out text, or scores on tasks.")
_add(ANALYSIS, "runs", "runs.app", "Runs of any trainer as one table.")
_add(ANALYSIS, "fit", "laws.fit", "Fit a scaling law to runs, with intervals.")
_add(ANALYSIS, "compare", "laws.compare", "Rank laws by their error on the largest runs, held out.")
_add(ANALYSIS, "stats", "statistics.stats", "Coverage, divergence, Zipf and Heaps exponents of text.")
_add(ANALYSIS, "gap", "gap.gap", "What a mixture lacks for the domains of its evaluation.")
_add(ANALYSIS, "compare-generators", "generators.compare_generators", "Is a bigger generator better, and why?")
_add(ANALYSIS, "compare-tokenizers", "statistics.compare_tokenizers", "What a tokenizer trained on other text costs.")
_add(ANALYSIS, "phases", "phases.app", "Three phases of learning on mixtures.")
_add(ANALYSIS, "bound", "phases.bound", "The generalization bound of a mixture, term by term.")
_add(DECISIONS, "optimize", "optimize.optimize", "The best mixture of many sources, with intervals.")
_add(DECISIONS, "advise", "advise.advise", "Which synthetic text, how much, at what cost, and what to run next.")
_add(DECISIONS, "rank", "rank.rank", "Which of many recipes is best at a target, with what confidence.")
_add(DECISIONS, "export", "export.export", "A mixture into another trainer: weights, or the mixed data.")
_add(DECISIONS, "value", "valuation.value", "What datasets and their mixtures are worth, before training.")
_add(DECISIONS, "report", "study.render_report", "The page and the tables of a finished study.")


def _loaded(name: str) -> Any:
    panel, where, line = _LISTED[name]
    module, attribute = where.split(".")
    found, holder = getattr(import_module(f"synthmix.cli.{module}"), attribute), typer.Typer()
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name, rich_help_panel=panel, short_help=line)
    else:
        holder.command(name, rich_help_panel=panel, short_help=line)(found)
    return typer.main.get_group(holder).commands[name]


class _Commands(Mapping[str, Any]):
    """The commands by their names, each made when it is looked up first."""

    def __init__(self, made: dict[str, Any]) -> None:
        self._made = made

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _loaded(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*_LISTED, *self._made]))

    def __len__(self) -> int:
        return len({*_LISTED, *self._made})


class _Root(TyperGroup):
    """The group of all commands. Its own help needs none of them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Commands(dict(self.commands))  # type: ignore[assignment]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """As typer shows it; its own way imports what renders Markdown and tracebacks, half of the time of all this."""
        from rich.console import Console
        from rich.padding import Padding
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        console = Console(highlight=False)
        console.print(Padding(Text(self.get_usage(ctx)), 1), style="bold")
        console.print(Padding(Text((self.help or "").strip()), (0, 1, 1, 1)))
        records = [one.get_help_record(ctx) for one in self.get_params(ctx) if not getattr(one, "hidden", False)]
        panels = {"Options": [one for one in records if one is not None]}
        for name, (panel, _, line) in _LISTED.items():
            panels.setdefault(panel, []).append((name, line))
        commands = max(map(len, _LISTED))
        for panel, rows in panels.items():
            table = Table(box=None, show_header=False, expand=True, pad_edge=False)
            table.add_column(style="bold cyan", no_wrap=True, width=None if panel == "Options" else commands)
            table.add_column(ratio=1)
            for name, line in rows:
                table.add_row(Text(name), Text(line))
            console.print(Panel(table, title=panel, title_align="left", border_style="dim"))


app = typer.Typer(
    name="synthmix",
    cls=_Root,
    help="Measure how natural and synthetic text should be mixed for language-model pre-training.\n\n"
    "Start with: synthmix study run --example quickstart, or with your own files: synthmix init FILE...",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


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
