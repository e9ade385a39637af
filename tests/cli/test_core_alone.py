"""The core's dependencies are enough for the main path; what needs an extra names it."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import distribution, distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import synthmix

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.smoke

RUN = """
import json, sys
from synthmix.cli import main
for command in json.loads(sys.stdin.read()):
    try:
        main(command)
    except SystemExit as ended:
        if ended.code:
            sys.exit(ended.code)
"""


def core() -> set[str]:
    """The distributions that an installation without extras brings."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    asked, found = [Requirement(line) for line in declared], set()
    while asked:
        wanted = asked.pop()
        if wanted.name not in found and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            found.add(wanted.name)
            asked += [Requirement(line) for line in distribution(wanted.name).requires or []]
    return found


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of links to the core's packages and to synthmix."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "synthmix").symlink_to(Path(synthmix.__file__).parent)
    # Of synthmix itself, which may be there more than once, what an installation wrote.
    wanted = [(name, "") for name in core()] + [("synthmix", ".dist-info")]
    for there, ending in ((each, ending) for name, ending in wanted for each in distributions(name=name)):
        for top in {file.parts[0] for file in there.files or []} - {"..", "__pycache__"}:
            if top.endswith(ending) and not (folder / top).exists():
                (folder / top).symlink_to(Path(str(there.locate_file(top))))
    assert not any((folder / name).exists() for name in ("openai", "duckdb", "ray", "datasets", "pytest"))
    return folder


def alone(packages: Path, here: Path, *commands: list[str]) -> subprocess.CompletedProcess[str]:
    """The commands, one after the other, in an interpreter that sees these packages only."""
    return subprocess.run(
        [sys.executable, "-S", "-c", RUN],
        input=json.dumps(commands),
        cwd=here,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(packages)},
    )


def test_a_study_its_report_and_the_stages(
    packages: Path,
    tmp_path: Path,
    data: Path,
    make_study: Callable[..., dict[str, Any]],
    save_study: Callable[[Path, Any], Path],
) -> None:
    small = {
        "ladder": {"params": ["25k"], "budgets": [2560, 5120]},
        "mix": {"natural": "web", "synthetic": "sampled", "shares": [0, 1]},
    }
    file = str(save_study(tmp_path / "study.yaml", make_study(tmp_path / "tiny", **small)))
    text = [str(data / "web.jsonl"), str(data / "other.jsonl")]
    ran = alone(
        packages,
        tmp_path,
        ["study", "run", file, "--quiet"],
        ["study", "status", file],
        ["report", str(tmp_path / "tiny")],
        ["stats", text[0], "--against", text[1], "--quiet"],
        ["value", text[0], "--reference", text[1], "--quiet"],
    )
    assert (ran.returncode, "internal error" in ran.stderr) == (0, False), ran.stderr
    assert (tmp_path / "tiny" / "report.html").exists()


GENERATE = "generate --type hq --from web.jsonl --to out --tokens 1k --model m --endpoint http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("command", "extra"), [(GENERATE, "generate"), ("value web.jsonl --reference web.jsonl --method lava", "value")]
)
def test_what_is_missing_is_named_in_one_line(packages: Path, data: Path, command: str, extra: str) -> None:
    ran = alone(packages, data, [*command.split(), "--quiet"])
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert f"synthmix[{extra}]" in ran.stderr
