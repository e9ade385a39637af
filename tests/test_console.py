"""Text that others wrote reaches a terminal as text, whatever it holds and whatever the terminal's encoding."""

import io
import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthmix.cli.terminal import TerminalProgress, show
from synthmix.console import ERRORS, plain, use_safe_streams
from synthmix.quantities import fixed
from synthmix.runs import read_runs
from synthmix.table import Column, Table

EVIL = "a\x1b]0;owned\x07b\x1b[31m\u202ec\x9b2Jd\udcff[link=file:///x]e[/link][red]f"
SHOWN = r"a\x1b]0;owned\x07b\x1b[31m\u202ec\x9b2Jd\udcff[link=file:///x]e[/link][red]f"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    made = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(made)


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert plain(EVIL) == SHOWN
    assert plain("a\n\tb") == "a\n\tb"
    assert plain("a\n\tb\rc", one_line=True) == r"a\n\tb\rc"
    assert plain("שלום 你好 é \N{MINUS SIGN}") == "שלום 你好 é \N{MINUS SIGN}"


def test_progress_on_a_terminal_shows_names_and_obeys_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    out = io.StringIO()
    with TerminalProgress() as progress:
        pass
    progress = TerminalProgress()
    progress.console = Console(file=out, force_terminal=True, width=400, color_system=None)
    progress.bars.live.console = progress.console
    progress.bars.disable = False
    with progress:
        progress.start(EVIL, 10, EVIL)
        progress.update(EVIL, 5, EVIL)
        progress.bars.refresh()
        progress.finish(EVIL, note=EVIL)
        progress.say(f"failed: {EVIL}")
    said = out.getvalue()
    assert said.count(SHOWN) >= 5
    assert "\x07" not in said
    assert "\x1b]0" not in said
    assert "\u202e" not in said
    assert "\x1b[31m" not in said


def test_a_log_has_a_line_a_while_with_time_and_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalProgress(log_seconds=0) as progress:
        progress.start("study", 100.0, "seconds")
        progress.update("study", 40.0, "run 1 of 3")
        progress.update("study", 60.0, "run 2 of 3")
        progress.finish("study")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "study ..."
    assert re.fullmatch(r"\d\d:\d\d:\d\d study: 40%, run 1 of 3, 0\.0 s so far", lines[1]), "no speed from one look"
    assert re.fullmatch(r"\d\d:\d\d:\d\d study: 60%, run 2 of 3, 0\.\d s so far, about 0\.\d s left", lines[2])
    with TerminalProgress() as progress:
        progress.start("study", 100.0, "seconds")
        progress.update("study", 40.0)
    assert capsys.readouterr().err.splitlines() == ["study ..."], "a minute has not passed"


def test_warnings_and_logs_are_shown_and_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for encoding in ("latin-1", "ascii"))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    use_safe_streams()
    warnings.showwarning(UserWarning(EVIL), UserWarning, "file.py", 1)
    record = logging.getLogger("any").makeRecord("any", logging.WARNING, "file.py", 1, "log of %s", (EVIL,), None)
    logging.StreamHandler(err).handle(record)
    out.write("\N{MINUS SIGN}0.5 \N{MULTIPLICATION SIGN} é שלום ±")
    for stream in (out, err):
        stream.flush()
    assert out.errors == ERRORS
    assert out.buffer.getvalue() == b"-0.5 \xd7 \xe9 \\u05e9\\u05dc\\u05d5\\u05dd \xb1"  # type: ignore[attr-defined]
    told = err.buffer.getvalue()  # type: ignore[attr-defined]
    assert told.count(SHOWN.encode()) == 2, "the warning and the log"
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", told)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_any_text_reaches_any_stdout(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    use_safe_streams()
    table = Table("t", [Column("name"), Column("loss", form=fixed)], [(EVIL, -0.5), ("שלום", 1.0)], f"Losses of {EVIL}")
    show({"name": EVIL}, table, f"the answer is {EVIL}, פה", as_json=False)
    out.flush()
    text = out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert text.count(SHOWN) == 3
    assert "\x1b" not in text
    assert ("שלום" if encoding == "utf-8" else r"\u05e9\u05dc\u05d5\u05dd") in text
    assert ("-0.500" in text) == (encoding != "utf-8")


def test_a_command_whose_terminal_knows_only_ascii(tmp_path: Path) -> None:
    rows = "".join(f"{n}e6,{d}e7,{2 + 3 / n + 2 / d},שלום\n" for n in (1, 2, 4, 8) for d in (1, 3, 9))
    (tmp_path / "runs.csv").write_text(f"N,D,loss,recipe\n{rows}", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "synthmix", "fit", "runs.csv", "--recipe", "פה\x1b[31m"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    told = ran.stderr.decode("ascii")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert r"\u05e4\u05d4\x1b[31m" in told
    assert r"\u05e9\u05dc\u05d5\u05dd" in told, "the recipes that there are"


def test_a_name_in_a_table_of_runs_makes_no_line_of_its_own() -> None:
    """Nor does another name become its equal."""
    names = ["web", "web\nhq\x1b[31m is best", "web hq\x1b[31m is best", "x[link]z", "n" * 300]
    rows = [{"N": 1e6 * n, "D": 1e8, "loss": 3.0, "recipe": name} for n, name in enumerate(names, 1)]
    table = read_runs(rows)
    shown = ["web", "web\\nhq\x1b[31m is best", "web hq\x1b[31m is best", "x[link]z", "n" * 300]
    assert list(table.text("recipe")) == shown
