"""The command line: which tasks, which methods, and what is printed."""

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module

from benchmarks.valuation import run as described
from benchmarks.valuation.measure import measure
from benchmarks.valuation.methods import methods
from benchmarks.valuation.results import Results, load, save, write_page
from benchmarks.valuation.tables import Truth, mean_table, settings_line, task_table, tasks_table
from benchmarks.valuation.tasks import DEVELOPMENT, HELD_OUT, NAMES, make_task
from benchmarks.valuation.tasks.task import Task
from benchmarks.valuation.truth import keep, truth
from synthmix.errors import SynthmixError
from synthmix.quantities import format_seconds

STUDIES = (
    "sensitivity",
    "selection",
    "filters",
    "decisions",
    "scale",
    "speed",
    "cost",
    "libraries",
    "memory",
    "mixtures",
)


def main() -> None:
    """Run; errors of the project are one line."""
    try:
        _run(_arguments())
    except SynthmixError as error:
        sys.exit(f"error: {error}")


def _run(asked: argparse.Namespace) -> None:
    if asked.study:
        for name in asked.study:
            print("\n".join(import_module(f"benchmarks.valuation.{name}").tables(asked.task)), flush=True)
        return
    shown = {}
    for name in asked.task:
        task = make_task(name)
        worth = truth(task, _say)
        results = load(name)
        for method, make in ({} if asked.truth or asked.tables else methods(task, asked.methods)).items():
            found = measure(make, task)
            results = load(name) | {method: found}  # another process may have run other methods meanwhile
            _say(f"{name}: {method}: {found.get('refused') or format_seconds(found['seconds'])}")
            save(name, results)
        if asked.keep:
            save(name, results, final=True)
            if task.published is None:
                keep(task)
        shown[name] = (task, worth, results)
    text = "\n\n".join(_sections(shown))
    print(text, flush=True)
    if asked.keep and len(shown) == len(NAMES):
        write_page(text)


def _sections(shown: dict[str, tuple[Task, Truth, Results]]) -> Iterator[str]:
    yield settings_line()
    yield tasks_table([(task, worth) for task, worth, _ in shown.values()])
    for title, names in (("the four tasks", DEVELOPMENT), ("the held-out tasks", HELD_OUT)):
        if all(name in shown and shown[name][2] for name in names):
            yield f"## Mean of {title}\n\n{mean_table({name: shown[name] for name in names})}"
    for task, worth, results in shown.values():
        if results:
            yield f"## {task.name.capitalize()}\n\n{task_table(task, worth, results)}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/valuation/run.py",
        description=described.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--task", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="default: all that train on no dataset")
    parser.add_argument("--truth", action="store_true", help="train, score nothing")
    parser.add_argument("--tables", action="store_true", help="run nothing, print what is kept")
    parser.add_argument("--keep", action="store_true", help="write results, truth and tables to docs/results")
    parser.add_argument("--study", nargs="+", choices=STUDIES, help="studies of our score instead of the comparison")
    return parser.parse_args()
