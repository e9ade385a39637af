"""Bad input: what is cut, packed, nested or endless, and tokenizers that cannot do what is asked of them."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from typing import Any

import zstandard

from .mistakes import SMALL, Case, World, change, read, said, write, yaml

TEXT = b"".join(json.dumps({"text": f"document {i} of {i * i % 89}"}).encode() + b"\n" for i in range(400))
ZST = zstandard.ZstdCompressor().compress
BUILD = ("corpus", "build")
WORDS = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
    "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "</s>": 2}, "unk_token": "[UNK]"},
}  # fmt: skip
NO_END = WORDS | {"model": WORDS["model"] | {"vocab": {"[UNK]": 0, "a": 1}}}  # type: ignore[operator]
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def limited(limit: str, value: str, then: Callable[[World], Any] = lambda world: None) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        world.monkeypatch.setenv(limit, value)
        then(world)

    return prepare


def build(name: str, file: str, content: str | bytes, *words: str) -> Case:
    return Case(name, words, (*BUILD, file, "--to", "new", *SMALL), write(file, content))


def with_tokenizer(name: str, settings: str, *words: str, state: dict[str, Any] = WORDS) -> Case:
    arguments = (*BUILD, "web.jsonl", "--to", "new", "--tokenizer", f"t.json{settings}", "--quiet")
    return Case(name, words, arguments, write("t.json", json.dumps(state)))


FRAMES = [
    build("zst cut in a block", "a.jsonl.zst", ZST(TEXT)[:-40], "a.jsonl.zst: is damaged (cut short"),
    build("zst cut behind a frame", "a.jsonl.ZST", ZST(TEXT) + ZST(TEXT)[:9], "a.jsonl.ZST: is damaged (cut short"),
    build("zst with more behind it", "a.jsonl.zst", ZST(TEXT) + b"more", "a.jsonl.zst: is damaged"),
    build("gzip cut", "a.JSONL.GZ", gzip.compress(TEXT)[:-9], "a.JSONL.GZ: is damaged (cut short"),
    build("gzip with more behind it", "a.jsonl.gz", gzip.compress(TEXT) + b"more", "a.jsonl.gz: is damaged"),
    build("an empty gzip", "a.jsonl.gz", b"", "a.jsonl.gz: is damaged (it is empty)"),
    build("bzip2 cut", "a.jsonl.bz2", bz2.compress(TEXT)[:-9], "a.jsonl.bz2: is damaged (cut short"),
    build("xz cut", "a.jsonl.xz", lzma.compress(TEXT)[:-9], "a.jsonl.xz: is damaged (cut short"),
    build("plain text called bz2", "a.jsonl.bz2", TEXT, "a.jsonl.bz2: is damaged"),
    read("zst cut, in a study", "web.jsonl.zst", ZST(TEXT)[:-40], "web.jsonl.zst: is damaged (cut short"),
]

ENDLESS = [
    build("a line that unpacks without end", "a.jsonl.zst", ZST(bytes(70_000_000)), "a.jsonl.zst", "raise SYNTHMIX_"),
    build("text without a line end, packed", "a.txt.gz", gzip.compress(bytes(70_000_000), 1), "a.txt.gz", "SYNTHMIX_"),
    Case(
        "a line beyond the limit",
        ("web.jsonl:1: is longer than 100 bytes; break it into lines, or raise SYNTHMIX_LONGEST",),
        (*BUILD, "web.jsonl", "--to", "new", *SMALL),
        limited("SYNTHMIX_LONGEST", "100"),
    ),
    Case(
        "a document beyond the limit",
        ("a.txt: separator: document 1 is longer than 100 bytes; say with separator how it divides",),
        (*BUILD, "a.txt", "--to", "new", *SMALL),
        limited("SYNTHMIX_LONGEST", "100", write("a.txt", "word " * 50)),
    ),
    Case(
        "a limit that is none",
        ("SYNTHMIX_DEPTH: 'deep' is not a count",),
        (*BUILD, "web.jsonl", "--to", "new", *SMALL),
        limited("SYNTHMIX_DEPTH", "deep"),
    ),
    build("nested JSON", "a.jsonl", '{"text": "a", "more": ' + "[" * 5000 + "]" * 5000 + "}", "a.jsonl:1: not JSON"),
    build("a number without end", "a.jsonl", '{"text": "a", "n": ' + "9" * 5000 + "}", "a.jsonl:1: not JSON"),
    Case("aliases of aliases", ("its aliases stand for", "SYNTHMIX_NODES"), prepare=yaml(LAUGHS)),
    Case("an alias within itself", ("study.yaml: line 1: an alias stands within",), prepare=yaml("a: &a [*a]\nb: 1\n")),
    Case("nested YAML", ("study.yaml: line 1: is nested more than 100 deep",), prepare=yaml("[" * 3000)),
    Case("a date that is none", ("study.yaml", "is not YAML: a value"), prepare=yaml("study: 2026-13-45\n")),
    Case("a number of a thousand digits", ("study.yaml", "is not YAML"), prepare=yaml(f"study: {'9' * 9999}\n")),
    Case(
        "a template of aliases",
        ("t.jinja: its aliases stand for",),
        ("generate", "--template", "t.jinja", "--from", "web.jsonl", "--to", "new", "--model", "none", "--quiet"),
        write("t.jinja", f"---\nname: a\n{LAUGHS}---\n"),
    ),
    Case(
        "nested weights",
        ("w.json: not JSON (nested",),
        ("value", "web.jsonl", "--reference", "other.jsonl", "--weights", "w.json", "--quiet"),
        write("w.json", "[" * 5000),
    ),
]

KEPT = [
    said("corpus build web.jsonl --to new --where =1 --vocab 300 -q", "--where =1: names no field"),
    said("corpus build web.jsonl --to new --where none=null --vocab 300 -q", "web.jsonl: where: no record has"),
    Case(
        "true is no 1",
        ("a.jsonl: where: no record has",),
        prepare=lambda w: (
            w.file("a.jsonl", '{"text": "a", "label": true}\n'),
            w.set(corpora__web__files="a.jsonl", corpora__web__where={"label": 1}),
        ),
        may_write=("out",),
    ),
    Case("no values", ("where: the list of values of n is empty",), prepare=change(corpora__web__where={"n": []})),
]

LINKS = [
    Case(
        "a link to nothing",
        ("dead.jsonl: files: no such file",),
        (*BUILD, "dead.jsonl", "--to", "new", *SMALL),
        lambda w: (w.folder / "dead.jsonl").symlink_to("nothing"),
    ),
    Case(
        "a link to itself",
        ("loop", "links go round in a circle"),
        (*BUILD, "web.jsonl", "--to", "loop", *SMALL),
        lambda w: (w.folder / "loop").symlink_to("loop"),
    ),
]

TOKENIZERS = [
    with_tokenizer("a tokenizer that cannot spell", "", "of the bytes do not survive", "--tokenizer PATH,lossy="),
    with_tokenizer("one without an end", "", "has no end-of-document token", "end=new:", state=NO_END),
    with_tokenizer("an end that it has not", ",end=</S>", "has no end-of-document token (</S>)"),
    with_tokenizer("an unknown setting", ",ends=</s>", "ends: unknown setting of a tokenizer; known: end, lossy"),
    with_tokenizer("a share that is none", ",lossy=lots", "lossy: 'lots' is not a share"),
    with_tokenizer("an end that stands for text", ",end=[UNK],lossy=1", "'[UNK]' ends a document and stands for text"),
    Case(
        "a study's tokenizer that cannot spell",
        ("of the bytes", "do not survive encoding and decoding", "in a study tokenizer: {lossy: "),
        prepare=lambda w: (w.file("t.json", json.dumps(WORDS)), w.set(tokenizer={"path": "t.json"})),
        may_write=("out",),
    ),
    Case("an end without a path", ("tokenizer: path: end and lossy",), prepare=change(tokenizer={"end": "</s>"})),
    Case(
        "a nested tokenizer",
        ("t.json: tokenizer: not a tokenizer",),
        (*BUILD, "web.jsonl", "--to", "new", "--tokenizer", "t.json", "--quiet"),
        write("t.json", '{"version": ' + "[" * 5000),
    ),
]

INPUT = [*FRAMES, *ENDLESS, *KEPT, *LINKS, *TOKENIZERS]
