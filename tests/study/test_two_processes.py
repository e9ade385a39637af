"""Two processes on one study folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .conftest import Command, records, stamps

Start = Callable[..., Command]
Make = Callable[..., dict[str, Any]]
Save = Callable[[Path, dict[str, Any]], Path]


def test_two_processes_on_one_folder_do_not_harm_each_other(
    finished: Path, make_study: Make, save_study: Save, command: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    study = save_study(tmp_path / "study.yaml", make_study(folder, question=None))
    one, other = command("study", "run", study, "--quiet"), command("study", "run", study, "--quiet")
    written: dict[str, set[tuple[int, int]]] = {}

    def both_ended() -> bool:
        try:
            now = stamps(folder)
        except FileNotFoundError:  # replaced between the listing and the look
            return False
        for path, stamp in now.items():
            written.setdefault(path, set()).add(stamp)
        return other.process.poll() is not None

    one.until(both_ended)
    other.until(both_ended)
    for process in (one, other):
        code, _, err = process.end()
        assert (code, err) == (0, "")
    assert {path for path, seen in written.items() if len(seen) > 1} == set(), "written twice"
    assert records(folder) == records(finished.parent / "tiny")
