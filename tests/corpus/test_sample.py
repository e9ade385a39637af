import json
import platform

import pytest

from synthmix.corpus import Source, prepare_sample, read_documents, sample_domains, write_sample
from synthmix.corpus import sample as module
from synthmix.corpus.load import identity
from synthmix.errors import BadInput
from synthmix.progress import Silent

DOMAINS = ["python-reference", "networkx"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_written_sample(tmp_path):
    manifest = write_sample(tmp_path / "out", domains=DOMAINS)
    assert manifest == json.loads((tmp_path / "out" / "sample.json").read_text())
    assert list(manifest["domains"]) == DOMAINS
    reference = manifest["domains"]["python-reference"]
    assert reference["version"] == platform.python_version()
    assert reference["license"] == "PSF-2.0"
    assert "BSD" in manifest["domains"]["networkx"]["license"]
    for name, about in manifest["domains"].items():
        records = [json.loads(line) for line in (tmp_path / "out" / about["file"]).read_text().splitlines()]
        assert len(records) == about["documents"] == len({record["text"] for record in records})
        assert sum(len(record["text"].encode()) for record in records) == about["bytes"] > 300_000
        assert {record["domain"] for record in records} == {name}
        assert all(len(record["text"]) >= 200 for record in records)


def test_read_mixed_and_from_the_cache(cache, monkeypatch):
    source = Source(sample=DOMAINS)
    first = list(read_documents(source, domain="docs"))
    assert {one.domain for one in first[:100]} == set(DOMAINS)  # a limit takes of each
    kept = {path.name for path in (cache / "sample").iterdir()}
    assert len(kept) == 2, "the documents of a domain and their checksum"
    monkeypatch.setattr(module, "_run_harvest", lambda domain: pytest.fail("harvested twice"))
    assert list(read_documents(source, domain="docs")) == first
    one_domain = read_documents(Source(sample=DOMAINS, domain="docs"), domain="x")
    assert {one.domain for one in one_domain} == {"docs"}


def test_the_sample_is_known_by_its_versions(monkeypatch):
    before = identity(Source(sample=["networkx"]))
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0.1")
    assert identity(Source(sample=["networkx"])) != before


def test_what_is_prepared_is_not_harvested_again_and_progress_is_told(monkeypatch):
    told = []

    class Heard(Silent):
        def update(self, task: str, done: float, note: str = "") -> None:
            told.append((task, done, note))

    prepare_sample(DOMAINS, Heard())
    assert told == [("sample", 1, "networkx")]
    monkeypatch.setattr(module, "_run_harvest", lambda domain: pytest.fail("harvested twice"))
    prepare_sample(DOMAINS, Heard())
    assert len(told) == 1


def test_absent_and_unknown_domains(monkeypatch):
    with pytest.raises(BadInput, match="no domain 'latin'; choose from python-reference, stdlib"):
        list(read_documents(Source(sample=["latin"]), domain="x"))
    absent = set(module.absent_domains())  # what this environment lacks anyway
    monkeypatch.setitem(module.LIBRARIES, "numpy", "surely_not_installed")
    assert set(module.absent_domains()) == absent | {"numpy"}
    assert "numpy" not in sample_domains()
    with pytest.raises(BadInput, match="numpy is not installed; run pip install numpy"):
        list(read_documents(Source(sample=["numpy"]), domain="x"))


def test_an_unwritable_cache_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadInput, match="a file stands where a folder is needed"):
        list(read_documents(Source(sample=["networkx"]), domain="x"))
