"""Bad input: mixing, building, training, evaluating, fitting, and words that are no command."""

import shutil
from typing import Any

import numpy as np

from .mistakes import SMALL, TRAIN, Case, World, cut, write


def tokens(spoil: Any = lambda world: None) -> Any:
    """``t.ds`` of a built corpus's tokens, as datatrove writes them, and then spoilt."""

    def prepare(world: World) -> None:
        folder = world.build("c", "web.jsonl")
        ids = np.load(folder / "train" / "00000.npy")
        (world.folder / "t.ds").write_bytes(ids.tobytes())
        ends = np.flatnonzero(ids == 0) + 1
        (world.folder / "t.ds.index").write_bytes(ends.astype("<u8").tobytes())
        shutil.copy(folder / "tokenizer.json", world.folder / "tokenizer.json")
        spoil(world)

    return prepare


def rows(name: str, data: bytes) -> Any:
    """Further files of tokens beside that tokenizer."""
    return tokens(lambda world: (world.folder / name).write_bytes(data))


ROWS = ("--to", "d", "--tokenizer", "tokenizer.json", "--quiet")
TOKENS = ("corpus", "build", "t.ds", "--to", "d", "--tokenizer", "tokenizer.json", "--quiet")

STAGES = [
    Case("a mixture that misses", ("make 90%, not 100%",), ("mix", "50%:web.jsonl", "40%:hq.jsonl", "--tokens", "1k")),
    Case(
        "a part without a share",
        ("hq.jsonl: has no share; write 50%:hq.jsonl",),
        ("mix", "50%:web.jsonl", "hq.jsonl", "--tokens", "1k"),
    ),
    Case("a share of 2", ("'2' is not between 0 and 1",), ("mix", "2:web.jsonl", "--tokens", "1k")),
    Case(
        "one name twice",
        ("web: is given twice; give names",),
        ("mix", "50%:web.jsonl", "50%:web.txt", "--tokens", "1k"),
    ),
    Case("few tokens", ("--tokens: 100 tokens are less than one",), ("mix", "web.jsonl", "--tokens", "100")),
    Case("no number of tokens", ("--tokens: 'many' is not a count",), ("mix", "web.jsonl", "--tokens", "many")),
    Case(
        "more tokens than there are",
        ("web: 10M tokens asked for", "1 epoch(s) allowed"),
        ("mix", "web.jsonl", "--tokens", "10M", *SMALL),
        may_write=(".synthmix",),
    ),
    Case("context of 0", ("--context",), ("mix", "web.jsonl", "--tokens", "1k", "--context", "0", *SMALL)),
    Case("epochs below 1", ("--epochs",), ("mix", "web.jsonl", "--tokens", "1k", "--epochs", "0.5", *SMALL)),
    Case("a negative seed", ("--seed",), ("mix", "web.jsonl", "--tokens", "1k", "--seed", "-1", *SMALL)),
    Case("a tiny vocabulary", ("100 is too small",), ("mix", "web.jsonl", "--tokens", "1k", "--vocab", "100")),
    Case("no file to mix", ("none.jsonl: files: no such file",), ("mix", "none.jsonl", "--tokens", "1k")),
    Case(
        "not FIELD=VALUE",
        ("--where source: is not FIELD=VALUE",),
        ("corpus", "build", "web.jsonl", "--to", "c", "--where", "source"),
    ),
    Case(
        "a bucket of no kind",
        ("nosuch://bucket/c: cannot be reached (Protocol not known: nosuch); for s3:// and gs:// run pip install",),
        ("corpus", "build", "web.jsonl", "--to", "nosuch://bucket/c", "--quiet"),
    ),
    Case(
        "text in a bucket of no kind",
        ("nosuch://bucket/*.jsonl: files: cannot be reached",),
        ("corpus", "build", "nosuch://bucket/*.jsonl", "--to", "c", "--quiet"),
    ),
    Case(
        "no corpus in a bucket",
        ("memory://bucket/c: no corpus here (no corpus.json); build it with",),
        ("corpus", "show", "memory://bucket/c"),
    ),
    Case(
        "nothing where",
        ("web.jsonl: where: no record has",),
        ("corpus", "build", "web.jsonl", "--to", "c", "--where", "a=b", *SMALL),
    ),
    Case(
        "tokens that are cut short",
        ("t.ds: does not match its index", "tokens, "),
        TOKENS,
        prepare=tokens(lambda world: cut(world.folder / "t.ds")),
        may_write=("c",),
    ),
    Case(
        "tokens without their index",
        ("t.ds: t.ds.index: has no index beside it",),
        TOKENS,
        prepare=tokens(lambda world: (world.folder / "t.ds.index").unlink()),
        may_write=("c",),
    ),
    Case(
        "tokens of another tokenizer",
        ("t.ds: tokenizer: holds the id", "name the tokenizer that made it"),
        (*TOKENS[:6], "small/tokenizer.json", "--quiet"),
        prepare=tokens(lambda world: world.build("small", "web.jsonl", "280")),
        may_write=("c", "small"),
    ),
    Case(
        "tokens where text is needed",
        ("t.ds: holds tokens, and text is needed",),
        ("corpus", "build", "t.ds", "--to", "d", *SMALL),
        prepare=tokens(),
        may_write=("c",),
    ),
    Case(
        "an MDS shard cut short",
        ("s.mds: does not match its head (16 bytes, 99 in the head)", "copy it again"),
        ("corpus", "build", "s.mds", *ROWS),
        prepare=rows("s.mds", np.array([1, 12, 99, 0], dtype="<u4").tobytes()),
    ),
    Case(
        "no Arrow file",
        ("a.arrow: not an Arrow file", "copy it again"),
        ("corpus", "build", "a.arrow", *ROWS),
        prepare=rows("a.arrow", b"no arrow at all"),
    ),
    Case(
        "tokens without an index",
        ("chunk-0-0.bin: chunk-0-0.idx: has no index beside it",),
        ("corpus", "build", "chunk-0-0.bin", *ROWS),
        prepare=rows("chunk-0-0.bin", bytes(64)),
    ),
    Case(
        "no such format",
        ("--format: 'xml' is none of text, jsonl, parquet, tokens",),
        ("corpus", "build", "web.jsonl", "--to", "c", "--format", "xml"),
    ),
    Case(
        "held out twice over",
        ("--heldout: '2' is not between",),
        ("corpus", "build", "web.jsonl", "--to", "c", "--heldout", "2"),
    ),
    Case(
        "an unknown domain", ("nothing-such",), ("corpus", "sample", "--to", "s", "--domain", "nothing-such", "--quiet")
    ),
    Case("no documents to show", ("--documents",), ("corpus", "show", ".", "--documents", "-1")),
    Case(
        "a batch of 100",
        ("--batch", "100 tokens are not a whole"),
        ("train", "web.jsonl", "--params", "25k", "--tokens", "9k", "--batch", "100"),
    ),
    Case("a size of 5", ("params: 5 parameters are too few",), ("train", "web.jsonl", "--params", "5", *TRAIN[2:])),
    Case(
        "eight steps",
        ("--tokens: 2k tokens are 8 steps",),
        ("train", "web.jsonl", *TRAIN[:2], "--tokens", "2k", *TRAIN[4:]),
    ),
    Case("a rate below 0", ("--learning-rate",), ("train", "web.jsonl", *TRAIN, "--learning-rate", "-1")),
    Case("threads below 0", ("--threads",), ("train", "web.jsonl", *TRAIN, "--threads", "-2")),
    Case(
        "a loss that is none",
        ("web N=25000 D=2560 seed=0: the loss is", "lower training.learning_rate (it was 1e+30)"),
        ("train", "web.jsonl", "--on", "other.jsonl", *TRAIN, "--learning-rate", "1e30"),
        code=1,
        may_write=(".synthmix", "runs"),
    ),
    Case("no model", ("no model can be loaded",), ("evaluate", ".", "--on", "other.jsonl", "--quiet")),
    Case(
        "another tokenizer",
        ("a/tokenizer.json: has 400 ids, the model 300", "--tokenizer"),
        ("evaluate", "run", "--on", "other.jsonl", "--context", "16", "--tokenizer", "a/tokenizer.json", "--quiet"),
        lambda w: (w.train(), w.build("a", "web.jsonl", "400")),
    ),
    Case(
        "another tokenizer of the same size",
        ("a/tokenizer.json: --tokenizer: is not the tokenizer that the model was trained with",),
        ("evaluate", "run", "--on", "other.jsonl", "--context", "16", "--tokenizer", "a/tokenizer.json", "--quiet"),
        lambda w: (w.train(), w.build("a", "hq.jsonl", "300")),
    ),
    Case(
        "no tokens to score",
        ("--max-tokens: '0' is not",),
        ("evaluate", ".", "--on", "other.jsonl", "--max-tokens", "0"),
    ),
    Case(
        "a larger sample than there is",
        ("--tokens: the smallest corpus, web, has",),
        ("stats", "web.jsonl", "--against", "other.jsonl", "--tokens", "9M", *SMALL),
        may_write=(".synthmix",),
    ),
    Case("no runs", ("none.csv: no such file",), ("fit", "none.csv")),
    Case("an unknown law", ("--law: no law 'chinchila'", "chinchilla"), ("fit", "runs.csv", "--law", "chinchila")),
    Case("no loss column", ("no column found for loss",), ("fit", "runs.csv"), write("runs.csv", "N,D\n1,2\n")),
    Case("a negative bootstrap", ("--bootstrap",), ("fit", "runs.csv", "--bootstrap", "-1")),
    Case(
        "a delta that is none",
        ("--delta: 'x' is not a number",),
        ("fit", "runs.csv", "--delta", "x"),
        write("runs.csv", "N,D,loss\n1e6,1e7,3\n"),
    ),
    Case(
        "nothing built",
        ("nothing is built yet; run it with synthmix study run",),
        ("study", "report", "study.yaml", "--quiet"),
    ),
    Case("an unknown command", ("No such command 'studdy'", "see synthmix --help"), ("studdy",)),
    Case(
        "an unknown option",
        ("No such option: --tokns", "see synthmix mix --help"),
        ("mix", "web.jsonl", "--tokns", "1"),
    ),
    Case("a missing option", ("Missing option '--tokens'",), ("mix", "web.jsonl")),
    Case("a missing argument", ("Missing argument", "synthmix study status --help"), ("study", "status")),
]
