"""Choosing documents from pools of which half is spoiled or foreign: purity and processor seconds, by method.

Three references, five kinds of noise: shuffled words, typos, foreign words, text of another domain, text that a
language model wrote. Of each pool 45 % of the tokens are chosen; the purity is the share of what was chosen that is
clean.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.valuation.noise_text import PLAIN
from benchmarks.valuation.passages import passages, texts, written
from benchmarks.valuation.tables import markdown_table
from synthmix.errors import BadInput
from synthmix.valuation.methods import METHODS
from synthmix.valuation.pool import Pool
from synthmix.valuation.selection import SCORE, choosing_methods, select
from synthmix.valuation.valuer import Valuer

SHARE, REFERENCE, CLEAN = 0.45, 150, 800
KINDS = ("shuffled words", "typos", "foreign words", "another domain", "generated")
DOMAINS: dict[str, tuple[Callable[[], list[str]], Callable[[], list[str]], Callable[[], list[str]]]] = {
    "wikipedia": (
        lambda: _passages("07_natural_text/wiki_paragraphs.jsonl.gz", 1),
        lambda: _passages("07_natural_text/gutenberg_books.jsonl.zst", 1),
        lambda: written("03_paired_docs/seqxgpt.jsonl.gz", "gpt2-xl").items,
    ),
    "web 2012": (
        lambda: _passages("10_web_crawl/web_dragnet_2012.jsonl.gz", 2),
        lambda: _passages("07_natural_text/us_gov_speech.jsonl.gz", 30),
        lambda: written("08_textbooks/phi_grid.jsonl.zst", "gpt-3.5-turbo-instruct").items,
    ),
    "brown": (
        lambda: _passages("07_natural_text/brown.jsonl.gz", 4),
        lambda: _passages("10_web_crawl/web_modern_2025.jsonl.gz", 2),
        lambda: written("03_paired_docs/seqxgpt.jsonl.gz", "llama-7b").items,
    ),
}


def _passages(name: str, most: int) -> list[str]:
    return list(dict.fromkeys(passages(texts(name), most, natural=True).items))


def pools() -> Iterator[tuple[str, str, list[str], list[str], list[str]]]:
    """(domain, kind of noise, reference, clean texts, noise) of each pool."""
    for domain, (own, other, generated) in DOMAINS.items():
        rng = np.random.default_rng(0)
        held = own()
        held = [held[at] for at in rng.permutation(len(held))]
        reference, clean = held[:REFERENCE], held[REFERENCE : REFERENCE + CLEAN]
        for kind in KINDS:
            left = held[REFERENCE + CLEAN :] or clean
            spoiled = {"another domain": other, "generated": generated}.get(kind, lambda left=left: left)()  # type: ignore[misc]
            noise = [spoiled[at] for at in rng.permutation(len(spoiled))[: len(clean)]]
            if kind in PLAIN:
                noise = PLAIN[kind](noise, rng)
            yield domain, kind, reference, clean[: len(noise)], noise


def purities(methods: Sequence[str]) -> dict[str, dict[tuple[str, str], tuple[float, float]]]:
    """By method and pool (purity, processor seconds of fit and selection a megabyte of the pool)."""
    found: dict[str, dict[tuple[str, str], tuple[float, float]]] = {name: {} for name in methods}
    for domain, kind, reference, clean, noise in pools():
        order = np.random.default_rng(1).permutation(len(clean) + len(noise))
        items, good = [(clean + noise)[at] for at in order], order < len(clean)
        megabytes = sum(len(item.encode()) for item in items) / 1e6
        valuer = Valuer().fit(Pool.of("reference", reference))
        budget = int(SHARE * sum(int(valuer.lengths(batch).sum()) for batch in Pool.of("p", items).batches()))
        for name in methods:
            began = time.process_time()
            chosen = select(valuer, Pool.of("pool", items), budget, method=name).chosen
            found[name][domain, kind] = (float(good[chosen].mean()), (time.process_time() - began) / megabytes)
        said = {name: round(found[name][domain, kind][0], 3) for name in methods}
        print(domain, kind, said, file=sys.stderr, flush=True)
    return found


def tables(names: Sequence[str]) -> Iterator[str]:
    """Purity by kind of noise (the mean over references), the mean and the worst pool, and the cost."""
    methods = []
    for name in choosing_methods():
        try:
            METHODS[name]().fit(Pool.of("reference", [f"a b {at}" for at in range(20)]))
        except BadInput as error:
            if "not installed" in str(error):
                continue
        methods.append(name)
    methods.append(SCORE)
    rows = []
    for name, found in purities(methods).items():
        by_kind = [np.mean([found[domain, kind][0] for domain in DOMAINS]) for kind in KINDS]
        each, cost = np.array([purity for purity, _ in found.values()]), np.mean([cost for _, cost in found.values()])
        numbers = [*by_kind, each.mean(), each.min()]
        rows.append([name, *(f"{value:.3f}" for value in numbers), f"{cost:.2f}"])
    rows.sort(key=lambda row: row[-3], reverse=True)
    yield f"## Filters: {SHARE:.0%} of pools of which half is noise\n"
    yield markdown_table(["method", *KINDS, "mean", "worst pool", "processor s/MB"], rows) + "\n"
