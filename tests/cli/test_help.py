"""What every command says of itself, and what that costs."""

import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from synthmix.cli import terminal
from synthmix.cli.app import app

pytestmark = pytest.mark.smoke

HEAVY = ("torch", "transformers", "tokenizers", "scipy", "pandas", "plotly", "pyarrow", "duckdb", "datasets", "jinja2")


def commands(group: Any = None, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*above, name))
        else:
            yield (*above, name), command


EVERY = dict(commands())


def test_the_stages_are_there() -> None:
    names = {" ".join(name) for name in EVERY}
    expected = "corpus build, corpus sample, corpus show, mix, train, evaluate, fit, stats, report"
    assert names >= {*expected.split(", "), *(f"study {verb}" for verb in ("plan", "run", "status", "report"))}


@pytest.mark.parametrize("name", [name for name in EVERY if name != ("version",)], ids=" ".join)
def test_every_command_has_an_example_of_itself_that_parses(name: tuple[str, ...], run: Callable[..., Any]) -> None:
    ran = run(*name, "--help")
    assert ran.code == 0
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", ran.out).split())
    assert f"Example: synthmix {' '.join(name)} " in text
    example = (EVERY[name].help or "").split("Example:", 1)[1].strip().split("\n\n")[0]
    words = shlex.split(" ".join(example.split()))
    assert words[: len(name) + 1] == ["synthmix", *name]
    EVERY[name].make_context(name[-1], words[len(name) + 1 :])  # raises when an option is not there


@pytest.mark.parametrize("name", [name for name in EVERY if name != ("version",)], ids=" ".join)
def test_every_command_takes_json(name: tuple[str, ...]) -> None:
    assert "--json" in {option for parameter in EVERY[name].params for option in parameter.opts}


def test_one_object_is_what_a_command_prints_with_json() -> None:
    """A command's only way to stdout is ``show``, and what it takes is a mapping: mypy holds every call to it."""
    assert str(inspect.signature(terminal.show).parameters["value"].annotation).startswith("collections.abc.Mapping")
    for file in Path(terminal.__file__).parent.glob("*.py"):
        if file.name not in ("terminal.py", "app.py"):  # the latter prints the version
            assert not re.search(r"\bprint\(|stdout\.write|typer\.echo\((?!.*err=True)", file.read_text()), file.name


@pytest.mark.parametrize("code", ["import synthmix", "from synthmix.cli import main; main(['--help'])"])
def test_nothing_heavy_is_loaded_before_it_is_needed(code: str) -> None:
    script = (
        "import sys, atexit\n"
        f"atexit.register(lambda: sys.stderr.write(' '.join(m for m in {HEAVY} if m in sys.modules)))\n{code}"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_help_imports_no_command_and_little_else() -> None:
    code = "from synthmix.cli import main; main(['--help'])"
    ran = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0
    modules = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "synthmix.cli.app" in modules
    own = {name for name in modules if name.startswith("synthmix.")}
    assert own <= {"synthmix.cli", "synthmix.cli.app", "synthmix.console", "synthmix.errors", "synthmix.termination"}
    roots = {name.split(".")[0] for name in modules}
    assert not roots & {"pydantic", "numpy", "markdown_it", "pygments"}
    assert len(modules) < 260, "a bare interpreter has 26"


@pytest.mark.parametrize("arguments", [["study", "status", "--help"], ["fit", "--help"], ["--version"]])
def test_help_of_a_command_is_as_light(arguments: list[str]) -> None:
    code = f"from synthmix.cli import main; main({arguments!r})"
    test_nothing_heavy_is_loaded_before_it_is_needed(code)


def test_the_module_is_the_command(run: Callable[..., Any]) -> None:
    ran = subprocess.run([sys.executable, "-m", "synthmix", "--version"], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == run("--version").out == run("version").out
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", ran.stdout)


def test_every_public_name_is_there() -> None:
    import synthmix

    for name in synthmix.__all__:
        assert getattr(synthmix, name) is not None
    assert set(synthmix._WHERE) == set(synthmix.__all__)
    assert dir(synthmix) == sorted([*synthmix.__all__, "__version__"])
    assert all(getattr(synthmix, name) is not None for name in synthmix._BEFORE), "a name of before still loads"
    assert re.match(r"\d+\.\d+", synthmix.__version__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = synthmix.nothing


@pytest.mark.parametrize("arguments", [[], ["study"], ["corpus"]])
def test_a_group_alone_prints_its_help(arguments: list[str], run: Callable[..., Any]) -> None:
    ran = run(*arguments)
    assert ran.code in (0, 2)
    assert "Usage: synthmix" in ran.out + ran.err
    assert "internal error" not in ran.err


def test_the_help_shows_the_commands_in_groups_with_a_line_each(run: Callable[..., Any]) -> None:
    groups, out = ("Studies", "Data", "Training", "Analysis", "Decisions"), run("--help").out
    assert all(f"\u2500 {name} \u2500" in out for name in groups)
    shown = {name: command for name, command in typer.main.get_command(app).commands.items() if not command.hidden}
    for name, command in shown.items():
        assert command.rich_help_panel in groups, name
        assert command.short_help.endswith((".", "?")), name
        assert len(command.short_help) <= 76, name


def test_what_a_name_says_is_shown_and_not_obeyed(run: Callable[..., Any]) -> None:
    ran = run("report", "no\x1b[31mthere\u202e")
    assert ran.code == 2
    assert r"no\x1b[31mthere\u202e" in ran.err
    assert "\x1b" not in ran.err
