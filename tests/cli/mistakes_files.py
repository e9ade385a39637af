"""Bad input: text, places to write to, and what was damaged on disk."""

import errno
import json
import shutil
from pathlib import Path

from synthmix.files import read_json

from .mistakes import SMALL, STUDY, Case, World, change, cut, flip, read, refuse, write


def one(folder: Path, pattern: str) -> Path:
    return sorted(folder.glob(pattern))[0]


def edit(path: Path, old: str, new: str) -> None:
    """As somebody would by hand, the file's length about the same."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def unbuilt(world: World) -> Path:
    """A finished study whose sampled corpus is to be built again from its parts."""
    out = world.copy()
    shutil.rmtree(one(out, "corpora/sampled-*/corpus.json").parent)
    return out


def unsampled(world: World) -> Path:
    """The checkpoint of a finished study's generator, whose text is to be sampled again."""
    out = unbuilt(world)
    shutil.rmtree(out / "generated")
    made = [path for path in out.glob("runs/*/record.json") if read_json(path)["spec"]["stage"] == "generator"]
    return made[0].parent / "checkpoint"


TEXT = [
    Case("no such file", ("none.jsonl: files: no such file",), prepare=change(corpora__web__files="none.jsonl")),
    Case("no match", ("none/*.jsonl: files: no file matches",), prepare=change(corpora__web__files="none/*.jsonl")),
    Case("a folder", ("is a folder; write", "/*.jsonl"), prepare=change(corpora__web__files=".")),
    Case("no such domain", ("other2.jsonl: files: no such file",), prepare=change(evaluate__other="other2.jsonl")),
    Case("no tokenizer", ("t.json: tokenizer: no such file",), prepare=change(tokenizer={"path": "t.json"})),
    Case(
        "not a tokenizer",
        ("t.json: tokenizer: not a tokenizer",),
        prepare=lambda w: (w.file("t.json", "{}"), w.set(tokenizer={"path": "t.json"})),
    ),
    read("an unknown suffix", "web.doc", "be", "web.doc: format: the suffix"),
    read("only empty documents", "web.jsonl", '{"text": ""}\n{"text": "  "}\n', "web.jsonl"),
    read("an empty file of text", "web.jsonl", "", "web.jsonl: holds no documents"),
    read("not UTF-8 text", "web.jsonl", b'{"text": "a\xff"}\n', "web.jsonl:1: not UTF-8 at byte 11"),
    read("a broken line", "web.jsonl", '{"text": "a"}\n{"te', "web.jsonl:2: not JSON", "one JSON object a line"),
    read("a line that is a list", "web.jsonl", "[1]\n", "web.jsonl:1: not a JSON object"),
    read("no text field", "web.jsonl", '{"body": "a"}\n', "web.jsonl:1: text: no such field; it has body"),
    read("text that is none", "web.jsonl", '{"text": 7}\n', "web.jsonl:1: text: is int, not text"),
    read("damaged gzip", "web.jsonl.gz", b"\x1f\x8bxx", "web.jsonl.gz: is damaged"),
    read("damaged Parquet", "web.parquet", b"PAR1 not", "web.parquet"),
    read("plain text that is not UTF-8", "web.txt", b"a\xff", "web.txt: not UTF-8"),
    Case(
        "too little natural text",
        ("corpora.web: has", "training tokens, 1M are needed by a recipe; add text, lower ladder.budgets"),
        prepare=lambda w: w.set(ladder__budgets=["1M"], corpora__sampled__tokens="2M"),
        may_write=("out",),
    ),
    Case(
        "a domain below one sequence",
        ("evaluate.other: holds", "less than one sequence"),
        prepare=write("other.jsonl", '{"text": "be"}\n'),
        may_write=("out",),
    ),
    Case(
        "nothing matches",
        ("web.jsonl: where: no record has",),
        prepare=change(corpora__web__where={"source": "x"}),
        may_write=("out",),
    ),
]

PLACES = [
    Case(
        "below a file",
        ("a file stands where a folder is needed",),
        prepare=lambda w: w.set(folder=str(w.folder / "web.jsonl" / "out")),
    ),
    Case(
        "on a full disk",
        ("the disk is full; free some space",),
        prepare=refuse(errno.ENOSPC),
        code=1,
        may_write=("out",),
    ),
    Case("without permission", ("no permission to write here",), prepare=refuse(errno.EACCES), may_write=("out",)),
    Case("read-only", ("no permission to write here",), prepare=refuse(errno.EROFS), may_write=("out",)),
    Case(
        "corpus on a full disk",
        ("the disk is full",),
        ("corpus", "build", "web.jsonl", "--to", "new", *SMALL),
        refuse(errno.ENOSPC),
        code=1,
    ),
    Case("corpus below a file", ("a file stands",), ("corpus", "build", "web.jsonl", "--to", "hq.jsonl/new", *SMALL)),
    Case(
        "corpus over other things",
        ("holds other files (and no corpus.json); name a new or an empty folder",),
        ("corpus", "build", "web.jsonl", "--to", ".", *SMALL),
    ),
    Case(
        "order below a file",
        ("a file stands",),
        ("mix", "web.jsonl", "--tokens", "1k", "--to", "hq.jsonl/order.parquet", *SMALL),
        may_write=(".synthmix",),
    ),
]

DAMAGED = [
    Case(
        "damaged corpus.json",
        ("web/corpus.json: is damaged",),
        ("corpus", "show", "web"),
        lambda w: cut(w.build("web", "web.jsonl") / "corpus.json"),
    ),
    Case(
        "an unknown key in corpus.json",
        ("web/corpus.json: nmae: is damaged", "delete the corpus folder and build it again"),
        ("corpus", "show", "web"),
        lambda w: (path := w.build("web", "web.jsonl") / "corpus.json").write_text(
            json.dumps(read_json(path) | {"nmae": 1})
        ),
    ),
    Case("no corpus", ("no corpus here (no corpus.json)", "corpus build"), ("corpus", "show", ".")),
    Case(
        "a damaged shard",
        ("web/train/00000.npy: damaged shard (its checksum differs)",),
        ("corpus", "show", "web", "--verify"),
        lambda w: flip(w.build("web", "web.jsonl") / "train" / "00000.npy"),
    ),
    Case(
        "a cut shard",
        ("web/train/00000.npy: damaged shard",),
        ("mix", "web", "--tokens", "1k", *SMALL),
        lambda w: cut(w.build("web", "web.jsonl") / "train" / "00000.npy"),
    ),
    Case(
        "a missing shard",
        ("web/train/00000.npy: missing shard",),
        ("mix", "web", "--tokens", "1k", *SMALL),
        lambda w: (w.build("web", "web.jsonl") / "train" / "00000.npy").unlink(),
    ),
    Case(
        "another corpus's tokenizer",
        ("web/tokenizer.json: the tokenizer does not match the shards",),
        ("mix", "web", "--tokens", "1k", *SMALL),
        lambda w: shutil.copy(w.build("a", "hq.jsonl", "280") / "tokenizer.json", w.build("web", "web.jsonl")),
    ),
    Case(
        "corpora of two tokenizers",
        ("hq: was built with another tokenizer",),
        ("mix", "50%:web", "50%:hq", "--tokens", "1k", *SMALL),
        lambda w: (w.build("web", "web.jsonl"), w.build("hq", "hq.jsonl", "280")),
    ),
    Case(
        "a damaged record",
        ("record.json: is damaged",),
        ("study", "status", "study.yaml"),
        lambda w: cut(next(iter(sorted(w.copy().glob("runs/*/record.json"))))),
    ),
    Case(
        "an edited loss in a record",
        ("record.json: is damaged or was edited", "delete"),
        ("study", "report", "study.yaml", "--quiet"),
        lambda w: edit(one(w.copy(), "runs/*/record.json"), '"nats": ', '"nats": 1'),
    ),
    Case(
        "an edited count in corpus.json",
        ("corpus.json: is damaged or was edited", "delete the corpus folder and build it again"),
        ("study", "status", "study.yaml"),
        lambda w: edit(one(w.copy(), "corpora/web-*/corpus.json"), '"documents": ', '"documents": 1'),
    ),
    Case(
        "a flipped byte in a held-out shard",
        ("00000.npy: damaged shard (its checksum differs); delete the corpus folder",),
        STUDY,
        lambda w: flip(one(w.copy(), "corpora/other-*/heldout/*/00000.npy")),
    ),
    Case(
        "a flipped byte in the table of documents",
        ("documents.parquet: is damaged (its checksum differs); delete the corpus folder",),
        STUDY,
        lambda w: flip(one(w.copy(), "corpora/web-*/documents.parquet"), at=40),
    ),
    Case(
        "a flipped byte in the list of checksums",
        ("checksums.b2", "is damaged"),
        STUDY,
        lambda w: flip(one(w.copy(), "corpora/web-*/checksums.b2"), at=40),
    ),
    Case(
        "a letter changed in a study's tokenizer",
        ("/tokenizer/", "is damaged (its checksum differs)"),
        STUDY,
        lambda w: edit(one(w.copy(), "tokenizer/*.json"), '"!":1', '"!":2'),
    ),
    Case(
        "a letter changed in sampled text",
        ("part-00000.jsonl: is damaged (its checksum differs)",),
        STUDY,
        lambda w: (unbuilt(w), edit(one(w.folder / "out", "generated/*/part-00000.jsonl"), "a", "e")),
    ),
    Case(
        "a flipped byte in a generator's weights",
        ("checkpoint/model.safetensors: is damaged (its checksum differs); train it again",),
        STUDY,
        lambda w: flip(unsampled(w) / "model.safetensors"),
    ),
    Case(
        "a missing checkpoint of a generator",
        ("/checkpoint: the checkpoint of the generator of 'sampled' is not there; delete", "to train it again"),
        STUDY,
        lambda w: shutil.rmtree(unsampled(w)),
    ),
    Case(
        "a flipped byte in a runs table",
        ("runs.parquet: is damaged", "synthmix study report"),
        ("fit", "out/runs.parquet", "--law", "chinchilla"),
        lambda w: flip(w.copy() / "runs.parquet", at=400),
    ),
    Case(
        "an edited number in results",
        ("out/results.json: is damaged or was edited", "synthmix study report"),
        ("report", "out"),
        lambda w: edit(w.copy() / "results.json", '"loss": ', '"loss": 1'),
    ),
    Case(
        "damaged results",
        ("out/results.json: is damaged",),
        ("report", "out"),
        lambda w: cut(w.copy() / "results.json"),
    ),
    Case(
        "results without runs",
        ("results.json: runs: is not a study's results", "synthmix study report"),
        ("report", "results.json"),
        lambda w: w.file(
            "results.json",
            json.dumps(
                {
                    k: v
                    for k, v in json.loads((w.finished().parent / "tiny/results.json").read_text()).items()
                    if k not in ("runs", "digest")
                }
            ),
        ),
    ),
    Case("no results", ("none/results.json: no such file",), ("report", "none/results.json")),
    Case(
        "a damaged checkpoint",
        ("run/checkpoint/model.safetensors: is damaged (its checksum differs); train it again",),
        ("evaluate", "run", "--on", "other.jsonl", "--context", "16", "--quiet"),
        lambda w: cut(w.train() / "checkpoint" / "model.safetensors"),
    ),
]
