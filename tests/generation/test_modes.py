"""The client against servers that answer otherwise than one expects, one at a time and mixed at random."""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.corpus.markup import has_markup
from synthmix.corpus.sources import Document
from synthmix.errors import BadInput, Failure
from synthmix.generation.assemble import answers, assemble
from synthmix.generation.budget import Budget, Prices, most_tokens
from synthmix.generation.client import OpenAIEndpoint
from synthmix.generation.failures import RequestFault, RunCounts
from synthmix.generation.filtering import filter_generated
from synthmix.generation.filters import Filters
from synthmix.generation.job import generate_corpus
from synthmix.generation.journal import Journal
from synthmix.generation.output import Summary
from synthmix.generation.prompts import Prompt, Reply
from synthmix.generation.queue import Queue
from synthmix.generation.runner import Retries, Runner
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.usage import usage_of

from .server_modes import BROKEN, CUT, DROPPED, HIDDEN, MODES, STRIPPED, UNCOUNTED, UNFINISHED

Documents = Callable[..., list[Document]]
Requests = Callable[..., list[Prompt]]
QUICK = Retries(most=1, first=0.001, longest=0.002)
LOOSE = {"language": None, "min_words": 0, "ratio": [0, 100], "repetition": None, "near_duplicates": None}
SECRET = "sk-Verysecret/123456+7"


def at(stub: str, *modes: str) -> str:
    return stub.replace("/v1", f"/mode/{'+'.join(modes)}/v1")


def ask(url: str, prompt: Prompt, **options: Any) -> Reply:
    async def once() -> Reply:
        endpoint = OpenAIEndpoint(url, "stub", **options)
        try:
            return await endpoint.complete(prompt)
        finally:
            await endpoint.close()

    return asyncio.run(once())


def job(url: str, documents: list[Document], folder: Path, **changes: Any) -> Summary:
    given = {"model": "stub", "endpoint": url, "retries": 0, "filters": LOOSE, **changes}
    return generate_corpus(GenerateConfig(**given), documents, [], folder)


def texts(folder: Path) -> dict[str, str]:
    """Source document -> what was written of it."""
    lines = gzip.decompress((folder / "data" / "00000.jsonl.gz").read_bytes()).decode().splitlines()
    return {record["provenance"]["source"]: record["text"] for record in map(json.loads, lines)}


@pytest.fixture(scope="module")
def plain(stub: str, tmp_path_factory: pytest.TempPathFactory, make_documents: Documents) -> dict[str, str]:
    """What an ordinary server makes of fifty documents."""
    folder = tmp_path_factory.mktemp("plain")
    job(stub, make_documents(50), folder)
    return texts(folder)


def test_markup_that_is_certain_leaves_the_text_as_it_is(
    stub: str, tmp_path: Path, make_documents: Documents, plain: dict[str, str]
) -> None:
    found = job(at(stub, *STRIPPED), make_documents(50), tmp_path)
    assert found.documents.written == 50
    assert texts(tmp_path) == plain


def test_markup_that_is_not_drops_the_document_and_is_counted(
    stub: str, tmp_path: Path, make_documents: Documents, plain: dict[str, str]
) -> None:
    found = job(at(stub, *6 * [""], *DROPPED), make_documents(50), tmp_path)
    dropped = {row["reason"]: row["documents"] for row in found.dropped}
    assert 0 < dropped["markup"] == found.documents.filtered < 50
    kept = texts(tmp_path)
    assert kept == {name: plain[name] for name in kept}


@pytest.mark.parametrize("mode", UNFINISHED)
def test_an_answer_that_did_not_finish_is_no_text(stub: str, make_requests: Requests, mode: str) -> None:
    reply = ask(at(stub, mode), make_requests(1)[0])
    assert (reply.finish, reply.written) == (UNFINISHED[mode][0], 0)
    assert reply.output_tokens == 7


@pytest.mark.parametrize("mode", CUT)
def test_other_words_for_a_limit(stub: str, make_requests: Requests, mode: str) -> None:
    assert ask(at(stub, mode), make_requests(1)[0]).finish == "length"


def test_unfinished_documents_are_dropped_and_cut_ones_are_marked(
    stub: str, tmp_path: Path, make_documents: Documents
) -> None:
    found = job(at(stub, *3 * [""], "max_tokens", *UNFINISHED), make_documents(50), tmp_path)
    dropped = {row["reason"]: row["documents"] for row in found.dropped}
    assert dropped["unfinished"] + dropped["empty"] == found.documents.filtered > 20
    lines = gzip.decompress((tmp_path / "data" / "00000.jsonl.gz").read_bytes()).decode().splitlines()
    ends = [json.loads(line)["provenance"]["finish"] for line in lines]
    assert set(ends) == {"stop", "length"}
    again = job(at(stub, ""), make_documents(50), tmp_path, filters={**LOOSE, "truncated": True})
    assert again.documents.written == ends.count("stop")


def test_a_server_that_never_says_why_an_answer_ends(stub: str, tmp_path: Path, make_documents: Documents) -> None:
    documents = make_documents(30)
    with pytest.raises(Failure, match=r"20 of the last 20 answers cannot be used.*finish=\[missing\]"):
        job(at(stub, "no_reason"), documents, tmp_path / "a", concurrency=1)
    accepted = {**LOOSE, "finish": ["missing"]}
    assert job(at(stub, "no_reason"), documents, tmp_path / "b", filters=accepted).documents.written == 30


@pytest.mark.parametrize("mode", BROKEN)
def test_a_broken_answer_is_asked_for_again_and_may_have_been_paid(
    stub: str, make_requests: Requests, mode: str
) -> None:
    with pytest.raises(RequestFault) as caught:
        ask(at(stub, mode), make_requests(1)[0])
    assert (caught.value.retry, caught.value.billed, caught.value.fatal) == (True, True, False)
    assert caught.value.tries == (2 if mode in ("error", "abort", "choice_error") else None)


@pytest.mark.parametrize("mode", UNCOUNTED)
def test_without_a_count_what_was_set_aside_stays(stub: str, make_requests: Requests, mode: str) -> None:
    [prompt] = make_requests(1)
    prompt = Prompt(**{**vars(prompt), "messages": ({"role": "user", "content": "some words of a passage " * 40},)})
    reply = ask(at(stub, mode), prompt)
    most = most_tokens(prompt)
    assert (reply.input_tokens, reply.output_tokens, reply.counted) == (*most, False)
    assert 1 <= reply.written <= 80


@pytest.mark.parametrize("mode", HIDDEN)
def test_reasoning_is_paid_and_is_no_text(stub: str, make_requests: Requests, mode: str) -> None:
    reply = ask(at(stub, mode), make_requests(1)[0])
    assert (reply.output_tokens, reply.counted) == (2007, True)
    assert 7 <= reply.written <= 12
    assert ask(stub, make_requests(1)[0]).written == 7


def test_a_target_counts_text_and_not_reasoning(stub: str, tmp_path: Path, make_documents: Documents) -> None:
    found = job(at(stub, "hidden_told"), make_documents(200), tmp_path, tokens=3000)
    assert found.stopped == "target"
    assert 3000 <= found.tokens.written < 4500
    assert found.tokens.output > 40 * 2000


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5}, (10, 5, 5, True)),
        ({"prompt_tokens": "10", "completion_tokens": "5"}, (10, 5, 5, True)),
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0, "total_tokens": 15}, (10, 5, 5, True)),
        ({"prompt_tokens": 10, "completion_tokens": 105, "reasoning_tokens": 100}, (10, 105, 5, True)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115}, (10, 105, 5, True)),
        ({"prompt_tokens": 10}, (10, 50, 7, False)),
        ({"completion_tokens": 5}, (300, 5, 5, False)),
        ({"prompt_tokens": 10, "completion_tokens": -5}, (10, 50, 7, False)),
        ({"prompt_tokens": 10, "completion_tokens": 10**30}, (10, 50, 7, False)),
        (None, (300, 50, 7, False)),
        ("free", (300, 50, 7, False)),
    ],
)
def test_what_an_answer_took(said: Any, expected: tuple[int, int, int, bool]) -> None:
    used = usage_of(said, "five words of a text", "stop", (300, 50))
    assert (used.input, used.output, used.text, used.counted) == expected


def test_what_the_first_refusal_teaches_does_not_fail_those_in_flight(
    stub: str, tmp_path: Path, make_requests: Requests
) -> None:
    journal = Journal(tmp_path)

    async def all_at_once(mode: str, prompts: list[Prompt]) -> RunCounts:
        endpoint = OpenAIEndpoint(at(stub, mode), "stub")
        try:
            runner = Runner([endpoint], journal, Budget(log=None), retries=Retries(most=0))
            return await runner.run(Queue(iter(prompts), journal))
        finally:
            await endpoint.close()

    first = asyncio.run(all_at_once("new_limit", make_requests(40)))
    second = asyncio.run(all_at_once("no_seed", make_requests(40, first=40, seed=7)))
    assert (first.answered, first.failed, second.answered, second.failed) == (40, 0, 40, 0)
    assert second.generators[0]["left_out"] == ["seed"]
    replies = [journal.reply(prompt.key) for prompt in make_requests(40, first=40, seed=7)]
    assert {reply.left_out for reply in replies if reply} == {("seed",)}
    journal.close()


def test_a_seed_that_was_not_sent_is_not_in_the_provenance(
    stub: str, tmp_path: Path, make_documents: Documents
) -> None:
    for folder, mode, sampling in (("a", "no_seed", {}), ("b", "", {"seed": None})):
        job(at(stub, mode), make_documents(3), tmp_path / folder, sampling=sampling)
        lines = gzip.decompress((tmp_path / folder / "data" / "00000.jsonl.gz").read_bytes()).decode().splitlines()
        assert all(
            set(json.loads(line)["provenance"]["sampling"]) == {"temperature", "top_p", "max_tokens"} for line in lines
        )


def test_a_job_without_a_document_fails_and_leaves_no_corpus(
    stub: str, tmp_path: Path, make_documents: Documents
) -> None:
    folder = tmp_path / "hq"
    assert job(stub, make_documents(8), folder).documents.written == 8
    short = {**LOOSE, "min_words": 5000}
    with pytest.raises(Failure, match=r"no document was written: 8 were filtered \(8 too short\).*dropped.jsonl"):
        job(stub, make_documents(8), folder, filters=short)
    assert not (folder / "data").exists()
    assert not (folder / "generation.json").exists()
    assert job(stub, make_documents(8), folder).requests.now == 0


@pytest.mark.parametrize("mode", ["wait_hour", "wait_hour_date"])
def test_an_hour_is_not_waited_for(stub: str, tmp_path: Path, make_documents: Documents, mode: str) -> None:
    with pytest.raises(
        Failure, match=r"asks to wait (1 h 0 min|59 min 5\d s) \(Retry-After\), longer than max_wait, 5 min"
    ):
        job(at(stub, mode), make_documents(5), tmp_path)


def test_a_redirect_to_another_server_is_refused(stub: str, make_requests: Requests) -> None:
    with pytest.raises(RequestFault) as caught:
        ask(at(stub, "redirect"), make_requests(1)[0], key=SECRET)
    assert (caught.value.kind, caught.value.fatal, caught.value.retry) == ("redirect", True, False)
    assert "sends requests on to another server, http://127.0.0.2:9: refused" in str(caught.value)


class Recorder(BaseHTTPRequestHandler):
    """Keeps the headers of what it is asked, and sends requests on within itself, or answers without end."""

    seen: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        Recorder.seen.append({name.lower(): value for name, value in self.headers.items()})
        if self.path.startswith("/on/"):
            self._send(307, b"", Location="/v1/chat/completions")
        elif self.path.startswith("/deep/"):
            self._send(200, b"[" * 200_000)
        elif self.path.startswith("/long/"):
            self._send(200, gzip.compress(b" " * (33 << 20), 1), **{"Content-Encoding": "gzip"})
        else:
            choice = {"message": {"content": "all is well"}, "finish_reason": "stop"}
            self._send(200, json.dumps({"choices": [choice]}).encode())

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def recorder() -> Iterator[str]:
    Recorder.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_nothing_of_the_environment_is_sent_but_the_key(
    recorder: str, make_requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "private-123456")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Private: private-123456")
    [prompt] = make_requests(1)
    assert ask(f"{recorder}/v1", prompt).text == "all is well"
    assert ask(f"{recorder}/on/v1", prompt, key=SECRET).text == "all is well", "a redirect within the server"
    assert "private" not in json.dumps(Recorder.seen)
    assert [one["authorization"] for one in Recorder.seen] == ["Bearer none", *2 * [f"Bearer {SECRET}"]]


@pytest.mark.parametrize(("path", "said"), [("deep", "not JSON but"), ("long", "more than 32 MB")])
def test_an_answer_without_end_is_no_answer(recorder: str, make_requests: Requests, path: str, said: str) -> None:
    with pytest.raises(RequestFault, match=said) as caught:
        ask(f"{recorder}/{path}/v1", make_requests(1)[0])
    assert (caught.value.kind, caught.value.billed) == ("broken reply", True)


def test_an_echoed_key_is_masked(stub: str, tmp_path: Path, make_requests: Requests) -> None:
    [prompt] = make_requests(1)
    reply = ask(at(stub, "echo"), prompt, key=SECRET)
    assert reply.text.endswith("My key is (key) and so on.")
    assert reply.model == "stub-(key)"
    assert ask(at(stub, "echo_finish"), prompt, key=SECRET).finish == "unknown"
    with pytest.raises(RequestFault, match=r"HTTP 400: the key \(key\) is not good enough"):
        ask(at(stub, "echo_error"), prompt, key=SECRET)


@settings(max_examples=12)
@given(modes=st.lists(st.sampled_from(MODES), min_size=1, max_size=6), cap=st.sampled_from([None, 3e-3, 1e-2]))
def test_random_mixtures_of_modes(
    stub: str, tmp_path_factory: pytest.TempPathFactory, make_requests: Requests, modes: list[str], cap: float | None
) -> None:
    """Kept text holds no markup and has finished, no more is spent than the budget, every request is accounted for."""
    folder, prompts = tmp_path_factory.mktemp("mixed"), make_requests(24)
    journal = Journal(folder)
    budget = Budget(Prices(1.0, 1.0), money=cap, log=folder / "spending-local.log")

    async def run() -> RunCounts:
        endpoint = OpenAIEndpoint(at(stub, *modes), "stub")
        runner = Runner([endpoint], journal, budget, retries=QUICK)
        try:
            await runner.run(Queue(iter(prompts), journal))
        except Failure:
            pass
        finally:
            await endpoint.close()
        return runner.counts

    counts = asyncio.run(run())
    replies = [reply for prompt in prompts if (reply := journal.reply(prompt.key))]
    assert counts.answered == len(replies) == len(journal)
    assert counts.failed == len(list(journal.failures()))
    assert counts.answered + counts.failed <= 24
    assert counts.unusable == sum(reply.written == 0 for reply in replies)
    spent = sum(reply.input_tokens + reply.output_tokens for reply in replies)
    assert spent == budget.input_tokens + budget.output_tokens
    assert all(reply.input_tokens > 0 and reply.output_tokens > 0 for reply in replies)
    if cap is not None and not set(modes) & set(HIDDEN):
        assert budget.money + budget.prices.cost(budget.lost_input, budget.lost_output) <= cap

    made = assemble(answers(prompts, journal))
    loose = Filters.model_validate({**LOOSE, "copied": None, "meta_talk": False, "refusals": False})
    kept = list(filter_generated(made, heldout=[], filters=loose))
    assert all(document.finish in ("stop", "length") and not has_markup(document.text) for document in kept)
    journal.close()
    budget.close()


def test_a_key_of_a_study_file_goes_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MY_DB_PASSWORD", SECRET)
    for url in ("https://evil.example/v1", "http://127.0.0.1:9/v1", "http://gpu-1:8000/v1"):
        config = GenerateConfig(model="m", endpoint=url, key_env="MY_DB_PASSWORD", filters=LOOSE)
        with pytest.raises(BadInput, match=r"key_env: MY_DB_PASSWORD (may not be sent|would go) there"):
            generate_corpus(config, [Document("a text", "web", "d")], [], tmp_path / "out")
    assert not (tmp_path / "out").exists()
