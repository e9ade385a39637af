"""A corpus built by Ray's workers: ``python benchmarks/corpus_cluster.py FILE.jsonl [--parts 8]``.

Two nodes on this machine, a core each. Builds here, by two workers, and by two of which one's node is taken away in the
middle; compares every byte and prints seconds. ``--rounds``: and so often by one and by two, for their efficiency.
"""

import argparse
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from synthmix.corpus import Source, build_corpus, ingest, train_texts, train_tokenizer
from synthmix.engine import open_engine
from synthmix.engine.cluster import import_ray

NODE = {"num_cpus": 1, "num_gpus": 0, "memory": 4 * 2**30, "object_store_memory": 2**27}


def divided(path: Path, parts: int, to: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    made = []
    for number in range(parts):
        made.append(to / f"part{number}.jsonl")
        made[-1].write_text("".join(lines[number::parts]), encoding="utf-8")
    return list(map(str, made))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--vocab", type=int, default=8192)
    asked = parser.parse_args()
    ray = import_ray()
    from ray.cluster_utils import Cluster

    ingest.UNIT_BYTES = 1  # every part a unit
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        source = Source(files=divided(asked.file, asked.parts, at))
        tokenizer = train_tokenizer(train_texts(source, limit_bytes=10_000_000), asked.vocab)

        def built(name: str, engine: Any) -> float:
            start = time.perf_counter()
            build_corpus(source, at / name, name="c", tokenizer=tokenizer, heldout=Fraction(1, 50), engine=engine)
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


def compared(folder: Path, here: dict[str, bytes]) -> str:
    return "equal bytes" if bytes_of(folder) == here else "OTHER BYTES"


if __name__ == "__main__":
    main()
