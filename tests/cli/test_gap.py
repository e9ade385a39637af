"""``synthmix gap`` as a user runs it."""

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .conftest import Ran

Run = Callable[..., Ran]


def test_gap_of_a_mixture(run: Run, here: Path, data: Path) -> None:
    ran = run(
        "gap", "--have", f"50%:{data / 'web.jsonl'}", "--have", f"50%:{data / 'hq.jsonl'}", "--synthetic", "hq",
        "--need", data / "other.jsonl", "--vocab", "300", "--tokens", "1M", "--html", "gap.html", "--quiet",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.out.startswith(("The mixture lacks ", "No gap: "))
    assert "The mixture\n" in ran.out
    assert (here / "gap.html").read_text().count("<section") >= 2


def test_no_gap_says_so_and_ends_well(run: Run, here: Path, data: Path) -> None:
    """Even and odd lines of one file are one text."""
    lines = (data / "web.jsonl").read_text().splitlines(keepends=True)
    (here / "even.jsonl").write_text("".join(lines[::2]))
    (here / "odd.jsonl").write_text("".join(lines[1::2]))
    ran = run("gap", "--have", "even.jsonl", "--need", "odd.jsonl", "--vocab", "300", "--quiet")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("No gap: ")
    value = run("gap", "--have", "even.jsonl", "--need", "odd.jsonl", "--vocab", "300", "--quiet", "--json").value
    assert value["state"] == "none"


LOOSE = ("--filter", "language=null", "--filter", "meta_talk=false", "--filter", "repetition=null", "--quiet")


@pytest.fixture
def lacking(here: Path, data: Path) -> Path:
    """``web.jsonl`` speaks of quarks in a few documents, ``need.jsonl`` in all, and holds one document of it."""
    lines = [json.loads(line) for line in (data / "web.jsonl").read_text().splitlines()]
    about = []
    for i, row in enumerate(lines[:130]):
        words = row["text"].split()
        for j in range(6):
            words.insert((7 * i + 5 * j) % len(words), ("quark", "gluon")[j % 2])
        about.append(" ".join(words))
    web = [*(row["text"] for row in lines[130:]), *about[:12], about[40]]
    for name, texts in (("web", web), ("need", about[40:])):
        rows = (json.dumps({"id": f"{name}{i}", "text": text}) + "\n" for i, text in enumerate(texts))
        (here / f"{name}.jsonl").write_text("".join(rows))
    return here


def toward(to: str, url: str, *more: str) -> tuple[str, ...]:
    sides = ("generate", "--from", "web.jsonl", "--toward", "need.jsonl")
    return (*sides, "--to", to, "--model", "stub", "--endpoint", url, *LOOSE, *more)


def test_generation_toward_a_reference(run: Run, lacking: Path, stub: str) -> None:
    found = run(*toward("out", stub, "--json")).value
    assert found["documents"]["written"] >= 5
    aim = json.loads((lacking / "out" / "aim.json").read_text())
    assert aim["towards"] == ["need"]
    assert {word for word, *_ in aim["words"][:2]} == {"quark", "gluon"}
    card = (lacking / "out" / "README.md").read_text()
    assert "by the gap to need" in card
    assert re.search(r"[1-9] passages that share a run of words with the reference", card)
    with gzip.open(lacking / "out" / "data" / "00000.jsonl.gz", "rt") as file:
        sources = {json.loads(line)["provenance"]["source"] for line in file}
    planted = sum(1 for _ in (lacking / "web.jsonl").open()) - 1
    assert len(sources) >= 5
    assert f"web{planted}" not in sources
    again = run(*toward("out", stub, "--json")).value
    assert again["documents"]["resumed"] == again["documents"]["written"] == found["documents"]["written"]
    other = run("generate", "--from", "web.jsonl", "--to", "out", "--model", "stub", "--endpoint", stub, *LOOSE)
    assert (other.code, other.out) == (2, "")
    assert "out: holds a job with another towards" in other.err


def test_without_a_gap_nothing_is_generated(run: Run, here: Path, data: Path, stub: str) -> None:
    lines = (data / "web.jsonl").read_text().splitlines(keepends=True)
    (here / "web.jsonl").write_text("".join(lines[::2]))
    (here / "need.jsonl").write_text("".join(lines[1::2]))
    ran = run(*toward("out", stub))
    assert ran.code == 0
    assert ran.out.startswith("No gap: ")
    assert "Nothing was generated." in ran.out
    assert not (here / "out").exists()


def test_an_endpoint_that_is_lost_in_the_middle(run: Run, lacking: Path, stub: str) -> None:
    """One line; answers and the aim are kept, and the next call goes on from them."""
    assert run(*toward("out", stub, "--documents", "3", "--json")).value["documents"]["written"] == 3
    lost = run(*toward("out", "http://127.0.0.1:9/v1", "--retries", "0"))
    assert (lost.code, len(lost.err.splitlines())) == (2, 1), lost.err
    assert "http://127.0.0.1:9/v1: cannot be reached" in lost.err
    assert (lacking / "out" / "aim.json").exists()
    found = run(*toward("out", stub, "--retry-failed", "--json")).value
    assert found["documents"]["resumed"] == 3
    assert found["documents"]["written"] > 3


def test_gap_of_a_study_is_a_section_of_its_report(run: Run, here: Path, finished: Path) -> None:
    shutil.copytree(finished.parent / "tiny", here / "tiny", ignore=shutil.ignore_patterns("*.lock", ".lock"))
    raw = yaml.safe_load(finished.read_text())
    (here / "study.yaml").write_text(yaml.safe_dump({**raw, "folder": str(here / "tiny")}))
    value = run("gap", "--study", "study.yaml", "--json", "--quiet").value
    assert value["reference_words"] > 2000
    assert sum(source["share"] for source in value["sources"]) == pytest.approx(1)
    page = (here / "tiny" / "report.html").read_text()
    assert '<section id="gap"' in page
    assert "What the best mixture lacks" in page
    assert run("study", "report", "study.yaml", "--quiet").code == 0  # it is kept
    assert '<section id="gap"' in (here / "tiny" / "report.html").read_text()
