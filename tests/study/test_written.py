"""A study whose synthetic text a language model writes, behind a real HTTP server that answers as OpenAI's do."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from synthmix.corpus.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.study.load import load_study, study_from
from synthmix.study.prepare import check_given
from synthmix.study.run import run_study

from ..in_process import InProcess

Make = Callable[..., dict[str, Any]]


SHUFFLE = """---
name: shuffle
kind: rewrite
---
{% block system %}
Shuffle the words.
{% endblock %}
{% block user %}
The passage:
{{ text }}
{% endblock %}
"""


class Writer(BaseHTTPRequestHandler):
    """Answers a request for a rewrite with the passage's words, shifted: as long, not verbatim, always the same."""

    asked: ClassVar[list[str]] = []

    def log_message(self, *_: Any) -> None:
        """No noise."""

    def do_GET(self) -> None:
        self._send({"object": "list", "data": [{"id": "writer", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        passage = body["messages"][-1]["content"].split("The passage:")[1].strip()
        Writer.asked.append(passage)
        words = passage.split()
        text = " ".join(word for i in range(0, len(words), 2) for word in reversed(words[i : i + 2]))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": len(words) + 20, "completion_tokens": len(words), "total_tokens": 2 * len(words) + 20}
        self._send(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": "writer",
                "choices": [choice],
                "usage": usage,
            }
        )

    def _send(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def endpoint() -> Iterator[str]:
    Writer.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Writer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def raw(make_study: Make, tmp_path: Path, data: Path, endpoint: str) -> dict[str, Any]:
    rewrite = tmp_path / "shuffle.jinja"
    rewrite.write_text(SHUFFLE)
    return make_study(
        tmp_path / "study",
        corpora={
            "web": {"files": str(data / "web.jsonl"), "heldout": "5%"},
            "shuffled": {
                "generate": str(rewrite),
                "from": "web",
                "model": "writer",
                "endpoint": endpoint,
                "filters": {"near_duplicates": None, "copied": None, "repetition": None, "language": None},
            },
        },
        mix={"natural": "web", "synthetic": "shuffled", "shares": [0, "1/3"]},
        ladder={"params": ["25k"], "budgets": [2560, 5120]},
        question=None,
    )


def test_a_model_behind_an_endpoint_writes_a_corpus_that_is_mixed_and_trained_on(raw: dict[str, Any]) -> None:
    found = run_study(study_from(raw), engine=InProcess())
    corpus = Corpus.open(next(Path(raw["folder"]).glob("corpora/shuffled-*/corpus.json")).parent)
    assert corpus.meta.kind == "synthetic"
    assert corpus.meta.generator is not None
    assert "writer" in json.dumps(corpus.meta.generator)
    assert {run.recipe for run in found.runs} == {"web", "33.3% shuffled + web"}
    assert len(Writer.asked) > 100
    row = next(row for row in found.corpora if row.name == "shuffled")
    assert row.kind == "synthetic"
    assert row.documents > 100
    web = Corpus.open(next(Path(raw["folder"]).glob("corpora/web-*/corpus.json")).parent)
    heldout = list(web.texts("heldout"))
    assert heldout
    assert not {" ".join(text.split()) for text in heldout} & set(Writer.asked), "what is held out is never shown"
    asked = len(Writer.asked)
    assert run_study(study_from(raw), engine=InProcess()).runs == found.runs
    assert len(Writer.asked) == asked, "no answer is asked for twice"


def test_relative_templates_count_from_the_study_file(raw: dict[str, Any], save_study: Any, tmp_path: Path) -> None:
    raw["corpora"]["shuffled"]["generate"] = "shuffle.jinja"
    config = load_study(save_study(tmp_path / "study.yaml", raw))
    assert config.corpora["shuffled"].generate == str(tmp_path / "shuffle.jinja")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"generate": "novel"}, "novel"),
        ({"from": "wiki"}, r"corpora\.shuffled\.from: no corpus 'wiki'"),
        ({"budget_money": 3}, "needs price_in and price_out"),
        ({"modle": "x"}, r"did you mean|unknown|model"),
        ({"key_env": "NO_SUCH_VARIABLE_AT_ALL"}, "NO_SUCH_VARIABLE_AT_ALL"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_asked(
    raw: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    raw["corpora"]["shuffled"] |= change
    with pytest.raises(BadInput, match=said):
        check_given(study_from(raw))
    assert Writer.asked == []
