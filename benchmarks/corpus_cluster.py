"""A corpus built by Ray's workers: ``python benchmarks/corpus_cluster.py FILE.jsonl [--parts 8] [--deduplicate]``.

Two nodes on this machine, a core and a session each, and one file in parts. Builds here and by two workers, by two of
which one's node is taken away in the middle, and by a process that is killed (``kill -9``) in the middle and started
again; compares every byte and prints seconds. ``--rounds``: and so often by one and by two, in turn, for their
efficiency. ``--stages``: only the processor seconds of each stage's tasks, one after the other in this process.
"""

import argparse
import functools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from synthmix.corpus import (
    Source,
    build_corpus,
    duplicates,
    ingest,
    load_tokenizer,
    pack,
    parts,
    train_texts,
    train_tokenizer,
)
from synthmix.engine import open_engine
from synthmix.engine.cluster import import_ray

NODE = {"num_cpus": 1, "num_gpus": 0, "memory": 4 * 2**30, "object_store_memory": 2**27}
KILLED = """
import sys
from fractions import Fraction
from synthmix.corpus import Source, build_corpus, load_tokenizer, parts
from synthmix.engine import open_engine
file, to, tokenizer, address, size, deduplicate = sys.argv[1:]
parts.PART_BYTES = int(size)
with open_engine("ray", workers=2, address=address) as engine:
    build_corpus(Source(files=[file]), to, name="c", tokenizer=load_tokenizer(tokenizer), heldout=Fraction(1, 50),
                 engine=engine, deduplicate=deduplicate == "True")
"""


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--vocab", type=int, default=8192)
    parser.add_argument("--deduplicate", action="store_true")
    parser.add_argument("--stages", action="store_true")
    asked = parser.parse_args()
    if asked.stages:
        stages(asked.file, asked.vocab)
        return
    ray = import_ray()
    from ray._private import services
    from ray.cluster_utils import Cluster

    # Linux shares a busy machine out by sessions: in one, two workers would get what one gets.
    services.ConsolePopen = functools.partial(services.ConsolePopen, start_new_session=True)

    file = asked.file.resolve()
    parts.PART_BYTES = file.stat().st_size // asked.parts
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        source = Source(files=[str(file)])
        train_tokenizer(train_texts(source, limit_bytes=10_000_000), asked.vocab).save(at / "tokenizer.json")
        tokenizer = load_tokenizer(at / "tokenizer.json")
        options: dict[str, Any] = {"name": "c", "tokenizer": tokenizer, "heldout": Fraction(1, 50)}

        def built(name: str, engine: Any) -> float:
            start = time.perf_counter()
            build_corpus(source, at / name, engine=engine, deduplicate=asked.deduplicate, **options)
            return time.perf_counter() - start

        seconds = {"here": [built("here", None)]}
        here = bytes_of(at / "here")
        cluster = Cluster(initialize_head=True, connect=True, head_node_args=NODE)
        spare = cluster.add_node(**NODE)
        cluster.wait_for_nodes()
        try:
            for workers in (2, *(1, 2) * asked.rounds):  # the first one starts the workers' processes
                with open_engine("ray", workers=workers) as engine:
                    seconds.setdefault(f"{workers} worker(s)", []).append(built(f"with{workers}", engine))
                print(f"{workers} worker(s): {compared(at / f'with{workers}', here)}", flush=True)
            print(f"killed: {killed(file, at, cluster.address, asked.deduplicate)}", flush=True)
            with open_engine("ray", workers=2) as engine:
                seconds["gone on with after kill -9"] = [built("killed", engine)]
            print(f"gone on with after kill -9: {compared(at / 'killed', here)}")
            away = threading.Timer(0.4 * seconds["2 worker(s)"][-1], lambda: cluster.remove_node(spare))
            away.start()
            with open_engine("ray", workers=2) as engine:
                seconds["a node taken away"] = [built("away", engine)]
            away.join()
            print(f"a node taken away: {compared(at / 'away', here)}, {len(cluster.list_all_nodes())} node(s) left")
        finally:
            ray.shutdown()
            cluster.shutdown()
        for name, found in seconds.items():
            print(f"{name}: {', '.join(f'{one:.1f}' for one in found)} s")
        if asked.rounds:
            one, two = min(seconds["1 worker(s)"]), min(seconds["2 worker(s)"][1:])
            print(f"efficiency of two workers, whole build: {one / two / 2:.2f}")


def stages(file: Path, vocab: int) -> None:
    """Print what the tasks of each stage take, as text a second of one core."""
    seconds: dict[str, float] = {}

    def timed(name: str, task: Any, *given: Any, **options: Any) -> Any:
        start = time.process_time()
        try:
            return task(*given, **options)
        finally:
            seconds[name] = seconds.get(name, 0.0) + time.process_time() - start

    def spread(engine: None, task: Any, items: Any, *, threads: int = 1) -> Any:
        for item in items:
            name = type(item).__name__.strip("_") if task.__name__ == "_done" else task.__name__
            yield item, timed(name, task, item)

    duplicates.spread = pack.spread = spread
    read = ingest.ingest_unit
    ingest.ingest_unit = lambda *given, **options: timed("ingest_unit", read, *given, **options)
    source = Source(files=[str(file)])
    tokenizer = train_tokenizer(train_texts(source, limit_bytes=10_000_000), vocab)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        build_corpus(
            source, Path(folder) / "c", name="c", tokenizer=tokenizer, heldout=Fraction(1, 50), deduplicate=True
        )
        whole = time.process_time() - start
    size = file.stat().st_size / 1e6
    for name, spent in [*seconds.items(), ("all else, in one process", whole - sum(seconds.values()))]:
        print(f"{name}: {spent:.2f} s, {size / max(spent, 1e-9):.0f} MB of text a processor second")


def killed(file: Path, at: Path, address: str, deduplicate: bool) -> str:
    """Begin a build in a process of its own, and kill it once some units are read; how many were."""
    told = [str(file), str(at / "killed"), str(at / "tokenizer.json"), address, str(parts.PART_BYTES), str(deduplicate)]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *told])
    try:
        while process.poll() is None:
            done = list((at / ".killed.chunks").glob("0*.json"))
            if len(done) >= 2:
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.05)
    finally:
        process.wait()
    there = "half-built" if (at / "killed").exists() else "no corpus there"
    return f"{there}, {len(list((at / '.killed.chunks').glob('0*.json')))} units read"


def compared(folder: Path, here: dict[str, bytes]) -> str:
    return "equal bytes" if bytes_of(folder) == here else "OTHER BYTES"


if __name__ == "__main__":
    main()
