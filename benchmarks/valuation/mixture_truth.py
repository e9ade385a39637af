"""Trained mixtures: small Llamas on a natural and a synthetic pool at several shares, measured on many targets.

Every model is measured on all targets, so that one training serves as many (pair, target) tasks. Pairs and targets of
:data:`DEVELOPMENT` were there to tune on; those of :data:`HELD_OUT` hold other pools and targets, and were looked at
once. Both were named before any model was trained. Results are kept in a JSON, by pair, share and seed.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

import numpy as np

from benchmarks.valuation.passages import passages
from benchmarks.valuation.sources import rows
from benchmarks.valuation.truth import KEPT, WORK
from synthmix.files import content_hash, read_json, write_json
from synthmix.valuation.pool import Pool

VERSION = 3  # raise it when pools, targets or the training change: older results are then no longer found
SHARES = (0.0, 0.125, 0.5, 0.875, 1.0)  # of the synthetic pool
SEEDS, PROCESSES = 2, 2
UNIQUE = 200_000  # tokens of a mixture, which a training goes through five times
TRAINING: dict[str, Any] = {
    "vocab": 512, "params": 25_000, "context": 128, "batch": 512, "tokens": 1_000_000, "precision": "float32"
}  # fmt: skip
REFERENCE, TEST = 150, 60  # passages of a target: of those that scores see, and of those that models are measured on
FILE = "truth-mixtures.json"


@dataclass(frozen=True)
class Split:
    """Pairs of a natural and a synthetic pool, and targets."""

    pairs: tuple[tuple[str, str], ...]
    targets: tuple[str, ...]


DEVELOPMENT = Split(
    (
        ("web 2012", "textbooks of gpt-4"),
        ("books", "stories continued"),
        ("wikipedia", "answers"),
        ("web 2012", "answers"),
    ),
    ("web 2012", "books", "wikipedia", "stories", "speeches", "news"),
)
HELD_OUT = Split(
    (
        ("web 2025", "news rewritten"),
        ("brown", "essays"),
        ("web 2025", "essays"),
    ),
    ("web 2025", "brown", "students' essays", "philosophy", "medicine", "instructions"),
)
SPLITS = (DEVELOPMENT, HELD_OUT)
TARGETS = DEVELOPMENT.targets + HELD_OUT.targets

CORE, ESSAYS = "01_paired_core/core.jsonl.gz", "02_paired_essays/outfox.jsonl.gz"
LADDER = "04_instruct/alpaca_eval_ladder.jsonl.zst"
STRONG = ("gpt-4o-2024-05-13", "claude-3-opus-20240229", "gpt4_0613")
Keep = Callable[[dict[str, Any]], bool]


def _core(domain: str, *ops: str, human: bool) -> tuple[str, Keep]:
    return CORE, lambda row: row["domain"] == domain and row["op"] in ops and (row["source"] == "human") == human


def _book(model: str) -> tuple[str, Keep]:
    return "08_textbooks/phi_grid.jsonl.zst", lambda row: row["source"] == model


def _any(row: dict[str, Any]) -> bool:
    return True


FILES: dict[str, tuple[str, Keep]] = {
    "web 2012": ("10_web_crawl/web_dragnet_2012.jsonl.gz", _any),
    "web 2025": ("10_web_crawl/web_modern_2025.jsonl.gz", lambda row: row.get("lang_en_ratio", 1) > 0.08),
    "books": ("07_natural_text/gutenberg_books.jsonl.zst", _any),
    "wikipedia": ("07_natural_text/wiki_paragraphs.jsonl.gz", _any),
    "brown": ("07_natural_text/brown.jsonl.gz", _any),
    "speeches": ("07_natural_text/us_gov_speech.jsonl.gz", _any),
    "philosophy": ("07_natural_text/openstax_philosophy.jsonl.gz", _any),
    "stories": _core("story", "original", human=True),
    "news": _core("news", "original", human=True),
    "medicine": _core("biomed_qa", "original", human=True),
    "students' essays": (ESSAYS, lambda row: row["source"] == "human"),
    "instructions": (LADDER, lambda row: row["source"] == "human"),
    "stories continued": _core("story", "continue", human=False),
    "news rewritten": _core("news", "rewrite", "polish", "expand", human=False),
    "essays": (ESSAYS, lambda row: row["source"] in ("gpt-3.5-turbo", "text-davinci-003")),
    "answers": (LADDER, lambda row: row["source"] in STRONG),
    "textbooks of gpt-4": _book("gpt-4"),
}
POOLS = tuple(dict.fromkeys(name for split in SPLITS for pair in split.pairs for name in pair))
OF = {"books": "book", "stories": "pair_id", "stories continued": "pair_id", "news": "pair_id",
      "news rewritten": "pair_id", "students' essays": "pair_id", "essays": "pair_id"}  # fmt: skip
LEAST = 30  # words of a passage, as of a target's shortest texts


@cache
def parts(name: str) -> dict[str, list[str]]:
    """Passages for ``reference``, ``test`` and ``pool``, of documents apart: what stands in a target's part is in no
    pool, nor is what was made of the same document. Kept in the git-ignored folder, since reading takes a minute."""
    path = WORK / f"mixtures-{VERSION}" / f"{content_hash([name, UNIQUE, REFERENCE, TEST])}.json"
    if not path.exists():
        write_json(path, _parts(name))
    found: dict[str, list[str]] = read_json(path)
    return found


def _parts(name: str) -> dict[str, list[str]]:
    path, keep = FILES[name]
    by: dict[str, list[str]] = {"reference": [], "test": [], "pool": []}
    for row in rows(path):
        if keep(row):
            by[_group(row, OF.get(name), whole=name not in POOLS and name not in OF)].append(row["text"])
    if name not in TARGETS:
        by |= {"reference": [], "test": []}
    wanted = {"reference": REFERENCE, "test": TEST, "pool": UNIQUE // 100}  # a passage has more tokens than that
    return {part: _cut(texts, 40, seed=seed)[: wanted[part]] for seed, (part, texts) in enumerate(by.items())}


def _group(row: dict[str, Any], of: str | None, *, whole: bool = False) -> str:
    """A document's part, by the hash of what it was made from; ``whole``: no pool is made of these documents."""
    at = int(content_hash([str(row.get(of) if of else row["id"])])[:8], 16) / 16**8
    cuts = (0.5, 1.0) if whole else (0.15, 0.3)
    return "reference" if at < cuts[0] else "test" if at < cuts[1] else "pool"


def _cut(documents: list[str], most: int, *, seed: int) -> list[str]:
    every = list(dict.fromkeys(passages(documents, most, natural=True).items))
    order = np.random.default_rng(seed).permutation(len(every))
    return [every[at] for at in order]


@cache
def tokenizer() -> Any:
    """One for all models, of as much of each pool."""
    from synthmix.corpus.tokenizer import train_tokenizer

    return train_tokenizer([text for name in POOLS for text in parts(name)["pool"][:600]], TRAINING["vocab"])


@cache
def pool_of(name: str, tokens: int = UNIQUE) -> tuple[str, ...]:
    """The first passages of a pool, so many tokens."""
    texts = parts(name)["pool"]
    lengths = np.array([len(ids) for ids in tokenizer().encode_batch(texts)])
    return tuple(texts[: int(np.searchsorted(np.cumsum(lengths), tokens)) + 1] if tokens else [])


def mixture_of(pair: tuple[str, str], share: float) -> Pool:
    """Texts of both, the first of each: a larger share holds what a smaller one does."""
    sides = [pool_of(name, round(UNIQUE * part)) for name, part in zip(pair, (1 - share, share), strict=True)]
    return Pool.of("+".join(pair), [text for side in sides for text in side])


def runs() -> list[tuple[tuple[str, str], float, int]]:
    """(pair, share, seed) of all models; that of one pool alone stands once, with the first pair that has it."""
    found: dict[str, tuple[tuple[str, str], float, int]] = {}
    for pair in (each for both in zip_longest(*(split.pairs for split in SPLITS)) for each in both if each):
        for share in SHARES:
            for seed in range(SEEDS):
                found.setdefault(key(pair, share, seed), (pair, share, seed))
    return list(found.values())


def key(pair: tuple[str, str], share: float, seed: int) -> str:
    """Names a model by its text and seed."""
    name = pair[0] if share == 0 else pair[1] if share == 1 else f"{pair[0]} + {pair[1]}"
    return f"{name} | {share if 0 < share < 1 else 'alone'} | {seed}"


def known() -> dict[str, dict[str, float]]:
    """By :func:`key` the loss on each target, nats per token; what was trained here before what is committed."""
    found: dict[str, dict[str, float]] = {}
    for path in (KEPT / FILE, *(WORK / f"{process}-{FILE}" for process in range(PROCESSES))):
        if path.exists():
            held = read_json(path)
            found |= held["losses"] if held["version"] == VERSION else {}
    return found


def train() -> dict[str, dict[str, float]]:
    """Every model that is not there yet, in two processes; stopped, it goes on with the models that are missing."""
    import torch

    if any(key(*run) not in known() for run in runs()):
        pool_of(POOLS[0])  # texts are read once
        torch.multiprocessing.spawn(_train, nprocs=PROCESSES)  # type: ignore[no-untyped-call]
    return known()


def _train(process: int) -> None:
    import torch

    from synthmix.valuation.learners import LanguageLearner

    torch.set_num_threads(1)
    path = WORK / f"{process}-{FILE}"
    mine = read_json(path)["losses"] if path.exists() and read_json(path)["version"] == VERSION else {}
    learner = LanguageLearner(tokenizer(), **TRAINING)
    tests = {name: Pool.of(name, parts(name)["test"]) for name in TARGETS}
    for number, (pair, share, seed) in enumerate(runs()):
        if number % PROCESSES != process or key(pair, share, seed) in known():
            continue
        began = time.perf_counter()
        model = learner.train(mixture_of(pair, share), seed=seed)
        trained = time.perf_counter()
        mine[key(pair, share, seed)] = {name: round(learner.loss(model, test), 5) for name, test in tests.items()}
        write_json(path, {"version": VERSION, "losses": mine})
        took = f"{trained - began:.1f} s, measured in {time.perf_counter() - trained:.1f} s"
        print(f"{key(pair, share, seed)}: trained in {took}", file=sys.stderr, flush=True)


def keep() -> None:
    """Copy the results beside the page, to be committed."""
    held = known()
    kept = {key(*run): held[key(*run)] for run in runs() if key(*run) in held}
    write_json(KEPT / FILE, {"version": VERSION, "losses": kept})


def losses(pair: tuple[str, str], target: str, held: dict[str, dict[str, float]]) -> np.ndarray:
    """(shares, seeds) on one target; NaN where no model is trained."""
    return np.array([
        [held.get(key(pair, share, seed), {}).get(target, np.nan) for seed in range(SEEDS)] for share in SHARES
    ])  # fmt: skip


if __name__ == "__main__":
    train()
    keep()
