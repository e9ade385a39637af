"""The documentation is true: commands parse, blocks run or say why not, pages list what there is, the site builds."""

import ast
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from benchmarks.quickstart import BEGIN, PAGE, study_hash

import synthmix
from synthmix.cli.app import app
from synthmix.scaling import LAWS
from synthmix.study.load import study_from

from .docs_blocks import CODE, PAGES, ROOT, Block, blocks, synthmix_calls

BUSY = "trains models or writes text for minutes; the same commands are run small by tests/cli and tests/study"
# Why the blocks of a page that are not marked one by one are not run; they are still parsed.
NOT_RUN = {
    "README.md": BUSY,
    "docs/advise.md": "needs a finished study; tests/advice run it on one",
    "docs/benchmarks.md": "outputs of benchmarks",
    "docs/cluster.md": "needs a cluster, GPUs or a launcher; tests/engine and tests/training run them on CPU processes",
    "docs/doctor.md": "times this machine; tests/doctor run it",
    "docs/generation.md": "needs an endpoint, a GPU or money; tests/generation run them against servers of their own",
    "docs/ladder.md": BUSY,
    "docs/log.md": "history",
    "docs/look.md": "needs people's ratings; tests/reading and tests/cli run it on made-up ones",
    "docs/scaling-benchmarks.md": "outputs of benchmarks",
    "docs/statistics.md": BUSY,
    "docs/study-file.md": "tables",
    "docs/three-phases.md": BUSY,
}
RESULTS = "docs/results/"  # what was seen once, with the command


def at(page: Path) -> str:
    return str(page.relative_to(ROOT))


ALL = [block for page in PAGES for block in blocks(page) if block.language in CODE]


def leaves(group: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*above, name))
        elif not command.hidden:
            yield (*above, name), command


COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("page", PAGES, ids=at)
def test_a_block_that_is_not_run_says_why(page: Path) -> None:
    for block in (block for block in ALL if block.page == page):
        reason = block.about or NOT_RUN.get(at(page), "")
        assert block.mark == "run" or reason or at(page).startswith(RESULTS), f"{block.name}: run, or why not?"


@pytest.mark.parametrize("page", [page for page in PAGES if synthmix_calls(page)], ids=at)
def test_every_command_is_one_that_there_is(page: Path) -> None:
    for words in synthmix_calls(page):
        name = tuple(words[:2]) if tuple(words[:2]) in COMMANDS else tuple(words[:1])
        assert name in COMMANDS, f"{at(page)}: synthmix {' '.join(words)}"
        command, rest = COMMANDS[name], words[len(name) :]
        if "..." in rest:
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in rest if word.startswith("--")} <= options, f"{at(page)}: {' '.join(words)}"
        else:
            command.make_context(name[-1], rest)  # raises what the command line would say


@pytest.mark.parametrize("block", [b for b in ALL if b.language == "python"], ids=lambda b: b.name)
def test_python_can_be_read_and_its_imports_are_there(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("synthmix"):
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name), f"{block.name}: {alias.name}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "synthmix":
            assert node.attr in {*dir(synthmix), "statistics", "theory", "scaling"}, f"{block.name}: {node.attr}"


@pytest.mark.parametrize("block", [b for b in ALL if b.language == "yaml"], ids=lambda b: b.name)
def test_yaml_can_be_read_and_studies_are_studies(block: Block) -> None:
    raw = yaml.safe_load(block.text)
    assert isinstance(raw, dict)
    if "study" in raw:
        assert study_from(raw).study == raw["study"]


@pytest.mark.parametrize("page", PAGES, ids=at)
def test_commands_and_scripts_in_the_text_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for script in re.findall(r"\b(?:benchmarks|examples)/[\w/.-]+\.(?:py|yaml|yml)\b", text):
        assert (ROOT / script).exists(), f"{at(page)}: {script}"
    prose = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    for words in (shlex.split(call)[1:] for call in re.findall(r"`(synthmix [^`]*)`", prose)):
        name = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in COMMANDS), None)
        group = words[0].startswith("--") or any(known[0] == words[0] for known in COMMANDS if len(words) == 1)
        assert name or group, f"{at(page)}: synthmix {' '.join(words)}"
        options = {option for parameter in COMMANDS[name].params for option in parameter.opts} if name else set()
        asked = {word.split("=")[0] for word in words if name and word.startswith("--")}
        assert asked <= options | {"--help"}, f"{at(page)}: synthmix {' '.join(words)}"


def test_what_the_quickstart_measured_is_of_the_study_as_it_is() -> None:
    """Else run it and write its page and picture anew: python benchmarks/quickstart.py."""
    assert BEGIN.format(study_hash()) in PAGE.read_text(encoding="utf-8")


def test_the_figures_of_results_are_of_the_tables_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else draw them anew: python benchmarks/result_figures.py."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from benchmarks import result_figures

    drawn = dict(result_figures.figures())
    assert {path.name for path in drawn} == {path.name for path in result_figures.FIGURES.glob("*.svg")}
    for path, text in drawn.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is of another table"
        assert f"(figures/{path.name})" in "".join(page.read_text() for page in result_figures.RESULTS.glob("*.md"))


def test_the_gallery_has_a_picture_beside_each_command_and_is_small() -> None:
    """Else take them anew: python benchmarks/gallery.py."""
    text, pictures = (ROOT / "docs/gallery.md").read_text(), list((ROOT / "docs/images/gallery").iterdir())
    made = re.findall(r"makes the picture (\w+) of", text)
    assert [f"{name}.png" for name in made] == re.findall(r"\(images/gallery/(.*?)\)", text)
    assert {path.name for path in pictures} == {f"{name}.png" for name in made}
    assert sum(path.stat().st_size for path in pictures) < 1_000_000


def test_the_page_of_the_architecture_has_every_room_and_the_layers_as_they_are() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = re.findall(r"^\| \d+ \| (.+) \|$", text, re.M)
    layers = [[room.strip().removeprefix("synthmix.") for room in line.split("|")] for line in contracts[0]["layers"]]
    assert [re.findall(r"`(\w+)`", floor) for floor in floors] == layers
    source = Path(synthmix.__file__).parent
    rooms = {path.name for path in source.iterdir() if path.name[0] != "_" and path.suffix in ("", ".py")}
    rows = "".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    assert {room.strip("/") for room in re.findall(r"`([\w.]+/?)`", rows)} == rooms
    picture = (ROOT / "docs/images/architecture.svg").read_text()
    drawn = {name.strip("/") for name in re.findall(r">(\w+/)</text>", picture)}
    assert len(drawn) > 10
    assert drawn <= rooms


def plain(formula: str) -> str:
    """A formula in TeX as laws write theirs, without spaces and underscores."""
    bare = re.sub(r"[\\\s_]", "", formula)
    bare = re.sub(r"\^\{([^{}]*)\}", lambda up: f"^{up[1]}" if re.fullmatch(r"-?\w+", up[1]) else f"^({up[1]})", bare)
    return re.sub(r"\^\{([^{}]*)\}", r"^(\1)", bare)


def test_the_page_of_laws_has_every_law_as_it_is() -> None:
    text = (ROOT / "docs/concepts/laws.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| \$(.*?)\$ \|", text, re.M))
    assert {name: plain(formula) for name, formula in rows.items()} == {
        law.name: plain(law.formula.removeprefix("L = ")) for law in LAWS.values()
    }


def test_the_page_of_commands_names_every_command() -> None:
    text = (ROOT / "docs/reference/commands.md").read_text()
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `synthmix")]
    named = {part.strip().removeprefix("synthmix ") for row in rows for part in re.findall(r"`([^`]+)`", row)}
    assert named == {" ".join(name) for name in COMMANDS}


def test_the_python_pages_list_every_public_name() -> None:
    index = (ROOT / "docs/reference/python.md").read_text()
    pages = {page.name: page.read_text() for page in (ROOT / "docs/reference/python").glob("*.md")}
    listed = re.findall(r"^::: synthmix\.(\w+)$", "\n".join(pages.values()), re.M)
    assert sorted(listed) == sorted(synthmix.__all__)
    rows = dict(re.findall(r"^\| \[.*?\]\(python/(.*?)\) \| (.*?) \|$", index, re.M))
    of_rows = {page: re.findall(r"`(.*?)`", names) for page, names in rows.items()}
    assert of_rows == {page: re.findall(r"^::: synthmix\.(\S+)$", text, re.M) for page, text in pages.items()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    there = tmp_path_factory.mktemp("docs") / "site"
    ran = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(there)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return there


def test_the_site_builds_strictly_and_fetches_nothing(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES) - 2
    fetched = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"']?(https?:[^\"' >]+)", re.I)
    for page in pages:
        assert not re.search(r":(func|class|mod):", page.read_text()), page
        links = [url for tag in fetched.finditer(page.read_text()) if "canonical" not in tag[0] for url in [tag[1]]]
        assert not links, f"{page}: {links}"


def test_every_formula_is_typeset(site: Path) -> None:
    pages = {page: page.read_text() for page in site.rglob("*.html")}
    assert not [page for page, text in pages.items() if "arithmatex" in text]
    written = sum(page.read_text().count("$$") for page in PAGES) // 2
    assert sum(text.count('display="block"') for text in pages.values()) == written > 0
    laws = pages[site / "concepts/laws.html"]
    assert laws.count("<math") > 2 * len(LAWS)


def test_search_works_in_pages_that_were_opened_from_the_disk(site: Path, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom"]
    page = (site / "index.html").as_uri()
    ran = subprocess.run([*command, f"{page}?q=chinchilla"], capture_output=True, text=True, timeout=180)
    assert re.search(r"\d+ matching documents", ran.stdout)
    assert "concepts/laws.html" in ran.stdout


def test_the_second_study_s_tables_are_those_of_its_records() -> None:
    """Else make them anew: python -m benchmarks.second_study. Those that fit laws are not made here."""
    from benchmarks.second_study.tables import PAGE, TABLES

    page = PAGE.read_text(encoding="utf-8")
    for name in ("cost", "by size", "minus natural", "predictions", "predictions again"):
        assert "\n".join(TABLES[name]()) in page, name
