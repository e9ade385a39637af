"""Made-up text that a tiny model learns in seconds, and one tiny study, trained once a session."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeio"]
WORDS = [SYLLABLES[i] + SYLLABLES[(i * 5 + 7) % len(SYLLABLES)] for i in range(len(SYLLABLES))]


def story(seed: int, words: int = 60, dialect: int = 0) -> str:
    """A walk through ``WORDS`` in which each word has three successors: far more regular than its word counts."""
    rng = random.Random(f"{seed} {dialect}")
    at, out = rng.randrange(len(WORDS)), []
    for _ in range(words):
        out.append(WORDS[at])
        at = (at * 7 + 1 + rng.choice((0, 0, 0, 0, 5, 16)) + dialect) % len(WORDS)
    return " ".join(out) + "."


def stories(count: int, *, first: int = 0, words: int = 60, dialect: int = 0) -> list[str]:
    """``count`` different stories, the same ones every time."""
    return [story(first + i, words, dialect) for i in range(count)]


def write_jsonl(path: Path, texts: Sequence[str]) -> Path:
    """A JSONL file of ``texts``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that tests start use one thread; figures are not worth a race for two cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def make_stories() -> Callable[..., list[str]]:
    return stories
