"""The second study, step by step; the last step, the page, needs the records alone.

    python -m benchmarks.second_study                     # the tables of docs/results/second-study.md
    python -m benchmarks.second_study record STUDY        # ladder.csv and study.json, of a finished study's folder
    python -m benchmarks.second_study predict             # predictions.json, of ladder.csv
    python -m benchmarks.second_study again               # predictions-again.json, by the law with floors
    python -m benchmarks.second_study confirm FILE        # a study file that trains what was predicted, to stdout
    python -m benchmarks.second_study before STUDY        # before.json: what text, and published effects, would choose
    python -m benchmarks.second_study confirmed STUDY     # confirmed.csv, of that study's folder

The records lie in docs/results/second-study/.
"""

import argparse
from pathlib import Path

from benchmarks.second_study.records import RECORDS, write_rows
from benchmarks.second_study.steps import again, before, confirm, predict, record
from benchmarks.second_study.tables import page

OF_FOLDERS = {
    "record": record,
    "confirm": confirm,
    "before": before,
    "confirmed": lambda folder: write_rows(folder, RECORDS / "confirmed.csv"),
}

parser = argparse.ArgumentParser(prog="python -m benchmarks.second_study", description=(__doc__ or "").split("\n")[0])
parser.add_argument("step", nargs="?", default="page", choices=["page", "predict", "again", *OF_FOLDERS])
parser.add_argument("path", nargs="?", type=Path)
given = parser.parse_args()
if given.step in OF_FOLDERS:
    if given.path is None:
        parser.error(f"{given.step}: name the study's file or folder")
    OF_FOLDERS[given.step](given.path)
else:
    {"page": page, "predict": predict, "again": again}[given.step]()
