"""What the bar of a study tells of runs in work."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from synthmix.progress import Silent
from synthmix.store import Store
from synthmix.study.scheduler import Bar
from synthmix.study.timings import Speeds
from synthmix.training.shape import shape_for

SHAPE = shape_for(25_000)


@dataclass
class _Spec:
    shape: Any = SHAPE


@dataclass
class _Task:
    run: str
    tokens: int = 1000
    began: int = 500
    spec: Any = field(default_factory=_Spec)

    def is_done(self, store: Store) -> bool:
        return False


class _Heard(Silent):
    def __init__(self) -> None:
        self.updates: list[tuple[float, str]] = []

    def update(self, task: str, done: float, note: str = "") -> None:
        self.updates.append((done, note))


def test_the_bar_counts_own_tokens_and_tells_speed_and_loss(tmp_path: Path) -> None:
    store, heard = Store(tmp_path / "runs"), _Heard()
    folder = store.run_folder("a")
    folder.mkdir(parents=True)
    tasks = cast(Any, [_Task("a"), _Task("b")])
    speeds = Speeds("float32", "cpu", 1, {SHAPE: 100.0})
    bar = Bar(tasks, store, speeds, heard)
    assert heard.updates == [(0.0, "run 0 of 0")]
    (folder / "progress.json").write_text(json.dumps({"tokens": 900, "loss": 4.321}))
    bar.draw()
    done, note = heard.updates[-1]
    assert done == 4.0, "400 of its own 1,000 tokens, at 100 tokens/s"
    assert "tokens/s, training loss 4.32 nats" in note
    bar.finished(tasks[0])
    assert heard.updates[-1][0] == 10.0
    Bar(tasks, store, speeds, heard, before=7.0)
    assert heard.updates[-1][0] == 11.0, "trunks of earlier stages count, and what is in work"
