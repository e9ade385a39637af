"""Servers in processes of their own, requests, and documents."""

import json
import random
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus.sources import Document
from synthmix.generation.prompts import Prompt

HERE = Path(__file__).parent
SYLLABLES = ["ba", "do", "fi", "gu", "ka", "lo", "mi", "nu", "pa", "ro", "si", "tu"]
WORDS = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:3]]

Serve = Callable[..., str]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """``serve("stub_server", "--capacity", 8)``: the address of a server that ends with the module's tests."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str, *arguments: Any) -> str:
        command = [sys.executable, str(HERE / f"{name}.py"), *map(str, arguments)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        return started[-1].stdout.readline().strip()

    yield start
    for process in started:
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def stub(serve: Serve) -> str:
    """A fast server without a limit that never answers what holds the word ``poison``."""
    return serve("stub_server", "--poison", "poison")


@pytest.fixture(scope="session")
def told() -> Callable[[str], dict[str, int]]:
    """``told(url)``: what a stub counted."""

    def ask(url: str) -> dict[str, int]:
        with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as answer:
            counts: dict[str, int] = json.load(answer)
            return counts

    return ask


def requests_of(count: int, *, first: int = 0, **sampling: Any) -> list[Prompt]:
    """``count`` different requests of one chunk each."""
    return [
        Prompt(
            document=f"d{number}",
            document_hash=f"{number:016x}",
            chunk=0,
            chunks=1,
            rollout=0,
            messages=({"role": "user", "content": f"Say something about number {number}."},),
            source=f"number {number}",
            template="test@1:0",
            sampling={"max_tokens": 50, **sampling},
        )
        for number in range(first, first + count)
    ]


@pytest.fixture(scope="session")
def make_requests() -> Callable[..., list[Prompt]]:
    return requests_of


def documents_of(count: int, *, words: int = 60, poison: int = 0) -> list[Document]:
    """``count`` documents that no filter minds; every ``poison``-th is never answered by the stub."""
    found = []
    for number in range(count):
        rng = random.Random(f"document {number}")
        sentences = [" ".join(rng.choice(WORDS) for _ in range(12)).capitalize() + "." for _ in range(words // 12)]
        if poison and number % poison == poison - 1:
            sentences[0] = "Poison poison here."
        found.append(Document(" ".join(sentences), "web", f"d{number}"))
    return found


@pytest.fixture(scope="session")
def make_documents() -> Callable[..., list[Document]]:
    return documents_of
