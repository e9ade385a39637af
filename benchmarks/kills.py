"""``kill -9`` at random moments of a study: ``python benchmarks/kills.py [--kills 20] [--study FILE] [--quick]``.

A study is run unbroken; then again, its whole process group killed at random, up to four times its share of the
unbroken run's time after each start (a start costs some of it), with the same command after each kill; then ``study
report`` is killed ``--report-kills`` times while it fits and writes, the fits and results deleted before each. Prints,
as Markdown: what was reached at each kill, whether the final tables are the same, and whether anything finished was
done again (its file written anew). ``--quick`` takes the quickstart at its smallest size and two budgets.

``--flips 100`` changes bytes instead of killing: see ``flips.py``.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from synthmix.checksums import check_seal
from synthmix.errors import SynthmixError
from synthmix.runs import read_runs
from synthmix.runs.load import read_results

FINISHED = ("corpora/*/corpus.json", "generated/*/corpus.json", "runs/*/record.json")
SMALL = {
    "ladder": {"params": ["25k"], "budgets": ["100k", "200k"], "replicates": [{"params": ["25k"], "seeds": 2}]},
    "evaluate_tokens": "6k",
}


def main() -> None:
    """Run both, print the table; exit code 1 when a promise is broken."""
    asked = _asked()
    if asked.flips:
        import flips

        flips.main(asked.flips, asked.seed)
    with tempfile.TemporaryDirectory() as work:
        plain, broken = (_study(asked, Path(work), name) for name in ("unbroken", "killed"))
        begun = time.monotonic()
        if _run(plain).wait() != 0:
            sys.exit("error: the unbroken study failed")
        whole = time.monotonic() - begun
        rows, repeated, spent = _killed(broken, asked.kills, whole, random.Random(asked.seed))
        torn = _killed_reports(broken, asked.report_kills, random.Random(asked.seed))
        same = _tables(plain) == _tables(broken)
        near = _near(_results(plain), _results(broken))
        print(f"unbroken {whole:.0f} s; killed {asked.kills} times {spent:.0f} s in all\n")
        print("| kill | after, s | corpora | texts | runs finished |\n|---|---|---|---|---|")
        for number, (after, counts) in enumerate(rows, start=1):
            print(f"| {number} | {after:.1f} | " + " | ".join(map(str, counts)) + " |")
        print(f"\nRecords and their losses the same: {'yes' if same else 'NO'}. Results the same: {near}.")
        print(f"Finished and done again: {', '.join(sorted(repeated)) or 'nothing'}.")
        print(
            f"Killed {asked.report_kills} times in fit and report; left half-written: {', '.join(torn) or 'nothing'}."
        )
        sys.exit(0 if same and not repeated and not torn and not near.startswith("NO") else 1)


def _killed(
    study: Path, kills: int, whole: float, rng: random.Random
) -> tuple[list[tuple[float, list[int]]], set[str], float]:
    rows, done, repeated, begun = [], dict[str, int](), set[str](), time.monotonic()
    for _ in range(kills):
        process = _run(study)
        after = rng.uniform(1.0, 4.0 * whole / kills)
        try:
            process.wait(timeout=after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        now = _stamps(study)
        repeated |= {name for name, stamp in done.items() if now.get(name) != stamp}
        done = now
        folder = _folder(study)
        rows.append((after, [len(list(folder.glob(pattern))) for pattern in FINISHED]))
    if _run(study).wait() != 0:
        sys.exit("error: the study failed after the kills")
    now = _stamps(study)
    return rows, repeated | {n for n, stamp in done.items() if now.get(n) != stamp}, time.monotonic() - begun


def _killed_reports(study: Path, kills: int, rng: random.Random) -> list[str]:
    """Names of files that a kill of ``study report`` left and that cannot be read; ends with a whole report."""
    folder, torn = _folder(study), []
    whole = 0.0
    for kill in range(-1, kills):  # the first one is not killed, and timed
        for name in ("results.json", "fits.safetensors", "runs.parquet", "report.html"):
            (folder / name).unlink(missing_ok=True)
        begun, process = time.monotonic(), _run(study, "report")
        try:
            process.wait(timeout=None if kill < 0 else rng.uniform(0.3 * whole, whole))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        whole = time.monotonic() - begun if kill < 0 else whole
        torn += [f"{name} (kill {kill + 1})" for name, read in READERS.items() if not _whole(folder / name, read)]
    if _run(study, "report").wait() != 0:
        sys.exit("error: the report failed after the kills")
    return torn


def _whole(path: Path, read: Callable[[Path], Any]) -> bool:
    try:
        if path.exists():
            read(path)
    except SynthmixError:
        return False
    return True


READERS: dict[str, Callable[[Path], Any]] = {
    "results.json": read_results,
    "runs.parquet": read_runs,
    "fits.safetensors": check_seal,
}


def _run(study: Path, command: str = "run") -> "subprocess.Popen[bytes]":
    command_line = [sys.executable, "-m", "synthmix", "study", command, str(study), "--quiet"]
    return subprocess.Popen(command_line, stdout=subprocess.DEVNULL, start_new_session=True)


def _study(asked: argparse.Namespace, work: Path, name: str) -> Path:
    config: dict[str, Any] = yaml.safe_load(asked.study.read_text())
    if asked.quick:
        config |= SMALL
    path = work / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config | {"study": name, "folder": str(work / name)}, sort_keys=False))
    return path


def _folder(study: Path) -> Path:
    return study.with_suffix("")


def _stamps(study: Path) -> dict[str, int]:
    folder = _folder(study)
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for glob in FINISHED for p in folder.glob(glob)}


def _tables(study: Path) -> dict[str, Any]:
    """Losses of every run by its id."""
    found = {}
    for path in _folder(study).glob("runs/*/record.json"):
        record = json.loads(path.read_text())
        found[path.parent.name] = record["losses"]
    return found


def _results(study: Path) -> list[float]:
    value = json.loads((_folder(study) / "results.json").read_text())
    value.pop("spent", None)
    value.pop("digest", None)
    for run in value["runs"]:
        run.pop("seconds", None)
        run.pop("tokens_per_second", None)
    return _numbers(value)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict | list):
        return [n for each in (value.values() if isinstance(value, dict) else value) for n in _numbers(each)]
    return [float(value)] if isinstance(value, float | int) else []


def _near(one: list[float], other: list[float]) -> str:
    if len(one) != len(other):
        return "NO: they hold other things"
    worst = max((abs(a - b) / max(abs(a), abs(b), 1e-6) for a, b in zip(one, other, strict=True)), default=0.0)
    return "to every digit" if worst == 0 else f"to a relative {worst:.1g} in every number"


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--flips", type=int, default=0, help="instead: change so many bytes (benchmarks/flips.py)")
    parser.add_argument("--report-kills", type=int, default=10)
    parser.add_argument("--study", type=Path, default=Path(__file__).parents[1] / "examples" / "quickstart.yaml")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
