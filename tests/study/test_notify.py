"""Telling somebody that a study has ended."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from synthmix.errors import BadInput, Failure
from synthmix.progress import Silent
from synthmix.study.notify import telling_the_end


class Heard(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Its address, and what it was posted; ``/500`` refuses."""
    got: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path == "/500" else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}", got
        made.shutdown()


def test_the_end_is_posted_and_given_to_a_command(
    server: tuple[str, list[dict[str, object]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, got = server
    monkeypatch.setenv("HOOK", f"{address}/secret")
    heard, told = Heard(), tmp_path / "told.json"
    with telling_the_end("mine", "env:HOOK", f"tee {told}", heard) as notice:
        notice.more["headline"] = "It helps."
    assert got[0]["state"] == "finished"
    assert str(got[0]["text"]).startswith("mine finished after 0.")
    assert str(got[0]["text"]).endswith("s: It helps.")
    assert json.loads(told.read_text()) == got[0]
    with pytest.raises(Failure), telling_the_end("mine", "env:HOOK", None, heard):
        raise Failure("the disk is full", where="runs")
    assert (got[1]["state"], got[1]["error"]) == ("failed", "runs: the disk is full")
    with pytest.raises(KeyboardInterrupt), telling_the_end("mine", "env:HOOK", None, heard):
        raise KeyboardInterrupt
    assert got[2]["state"] == "ended"
    assert heard.lines == []


def test_what_cannot_be_told_is_a_line_without_the_address(server: tuple[str, list[dict[str, object]]]) -> None:
    address, _ = server
    heard = Heard()
    with telling_the_end("mine", f"{address}/500", "false", heard):
        pass
    with telling_the_end("mine", "http://127.0.0.1:1/secret", "no-such-command --x", heard):
        pass
    assert heard.lines[:2] == ["the webhook was not told (HTTP 500)", "--then false: ended with code 1"]
    assert heard.lines[2] == "the webhook was not told (URLError)"
    assert heard.lines[3].startswith("--then no-such-command: FileNotFoundError")


@pytest.mark.parametrize(
    ("webhook", "then", "said"),
    [
        ("ftp://x", None, "--webhook: is not an http address; write https://... or env:NAME"),
        ("env:NOT_SET", None, "--webhook: the environment has no NOT_SET"),
        (None, "'open", "--then: cannot be split into words"),
        (None, " ", "--then: names no command"),
    ],
)
def test_bad_input_is_told_before_the_study_begins(webhook: str | None, then: str | None, said: str) -> None:
    begun = []
    with pytest.raises(BadInput) as error, telling_the_end("mine", webhook, then, Silent()):
        begun.append(1)
    assert said in str(error.value)
    assert not begun
