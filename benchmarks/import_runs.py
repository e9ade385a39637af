"""``synthmix runs import`` of many rows: seconds and the most memory, by format.

    python -m benchmarks.import_runs [--rows 1000000]

A table of as many evaluation steps: 5,000 runs, 6 sources, a loss and three further metrics. Asked: a million rows in
at most 10 s and 1 GiB.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

MAPPING = """columns:
  N: model
  D: step * batch_tokens
  run: Name
shares: "mix.*"
metrics: {"eval/*_loss": "loss.*", acc: task.acc}
units: {"task.*": percent}
higher_is_better: "task.*"
synthetic: ["qa", "wiki_*"]
where: State == "finished"
"""
MEASURED = """
import json, resource, sys, time
from synthmix.cli import main
start = time.perf_counter()
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
took, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime
sys.stderr.write(json.dumps({"code": code, "seconds": took, "cpu": cpu, "gib": used.ru_maxrss / 2**20}))
"""


def made(rows: int) -> pa.Table:
    """Steps of 5,000 runs; cells as people write them (``1.3B``, thousands separators)."""
    rng = np.random.default_rng(0)
    runs = 5000
    run = np.arange(rows) % runs
    step = (np.arange(rows) // runs + 1) * 100
    sizes = np.array(["60M", "150M", "400M", "1.3B"])
    shares = np.round(rng.dirichlet(np.ones(6), 250), 3)
    shares[:, 0] = np.round(1 - shares[:, 1:].sum(axis=1), 3)
    loss = 2 + 3 * step**-0.2 + 0.01 * rng.standard_normal(rows)
    columns = {
        "Name": np.char.add("run-", run.astype(str)),
        "State": np.where(run % 100 == 0, "crashed", "finished"),
        "step": step,
        "model": sizes[run % 4],
        "batch_tokens": np.full(rows, "500,000"),
        "seed": run % 3,
        **{
            f"mix.{name}": shares[run % 250, i]
            for i, name in enumerate(("web", "code", "books", "qa", "wiki_a", "wiki_b"))
        },
        "val_loss": np.round(loss, 5),
        "eval/web_loss": np.round(loss - 0.1, 5),
        "eval/code_loss": np.round(loss + 0.1, 5),
        "acc": np.round(70 - 10 * loss, 2),
    }
    return pa.table(columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    table = made(rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "last.yaml").write_text(MAPPING)
        (folder / "every.yaml").write_text(MAPPING + "rows: every\n")
        pa.csv.write_csv(table, folder / "runs.csv")
        pq.write_table(table, folder / "runs.parquet")
        with (folder / "runs.jsonl").open("w") as file:
            for batch in table.to_batches(max_chunksize=10_000):
                file.writelines(json.dumps(row) + "\n" for row in batch.to_pylist())
        print(f"{rows:,} rows, {len(table.column_names)} columns")
        for file in ("runs.csv", "runs.parquet", "runs.jsonl"):
            for mapping in ("last", "every"):
                to = folder / f"{mapping}.out.parquet"
                words = ["runs", "import", str(folder / file), "--mapping", str(folder / f"{mapping}.yaml")]
                ran = subprocess.run(
                    [sys.executable, "-c", MEASURED, *words, "--to", str(to), "--replace", "--json"],
                    capture_output=True, text=True,
                )  # fmt: skip
                found = json.loads(ran.stderr.splitlines()[-1])
                size = (folder / file).stat().st_size / 1e6
                kept = json.loads(ran.stdout)["runs"] if found["code"] in (0, None) else ran.stderr
                took = f"{found['seconds']:.1f} s ({found['cpu']:.1f} s of processors)"
                print(f"{file} ({size:.0f} MB), rows: {mapping}: {took}, {found['gib']:.2f} GiB, {kept} rows")


if __name__ == "__main__":
    main()
