"""Telling somebody that a study has ended: a webhook, or a command of the user's.

Both are given on the command line, never in a study file: a file from somewhere else starts no command and calls no
address. A webhook often holds a secret, so it may be named by an environment variable (``env:NAME``); it is shown
nowhere. What cannot be told is a line of progress and changes nothing of the study.
"""

import json
import os
import shlex
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from synthmix.errors import BadInput
from synthmix.progress import Progress
from synthmix.quantities import format_seconds

SECONDS = 20.0  # that either may take


@dataclass
class Notice:
    """What is told: ``state`` (``finished``, ``failed``, ``ended``), and what the block filled in."""

    study: str
    state: str = "finished"
    seconds: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The JSON of both; ``text`` is what chat services show."""
        text = f"{self.study} {self.state} after {format_seconds(self.seconds)}"
        about = self.more.get("headline") or self.more.get("error")
        text = f"{text}: {about}" if about else text
        return {"text": text, "study": self.study, "state": self.state, "seconds": round(self.seconds, 1), **self.more}


@contextmanager
def telling_the_end(study: str, webhook: str | None, command: str | None, progress: Progress) -> Iterator[Notice]:
    """Around a study: its end, good or bad, is posted to ``webhook`` as JSON and given to ``command`` on stdin.

    Raises:
        BadInput: a webhook that is no http(s) address or an environment variable that is not set, or a command that
            cannot be split into words; told before the block begins.
    """
    address = None if webhook is None else _address(webhook)
    words = None if command is None else _words(command)
    notice, begun = Notice(study), time.monotonic()
    try:
        yield notice
    except BaseException as error:
        notice.state = "failed" if isinstance(error, Exception) else "ended"
        if notice.state == "failed":
            notice.more["error"] = str(error)
        raise
    finally:
        notice.seconds = time.monotonic() - begun
        said = json.dumps(notice.as_dict()).encode()
        if address is not None:
            _post(address, said, progress)
        if words is not None:
            _run(words, said, progress)


def _address(webhook: str) -> str:
    address = webhook
    if webhook.startswith("env:"):
        name = webhook.removeprefix("env:")
        if not (address := os.environ.get(name, "")):
            raise BadInput(f"the environment has no {name}", key="--webhook", remedy=f"export {name}=https://...")
    if not address.startswith(("https://", "http://")):
        raise BadInput("is not an http address", key="--webhook", remedy="write https://... or env:NAME")
    return address


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadInput(f"cannot be split into words ({error})", key="--then", remedy="close its quotes") from None
    if not words:
        raise BadInput("names no command", key="--then", remedy='write --then "mail -s done me@example.org"')
    return words


def _post(address: str, said: bytes, progress: Progress) -> None:
    request = urllib.request.Request(address, said, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            pass
    except (OSError, ValueError) as error:
        code = f" (HTTP {error.code})" if isinstance(error, urllib.error.HTTPError) else f" ({type(error).__name__})"
        progress.say(f"the webhook was not told{code}")  # its address may be a secret


def _run(words: list[str], said: bytes, progress: Progress) -> None:
    try:
        ended = subprocess.run(words, input=said, timeout=SECONDS, check=False, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        progress.say(f"--then {words[0]}: {type(error).__name__}: {error}")
        return
    if ended.returncode != 0:
        progress.say(f"--then {words[0]}: ended with code {ended.returncode}")
