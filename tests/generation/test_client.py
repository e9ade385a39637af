"""The official client against a stub, a faulty one, and things that are no servers at all."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.generation.client import OpenAIEndpoint, checked_url, retry_after
from synthmix.generation.endpoints import probe
from synthmix.generation.failures import RequestFault, of_status, redacted
from synthmix.generation.prompts import Prompt, Reply

pytestmark = pytest.mark.smoke

Requests = Callable[..., list[Prompt]]
SECRET = "sk-verysecret123456"


def ask(url: str, prompt: Prompt, *, model: str = "stub", **options: Any) -> Reply:
    async def once() -> Reply:
        endpoint = OpenAIEndpoint(url, model, **options)
        try:
            return await endpoint.complete(prompt)
        finally:
            await endpoint.close()

    return asyncio.run(once())


def fault_of(url: str, prompt: Prompt, **options: Any) -> RequestFault:
    with pytest.raises(RequestFault) as caught:
        ask(url, prompt, **options)
    return caught.value


def looked_at(url: str, *, model: str = "stub", **options: Any) -> str:
    """What the probe says of an endpoint."""

    async def once() -> None:
        endpoint = OpenAIEndpoint(url, model, **options)
        try:
            await probe([endpoint])
        finally:
            await endpoint.close()

    try:
        asyncio.run(once())
    except BadInput as error:
        return str(error)
    return "well"


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def test_an_answer(stub: str, make_requests: Requests) -> None:
    [prompt] = make_requests(1)
    reply = ask(stub + "/", prompt)
    assert (reply.key, reply.finish, reply.model) == (prompt.key, "stop", "stub")
    assert reply.text.endswith("something Say number about 0.")
    assert (reply.input_tokens, reply.output_tokens) == (9, 7)
    assert reply.seconds > 0
    [short] = make_requests(1, max_tokens=2)
    assert ask(stub, short).finish == "length"


def test_a_server_that_knows_the_limit_by_its_new_name(serve: Callable[..., str], make_requests: Requests) -> None:
    [short] = make_requests(1, max_tokens=2)
    assert ask(serve("stub_server", "--new"), short).output_tokens == 2


def test_an_endpoint_that_is_well(stub: str, told: Callable[[str], dict[str, int]]) -> None:
    before = told(stub)["requests"]
    assert looked_at(stub) == "well"
    assert told(stub)["requests"] == before, "a listed model costs no request"


def test_a_model_that_is_not_there(stub: str) -> None:
    said = looked_at(stub, model="gpt-9")
    assert said.startswith(f"{stub}: model: no model 'gpt-9' there; it has stub (")
    assert said.endswith("; name one with --model; most addresses end in /v1")


@pytest.mark.parametrize("status", ["404", "400", "422", "500"])
@pytest.mark.parametrize("words", ["said", "silent"])
@pytest.mark.parametrize("listing", ["data", "bare", "names", "empty", "404", "401", "403", "500"])
def test_a_missing_model_is_told_by_the_list_and_not_by_the_servers_words(
    stub: str, monkeypatch: pytest.MonkeyPatch, status: str, words: str, listing: str
) -> None:
    monkeypatch.setattr("synthmix.generation.endpoints.PROBES", 1)
    url = stub.replace("/v1", f"/as/{status}/{words}/{listing}/v1")
    assert looked_at(url) == "well", "a list is no condition"
    said = looked_at(url, model="gpt-9")
    assert said.startswith(f"{url}: model: ")
    assert "'gpt-9'" in said
    assert said.endswith("; name one with --model; most addresses end in /v1")
    assert ("the model gpt-9 does not exist" in said) == (words == "said")
    assert f"HTTP {status}" in said
    if listing.isdecimal():
        assert "it has" not in said
        assert ("and does not list its models" in said) == (status == "500")
    else:
        have = "it lists none" if listing == "empty" else "it has stub"
        assert f"no model 'gpt-9' there; {have} (" in said


@pytest.mark.parametrize("kind", ["429", "503"])
def test_a_server_with_too_much_to_do_is_not_said_to_lack_a_model(
    serve: Callable[..., str], stub: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("synthmix.generation.endpoints.PROBES", 1)
    said = looked_at(serve("fault_proxy", stub, "--rate", 1, "--only", kind), model="gpt-9")
    assert "no model" not in said
    assert said.endswith("check the server and its log")


def test_an_address_without_its_v1(stub: str) -> None:
    assert "most addresses end in /v1" in looked_at(stub.removesuffix("/v1"))


def test_nobody_listens(nobody: str, make_requests: Requests) -> None:
    assert looked_at(nobody).startswith(f"{nobody}: cannot be reached (")
    assert looked_at(nobody).endswith("; start the server, or fix --endpoint")
    fault = fault_of(nobody, make_requests(1)[0])
    assert (fault.kind, fault.retry, fault.billed) == ("unreachable", True, False)


def test_a_key_is_asked_for_taken_and_never_told(serve: Callable[..., str], make_requests: Requests) -> None:
    url = serve("stub_server", "--key", SECRET)
    assert looked_at(url, key=SECRET) == "well"
    for key in (None, "sk-another-one-654321"):
        said = looked_at(url, key=key)
        assert "refuses the key (HTTP 401: Incorrect API key" in said
        assert said.endswith("put a valid key into OPENAI_API_KEY")
        assert "another-one" not in said
    fault = fault_of(url, make_requests(1)[0], key="sk-another-one-654321")
    assert (fault.fatal, fault.retry) == (True, False)
    assert "another-one" not in fault.reason
    endpoint = OpenAIEndpoint(url, "stub", key=SECRET)
    assert SECRET not in repr(endpoint) + str(endpoint.identity)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", {"kind": "rate limit", "overload": True, "billed": False, "wait": 0.05}),
        ("503", {"kind": "overload", "overload": True, "billed": False, "wait": 0.05}),
        ("500", {"kind": "server error", "overload": False, "billed": False}),
        ("reset", {"kind": "connection", "billed": True}),
        ("truncated", {"kind": "connection", "billed": True}),
        ("cut-json", {"kind": "broken reply", "billed": True}),
        ("malformed", {"kind": "broken reply", "billed": True}),
        ("html", {"kind": "broken reply", "reason": "not JSON but text/html: '<html>Bad gateway</html>'"}),
        ("hang", {"kind": "time-out", "overload": True, "billed": True, "reason": "no answer within 0.2 s"}),
        ("trickle", {"kind": "time-out", "overload": True, "billed": True}),
    ],
)
def test_every_fault_is_told_apart_and_worth_another_try(
    serve: Callable[..., str], stub: str, make_requests: Requests, kind: str, expected: dict[str, Any]
) -> None:
    url = serve("fault_proxy", stub, "--rate", 1, "--only", kind)
    fault = fault_of(url, make_requests(1)[0], timeout=0.2 if kind in ("hang", "trickle") else 60.0)
    assert fault.retry
    assert not fault.fatal
    assert {name: getattr(fault, name) for name in expected} == expected


def test_a_page_that_is_no_server(serve: Callable[..., str], stub: str) -> None:
    url = serve("fault_proxy", stub, "--rate", 1, "--only", "html")
    said = looked_at(url, model="unlisted")
    assert "does not answer as an OpenAI-compatible server (not JSON but text/html" in said


def test_a_refused_prompt_is_refused_for_good(stub: str) -> None:
    message = ({"role": "user", "content": "poison"},)
    fault = fault_of(stub, Prompt("d", "h", 0, 1, 0, message, "", "t"))
    assert (fault.kind, fault.retry, fault.fatal, fault.status) == ("refused", False, False, 400)
    assert fault.reason == "HTTP 400: this prompt cannot be answered"


@pytest.mark.parametrize(
    ("status", "message", "kind", "retry", "fatal"),
    [
        (400, "", "refused", False, False),
        (402, "", "fatal", False, True),
        (403, "", "fatal", False, True),
        (408, "", "server error", True, False),
        (422, "top_k", "refused", False, False),
        (429, "You exceeded your quota insufficient_quota", "fatal", False, True),
        (502, "", "server error", True, False),
        (529, "", "overload", True, False),
    ],
)
def test_what_a_status_means(status: int, message: str, kind: str, retry: bool, fatal: bool) -> None:
    fault = of_status(status, message, None)
    assert (fault.kind, fault.retry, fault.fatal) == (kind, retry, fatal)


def test_how_long_a_server_asks_to_wait() -> None:
    assert retry_after({"retry-after": "3"}) == 3
    assert retry_after({"retry-after": "3", "retry-after-ms": "250"}) == 0.25
    assert retry_after({"retry-after": "-1"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "nan"}) is None
    assert retry_after({}) is None
    date = retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert date is not None
    assert 50 < date <= 60


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:8000", "'localhost:8000' is not an http address; write http://localhost:8000/v1"),
        ("http://", "is not an http address"),
        ("http://x:99999/v1", "is not an http address"),
        ("ftp://host/v1", "is not an http address"),
        ("https://me:hunter2@host/v1", "the address holds a password or a query; keys come from the environment"),
        ("https://host/v1?key=hunter2", "the address holds a password or a query"),
    ],
)
def test_what_is_no_address(url: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        checked_url(url)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_blacked_out() -> None:
    said = redacted(f"Bearer abcdef {SECRET}\n sk-someone-elses-key hf_abcdefgh " + "x" * 500, SECRET)
    assert said.startswith("Bearer (key) (key) (key) (key) xxx")
    assert len(said) == 200
