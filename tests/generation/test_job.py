"""Whole jobs: documents in, a folder of text out, whatever happens on the way."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import Source, read_documents
from synthmix.corpus.sources import Document
from synthmix.errors import BadInput, Failure
from synthmix.generation.job import generate_corpus
from synthmix.generation.output import Summary
from synthmix.generation.preview import preview_corpus
from synthmix.generation.settings import GenerateConfig

Documents = Callable[..., list[Document]]
Told = Callable[[str], dict[str, int]]
AT_ONCE = ("429", "503", "500", "reset", "reset-late", "truncated", "cut-json", "malformed", "html")
SECRET = "sk-verysecret123456"
TWICE = {"language": None, "near_duplicates": None}  # the stub answers two rollouts alike


def config(url: str, **changes: Any) -> GenerateConfig:
    return GenerateConfig(**{"model": "stub", "endpoint": url, "filters": {"language": None}, **changes})


def written(folder: Path) -> list[dict[str, Any]]:
    """The records of the output."""
    found = []
    for path in sorted((folder / "data").iterdir()):
        found += [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
    return found


def sources(folder: Path) -> Counter[str]:
    return Counter(record["provenance"]["source"] for record in written(folder))


def everything(folder: Path) -> bytes:
    """All bytes below a folder, unpacked."""
    found = [(path.suffix, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"".join(gzip.decompress(raw) if suffix == ".gz" else raw for suffix, raw in found)


def test_a_job_and_what_it_leaves(stub: str, tmp_path: Path, make_documents: Documents) -> None:
    documents = make_documents(30, poison=10)
    found = generate_corpus(config(stub, price_in=1.0, price_out=10.0), documents, [], tmp_path / "hq")
    assert found.documents.model_dump() == {
        "written": 27,
        "filtered": 0,
        "failed": 3,
        "unfinished": 0,
        "resumed": 0,
    }
    assert sources(tmp_path / "hq") == Counter({d.key: 1 for d in documents if "Poison" not in d.text})
    records = written(tmp_path / "hq")
    assert found.tokens.written == sum(record["provenance"]["output_tokens"] for record in records)
    assert found.cost == pytest.approx((found.tokens.input + 10 * found.tokens.output) / 1e6)
    told = records[0]["provenance"]
    assert re.fullmatch(r"hq@\d+:[0-9a-f]{16}", told["template"])
    assert (told["model"], told["endpoint"], told["finish"], told["source"]) == ("stub", stub, "stop", "d0")
    assert set(told["sampling"]) == {"temperature", "top_p", "max_tokens", "seed"}
    assert told["time"] > 1_700_000_000
    kept = json.loads((tmp_path / "hq" / "generation.json").read_text())
    assert kept.pop("digest").startswith("blake2b:")
    assert kept == found.model_dump(mode="json")
    failures = [json.loads(line) for line in (tmp_path / "hq" / "failed.jsonl").read_text().splitlines()]
    assert {failure["document"] for failure in failures} == {"d9", "d19", "d29"}
    assert {failure["reason"] for failure in failures} == {"HTTP 400: this prompt cannot be answered"}
    # The output is a corpus like any other.
    assert len(list(read_documents(Source(files=list(map(str, found.paths))), domain="hq"))) == 27


def test_the_same_call_again_asks_nothing_and_writes_the_same(
    stub: str, tmp_path: Path, make_documents: Documents, told: Told
) -> None:
    documents = make_documents(20)
    generate_corpus(config(stub), documents, [], tmp_path)
    before, asked = (tmp_path / "data" / "00000.jsonl.gz").read_bytes(), told(stub)["requests"]
    again = generate_corpus(config(stub), documents, [], tmp_path)
    assert (again.documents.written, again.documents.resumed, again.requests.now) == (20, 20, 0)
    assert (tmp_path / "data" / "00000.jsonl.gz").read_bytes() == before
    assert told(stub)["requests"] == asked
    # Even when the endpoint is gone: there is nothing left to ask.
    gone = config("http://127.0.0.1:9/v1")
    assert generate_corpus(gone, documents, [], tmp_path).documents.written == 20


def test_a_document_that_stands_twice_in_the_source_is_written_once(
    stub: str, tmp_path: Path, make_documents: Documents
) -> None:
    documents = make_documents(5)
    generate_corpus(config(stub), [*documents, *documents], [], tmp_path)
    assert sources(tmp_path) == Counter({f"d{number}": 1 for number in range(5)})


def test_long_documents_come_back_whole_and_rollouts_apart(
    stub: str, tmp_path: Path, make_documents: Documents
) -> None:
    documents = make_documents(4, words=240)
    found = generate_corpus(config(stub, chunk_tokens=100, rollouts=2, filters=TWICE), documents, [], tmp_path)
    assert found.requests.answered > 8
    records = written(tmp_path)
    assert Counter((r["provenance"]["source"], r["provenance"]["rollout"]) for r in records) == Counter(
        {(f"d{number}", rollout): 1 for number in range(4) for rollout in range(2)}
    )
    assert all(len(record["text"].split()) > 240 for record in records)


def test_what_the_filters_drop_is_made_up_for_until_the_target_is_written(
    stub: str, tmp_path: Path, make_documents: Documents
) -> None:
    documents = make_documents(200)
    held = [document.text for document in documents[:40:2]]
    # The stub swaps neighbouring words: what it says shares no long n-gram with its source, but these do.
    spoiled = [d if n >= 40 or n % 2 else Document(_swapped(d.text), "web", d.key) for n, d in enumerate(documents)]
    found = generate_corpus(config(stub, tokens=4000), spoiled, held, tmp_path)
    assert found.stopped == "target"
    assert 4000 <= found.tokens.written < 7000
    assert found.documents.filtered == 20
    assert {row["reason"]: row["documents"] for row in found.dropped}["contaminated"] == 20
    dropped = [json.loads(line) for line in (tmp_path / "dropped.jsonl").read_text().splitlines()]
    assert {row["reasons"][0] for row in dropped} == {"contaminated"}


def _swapped(text: str) -> str:
    """Words in such an order that the stub's answer is ``text``."""
    words = text.split()
    for at in range(0, len(words) - 1, 2):
        words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def test_a_budget_ends_a_job_and_a_higher_one_goes_on(stub: str, tmp_path: Path, make_documents: Documents) -> None:
    documents = make_documents(60)
    first = generate_corpus(config(stub, budget_tokens=12_000), documents, [], tmp_path)
    assert first.stopped == "budget"
    assert 0 < first.documents.written < 60
    assert first.tokens.input + first.tokens.output <= 12_000
    with pytest.raises(BadInput, match=r"budget_tokens: .* of 12k are spent already .*; raise it"):
        generate_corpus(config(stub, budget_tokens=12_000), documents, [], tmp_path)
    last = generate_corpus(config(stub, budget_tokens="1M"), documents, [], tmp_path)
    assert (last.documents.written, last.stopped) == (60, None)
    assert last.documents.resumed == first.documents.written


def test_what_failed_is_asked_again_when_that_is_said(
    serve: Callable[..., str], tmp_path: Path, make_documents: Documents
) -> None:
    documents = make_documents(30, poison=10)
    bad, well = serve("stub_server", "--poison", "Poison"), serve("stub_server")
    assert generate_corpus(config(bad), documents, [], tmp_path).documents.failed == 3
    assert generate_corpus(config(well), documents, [], tmp_path).documents.failed == 3
    still = generate_corpus(config(bad), documents, [], tmp_path, retry_failed=True)
    assert (still.documents.failed, still.documents.unfinished) == (3, 0)
    last = generate_corpus(config(well), documents, [], tmp_path, retry_failed=True)
    assert (last.documents.written, last.documents.failed, last.failed_file) == (30, 0, None)
    assert not (tmp_path / "failed.jsonl").exists()


def test_documents_that_can_be_read_only_once(stub: str, tmp_path: Path, make_documents: Documents) -> None:
    with pytest.raises(BadInput, match="documents: can be read only once; give a list"):
        generate_corpus(config(stub), iter(make_documents(3)), [], tmp_path / "out")


def test_another_job_in_the_folder(stub: str, tmp_path: Path, make_documents: Documents) -> None:
    documents = make_documents(3)
    generate_corpus(config(stub), documents, [], tmp_path / "hq")
    with pytest.raises(BadInput, match="holds a job with another template; name another folder with --to"):
        generate_corpus(config(stub, generate="qa"), documents, [], tmp_path / "hq")
    with pytest.raises(BadInput, match="holds a job with another sampling"):
        generate_corpus(config(stub, sampling={"temperature": 1.5}), documents, [], tmp_path / "hq")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(BadInput, match=r"holds other files \(and no job.json\)"):
        generate_corpus(config(stub), documents, [], tmp_path / "mine")


def test_an_empty_source_before_anything_is_asked_or_written(stub: str, tmp_path: Path, told: Told) -> None:
    asked = told(stub)["requests"]
    with pytest.raises(BadInput, match="there is nothing to generate from: it holds no documents"):
        generate_corpus(config(stub), [], [], tmp_path / "out")
    assert told(stub)["requests"] == asked
    assert not (tmp_path / "out").exists()


def test_when_no_request_is_answered(stub: str, tmp_path: Path) -> None:
    poison = [Document("poison " * 20, "web", f"d{number}") for number in range(3)]
    with pytest.raises(Failure, match=r"no request was answered \(HTTP 400: this prompt cannot be answered\)"):
        generate_corpus(config(stub), poison, [], tmp_path)
    assert len((tmp_path / "failed.jsonl").read_text().splitlines()) == 3


def test_a_preview_shows_five_and_estimates_the_rest(
    stub: str, tmp_path: Path, make_documents: Documents, told: Told
) -> None:
    documents, settings = make_documents(50), config(stub, price_in=1.0, price_out=2.0)
    shown = preview_corpus(settings, documents, [documents[0].text], tmp_path)
    assert [one.document for one in shown.examples] == [f"d{number}" for number in range(5)]
    assert all("<passage>" in one.prompts[0][-1]["content"] for one in shown.examples)
    assert shown.whole.documents == shown.whole.requests == 50
    asked = told(stub)["requests"]
    found = generate_corpus(settings, documents, [], tmp_path)
    assert told(stub)["requests"] - asked == 45, "the five are not paid for twice"
    assert shown.whole.cost == pytest.approx(found.cost, rel=0.1)
    assert shown.whole.output_tokens == pytest.approx(found.tokens.output, rel=0.1)
    assert 0 < shown.whole.seconds < 60
    smaller = preview_corpus(settings.model_copy(update={"tokens": 500}), documents, [], tmp_path).whole
    assert smaller.written_tokens == pytest.approx(500, rel=0.01)
    assert smaller.cost == pytest.approx(shown.whole.cost * 500 / shown.whole.output_tokens, rel=0.05)


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from conftest import documents_of
from synthmix.generation.job import generate_corpus
from synthmix.generation.settings import GenerateConfig
settings = dict(model="stub", endpoint={url!r}, filters={{"language": None}}, budget_tokens="10M")
generate_corpus(GenerateConfig(**settings), documents_of(250), [], {folder!r})
"""


def test_killed_three_times_under_faults_nothing_is_lost_and_nothing_twice(
    serve: Callable[..., str], tmp_path: Path, make_documents: Documents
) -> None:
    server = serve("stub_server", "--latency", 0.01, 0.03, "--capacity", 16)
    proxy = serve("fault_proxy", server, "--rate", 0.3, "--retry-after", 0.01, "--only", *AT_ONCE)
    code = KILLED.format(here=str(Path(__file__).parent), url=proxy, folder=str(tmp_path / "out"))
    replies = tmp_path / "out" / "requests" / "replies-local.jsonl"
    for wanted in (40, 100, 160):
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        while process.poll() is None and (not replies.exists() or replies.read_bytes().count(b"\n") < wanted):
            try:
                process.wait(timeout=0.01)
            except subprocess.TimeoutExpired:
                continue
        assert process.poll() is None, process.communicate()[1].decode()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    whole = generate_corpus(config(proxy, budget_tokens="10M"), make_documents(250), [], tmp_path / "out")
    lines = [json.loads(line) for line in replies.read_text().splitlines()]
    assert len({line["key"] for line in lines}) == len(lines) == whole.requests.answered
    assert whole.documents.resumed >= 160
    failed = {json.loads(line)["document"] for line in _lines(tmp_path / "out" / "failed.jsonl")}
    assert sources(tmp_path / "out") == Counter({f"d{n}": 1 for n in range(250) if f"d{n}" not in failed})
    assert len(failed) < 5
    assert whole.tokens.lost > 0, "what was in flight at a kill may have been charged"


def _lines(path: Path) -> Iterator[str]:
    yield from path.read_text().splitlines() if path.exists() else ()


@pytest.mark.parametrize("key", [SECRET, "sk-another-secret-9876"])
def test_the_key_is_in_no_file_no_error_and_no_log(
    serve: Callable[..., str],
    tmp_path: Path,
    make_documents: Documents,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    key: str,
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("MY_KEY", key)
    server = serve("stub_server", "--key", SECRET, "--poison", "poison")
    proxy = serve("fault_proxy", server, "--rate", 0.3, "--only", "500", "reset", "cut-json", "html")
    settings = config(proxy, key_env="MY_KEY", budget_tokens="1M")
    said = ""
    try:
        documents, allowed = make_documents(30, poison=10), [f"MY_KEY@{proxy}"]
        generate_corpus(settings, documents, [], tmp_path / "out", allow_keys=allowed)
    except BadInput as error:
        said = str(error) + repr(error)
        assert "refuses the key" in said
    assert (said == "") == (key == SECRET)
    out, err = capfd.readouterr()
    for text in (said, out, err, caplog.text, repr(settings), everything(tmp_path).decode()):
        assert key not in text
        assert key.removeprefix("sk-") not in text
    assert (tmp_path / "out" / "generation.json").exists() == (key == SECRET)


def test_no_key_where_one_is_needed(tmp_path: Path, make_documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(BadInput, match=r"no key: the environment variable OPENAI_API_KEY is not set; export"):
        generate_corpus(config("https://api.example.com/v1"), make_documents(1), [], tmp_path / "out")
    monkeypatch.setenv("MY_KEY", "two\nlines")
    with pytest.raises(BadInput, match="MY_KEY does not hold a key"):
        generate_corpus(config("http://host/v1", key_env="MY_KEY"), make_documents(1), [], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_in_a_running_event_loop_as_in_a_notebook(stub: str, tmp_path: Path, make_documents: Documents) -> None:
    import asyncio

    async def cell() -> Summary:
        return generate_corpus(config(stub), make_documents(3), [], tmp_path)

    assert asyncio.run(cell()).documents.written == 3


def test_a_missing_detector_of_languages_is_told_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pycld2", None)
    wanted = GenerateConfig(generate="hq", model="m", endpoint=["http://127.0.0.1:9/v1"])
    documents = [Document("A ladder stood against the wall of the house.", "web", "a")]
    with pytest.raises(BadInput, match=r"synthmix\[generate\]") as caught:
        generate_corpus(wanted, documents, [], tmp_path / "job")
    assert caught.value.key == "filters.language"
    assert not (tmp_path / "job").exists()
