"""A stub server, and texts of made-up topics: words of one topic are in no other, so it is known what is worth what."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

STUB = Path(__file__).parents[1] / "generation" / "stub_server.py"
LOOSE = {"language": None, "repetition": None, "near_duplicates": None}


@pytest.fixture(scope="session")
def stub() -> Iterator[str]:
    """The address of a server that swaps neighbouring words."""
    with subprocess.Popen([sys.executable, str(STUB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as own:
        assert own.stdout is not None
        yield own.stdout.readline().strip()
        own.communicate()


def texts_of(topic: str, count: int, seed: int = 0, sentences: int = 6) -> list[str]:
    """``count`` texts in words that begin with ``topic``."""
    rng = random.Random(f"{topic} {seed}")
    words = [f"{topic}{a}{b}" for a in "bdfgklm" for b in "aeiou"]
    return [
        " ".join(" ".join(rng.choice(words) for _ in range(10)).capitalize() + "." for _ in range(sentences))
        for _ in range(count)
    ]


@pytest.fixture(scope="session")
def make_texts() -> Callable[..., list[str]]:
    return texts_of


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with web.jsonl (what there is), need.jsonl (two topics), sci.jsonl, lit.jsonl and junk.jsonl."""
    for name, texts in {
        "web": texts_of("we", 60),
        "need": [*texts_of("sci", 30, 1), *texts_of("lit", 30, 1)],
        "sci": texts_of("sci", 30, 2),
        "lit": texts_of("lit", 30, 2),
        "junk": texts_of("ju", 30, 2),
    }.items():
        lines = [json.dumps({"id": f"{name}{number}", "text": text}) for number, text in enumerate(texts)]
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return tmp_path


@pytest.fixture
def raw(stub: str) -> dict[str, Any]:
    """A loop of three seeds and one generator, with a pool beside them, as plain data."""
    return {
        "have": "web.jsonl",
        "need": "need.jsonl",
        "rounds": 10,
        "kinds": "hq",
        "generators": {"g": {"model": "stub", "endpoint": stub, "price_in": 1, "price_out": 2, "filters": LOOSE}},
        "seeds": {"sci": "sci.jsonl", "lit": "lit.jsonl", "junk": "junk.jsonl"},
        "arms": {"bought": {"files": "junk.jsonl", "price": 3}},
    }
