"""The built wheel, unpacked outside of the checkout, with this environment's dependencies: nothing that a command reads
is left behind in the source tree."""

import os
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, as pip lays it down."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy: building leaves folders beside the sources.
    ignore = {".git", ".venv", "build", "studies", "tests", "docs", "benchmarks"}
    source.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in ignore and not entry.name.startswith("."):
            subprocess.run(["cp", "-r", "-P", str(entry), str(source)], check=True)
    options = ["--no-deps", "--no-build-isolation", "-q", "-w", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True, stdout=subprocess.DEVNULL)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def run(unpacked: Path, cwd: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONSAFEPATH": "1"}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_every_data_file_of_the_sources_is_in_the_wheel(unpacked: Path) -> None:
    def data(root: Path) -> set[str]:
        found = (path for path in root.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc", ".so"))
        return {str(path.relative_to(root)) for path in found}

    assert data(ROOT / "src" / "synthmix") == data(unpacked / "synthmix")
    assert "examples/quickstart.yaml" in data(unpacked / "synthmix")


def test_commands_run_from_anywhere(unpacked: Path, tmp_path: Path) -> None:
    where = run(unpacked, tmp_path, "-c", "import synthmix; print(synthmix.__file__)")
    assert Path(where.strip()).is_relative_to(unpacked)
    assert run(unpacked, tmp_path, "-m", "synthmix", "--version").strip()
    code = "from synthmix.study.examples import *; from synthmix import load_study\n"
    code += "for name in example_names(): print(load_study(example_file(name)).study)"
    assert run(unpacked, tmp_path, "-c", code).split() == ["many-sources", "quickstart"]
    assert (tmp_path / "quickstart.yaml").read_text() == (ROOT / "examples" / "quickstart.yaml").read_text()
    asked = ["advise", "--params", "1B", "--tokens", "20B", "--natural", "20B", "--synthetic", "qa,price=0"]
    assert "What published effects say" in run(unpacked, tmp_path, "-m", "synthmix", *asked)


def test_an_index_is_told_what_the_package_is(unpacked: Path) -> None:
    [file] = unpacked.glob("*.dist-info/METADATA")
    told = message_from_string(file.read_text(encoding="utf-8"))
    assert told["License-Expression"] == "Apache-2.0"
    assert "Typing :: Typed" in told.get_all("Classifier", [])
    assert told.get_payload().startswith("# synthmix")
