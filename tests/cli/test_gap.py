"""``synthmix gap`` as a user runs it."""

from collections.abc import Callable
from pathlib import Path

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
