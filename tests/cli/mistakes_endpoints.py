"""Bad input: servers that answer otherwise than one expects (``STUB`` stands for the stub's address), and keys."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .mistakes import SMALL, Case, World, said, write

HEAD = "generate --from web.jsonl --to job --model stub --quiet --retries 0 --documents 30"
LOOSE = "--filter language=null --filter min_words=0 --filter ratio=[0,100] --filter repetition=null"
KEYS = Path("settings")


def served(mode: str, *words: str, more: str = "", code: int = 1) -> Case:
    """A job whose server answers in ``mode``; what was answered is kept."""
    line = f"{HEAD} --endpoint STUB/mode/{mode}/v1 {LOOSE} {more}"
    return Case(f"served: {mode} {more}".strip(), words, tuple(shlex.split(line)), code=code, may_write=("job",))


def environment(then: Callable[[World], Any] = lambda world: None, **variables: str) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        for name, value in variables.items():
            world.monkeypatch.setenv(name, value)
        then(world)

    return prepare


def settings(text: str, mode: int = 0o600) -> Callable[[World], None]:
    """The user's configuration of keys."""

    def prepare(world: World) -> None:
        (world.folder / KEYS).mkdir()
        (world.folder / KEYS / "keys.yaml").write_text(text)
        os.chmod(world.folder / KEYS / "keys.yaml", mode)
        world.monkeypatch.setenv("SYNTHMIX_CONFIG", str(world.folder / KEYS))

    return prepare


def written(**changes: Any) -> Callable[[World], None]:
    """A study with a corpus that a model behind an endpoint writes."""

    def prepare(world: World) -> None:
        entry = {"generate": "hq", "from": "web", "model": "m", "endpoint": "http://127.0.0.1:9/v1", **changes}
        world.set(corpora__written=entry)

    return prepare


MARKUP = [
    served("amid+two_ends", "of the last 20 answers cannot be used", "free of a model's markup"),
    served("think_open", "no document was written: ", " markup", more="--documents 10"),
    said(
        f"corpus build marked.jsonl --to c --strip-markup {' '.join(SMALL)}",
        "marked.jsonl: holds only empty documents and such with a model's markup",
        prepare=write("marked.jsonl", '{"text": "Use `<think>` so."}\n'),
    ),
    Case("markup of no kind", ("corpora.web.markup",), prepare=lambda w: w.set(corpora__web__markup="maybe")),
]
FINISH = [
    served("filtered", "20 of the last 20 answers cannot be used", "finish reason: content_filter"),
    served("no_reason", "finish reason: missing", "--filter finish=[missing]"),
    served("error", "20 of the last 20 requests failed", "the server ended the answer with an error"),
    said(f"{HEAD} --endpoint http://127.0.0.1:9/v1 --filter finish=[whenever]", "--filter finish"),
]
COUNTS = [
    served(
        "usage_negative",
        "budget_money",
        "is less than one request may cost",
        code=2,
        more="--price-in 1 --budget-money 1e-9",
    ),
]
REFUSALS = [
    served("no_limit", "20 of the last 20 requests failed", "max_completion_tokens"),
    served(
        "no_temperature", "does not support 0.7", "leave it out with --sampling temperature=null, in another folder"
    ),
    served("image", "20 of the last 20 requests failed", "no message in"),
]
OPTIONAL = [
    served(
        "",
        "no document was written: 30 were filtered (30 too short)",
        "job/dropped.jsonl",
        more="--filter min_words=5000",
    ),
    served("wait_hour", "asks to wait 1 h 0 min (Retry-After), longer than max_wait, 5 min 0 s", "daily limit"),
    served("wait_hour_date", "(Retry-After), longer than max_wait, 1.0 s", more="--max-wait 1"),
    said(f"{HEAD} --endpoint http://127.0.0.1:9/v1 --max-wait 0", "--max-wait"),
]
ELSEWHERE = "--endpoint https://api.example.com/v1"
ALLOWED = [
    served("redirect", "sends requests on to another server, http://127.0.0.2:9: refused"),
    said(f"{HEAD} {ELSEWHERE} --allow-key MY_KEY", "--allow-key: 'MY_KEY' is not VARIABLE@SERVER"),
    said(f"{HEAD} {ELSEWHERE} --allow-key K@ftp://x", "'K@ftp://x' is not VARIABLE@SERVER"),
    said(f"{HEAD} {ELSEWHERE} --key-env 'MY KEY'", "'MY KEY' is no name of an environment variable"),
    said(
        f"{HEAD} --endpoint http://gpu-1:8000/v1 --key-env HOME",
        "HOME would go there unencrypted; use https, or insist with --allow-key HOME@http://gpu-1:8000",
    ),
    Case(
        "OpenAI's key elsewhere",
        ("OPENAI_API_KEY may not be sent there", "--allow-key OPENAI_API_KEY@api.example.com"),
        tuple(shlex.split(f"{HEAD} {ELSEWHERE}")),
        prepare=environment(OPENAI_API_KEY="sk-secret-1234"),
    ),
    Case(
        "a variable that a study names",
        ("key_env: MY_DB_PASSWORD may not be sent there: nobody allowed it",),
        prepare=environment(written(key_env="MY_DB_PASSWORD"), MY_DB_PASSWORD="hunter22"),
    ),
    Case(
        "a variable for another server",
        ("MY_DB_PASSWORD may not be sent there",),
        prepare=environment(
            written(key_env="MY_DB_PASSWORD", endpoint="https://evil.example/v1"),
            MY_DB_PASSWORD="hunter22",
            SYNTHMIX_ALLOW_KEYS="MY_DB_PASSWORD@db.example",
        ),
    ),
    Case(
        "no permission in the environment",
        ("SYNTHMIX_ALLOW_KEYS: 'anything' is not VARIABLE@SERVER",),
        tuple(shlex.split(f"{HEAD} {ELSEWHERE}")),
        prepare=environment(SYNTHMIX_ALLOW_KEYS="anything"),
    ),
    Case(
        "damaged permissions",
        ("keys.yaml: allow: is not a list of permissions",),
        tuple(shlex.split(f"{HEAD} {ELSEWHERE}")),
        prepare=settings("allow: all"),
    ),
    Case(
        "permissions that others may write",
        ("keys.yaml: others may write it; chmod 600",),
        tuple(shlex.split(f"{HEAD} {ELSEWHERE}")),
        prepare=settings("allow: [K@api.example.com]", 0o666),
    ),
]
ENDPOINTS = [*MARKUP, *FINISH, *COUNTS, *REFUSALS, *OPTIONAL, *ALLOWED]
