"""A real server: ``transformers serve`` with a small Llama of this project's own trainer, and faults in front of it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import train_tokenizer
from synthmix.corpus.sources import Document
from synthmix.errors import BadInput
from synthmix.generation.job import generate_corpus
from synthmix.generation.settings import GenerateConfig
from synthmix.training.checkpoint import save_checkpoint
from synthmix.training.model import make_model
from synthmix.training.shape import shape_for

CHAT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<you>{% endif %}"
LOOSE = {"language": None, "ratio": [0, 100], "min_words": 0, "repetition": None, "meta_talk": False}
# The command `transformers`, in a process that ends with this one.
SERVE = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
from transformers.cli.transformers import main
main()
"""
DEADLINE = 300.0  # seconds; for a server that never comes up


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, make_documents: Callable[..., list[Document]]) -> Path:
    """A checkpoint of the smallest Llama, with a chat template. Untrained: what it says is noise."""
    folder = tmp_path_factory.mktemp("served") / "llama"
    tokenizer = train_tokenizer([document.text for document in make_documents(50)], 300)
    made = make_model(shape_for(25_000), tokenizer.vocab_size, 1024, seed=0, eos=tokenizer.eos_id)
    save_checkpoint(made, tokenizer, folder)
    options = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": tokenizer.end, "chat_template": CHAT}
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    return folder


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[str]:
    """Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    quiet, offline = subprocess.DEVNULL, {**os.environ, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, env=offline)
    end = time.monotonic() + DEADLINE
    up = False
    while not up:
        assert process.poll() is None, "transformers serve has ended"
        assert time.monotonic() < end, "transformers serve does not answer"
        with suppress(urllib.error.URLError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            up = answer.status == 200
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0 if up else 0.1)
    yield f"http://127.0.0.1:{port}/v1"
    process.communicate()


def settings(url: str, model: Path, **changes: Any) -> GenerateConfig:
    given = {"model": str(model), "endpoint": url, "filters": LOOSE, "sampling": {"max_tokens": 12}, "concurrency": 2}
    return GenerateConfig(**{**given, **changes})


def test_a_served_llama_writes_a_corpus_through_faults_and_again(
    server: str,
    model: Path,
    serve: Callable[..., str],
    tmp_path: Path,
    make_documents: Callable[..., list[Document]],
) -> None:
    documents = make_documents(12, words=24)
    proxy = serve("fault_proxy", server, "--rate", 0.3, "--only", "429", "500", "reset", "cut-json", "malformed")
    found = generate_corpus(settings(proxy, model), documents, [], tmp_path)
    assert found.requests.answered == 12
    assert found.documents.failed == found.documents.unfinished == 0
    assert found.documents.written + found.documents.filtered == 12
    assert found.requests.retried > 0
    assert 12 <= found.tokens.output <= 12 * 12
    assert found.tokens.input > 12 * 100
    assert found.requests.truncated > 0, "noise ends at the limit"
    assert generate_corpus(settings(server, model), documents, [], tmp_path).requests.now == 0


def test_a_model_that_the_server_does_not_have(
    server: str, tmp_path: Path, make_documents: Callable[..., list[Document]]
) -> None:
    """Whatever status and words this version has for it, and whether or not it lists its models."""
    said = "(no model 'no-such-model' there|fails when asked for the model 'no-such-model')"
    with pytest.raises(BadInput, match=said) as caught:
        generate_corpus(settings(server, Path("no-such-model")), make_documents(2), [], tmp_path)
    assert caught.value.key == "model"
    assert "\n" not in str(caught.value)


def test_a_parameter_that_the_server_does_not_take(
    server: str, model: Path, tmp_path: Path, make_documents: Callable[..., list[Document]]
) -> None:
    odd = settings(server, model, sampling={"max_tokens": 12, "top_k": 5})
    with pytest.raises(Exception, match=r"Unexpected fields in the request: {'top_k'}"):
        generate_corpus(odd, make_documents(30, words=24), [], tmp_path)


def test_the_same_model_in_this_process(
    model: Path, tmp_path: Path, make_documents: Callable[..., list[Document]]
) -> None:
    local = settings("", model).model_copy(update={"endpoint": []})
    found = generate_corpus(local, make_documents(6, words=24), [], tmp_path)
    assert found.requests.answered == 6
    assert found.generator["generators"][0]["params_total"] > 25_000
