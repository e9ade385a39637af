"""``synthmix generate`` and ``synthmix quality`` as a shell runs them, and what can be wrong with their options."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import STUB, Ran

Run = Callable[..., Ran]
LOOSE = ("--filter", "language=null", "--filter", "meta_talk=false", "--filter", "repetition=null")


@pytest.fixture
def source(here: Path, save_jsonl: Callable[..., Path], make_stories: Callable[..., list[str]]) -> Path:
    """A corpus of twelve documents in the working directory."""
    return save_jsonl(here / "web.jsonl", make_stories(12))


def asked(stub: str, *more: str, to: str = "hq") -> tuple[str, ...]:
    return ("generate", "--from", "web.jsonl", "--to", to, "--model", "stub", "--endpoint", stub, *LOOSE, *more)


def test_a_corpus_its_counts_and_its_quality(run: Run, source: Path, here: Path, stub: str) -> None:
    prices = ("--price-in", "1", "--price-out", "2")
    found = run(*asked(stub, *prices, "--json", "--quiet")).value
    assert found["documents"] == {"written": 12, "filtered": 0, "failed": 0, "unfinished": 0, "resumed": 0}
    assert found["cost"] == pytest.approx((found["tokens"]["input"] + 2 * found["tokens"]["output"]) / 1e6)
    assert run(*asked(stub, *prices, "--json", "--quiet")).value["documents"]["resumed"] == 12
    told = run(*asked(stub, "--type", "qa", to="qa"))
    assert told.out.startswith("qa: 12 documents of ")
    assert "12 answers" in told.err
    assert "mix it as files: qa/data/*.jsonl.gz" in told.out
    assert {"README.md", "quality.json", "generation.json", "job.json"} <= {path.name for path in Path("qa").iterdir()}
    # Of two types side by side, and as the source of a third.
    table = run("quality", "hq", "qa", "--to", "page")
    assert "source" in table.out
    assert list(Path("page").glob("*.html"))
    more = run(
        "generate", "--from", "hq", "--to", "faq", "--type", "faq", "--model", "stub", "--endpoint", stub, *LOOSE
    )
    assert more.out.startswith("faq: 12 documents")


def test_interrupted_it_keeps_its_answers_and_resumes(run: Run, source: Path, here: Path, stub: str) -> None:
    command = [sys.executable, str(STUB), "--latency", "0.2", "0.3", "--capacity", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as slow:
        assert slow.stdout is not None
        arguments = asked(slow.stdout.readline().strip())
        job = subprocess.Popen(
            [sys.executable, "-m", "synthmix", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            # As from a terminal: below a job in the background the signal would be inherited as ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        replies = here / "hq" / "requests" / "replies-local.jsonl"
        while job.poll() is None and not (replies.exists() and replies.read_bytes().count(b"\n") >= 2):
            with suppress(subprocess.TimeoutExpired):
                job.wait(timeout=0.02)
        job.send_signal(signal.SIGINT)
        err = job.communicate()[1]
        slow.communicate()
    assert job.returncode == 130
    assert err.splitlines()[-1] == "synthmix: interrupted; the same command resumes"
    found = run(*asked(stub, "--json", "--quiet")).value
    assert found["documents"]["written"] == 12
    assert 2 <= found["documents"]["resumed"] < 12


def test_a_preview(run: Run, source: Path, stub: str) -> None:
    told = run(*asked(stub, "--preview", "--price-out", "1.5"))
    assert told.out.count("=== example ") == 5
    assert "--- user\n" in told.out
    assert "whole job: 12 documents, 12 requests, about " in told.out
    assert len(run(*asked(stub, "--preview", "--json", "--quiet")).value["examples"]) == 5


def test_sampling_parameters_may_be_distributions(run: Run, source: Path, stub: str) -> None:
    options = ("--sampling", "temperature={uniform: [0.6, 1.0]}", "--sampling", "max_tokens=20", "--json", "--quiet")
    options += ("--filter", "min_words=0", "--filter", "ratio=[0, 9]")
    assert run(*asked(stub, *options)).value["requests"]["truncated"] == 12
    lines = Path("hq/requests/replies-local.jsonl").read_text().splitlines()
    assert {json.loads(line)["output_tokens"] for line in lines} == {20}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--endpoint", "nowhere"), "endpoint: 'nowhere' is not an http address; write http://localhost:8000/v1"),
        (("--endpoint", "http://127.0.0.1:9/v1"), "http://127.0.0.1:9/v1: cannot be reached ("),
        (("--endpoint", "https://127.0.0.1:9/v1"), "no key: the environment variable OPENAI_API_KEY is not set"),
        (("--key-env", "NOT_THERE"), "no key: the environment variable NOT_THERE is not set; export NOT_THERE=..."),
        (("--model", "gpt-9"), "no model 'gpt-9' there; it has stub"),
        (("--type", "poem"), "poem: no such template; built in: dialogue, faq, hq"),
        (("--template", "poem.jinja"), "poem.jinja: no such template"),
        (("--template", "bad.jinja"), "bad.jinja: unknown variable 'passage'"),
        (("--from", "empty.jsonl"), "empty.jsonl: holds no documents"),
        (("--from", "blank.jsonl"), "there is nothing to generate from: its 1 documents are blank"),
        (("--from", "nothing.jsonl"), "nothing.jsonl"),
        (("--tokens", "many"), "--tokens: 'many' is not a count"),
        (("--sampling", "temperature=9"), "--sampling: temperature: 9 is not a number from 0 to 2"),
        (("--sampling", "heat=1"), "--sampling: heat: no such sampling parameter"),
        (("--sampling", "temperature"), "--sampling temperature: is not NAME=VALUE"),
        (("--sampling", "temperature={"), "--sampling temperature: '{' is no value"),
        (("--filter", "copied=7"), "--filter copied: "),
        (("--filter", "copies=1"), "--filter copies: "),
        (("--budget-tokens", "100"), "budget_tokens: 100 is less than one request may cost"),
        (("--budget-money", "1"), "budget_money: needs price_in and price_out"),
        (("--budget-money", "0", "--price-in", "1"), "--budget-money: "),
        (("--timeout", "0"), "--timeout: "),
        (("--engine", "slurm"), "'slurm' is neither local nor ray"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_nothing_is_asked(
    run: Run, source: Path, here: Path, stub: str, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], words: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (here / "empty.jsonl").touch()
    (here / "blank.jsonl").write_text('{"text": "  "}\n')
    (here / "bad.jinja").write_text(
        "---\nname: bad\n---\n{% block system %}{% endblock %}{% block user %}{{ passage }}{% endblock %}\n"
    )
    changed = options[0] if options[0] in ("--endpoint", "--model", "--from") else None
    given = list(asked(stub))
    if changed is not None:
        at = given.index(changed)
        given[at : at + 2] = []
    ran = run(*given, *options, "--quiet")
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""
    assert not list(here.glob("hq/data*"))
    assert not [path for path in here.glob("hq/requests/replies-*") if path.stat().st_size]


def test_a_key_goes_where_the_user_says_and_that_is_remembered(
    run: Run, source: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNTHMIX_CONFIG", str(here / "config"))
    monkeypatch.setenv("MY_KEY", "sk-mine-1234567")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine-1234567")
    command = [sys.executable, str(STUB), "--key", "sk-mine-1234567"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        ran = run(*asked(url, "--quiet"))
        assert (ran.code, "refuses the key" in ran.err) == (2, True), "OpenAI's key is for OpenAI"
        told = run(*asked(url, "--quiet", "--key-env", "MY_KEY", "--allow-key", "OPENAI_API_KEY@127.0.0.1"))
        assert told.out.startswith("hq: 12 documents")
        assert told.err == f"{here / 'config' / 'keys.yaml'}: remembered OPENAI_API_KEY@127.0.0.1\n"
        assert run(*asked(url, "--quiet", to="again")).out.startswith("again: 12 documents")
        server.communicate()


def test_a_folder_without_text_has_no_quality(run: Run, here: Path) -> None:
    for path, said in (("nothing", "nothing: files: no such file"), (".", ".: holds no finished text")):
        ran = run("quality", path)
        assert ran.code == 2
        assert said in ran.err


def test_plain_files_have_a_quality_without_sources(run: Run, source: Path, here: Path) -> None:
    table = run("quality", "v1.0=web.jsonl", "--to", "page")
    assert "Word order" in table.out
    assert "v1.0" in table.out
    assert "Words kept" not in table.out
    assert (here / "page" / "quality.html").exists()


def test_a_model_in_this_process_that_is_not_there(run: Run, source: Path) -> None:
    ran = run("generate", "--from", "web.jsonl", "--to", "hq", "--model", "./llama", "--quiet")
    assert ran.code == 2
    assert "./llama: model: no such folder" in ran.err
