"""``synthmix generate --loop`` as a shell runs it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Ran

Run = Callable[..., Ran]
LOOP = """
have: web.jsonl
need: wiki.jsonl
rounds: 6
kinds: hq
generators:
  stub: {model: stub, endpoint: STUB, price_in: 1, price_out: 2, retries: 0, filters: LOOSE}
arms:
  bought: {files: more.jsonl, price: 2}
limits: {one_generator: 90%}
"""
LOOSE = "{language: null, repetition: null, meta_talk: false, near_duplicates: null}"


@pytest.fixture
def loop(here: Path, stub: str, save_jsonl: Callable[..., Path], make_stories: Callable[..., list[str]]) -> Path:
    """The file, with its texts beside it."""
    save_jsonl(here / "web.jsonl", make_stories(40))
    save_jsonl(here / "wiki.jsonl", make_stories(40, first=900, dialect=3))
    save_jsonl(here / "more.jsonl", make_stories(40, first=500, dialect=3))
    (here / "loop.yaml").write_text(LOOP.replace("STUB", stub).replace("LOOSE", LOOSE))
    return here / "loop.yaml"


def test_a_loop_its_lines_and_its_status(run: Run, loop: Path, here: Path) -> None:
    command = ("generate", "--loop", "loop.yaml", "--to", "filled", "--money", "0.02")
    ran = run(*command)
    assert ran.code == 0, ran.err
    assert "round 1: " in ran.err
    for words in ("Arms", "hq-stub", "bought", "near copies", "value: ", "every decision: filled/decisions.json"):
        assert words in ran.out
    made = run(*command, "--json", "--quiet").value
    assert made["spent"] <= made["budget"] == 0.02
    assert made["measures"]["one_generator"] <= 0.9
    told = run("generate", "--loop", "loop.yaml", "--to", "filled", "--status")
    assert told.out.startswith(f"filled: {made['rounds']} rounds done")
    assert "first look" in told.out
    kept = run("generate", "--to", "filled", "--status", "--json").value
    assert [row["arm"] for row in kept["rounds"]][:2] == ["bought", "hq-stub"], "the cheaper one first"
    # The text is text like any other.
    found = run("value", "--reference", "wiki.jsonl", "filled", "web.jsonl", "--json", "--quiet").value
    assert {row["name"] for row in found["scores"]} == {"filled", "web"}
    assert "Copied" in run("quality", "filled").out
    records = json.loads((here / "filled" / "generation.json").read_text())
    assert records["documents"] == made["documents"] > 0
