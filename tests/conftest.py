"""Made-up text that a tiny model learns in seconds, and one tiny study, trained once a session."""

import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock
from hypothesis import HealthCheck, settings

from .in_process import InProcess

# One thread, here and in what tests start: pytest-xdist's workers share the cores already. Before numpy is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What the person who runs the tests has allowed is no part of them.
os.environ["SYNTHMIX_CONFIG"] = str(Path(__file__).parent / "no-configuration")
os.environ.pop("SYNTHMIX_ALLOW_KEYS", None)

# A busy machine is slow at any moment: no test asserts a time, and neither does hypothesis.
settings.register_profile("synthmix", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("synthmix")

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


def tiny_study(data: Path, folder: Path, **changes: Any) -> dict[str, Any]:
    """A study on ``web.jsonl`` and ``other.jsonl`` in ``data``: 2 sizes x 3 budgets x 3 shares and replicates, 21 runs.

    ``changes`` replace whole keys; None drops one.
    """
    raw: dict[str, Any] = {
        "study": "tiny",
        "folder": str(folder),
        "tokenizer": {"vocab": 300},
        "corpora": {
            "web": {"files": str(data / "web.jsonl"), "heldout": "10%"},
            "sampled": {
                "generate": "sample",
                "from": "web",
                "params": "25k",
                "train": "10k",
                "tokens": "12k",
                "length": 32,
                "prompt": 4,
                "rows": 64,
                "top_p": 0.9,
            },
        },
        "evaluate": {"web": "heldout", "other": str(data / "other.jsonl")},
        "evaluate_tokens": "2k",
        "mix": {"natural": "web", "synthetic": "sampled", "shares": [0, "1/2", 1]},
        "ladder": {
            "params": ["25k", "40k"],
            "budgets": [2560, 5120, 10240],
            "replicates": [{"params": ["25k"], "budgets": [2560], "seeds": 2}],
        },
        "training": {"context": 16, "batch": 256, "precision": "float32"},
        "question": {"params": "1M", "tokens": "1M"},
        "fit": {"bootstrap": 50},
        "workers": 1,
    }
    return {key: value for key, value in {**raw, **changes}.items() if value is not None}


def write_study(path: Path, raw: dict[str, Any]) -> Path:
    """The study file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this session."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def data(shared_folder: Path) -> Path:
    """``web.jsonl`` (400 stories), ``hq.jsonl`` and ``other.jsonl`` (other dialects). Not to be changed."""
    folder = shared_folder / "data"
    with FileLock(shared_folder / "data.lock"):
        if not folder.exists():
            write_jsonl(folder / "hq.jsonl", stories(200, dialect=2))
            write_jsonl(folder / "other.jsonl", stories(40, dialect=3))
            write_jsonl(folder / "web.jsonl", stories(400))
    return folder


@pytest.fixture(scope="session")
def finished(shared_folder: Path, data: Path) -> Path:
    """The file of the tiny study, run unbroken, once a session. Its folder ``tiny`` beside it is not to be changed."""
    from synthmix.study.load import load_study
    from synthmix.study.run import run_study

    path = shared_folder / "finished" / "study.yaml"
    with FileLock(shared_folder / "finished.lock"):
        if not path.exists():
            write_study(path, tiny_study(data, path.parent / "tiny"))
        run_study(load_study(path), engine=InProcess())
    return path


@pytest.fixture(scope="session")
def make_stories() -> Callable[..., list[str]]:
    return stories


@pytest.fixture(scope="session")
def make_study(data: Path) -> Callable[..., dict[str, Any]]:
    """``make_study(folder, **changes)``: the tiny study as plain data; see :func:`tiny_study`."""

    def make(folder: Path, **changes: Any) -> dict[str, Any]:
        return tiny_study(data, folder, **changes)

    return make


@pytest.fixture(scope="session")
def save_study() -> Callable[[Path, dict[str, Any]], Path]:
    return write_study


@pytest.fixture(scope="session")
def save_jsonl() -> Callable[[Path, Sequence[str]], Path]:
    return write_jsonl
