"""Bytes changed at random in everything that a finished study keeps: ``python benchmarks/kills.py --flips 100``.

A small study (three budgets of one size, sampled text, shared trunks, valuation scores) is run. Then, again and again,
one byte of one file of a copy is changed, and what reuses that file is done: a run is trained again, resumed from its
saved state or from its trunk's, text is sampled again, a corpus is built again from its parts, the laws are fitted and
the answer written, the results are read for advice. *Found*: one line that names the damage. *Harmless*: the answer is
the same to every digit (what was damaged was made again, or does not matter). *Silent*: another answer and no word.
Prints a table by kind as Markdown; exit code 1 when one was silent or ended in another error.
"""

import json
import os
import pickle
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from synthmix.advice.valuation import read_study
from synthmix.engine.contract import label_of, nothing
from synthmix.engine.worker import guarded
from synthmix.errors import SynthmixError
from synthmix.files import read_json
from synthmix.runs import read_runs
from synthmix.runs.load import read_results
from synthmix.store import RunRecord, Store
from synthmix.study.corpora import Prepared
from synthmix.study.ladder import ladder_specs
from synthmix.study.load import load_study
from synthmix.study.prepare import look
from synthmix.study.run import run_study
from synthmix.study.value_scores import study_values
from synthmix.study.workspace import Workspace
from synthmix.training.checkpoint import STATE
from synthmix.training.trainer import Session

STUDY: dict[str, Any] = {
    "study": "flips",
    "tokenizer": {"vocab": 400},
    "corpora": {
        "web": {"sample": ["python-reference"], "heldout": "10%"},
        "sampled": {
            **{"generate": "sample", "from": "web", "params": "25k", "train": "20k", "tokens": "16k"},
            **{"length": 32, "prompt": 4, "rows": 64},
        },
    },
    "evaluate": {"web": "heldout"},
    "evaluate_tokens": "2k",
    "mix": {"natural": "web", "synthetic": "sampled", "shares": [0, "1/2", 1]},
    "ladder": {"params": ["25k"], "budgets": [2560, 5120, 10240], "seeds": 2},
    "training": {"context": 16, "batch": 256, "precision": "float32", "schedule": "wsd"},
    "question": {"params": "1M", "tokens": "1M"},
    "fit": {"bootstrap": 50},
    "workers": 1,
}
HALF = "50% sampled"  # a recipe that reads both corpora


class Here:
    """An engine without processes of its own: every trial is one already."""

    workers = threads = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def each(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any] = nothing
    ) -> Iterator[tuple[Any, Any]]:
        for item in items:
            yield item, guarded(task, item, label_of(item))[0]
            tick()

    def check_folder(self, folder: Path, *, reads: Sequence[str] = ()) -> None:
        pass

    def close(self, *, at_once: bool = False) -> None:
        pass


# What reuses a file; each gives the answer, as JSON text


def run_again(folder: Path) -> str:
    """All that is left of the study."""
    raw = run_study(STUDY | {"folder": str(folder)}, engine=Here()).model_dump(mode="json")
    raw.pop("spent")
    for row in raw["runs"]:
        del row["seconds"], row["tokens_per_second"]
    for row in (raw["decision"] or {}).get("next_runs", []):
        del row["seconds"]
    return json.dumps(raw, sort_keys=True)


def train_again(folder: Path) -> str:
    """A run that reads both corpora, its decay from its trunk's state, and the answer."""
    shutil.rmtree(Store(folder / "runs").run_folder(longest(folder).id))
    return run_again(folder)


def resume(folder: Path) -> str:
    """A run that was interrupted half-way."""
    run = Store(folder / "runs").run_folder(longest(folder).id)
    shutil.rmtree(run / "checkpoint")
    (run / "record.json").unlink()
    return run_again(folder)


def build_again(folder: Path) -> str:
    """The sampled corpus from its parts."""
    shutil.rmtree(next(path for path in folder.glob("corpora/sampled-*") if path.is_dir()))
    return run_again(folder)


def sample_again(folder: Path) -> str:
    """The text of the sampled corpus by its generator."""
    shutil.rmtree(folder / "generated")
    return build_again(folder)


def advise(folder: Path) -> str:
    """The kept results and runs table as other commands read them."""
    results = read_results(folder / "results.json")
    table = read_runs(folder / "runs.parquet")
    columns = {name: column.tolist() for name, column in table.numbers.items()}
    return json.dumps([results.model_dump(mode="json"), columns, {**table.texts}], sort_keys=True)


def values(folder: Path) -> str:
    """Valuation scores."""
    return study_values(read_study(folder)).model_dump_json()


KINDS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "trained tokenizer": ("tokenizer/*.json", train_again),
    "its checksum": ("tokenizer/*.b2", train_again),
    "training shard": ("corpora/*/train/*.npy", train_again),
    "held-out shard": ("corpora/*/heldout/*/*.npy", train_again),
    "corpus.json": ("corpora/*/corpus.json", train_again),
    "tokenizer of a corpus": ("corpora/*/tokenizer.json", train_again),
    "table of documents": ("corpora/*/documents.parquet", train_again),
    "checksums of a corpus": ("corpora/*/checksums.b2", train_again),
    "sampled text": ("generated/*/part-*.jsonl", build_again),
    "its checksum (b2)": ("generated/*/part-*.b2", build_again),
    "weights of a generator": ("runs/GENERATOR/checkpoint/model.safetensors", sample_again),
    "its config.json": ("runs/GENERATOR/checkpoint/*config.json", sample_again),
    "its checksums": ("runs/GENERATOR/checkpoint/checksums.b2", sample_again),
    "record of a run": ("runs/*/record.json", run_again),
    "record of a trunk": ("runs/trunk-*/trunk.json", run_again),
    "state of a trunk": ("runs/trunk-TRUNK/at-*.safetensors", train_again),
    "state of a run": ("runs/*/state.safetensors", resume),
    "speed.json": ("speed.json", train_again),
    "seconds.json": ("seconds.json", run_again),
    "fits.safetensors": ("fits.safetensors", run_again),
    "results.json": ("results.json", advise),
    "runs.parquet": ("runs.parquet", advise),
    "values.json": ("values.json", values),
}


def longest(folder: Path) -> RunRecord:
    """The record of the half-and-half run of the largest budget."""
    found = [record for record in Store(folder / "runs").records() if record.spec.recipe.startswith(HALF)]
    return max(found, key=lambda record: (record.tokens, -record.spec.seed))


def generator(folder: Path) -> str:
    """The id of the generator's run."""
    found = [path for path in folder.glob("runs/*/record.json") if read_json(path)["spec"]["stage"] == "generator"]
    return found[0].parent.name


def files_of(folder: Path, pattern: str) -> list[Path]:
    """The files of a kind; ``GENERATOR`` stands for the generator's run, ``TRUNK`` for that of the longest run."""
    names = {"GENERATOR": generator(folder), "TRUNK": longest(folder).spec.trunk}
    for word, name in names.items():
        pattern = pattern.replace(word, name)
    return sorted(folder.glob(pattern))


def prepare(folder: Path) -> None:
    """The finished study, with valuation scores, and the state of a run half-way beside its record."""
    run_again(folder)
    values(folder)
    record = longest(folder)
    config = load_study(STUDY | {"folder": str(folder)})
    prepared = look(config, Workspace(folder))
    assert isinstance(prepared, Prepared)
    [spec] = [spec for spec in ladder_specs(config, prepared) if spec.id == record.id]
    streams = {name: prepared.corpora[name].train for name in spec.shares}
    session = Session(spec, streams, owner=spec.id, precision="float32", eos=prepared.tokenizer.eos_id)
    path = Store(folder / "runs").run_folder(spec.id) / STATE
    session.advance(spec.steps // 2, save_to=path)
    session.save(path)


def apart(work: Callable[[], Any]) -> tuple[str, Any]:
    """``work`` in a process of its own, which remembers no other trial: ``(how it ended, answer or line)``."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            found: tuple[str, Any] = ("ended", work())
        except SynthmixError as error:
            found = ("found", str(error))
        except BaseException as error:  # noqa: BLE001 - it is what the trial is about
            found = ("error", f"{type(error).__name__}: {error}")
        with os.fdopen(writing, "wb") as out:
            pickle.dump(found, out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        given = answer.read()
    os.waitpid(child, 0)
    found = pickle.loads(given) if given else ("error", "the process died")  # noqa: S301 - of our own child
    return found


def trial(
    whole: Path, copy: Path, change: tuple[Path, int, int] | None, action: Callable[[Path], str]
) -> tuple[str, Any]:
    """The action on a copy in which one byte of one file (relative) was changed."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(whole, copy)
    if change is not None:
        name, at, mask = change
        data = bytearray((copy / name).read_bytes())
        data[at] ^= mask
        (copy / name).write_bytes(data)
    return apart(lambda: action(copy))


def main(flips: int, seed: int) -> None:
    """Run the study and the trials, print the table; exit code 1 when one was silent."""
    rng = random.Random(seed)
    import synthmix.report
    import synthmix.study.conclude

    synthmix.report.write_report = lambda results, folder: folder / "report.html"  # pages are never read again
    with tempfile.TemporaryDirectory() as work:
        os.environ["SYNTHMIX_CACHE"] = str(Path(work) / "cache")
        whole, copy = Path(work) / "whole", Path(work) / "study"
        begun = time.monotonic()
        how, said = apart(lambda: prepare(copy))
        if how != "ended":
            sys.exit(f"error: the study failed: {said}")
        shutil.move(copy, whole)
        right: dict[Callable[[Path], str], Any] = {}
        for action in {action for _, action in KINDS.values()}:
            how, right[action] = trial(whole, copy, None, action)
            if how != "ended":
                sys.exit(f"error: {action.__name__} failed on the whole study: {right[action]}")
        made = time.monotonic() - begun
        counts = {kind: dict.fromkeys(("found", "harmless", "silent", "error"), 0) for kind in KINDS}
        lines = []
        for number in range(flips):
            kind = list(KINDS)[number % len(KINDS)]
            pattern, action = KINDS[kind]
            path = rng.choice(files_of(whole, pattern))
            change = (path.relative_to(whole), rng.randrange(path.stat().st_size), rng.randrange(1, 256))
            how, said = trial(whole, copy, change, action)
            if how == "ended":
                how = "harmless" if said == right[action] else "silent"
            counts[kind][how] += 1
            if how in ("silent", "error"):
                lines.append(
                    f"{kind}: byte {change[1]} of {change[0]}, xor {change[2]}: {how} {said if how == 'error' else ''}"
                )
            print(f"{number + 1} {kind}: {how}", file=sys.stderr, flush=True)
    total = {how: sum(count[how] for count in counts.values()) for how in ("found", "harmless", "silent", "error")}
    print(f"{flips} flips in {time.monotonic() - begun - made:.0f} s, after {made:.0f} s for the study\n")
    print("| what a byte was changed in | found | harmless | silent | another error |\n|---|---|---|---|---|")
    for kind, count in {**counts, "**all**": total}.items():
        print(f"| {kind} | " + " | ".join(str(count[how]) for how in total) + " |")
    print("\n" + "\n".join(lines))
    sys.exit(1 if total["silent"] or total["error"] else 0)
