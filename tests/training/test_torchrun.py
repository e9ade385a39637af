"""``torchrun -m synthmix train``: one answer, one record, from two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

TRAIN = "--params 25k --tokens 5k --batch 256 --context 16 --vocab 300 --parallel fsdp --json"


def test_two_processes_answer_once(data: Path, tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = ["-m", "synthmix", "train", str(data / "web.jsonl"), *TRAIN.split(), "--to", "runs"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*launch, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    answer = json.loads(ran.stdout)
    record = json.loads((tmp_path / answer["folder"] / "record.json").read_text())
    assert record["device"].startswith("2 x ")
    assert record["tokens"] == answer["tokens"] == 20 * 256
    assert {path.name for path in (tmp_path / answer["folder"]).iterdir()} == {".lock", "checkpoint", "record.json"}
    assert 0 < answer["loss"] < 6
