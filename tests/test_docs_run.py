"""The blocks of the documentation that are marked so run, page by page; notebooks run and say what stands in them."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.cli import main

from .docs_blocks import CODE, PAGES, ROOT, Block, blocks, shell_lines
from .in_process import InProcess
from .page_outline import normal

MARKED = [block for page in PAGES for block in blocks(page) if block.language in CODE and block.mark == "run"]
RUNNING = sorted({block.page for block in MARKED})


def at(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(
    tmp_path: Path, data: Path, finished: Path, make_stories: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """What the pages take for given: texts in data/, a table of runs, a trained model, the examples."""
    here = tmp_path / "here"
    shutil.copytree(data, here / "data")
    lines = "".join(json.dumps({"text": text}) + "\n" for text in make_stories(60, first=900, dialect=3))
    (here / "data" / "wiki.jsonl").write_text(lines)
    rng = np.random.default_rng(0)
    rows = ["params,tokens,seed,val_loss"]
    for n in (1e6, 3e6, 1e7, 3e7, 1e8):
        for d in (3e7, 1e8, 3e8, 1e9, 3e9):
            for seed in range(2 if n == 1e6 else 1):
                loss = (1.9 + 406 * n**-0.34 + 1000 * d**-0.33) * np.exp(0.004 * rng.standard_normal())
                rows.append(f"{n:.0f},{d:.0f},{seed},{loss:.4f}")
    (here / "runs.csv").write_text("\n".join(rows) + "\n")
    model = next(path.parent for path in sorted((finished.parent / "tiny" / "runs").glob("*/record.json")))
    shutil.copytree(model, here / "runs" / model.name)
    (here / "runs" / "MODEL").symlink_to(model.name)
    (here / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(here)
    monkeypatch.setattr("synthmix.study.run.open_engine", lambda **_: InProcess())  # workers have tests of their own
    return here


@pytest.mark.parametrize("page", RUNNING, ids=at)
def test_the_blocks_of_a_page_run(page: Path, folder: Path) -> None:
    space: dict[str, Any] = {"__name__": "page"}
    for block in (block for block in MARKED if block.page == page):
        if block.about:
            (folder / block.about).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.about).write_text(block.text)
        elif block.language == "python":
            code = compile(block.text, block.name, "exec")
            sys.modules["page"] = type(sys)("page")  # dataclasses look their module up
            exec(code, space)
        elif block.language != "yaml":  # those are read above
            for line in shell_lines(block.text, block.language):
                shell(line, block)


def shell(line: str, block: Block) -> None:
    """One command line: synthmix in this process, python in another."""
    words = shlex.split(line)
    if words[0] == "synthmix":
        with pytest.raises(SystemExit) as ended:
            main(words[1:])
        assert ended.value.code == 0, f"{block.name}: {line}"
    else:
        assert words[0] == "python", f"{block.name}: only synthmix and python are run: {line}"
        ran = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True)
        assert ran.returncode == 0, f"{block.name}: {ran.stderr}"


@pytest.mark.parametrize("file", sorted((ROOT / "docs").rglob("*.ipynb")), ids=at)
def test_a_notebook_runs_and_says_what_stands_in_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else run it again: python benchmarks/notebook.py FILE. Numbers may differ in their last digits, words may not."""
    from benchmarks.notebook import run

    monkeypatch.chdir(tmp_path)
    for cell, printed, value in run(json.loads(file.read_text(encoding="utf-8"))):
        held = {
            o["output_type"]: "".join(o.get("text", o.get("data", {}).get("text/plain", ()))) for o in cell["outputs"]
        }
        drawn = any("image/svg+xml" in output.get("data", ()) for output in cell["outputs"])
        assert normal(printed) == normal(held.get("stream", "")), "".join(cell["source"])
        assert drawn or normal("" if value is None else repr(value)) == normal(held.get("execute_result", ""))
