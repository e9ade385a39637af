"""Tasks of the harness with local data, and no network."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture
def offline(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub, and a cache of data sets of the test's own."""
    import datasets.config
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("datasets"))


@pytest.fixture
def write_task() -> Callable[..., Path]:
    """``write_task(folder, name, rows, **changes)``: a task file and its data; the file's path."""

    def write(folder: Path, name: str, rows: list[dict[str, Any]], **changes: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        data = folder / f"{name}.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        config = {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(data)}},
            "test_split": "test",
            "output_type": "multiple_choice",
            "doc_to_text": "{{context}}",
            "doc_to_choice": "choices",
            "doc_to_target": "answer",
            "target_delimiter": "",
            "metric_list": [{"metric": "acc"}],
            "metadata": {"version": 1},
        }
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in {**config, **changes}.items() if v is not None}))
        return path

    return write


@pytest.fixture
def questions(make_stories: Callable[..., list[str]]) -> Callable[..., list[dict[str, Any]]]:
    """``questions(count)``: which words go on a story; the wrong ones are of stories in another dialect."""

    def make(count: int = 24, choices: int = 4) -> list[dict[str, Any]]:
        rng, rows = random.Random(0), []
        for i, story in enumerate(make_stories(count, first=700)):
            words = story.split()
            wrong = [make_stories(1, first=800 + 10 * i + k, dialect=k + 1)[0].split() for k in range(choices - 1)]
            answers = [" " + " ".join(each[10:13]) for each in (words, *wrong)]
            answer = rng.randrange(choices)
            answers[0], answers[answer] = answers[answer], answers[0]
            rows.append({"context": " ".join(words[:10]), "choices": answers, "answer": answer})
        return rows

    return make
