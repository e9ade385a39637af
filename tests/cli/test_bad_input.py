"""Everything that can be wrong with what is given: one line on stderr that names it, the exit code, nothing left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .mistakes import Case, Run, World
from .mistakes_commands import COMMANDS
from .mistakes_design import BEFORE_RUNNING
from .mistakes_endpoints import ENDPOINTS
from .mistakes_files import DAMAGED, PLACES, TEXT
from .mistakes_input import INPUT
from .mistakes_loop import LOOPS
from .mistakes_runs import RUNS
from .mistakes_stages import STAGES
from .mistakes_study import CHOSEN, DESIGN, LADDER, STUDY_FILE
from .test_help import EVERY

CASES = [*STUDY_FILE, *LADDER, *DESIGN, *TEXT, *PLACES, *DAMAGED, *INPUT, *STAGES, *COMMANDS, *ENDPOINTS, *RUNS]
CASES += [*BEFORE_RUNNING, *CHOSEN, *LOOPS]


@pytest.fixture
def world(
    here: Path,
    data: Path,
    make_study: Callable[..., dict[str, Any]],
    save_study: Callable[..., Path],
    run: Run,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    for name in ("web", "hq", "other"):
        lines = (data / f"{name}.jsonl").read_text().splitlines(keepends=True)
        (here / f"{name}.jsonl").write_text("".join(lines[:100]))
    raw = make_study(here / "out")
    raw["corpora"]["web"]["files"], raw["evaluate"]["other"] = "web.jsonl", "other.jsonl"
    made = World(here, raw, save_study, run, lambda: request.getfixturevalue("finished"), data)
    made.monkeypatch = monkeypatch
    made.stub = lambda: request.getfixturevalue("stub").removesuffix("/v1")
    return made


def listing(folder: Path, may_write: tuple[str, ...]) -> dict[str, int]:
    """Every file and folder below ``folder`` with its size, without what may have been finished, locks and caches."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if not name.endswith(".lock") and path.relative_to(folder).parts[0] not in may_write:
            # The account of seconds is kept of failed sessions too.
            found[name] = path.stat().st_size if path.is_file() and path.name != "seconds.json" else 0
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_one_line_and_leaves_nothing(case: Case, world: World) -> None:
    case.prepare(world)
    if world.raw:
        world.save(world.folder / "study.yaml", world.raw)
    before = listing(world.folder, case.may_write)
    ran = world.run(*(each.replace("STUB", world.stub()) if "STUB" in each else each for each in case.arguments))
    lines = ran.err.splitlines()
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("synthmix: ")
    assert "internal error" not in lines[0]
    for word in case.words:
        assert word in lines[0]
    assert (ran.code, ran.out) == (case.code, "")
    assert listing(world.folder, case.may_write) == before
    left = [path.name for path in world.folder.rglob("*") if path.name.endswith((".partial", ".staging"))]
    assert left == [], "half-written"
    assert not list(world.folder.rglob("record.json")) or "out" in before or "run" in before


def test_the_table_is_long_enough_and_has_every_case_once() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len([case for case in CASES if case.code == 2]) >= 60


def test_every_command_has_a_row() -> None:
    rows = {case.arguments[: len(name)] for case in CASES for name in EVERY}
    assert {name for name in EVERY if name not in rows} == {("version",)}
