"""The command line: thin, one command a stage, and ``study``."""

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from synthmix.termination import Terminated, note

# Former names of options by command: taken for one version more, not shown.
FORMER = {"phases estimate": {"--real": "--natural"}, "bound": {"--real": "--natural"}}
INTERRUPTED, INTERRUPTED_CODE = "interrupted; the same command resumes", 130


def main(argv: list[str] | None = None) -> None:
    """Run a command. Exit code 2 for bad input, 1 for a failure, 130 when interrupted, 143 and 129 after SIGTERM and
    SIGHUP; one line on stderr.

    ``--debug`` anywhere shows the traceback as well.
    """
    import typer

    from synthmix.cli.app import app
    from synthmix.console import use_safe_streams
    from synthmix.errors import SynthmixError

    # Newer versions of typer bring a click of their own: its classes are found by way of typer.
    usage_error: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = _named_now([_at_home(argument) for argument in arguments if argument != "--debug"])
    use_safe_streams()
    try:
        with _termination():
            code = app(arguments, standalone_mode=False, prog_name="synthmix")
        if code == INTERRUPTED_CODE:  # Typer turns Ctrl-C into this, without a word
            code = _told(INTERRUPTED, INTERRUPTED_CODE, debug)
    except SynthmixError as error:
        code = _told(str(error), error.exit_code, debug)
    except usage_error as error:
        code = _usage(error, debug)
    except Terminated as end:
        what = f"ended by {signal.Signals(end.number).name}; the same command resumes"
        code = _told(what, 128 + end.number, debug)
    except (KeyboardInterrupt, typer.Abort):
        code = _told(INTERRUPTED, INTERRUPTED_CODE, debug)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        code = _told(f"{where}{error.strerror or error}", 1, debug)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a line for the user, the rest under --debug
        code = _told(f"internal error ({type(error).__name__}: {error}); run with --debug and report it", 1, debug)
    sys.exit(code if isinstance(code, int) else 0)


def _at_home(argument: str) -> str:
    """``~`` as a shell expands it, where a shell does not: quoted, behind ``--to=``, ``NAME=`` and ``50%:NAME=``."""
    before, path = re.fullmatch(r"((?:[^/~]*[=:])?)(.*)", argument, re.DOTALL).groups()  # type: ignore[union-attr]
    return before + os.path.expanduser(path) if re.match(r"~[\w.-]*(/|$)", path) else argument


@contextmanager
def _termination() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind the block as an interrupt does, so that workers end and locks are given back; a
    training that is in work here finishes its step and saves its state first. A signal that is ignored (nohup) stays
    ignored; the second one does nothing more."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    mine = [number for number, handler in before.items() if handler is signal.SIG_DFL]

    def end(number: int, frame: FrameType | None) -> None:
        for each in mine:
            signal.signal(each, signal.SIG_IGN)
        note(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    for number in mine:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])


def _named_now(arguments: list[str]) -> list[str]:
    """The arguments with options by the names that they have now."""
    for command, names in FORMER.items():
        words = command.split()
        if arguments[: len(words)] == words:
            split = [argument.partition("=") for argument in arguments]
            return [names.get(name, name) + equals + value for name, equals, value in split]
    return arguments


def _usage(error: Any, debug: bool) -> int:
    """A command or an option that is not there; a group alone prints its help."""
    path = error.ctx.command_path if error.ctx else "synthmix"
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return int(error.exit_code)
    message = " ".join(error.format_message().split()).rstrip(".")
    return _told(f"{message}; see {path} --help", 2, debug)


def _told(line: str, code: int, debug: bool) -> int:
    from synthmix.console import plain

    if debug:
        import traceback

        sys.stderr.write(plain(traceback.format_exc()))
    line = plain(line, one_line=True)
    rank = os.environ.get("RANK", "0")  # torchrun starts several: each tells what it met
    sys.stderr.write(f"synthmix: {line}\n" if rank == "0" else f"synthmix, process {rank}: {line}\n")
    return code
