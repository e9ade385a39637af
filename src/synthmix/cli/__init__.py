"""The command line: thin, one command a stage, and ``study``."""

import sys

INTERRUPTED = "interrupted; the same command resumes"


def main(argv: list[str] | None = None) -> None:
    """Run a command. Exit code 2 for bad input, 1 for a failure, 130 when interrupted; one line on stderr.

    ``--debug`` anywhere shows the traceback as well.
    """
    import click

    from synthmix.cli.app import app
    from synthmix.errors import SynthmixError

    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        code = app(arguments, standalone_mode=False, prog_name="synthmix")
    except SynthmixError as error:
        code = _told(str(error), error.exit_code, debug)
    except click.exceptions.Exit as error:
        # Typer turns Ctrl-C into this, without a word.
        interrupted = isinstance(error.__cause__, KeyboardInterrupt)
        code = _told(INTERRUPTED, 130, debug) if interrupted else error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        code = _told(INTERRUPTED, 130, debug)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        code = _told(f"{where}{error.strerror or error}", 1, debug)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a line for the user, the rest under --debug
        code = _told(f"internal error ({type(error).__name__}: {error}); run with --debug and report it", 1, debug)
    sys.exit(code if isinstance(code, int) else 0)


def _told(line: str, code: int, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"synthmix: {line}\n")
    return code
