"""Seconds and memory of large inputs: plan and status of 2,400 runs, a fit to 100,000, a page of 504.

    python benchmarks/load.py [--only plan status fit page names]

Every command runs as users run it, in a process of its own, three times (the median counts), beside the yardstick
``python -c "import numpy, scipy.stats, pydantic"``: the ratio to its processor seconds says how much is ours whatever
else the machine does. A plan of a new study also starts a worker and imports torch in it. The page is opened in
headless Chromium where that is installed, beside a page of plotly.js and one point.
"""

import argparse
import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

YARDSTICK = "import numpy, scipy.stats, pydantic"
BROWSER = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
ROUNDS = 3


@dataclass(frozen=True)
class Taken:
    """Of one command: wall seconds, processor seconds and the largest process in MB, its children included."""

    wall: float
    processor: float
    memory: float
    out: str


def taken(command: list[str], before: Callable[[], object] = lambda: None) -> Taken:
    """The median of :data:`ROUNDS` by processor seconds."""
    found = []
    for _ in range(ROUNDS):
        before()
        # A process between, so that children's usage is of this command alone.
        inner = (
            "import json, resource, subprocess, sys, time; begun = time.perf_counter(); "
            "ran = subprocess.run(sys.argv[1:], capture_output=True, text=True); "
            "use = resource.getrusage(resource.RUSAGE_CHILDREN); "
            "print(json.dumps([time.perf_counter() - begun, use.ru_utime + use.ru_stime, use.ru_maxrss / 1e3, "
            "ran.returncode, ran.stdout, ran.stderr]))"
        )
        ran = subprocess.run([sys.executable, "-c", inner, *command], capture_output=True, text=True, check=True)
        wall, processor, memory, code, out, err = json.loads(ran.stdout)
        if code:
            raise SystemExit(f"{' '.join(command)}: exit {code}: {err}")
        found.append(Taken(wall, processor, memory, out))
    return sorted(found, key=lambda each: each.processor)[len(found) // 2]


def synthmix(*arguments: str | Path) -> list[str]:
    """A command line."""
    return [sys.executable, "-m", "synthmix", *map(str, arguments)]


def study(
    folder: Path, name: str, *, sizes: int, budgets: int, shares: int, sources: int = 1, domains: int = 0
) -> Path:
    """A study file of ``sizes * budgets * (1 + (shares - 1) * sources)`` runs on made text."""
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(800)]
    corpora: dict[str, object] = {"web": {"files": text(folder, "web", 200, words, rng), "heldout": "5%"}}
    for i in range(sources):
        corpora[f"source{i}"] = {"files": text(folder, f"source{i}", 20, words, rng), "kind": "synthetic"}
    evaluate: dict[str, object] = {"web": "heldout"}
    for i in range(domains):
        evaluate[f"domain{i}"] = {"files": text(folder, f"domain{i}", 10, words, rng)}
    raw = {
        "study": name,
        "folder": str(folder / name),
        "tokenizer": {"vocab": 512, "on": "web"},
        "corpora": corpora,
        "evaluate": evaluate,
        "evaluate_tokens": 2000,
        "mix": {
            "natural": "web",
            "synthetic": [f"source{i}" for i in range(sources)],
            "shares": [f"{i}/{shares - 1}" for i in range(shares)],
        },
        "ladder": {
            "params": [30_000 + 1_000 * i for i in range(sizes)],
            "budgets": [20_000 * (i + 1) for i in range(budgets)],
        },
        "training": {"context": 64, "batch": 512, "epochs": 1000},
        "workers": 1,
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(raw), encoding="utf-8")  # JSON is YAML
    return path


def text(folder: Path, name: str, count: int, words: list[str], rng: np.random.Generator) -> str:
    """A file of ``count`` documents."""
    lines = (json.dumps({"text": f"{name} {i} " + " ".join(rng.choice(words, 60))}) for i in range(count))
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / f"{name}.jsonl")


def finish(path: Path) -> None:
    """Build the study's text and write made-up records of all its runs: losses of Chinchilla's law and a parabola."""
    from planning import made_record
    from synthmix.progress import Silent
    from synthmix.store import DomainScore
    from synthmix.study.ladder import ladder_specs
    from synthmix.study.load import load_study
    from synthmix.study.prepare import natural_text
    from synthmix.study.workspace import Workspace

    config = load_study(path)
    space = Workspace(config.root)
    space.create()
    prepared = natural_text(config, space, Silent())
    rng = np.random.default_rng(0)
    for spec in ladder_specs(config, prepared):
        share = float(1 - spec.shares.get("web", 0))
        loss = 1.9 + 40 * spec.shape.params**-0.34 + 60 * spec.tokens**-0.36 + 0.3 * share**2 - 0.2 * share
        losses = {
            domain.name: DomainScore(
                corpus=domain.id, nats=loss * (1 + 0.002 * rng.standard_normal()), bits_per_byte=loss / 3, tokens=2000
            )
            for domain in prepared.domains
        }
        space.runs.write(made_record(spec, losses))


def table_of_runs(path: Path, count: int = 100_000) -> Path:
    """A CSV of runs: Chinchilla's law with 1 % noise."""
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(6, 9, count), 10 ** rng.uniform(8, 11, count)
    loss = (1.69 + 406.4 * N**-0.34 + 410.7 * D**-0.28) * np.exp(0.01 * rng.standard_normal(count))
    rows = (f"{n:.0f},{d:.0f},{value:.5f}" for n, d, value in zip(N, D, loss, strict=True))
    path.write_text("N,D,loss\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def opened(page: Path) -> float | None:
    """Seconds from the start of the navigation to the end of the page's load event, in Chromium; None without one."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        return None
    probe = page.with_name(f"probe-{page.name}")
    script = (
        "<script>addEventListener('load', () => setTimeout(() => document.title = 'ms' + performance.now()))</script>"
    )
    probe.write_text(page.read_text(encoding="utf-8").replace("</body>", script + "</body>"), encoding="utf-8")
    found = []
    for _ in range(ROUNDS):
        ran = subprocess.run(
            [browser, *BROWSER, "--timeout=60000", "--dump-dom", probe.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        title = re.search(r"<title>ms([\d.]+)</title>", ran.stdout)
        if title is None:
            raise SystemExit(f"{page}: the page did not end loading")
        found.append(float(title[1]) / 1e3)
    probe.unlink()
    return statistics.median(found)


def point(folder: Path) -> Path:
    """The smallest page with plotly.js: one point."""
    from plotly.offline import get_plotlyjs

    path = folder / "point.html"
    path.write_text(
        f"<!doctype html><html><head><meta charset='utf-8'><title>x</title></head><body><div id='f'></div>"
        f"<script>{get_plotlyjs()}</script><script>Plotly.newPlot('f', [{{x: [1], y: [1]}}])</script></body></html>",
        encoding="utf-8",
    )
    return path


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=("plan", "status", "fit", "page", "names"))
    only = parser.parse_args().only or ("plan", "status", "fit", "page", "names")
    yardstick = taken([sys.executable, "-c", YARDSTICK])
    print("| what | seconds | processor seconds | ratio to the imports | MB |\n|---|---|---|---|---|")

    def row(what: str, one: Taken) -> None:
        ratio = one.processor / yardstick.processor
        print(f"| {what} | {one.wall:.2f} | {one.processor:.2f} | {ratio:.1f} | {one.memory:.0f} |", flush=True)

    row("yardstick: imports", yardstick)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if {"plan", "status"} & set(only):
            file = study(folder, "many", sizes=60, budgets=10, shares=4)
            if "plan" in only:
                row("plan of 2,400 runs, machine not timed yet", taken(
                    synthmix("study", "plan", file, "--json"),
                    lambda: shutil.rmtree(folder / "many", ignore_errors=True),
                ))  # fmt: skip
                row("the same plan again", taken(synthmix("study", "plan", file, "--json")))
            finish(file)
            row("status of 2,400 finished runs", taken(synthmix("study", "status", file)))
            if "plan" in only:
                row("plan of 2,400 finished runs", taken(synthmix("study", "plan", file, "--json")))
            sized = study(folder, "sized", sizes=300, budgets=2, shares=4)
            row("status of 2,400 runs of 300 sizes", taken(synthmix("study", "status", sized)))
        if "names" in only:
            wide = study(folder, "wide", sizes=2, budgets=2, shares=2, sources=300, domains=100)
            row("status of 300 corpora, 100 domains", taken(synthmix("study", "status", wide)))
            taken(synthmix("study", "plan", wide, "--json"))
            row("plan of 300 corpora, 100 domains", taken(synthmix("study", "plan", wide, "--json")))
        if "fit" in only:
            runs = table_of_runs(folder / "runs.csv")
            row("fit to 100,000 rows, 1,000 resamples", taken(synthmix("fit", runs, "--json")))
        if "page" in only:
            paged = study(folder, "paged", sizes=3, budgets=7, shares=24)
            finish(paged)
            begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(synthmix("study", "report", paged, "-q"), check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            row(
                "report of 504 runs, fits included", Taken(time.perf_counter() - begun, used, after.ru_maxrss / 1e3, "")
            )
            page = folder / "paged" / "report.html"
            print(f"\npage of 504 runs: {page.stat().st_size / 1e6:.1f} MB")
            ours, bare = opened(page), opened(point(folder))
            if ours is None or bare is None:
                print("not opened: no Chromium is installed")
            else:
                print(
                    f"opened in {ours:.2f} s, {ours / bare:.1f} times a page of plotly.js and one point ({bare:.2f} s)"
                )


if __name__ == "__main__":
    main()
