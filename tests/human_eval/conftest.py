"""Small corpora with known pairs, and raters whose answers are known."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.human_eval.make import make_sheet
from synthmix.human_eval.ratings import FORMAT
from synthmix.human_eval.sheet import Sheet

Rate = Callable[..., Path]


def write_lines(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory, make_stories: Callable[..., list[str]]) -> Path:
    """``web.jsonl`` (30 sources), ``hq.jsonl`` and ``qa.jsonl`` (each with the ids of 20 of them), ``all.jsonl`` (all
    in one file), ``other.jsonl`` (ids of its own) and ``generated/`` (a finished job's pairs)."""
    folder = tmp_path_factory.mktemp("texts")
    people = [{"id": f"d{i}", "text": f"Source {i}. {text}"} for i, text in enumerate(make_stories(30, words=40))]
    hq = [{"id": f"hq/d{i}/0", "text": f"Better {i}. {t}"} for i, t in enumerate(make_stories(20, words=50, dialect=2))]
    qa = [{"id": f"d{i + 10}", "text": f"Asked {i}. {t}"} for i, t in enumerate(make_stories(20, words=30, dialect=3))]
    write_lines(folder / "web.jsonl", people)
    write_lines(folder / "hq.jsonl", hq)
    write_lines(folder / "qa.jsonl", qa)
    one = [{"text": r["text"], "by": "human", "pair_id": r["id"], "op": "original"} for r in people]
    one += [{"text": r["text"], "by": "hq", "pair_id": r["id"].split("/")[1], "op": "rewrite"} for r in hq]
    one += [{"text": r["text"], "by": "qa", "pair_id": r["id"], "op": "rewrite"} for r in qa]
    one += [{"text": "Another kind.", "by": "qa", "pair_id": "d0", "op": "continue"}]
    write_lines(folder / "all.jsonl", one)
    write_lines(folder / "other.jsonl", [{"text": text} for text in make_stories(12, first=900, dialect=4)])
    (folder / "generated").mkdir()
    pairs = [json.dumps([h["text"], p["text"], False]) for h, p in zip(hq, people, strict=False)]
    (folder / "generated" / "quality-pairs.jsonl.gz").write_bytes(gzip.compress("\n".join(pairs).encode()))
    return folder


@pytest.fixture(scope="session")
def sheet(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Sheet, Path]:
    """A sheet of 24 pairs of two generators, and its page."""
    page = tmp_path_factory.mktemp("sheet") / "sheet.html"
    named = {"hq": corpora / "hq.jsonl", "qa": corpora / "qa.jsonl"}
    return make_sheet(named, page, source=corpora / "web.jsonl", count=24), page


def rate(sheet: Sheet, folder: Path, rater: str, answer: Callable[[str, Any], dict[str, Any] | None]) -> Path:
    """A file of ratings: ``answer(name, item)`` of every item for which it is not None."""
    answers = {name: answer(name, item) for name, item in sheet.items.items()}
    kept = {name: one for name, one in answers.items() if one is not None}
    path = folder / f"{rater}.json"
    path.write_text(json.dumps({"format": FORMAT, "sheet": sheet.id, "rater": rater, "answers": kept}))
    return path


@pytest.fixture(scope="session")
def save_ratings() -> Rate:
    return rate
