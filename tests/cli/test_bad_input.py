"""Everything that can be wrong with what is given: one line on stderr that names it, the exit code, nothing left."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from synthmix import files

from .conftest import Ran

Run = Callable[..., Ran]
GONE = object()
STUDY = ("study", "run", "study.yaml", "--quiet")
SMALL = ("--vocab", "300", "--quiet")
TRAIN = ("--params", "25k", "--tokens", "2560", "--context", "16", "--batch", "256", "--threads", "1", *SMALL)


@dataclass(frozen=True)
class Case:
    """``prepare(world)`` makes the mistake; ``arguments`` are the command; ``words`` stand in the line."""

    name: str
    words: tuple[str, ...]
    arguments: tuple[str, ...] = STUDY
    prepare: Callable[["World"], Any] = lambda world: None
    code: int = 2
    may_write: tuple[str, ...] = field(default=())  # what may have been finished before the mistake was met


class World:
    """A working directory with ``web.jsonl``, ``hq.jsonl``, ``other.jsonl`` and a study of them."""

    def __init__(
        self, folder: Path, raw: dict[str, Any], save: Callable[..., Path], run: Run, finished: Any, data: Path
    ) -> None:
        self.folder, self.raw, self.save, self.run, self.finished = folder, raw, save, run, finished
        self.data = data
        self.monkeypatch: pytest.MonkeyPatch

    def set(self, **changes: Any) -> None:
        """Change the study at ``a__b__c``."""
        for path, value in changes.items():
            *above, key = path.split("__")
            at = self.raw
            for name in above:
                at = at[int(name) if isinstance(at, list) else name]
            if value is GONE:
                del at[key]
            else:
                at[key] = value

    def file(self, name: str, content: str | bytes) -> None:
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def build(self, name: str, source: str, vocab: str = "300", *options: str) -> Path:
        assert self.run("corpus", "build", source, "--to", name, "--vocab", vocab, "--quiet", *options).code == 0
        return self.folder / name

    def train(self) -> Path:
        ran = self.run("train", "web.jsonl", "--on", "other.jsonl", *TRAIN, "--json")
        (self.folder / "run").symlink_to(ran.value["folder"])
        return self.folder / "run"

    def copy(self) -> Path:
        """A copy of the finished study, with its file."""
        ignore = shutil.ignore_patterns("*.partial", "*.lock", ".lock")
        shutil.copytree(self.finished().parent / "tiny", self.folder / "out", ignore=ignore)
        self.raw["corpora"]["web"]["files"] = str(self.data / "web.jsonl")
        self.raw["evaluate"]["other"] = str(self.data / "other.jsonl")
        return self.folder / "out"


def change(**changes: Any) -> Callable[[World], None]:
    return lambda world: world.set(**changes)


def write(name: str, content: str | bytes) -> Callable[[World], None]:
    return lambda world: world.file(name, content)


def refuse(number: int) -> Callable[[World], None]:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return lambda world: world.monkeypatch.setattr(files.os, "replace", refused)


def flip(path: Path, at: int = -3) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 255
    path.write_bytes(raw)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def yaml(text: str | bytes) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        world.raw = {}
        world.file("study.yaml", text)

    return prepare


def one_recipe(**shares: Any) -> Callable[[World], None]:
    return change(mix={"natural": "web", "recipes": {"half": shares}})


def read(name: str, file: str, content: str | bytes, *words: str) -> Case:
    """The natural corpus's file is damaged: known only once it is read."""

    def prepare(world: World) -> None:
        world.file(file, content)
        world.set(corpora__web__files=file)

    return Case(name, words, prepare=prepare, may_write=("out",))


STUDY_FILE = [
    Case("no study file", ("none.yaml: no such study file",), ("study", "run", "none.yaml")),
    Case("a folder for a study file", (".: is a folder, not a study file",), ("study", "run", ".")),
    Case("not YAML", ("study.yaml: line 2: is not YAML",), prepare=yaml("study: a\n  b: [c")),
    Case("a key twice", ("study.yaml: line 2: is not YAML: key 'study' twice",), prepare=yaml("study: a\nstudy: b\n")),
    Case("a list", ("study.yaml: is not a study: it has no keys",), prepare=yaml("- a\n- b\n")),
    Case("an empty file", ("study.yaml: is not a study",), prepare=yaml("")),
    Case("not UTF-8", ("study.yaml: is not UTF-8 text",), prepare=yaml(b"study: \xff\xfe")),
    Case("a Python object", ("study.yaml", "is not YAML"), prepare=yaml("study: !!python/object:os.system {}")),
    Case("a key of a list", ("study.yaml", "is not YAML"), prepare=yaml("? [a, b]\n: 1\n")),
    Case("an unknown key", ("evalute: unknown key; did you mean 'evaluate'?",), prepare=change(evalute={})),
    Case("in training", ("training.bacth: unknown key; did you mean 'batch'",), prepare=change(training__bacth=1)),
    Case("in a corpus", ("corpora.web.held_out", "'heldout'"), prepare=change(corpora__web__held_out="2%")),
    Case("in a sampled one", ("corpora.sampled.topp", "'top_p'"), prepare=change(corpora__sampled__topp=0.9)),
    Case("in the ladder", ("ladder.budget", "'budgets'"), prepare=change(ladder__budget=[1])),
    Case("in mix", ("mix.share: unknown key; did you mean 'shares'",), prepare=change(mix__share=1)),
    Case(
        "in evaluate", ("study.yaml: evaluate.other.file: ", "'files'"), prepare=change(evaluate__other={"file": "x"})
    ),
    Case("in the question", ("question.tokes", "'tokens'"), prepare=change(question__tokes=1)),
    Case("in fit", ("fit.bootstraps", "'bootstrap'"), prepare=change(fit__bootstraps=1)),
    Case("in replicates", ("replicates.0.seed", "'seeds'"), prepare=change(ladder__replicates__0__seed=2)),
    Case("a key missing", ("study.yaml: ladder: is missing; add it",), prepare=change(ladder=GONE)),
    Case("no corpora", ("study.yaml: corpora",), prepare=change(corpora={})),
    Case("a name with a slash", ("study.yaml: study: ",), prepare=change(study="a/b")),
    Case("a share above 1", ("mix.shares", "'150%' is not between 0 and 1"), prepare=change(mix__shares=[0, "150%"])),
    Case("no share", ("mix.shares", "'third' is not a share"), prepare=change(mix__shares=["third"])),
    Case("no count", ("ladder.budgets", "'lots' is not a count"), prepare=change(ladder__budgets=["lots"])),
    Case("one replicate", ("replicates", "seeds"), prepare=change(ladder__replicates__0__seeds=1)),
    Case("a temperature of 0", ("corpora.sampled.temperature",), prepare=change(corpora__sampled__temperature=0)),
    Case("few resamples", ("fit.bootstrap",), prepare=change(fit__bootstrap=3)),
    Case("limit without unit", ("web.limit", "write '10k documents'"), prepare=change(corpora__web__limit="10k")),
    Case("two origins", ("corpora.web", "files and sample"), prepare=change(corpora__web__sample="all")),
    Case("path and vocab", ("tokenizer", "drop vocab and on"), prepare=change(tokenizer__path="t.json")),
    Case("unknown natural", ("mix.natural: no corpus 'wob'", "web, sampled"), prepare=change(mix__natural="wob")),
    Case("natural twice", ("mix.synthetic: 'web' is the natural",), prepare=change(mix__synthetic=["web"])),
    Case("unknown in recipe", ("mix.recipes.half: no corpus 'wob'",), prepare=one_recipe(wob=1)),
    Case(
        "unknown from",
        ("sampled.from: no corpus 'wob'",),
        prepare=lambda w: w.raw["corpora"]["sampled"].update({"from": "wob"}),
    ),
    Case(
        "generated from generated",
        ("corpora.again.from: 'sampled' is generated itself; name a real corpus",),
        prepare=lambda w: w.set(corpora__again=w.raw["corpora"]["sampled"] | {"from": "sampled"}),
    ),
    Case(
        "nothing held out",
        ("evaluate.web: corpus 'web' holds nothing out; give it heldout: 2%",),
        prepare=change(corpora__web__heldout=GONE),
    ),
    Case("held out of none", ("evaluate.wob: 'heldout' needs a corpus",), prepare=change(evaluate__wob="heldout")),
    Case("a name clash", ("evaluate.web: a corpus has this name",), prepare=change(evaluate__web="other.jsonl")),
    Case("nothing to evaluate", ("study.yaml: evaluate",), prepare=change(evaluate={})),
    Case("tokenizer on generated", ("tokenizer.on", "name a real corpus"), prepare=change(tokenizer__on="sampled")),
]

LADDER = [
    Case("batch no multiple", ("training", "100 tokens are not a whole number"), prepare=change(training__batch=100)),
    Case("shares that miss", ("half", "make 90%, not 100%"), prepare=one_recipe(web="50%", sampled="40%")),
    Case(
        "few steps",
        ("study.yaml: ladder.budgets: 2k tokens are 8 steps of 256",),
        prepare=change(ladder__budgets=["2k"]),
    ),
    Case("a tiny size", ("params: 1000 parameters make no Llama",), prepare=change(ladder__params=["1k"])),
    Case(
        "a tiny generator",
        ("study.yaml: corpora.sampled.params: ", "make no Llama"),
        prepare=change(corpora__sampled__params="1k"),
    ),
    Case(
        "few sampled",
        ("study.yaml: corpora.sampled.tokens: 5k tokens are to be",),
        prepare=change(corpora__sampled__tokens="5k"),
    ),
    Case(
        "a short generator",
        ("study.yaml: corpora.sampled.train: ", "steps"),
        prepare=change(corpora__sampled__train="1k"),
    ),
    Case(
        "a small vocabulary", ("study.yaml: tokenizer.vocab: 100 is too small",), prepare=change(tokenizer__vocab=100)
    ),
]

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
        "too little real text",
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
            json.dumps(json.loads(path.read_text()) | {"nmae": 1})
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
        "damaged times",
        ("speed.json: is damaged",),
        STUDY,
        lambda w: cut(w.copy() / "speed.json"),
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
                    if k != "runs"
                }
            ),
        ),
    ),
    Case("no results", ("none/results.json: no such file",), ("report", "none/results.json")),
    Case(
        "a damaged checkpoint",
        ("run/checkpoint: no model can be loaded",),
        ("evaluate", "run", "--on", "other.jsonl", "--context", "16", "--quiet"),
        lambda w: cut(w.train() / "checkpoint" / "model.safetensors"),
    ),
]

STAGES = [
    Case("a mixture that misses", ("make 90%, not 100%",), ("mix", "50%:web.jsonl", "40%:hq.jsonl", "--tokens", "1k")),
    Case(
        "no share",
        ("hq.jsonl: has no share; write 50%:hq.jsonl",),
        ("mix", "50%:web.jsonl", "hq.jsonl", "--tokens", "1k"),
    ),
    Case("a share of 2", ("'2' is not between 0 and 1",), ("mix", "2:web.jsonl", "--tokens", "1k")),
    Case(
        "one name twice", ("web: stands twice; give names",), ("mix", "50%:web.jsonl", "50%:web.txt", "--tokens", "1k")
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
        "nothing where",
        ("web.jsonl: where: no record has",),
        ("corpus", "build", "web.jsonl", "--to", "c", "--where", "a=b", *SMALL),
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
    Case("a size of 5", ("params: 5 parameters make no Llama",), ("train", "web.jsonl", "--params", "5", *TRAIN[2:])),
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
    Case("a missing argument", ("Missing argument", "synthmix study run --help"), ("study", "run")),
]

CASES = [*STUDY_FILE, *LADDER, *TEXT, *PLACES, *DAMAGED, *STAGES]


@pytest.fixture
def world(
    here: Path,
    data: Path,
    make_study: Callable[..., dict[str, Any]],
    save_study: Callable[..., Path],
    run: Run,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    for name in ("web", "hq", "other"):
        lines = (data / f"{name}.jsonl").read_text().splitlines(keepends=True)
        (here / f"{name}.jsonl").write_text("".join(lines[:100]))
    raw = make_study(here / "out")
    raw["corpora"]["web"]["files"], raw["evaluate"]["other"] = "web.jsonl", "other.jsonl"
    made = World(here, raw, save_study, run, lambda: request.getfixturevalue("finished"), data)
    made.monkeypatch = monkeypatch
    return made


def listing(folder: Path, may_write: tuple[str, ...]) -> dict[str, int]:
    """Every file and folder below ``folder`` with its size, without what may have been finished, locks and caches."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if not name.endswith(".lock") and path.relative_to(folder).parts[0] not in may_write:
            # The account of seconds is kept of failed sessions too.
            found[name] = path.stat().st_size if path.is_file() and path.name != "seconds.json" else 0
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_one_line_and_leaves_nothing(case: Case, world: World) -> None:
    case.prepare(world)
    if world.raw:
        world.save(world.folder / "study.yaml", world.raw)
    before = listing(world.folder, case.may_write)
    ran = world.run(*case.arguments)
    lines = ran.err.splitlines()
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("synthmix: ")
    assert "internal error" not in lines[0]
    for word in case.words:
        assert word in lines[0]
    assert (ran.code, ran.out) == (case.code, "")
    assert listing(world.folder, case.may_write) == before
    left = [path.name for path in world.folder.rglob("*") if path.name.endswith((".partial", ".staging"))]
    assert left == [], "half-written"
    assert not list(world.folder.rglob("record.json")) or "out" in before or "run" in before


def test_the_table_is_long_enough_and_has_every_case_once() -> None:
    assert len({(case.arguments, case.name) for case in CASES}) == len(CASES) >= 45
