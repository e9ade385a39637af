"""The same job on workers of this machine and on a real Ray."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus.load import Documents
from synthmix.corpus.sources import Document
from synthmix.engine import LocalEngine, RayEngine
from synthmix.errors import BadInput
from synthmix.generation.job import generate_corpus
from synthmix.generation.output import Summary
from synthmix.generation.settings import GenerateConfig


@pytest.fixture(scope="module")
def source(
    tmp_path_factory: pytest.TempPathFactory,
    make_documents: Callable[..., list[Document]],
    save_jsonl: Callable[..., Path],
) -> Path:
    texts = [document.text for document in make_documents(60, poison=20)]
    return save_jsonl(tmp_path_factory.mktemp("source") / "web.jsonl", texts)


def job(url: str, source: Path, folder: Path, engine: Any = None, **changes: Any) -> Summary:
    settings = GenerateConfig(model="stub", endpoint=url, filters={"language": None}, **changes)
    return generate_corpus(settings, Documents([str(source)]), [], folder, engine=engine)


def outcome(found: Summary) -> tuple[Any, ...]:
    """What must not depend on where it ran: counts, tokens, and the text itself."""
    text = [path.read_bytes() for path in found.paths]
    counts = found.documents.model_dump(exclude={"resumed"})
    return counts, found.tokens, found.requests.failed, [len(each) > 0 for each in text]


def texts(found: Summary) -> list[str]:
    return [document.text for document in Documents([str(found.folder)])]


@pytest.fixture(scope="module")
def local(stub: str, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return job(stub, source, tmp_path_factory.mktemp("local"))


@pytest.mark.parametrize("engine", [LocalEngine, RayEngine])
def test_workers_write_what_one_process_writes_and_none_twice(
    stub: str, source: Path, local: Summary, tmp_path: Path, engine: Any, told: Callable[[str], dict[str, int]]
) -> None:
    before = told(stub)["answered"]
    with engine(workers=2) as workers:
        found = job(stub, source, tmp_path, workers)
        assert outcome(found) == outcome(local)
        assert texts(found) == texts(local)
        assert told(stub)["answered"] - before == 57
        assert len(list((tmp_path / "requests").glob("replies-*-of-2.jsonl"))) == 2
        again = job(stub, source, tmp_path, workers)
    assert (again.requests.now, again.documents.resumed) == (0, 57)
    # One process goes on where two stopped.
    more = job(stub, source, tmp_path, rollouts=2)
    assert (more.requests.now, more.requests.before) == (57, 57)


def test_a_mistake_in_a_worker_is_told_here(source: Path, tmp_path: Path) -> None:
    with LocalEngine[Any, Any](workers=2) as workers, pytest.raises(BadInput, match="cannot be reached"):
        job("http://127.0.0.1:9/v1", source, tmp_path, workers)
