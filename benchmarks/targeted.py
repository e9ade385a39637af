"""Is text that was chosen for the gap worth more than text that was not? Truth by training: markdown tables.

    python benchmarks/targeted.py text|ngrams|facts|null|tables [--to studies/targeted] [--minutes 11] [--tokens 600000]

text: natural web pages and, in a share of the tokens, LLM-written documents of ../shared/data/01_paired_core, drawn by
the gap (:mod:`synthmix.generation.aim`) or uniformly; a Llama of 100k parameters, 600,000 tokens, three seeds.
Documents that go back to one source are in one part: the pool, the reference that steers, the test.
ngrams: the same texts and a Kneser-Ney model of three tokens in the place of the Llama (a second a run).
facts: the world of examples/three-phases, its synthetic part cut at rank 24; targeted: facts of natural training
documents that carry lacking keys, written again.
null: the gap between random parts of one collection, which is none.
Each run is kept: the same command goes on where it stopped, and ends after so many minutes. tables: what there is.
"""

import argparse
import gzip
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
SHARES = (1 / 3, 2 / 3)  # synthetic
SEEDS = (0, 1, 2)
PARAMS, TOKENS, VOCAB, CONTEXT = "100k", 600_000, 4096, 128
SCORED = 24_000  # tokens of a test domain
DOMAINS = ("biomed_qa", "news", "story", "web_mixed", "wikipedia")
PI, CUTOFF, FACTS = (1 / 3, 0.1), 24, 30_000  # natural shares of the facts' mixtures
T90 = 2.92  # Student's t, two degrees of freedom, two-sided 90 %


def data() -> Path:
    """Raises SystemExit where the texts are not there."""
    named = os.environ.get("SYNTHMIX_SHARED")
    folders = [Path(named)] if named else [parent / "shared" for parent in ROOT.parents]
    found = next((folder / "data" for folder in folders if (folder / "data").is_dir()), None)
    if found is None:
        raise SystemExit("no texts: name the folder that holds data/ with SYNTHMIX_SHARED")
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(path: Path, texts: list[tuple[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"id": key, "text": text}) + "\n" for key, text in texts), encoding="utf-8")
    return path


def parts(folder: Path) -> list[tuple[str, str]]:
    """The pool (key, text); natural text, references and tests are written to ``folder``."""
    from synthmix.corpus.sources import text_hash

    web = lines(data() / "10_web_crawl" / "web_dragnet_2012.jsonl.gz")
    held = [text_hash(row["text"]) % 10 == 0 for row in web]
    if not (folder / "test-web.jsonl").exists():
        write(folder / "web.jsonl", [(r["id"], r["text"]) for r, out in zip(web, held, strict=True) if not out])
    rows = lines(data() / "01_paired_core" / "core.jsonl.gz")
    place = {row["pair_id"]: text_hash(f"part/{row['pair_id']}") % 4 for row in rows}  # 0, 1 pool; 2 reference; 3 test
    for domain in DOMAINS:
        for name, part in (("reference", 2), ("test", 3)):
            path = folder / f"{name}-{domain}.jsonl"
            if not path.exists():
                human = [r for r in rows if r["domain"] == domain and r["source"] == "human" and r["text"].strip()]
                write(path, [(r["id"], r["text"]) for r in human if place[r["pair_id"]] == part])
    if not (folder / "test-web.jsonl").exists():
        write(folder / "test-web.jsonl", [(r["id"], r["text"]) for r, out in zip(web, held, strict=True) if out])
    return [
        (r["id"], r["text"]) for r in rows if r["source"] != "human" and place[r["pair_id"]] < 2 and r["text"].strip()
    ]


def corpora(folder: Path) -> tuple[Any, dict[str, Any], dict[str, Any], Any]:
    """(natural corpus, references, tests, tokenizer)."""
    from synthmix.corpus import open_or_build
    from synthmix.corpus.load import shared_tokenizer

    tokenizer = shared_tokenizer([str(folder / "web.jsonl")], None, VOCAB)
    cache = folder / "cache"
    web = open_or_build(str(folder / "web.jsonl"), cache, tokenizer=tokenizer, name="web")

    def held(name: str, domain: str) -> Any:
        return open_or_build(str(folder / f"{name}-{domain}.jsonl"), cache, tokenizer=tokenizer, name=domain, heldout=1)

    return web, {d: held("reference", d) for d in DOMAINS}, {d: held("test", d) for d in (*DOMAINS, "web")}, tokenizer


def chosen(
    folder: Path, pool: list[tuple[str, str]], web: Any, references: dict[str, Any], tests: Any
) -> dict[str, Any]:
    """The gap of the natural text, and for each seed the pool's documents in the order of both draws."""
    from synthmix.corpus.sources import Document
    from synthmix.gaps import gap
    from synthmix.gaps.aiming import MOST, aim_of
    from synthmix.generation.aim import draw_seeds
    from synthmix.generation.filters import heldout_index
    from synthmix.generation.ngrams import words_of
    from synthmix.results.gap import Gap

    path = folder / "gap.json"
    if path.exists():
        found = Gap.model_validate_json(path.read_text())
    else:
        found = gap({"web": web}, {n: (c, c.heldout_domains[0]) for n, c in references.items()}, top=MOST)
        path.write_text(found.model_dump_json())
    kept, by_key = folder / "draws.json", dict(pool)
    if not kept.exists():
        aim = aim_of(found)
        tests_too = [*references.values(), *tests.values()]
        avoid = heldout_index(text for c in tests_too for d in c.heldout_domains for text in c.texts("heldout", d))
        documents = [Document(text, "pool", key) for key, text in pool]
        sound = [one for one in documents if not avoid.counts(words_of([one.text]))[0]]
        draws: dict[str, Any] = {}
        for seed in SEEDS:
            drawn = draw_seeds(sound, aim, passage=1e9, seed=seed)
            order = np.random.default_rng(seed).permutation(len(sound))
            draws[str(seed)] = {
                "targeted": [one.key for one in drawn.documents], "untargeted": [sound[i].key for i in order],
                "told": drawn.told(aim),
            }  # fmt: skip
        kept.write_text(json.dumps(draws))
    return {
        int(seed): {arm: [(key, by_key[key]) for key in each[arm]] for arm in ("targeted", "untargeted")}
        for seed, each in json.loads(kept.read_text()).items()
    }


def train_text(folder: Path, deadline: float, tokens: int) -> None:
    """The runs that are missing, until ``deadline``."""
    import torch

    from synthmix.study.single import train

    torch.set_num_threads(1)
    pool = parts(folder)
    web, references, tests, tokenizer = corpora(folder)
    draws = chosen(folder, pool, web, references, tests)
    counts = folder / "counts.npy"
    if not counts.exists():
        from synthmix.statistics import count_unigrams

        np.save(counts, count_unigrams(web.train, tokenizer.vocab_size))
    wanted: list[tuple[str, float, int]] = [("natural", 0.0, seed) for seed in SEEDS]
    wanted = [(arm, s, seed) for seed in SEEDS for s in SHARES for arm in ("untargeted", "targeted")] + wanted
    for arm, share, seed in wanted:
        path = folder / f"text-{tokens}" / f"{arm}-{share:.2f}-{seed}.npz"
        if path.exists():
            continue
        if time.monotonic() > deadline:
            return
        began = time.monotonic()
        mixture: dict[str, Any] = {"web": (web, 1 - share)} if share else {"web": (web, 1)}
        if share:
            mixture[arm] = (
                selected(folder, arm, round(1.1 * share * tokens), seed, draws[seed][arm], tokenizer),
                share,
            )
        record = train(
            mixture, params=PARAMS, tokens=tokens, seed=seed, to=folder / "runs", context=CONTEXT, tokenizer=tokenizer,
            on={"biomed_qa": tests["biomed_qa"]}, cache=folder / "cache",
        )  # fmt: skip
        save_losses(path, folder / "runs" / record.id / "checkpoint", tests, tokenizer)
        print(f"{path.stem}: {time.monotonic() - began:.0f} s", flush=True)


def train_ngrams(folder: Path, tokens: int) -> None:
    """The same mixtures for :class:`synthmix.valuation.methods.kneser_ney.KneserNey`; all runs, one after the other."""
    from synthmix.valuation.methods.kneser_ney import ORDER, KneserNey
    from synthmix.valuation.words import Vocabulary

    pool = parts(folder)
    web, references, tests, tokenizer = corpora(folder)
    draws = chosen(folder, pool, web, references, tests)
    if not (folder / "counts.npy").exists():
        from synthmix.statistics import count_unigrams

        np.save(folder / "counts.npy", count_unigrams(web.train, tokenizer.vocab_size))
    natural = [ids.astype(np.int64) for _, ids in web.token_documents("train")]

    def stream(documents: list[np.ndarray]) -> np.ndarray:
        """Each document between marks; ids above those of the marks."""
        before, end = np.full(ORDER - 1, Vocabulary.BEFORE), np.array([Vocabulary.END])
        return np.concatenate([part for ids in documents for part in (before, ids + 3, end)])

    def first(documents: Any, wanted: float) -> list[np.ndarray]:
        held, total = [], 0
        for ids in documents:
            if total >= wanted:
                break
            held.append(ids[: int(wanted - total) + 1])
            total += len(held[-1]) + 1
        return held

    asked = {
        name: stream([ids.astype(np.int64) for _, ids in corpus.token_documents("heldout")])
        for name, corpus in tests.items()
    }
    size = tokenizer.vocab_size
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(natural))
        for arm, share in [("natural", 0.0), *((arm, s) for s in SHARES for arm in ("untargeted", "targeted"))]:
            path = folder / f"ngrams-{tokens}" / f"{arm}-{share:.2f}-{seed}.npz"
            if path.exists():
                continue
            held = first((natural[i] for i in order), (1 - share) * tokens)
            if share:
                texts = (tokenizer.encode_batch([text])[0].astype(np.int64) for _, text in draws[seed][arm])
                held += first(texts, share * tokens)
            model, made = KneserNey(stream(held), size + 3), {}
            for name, ids in asked.items():
                nats, real = -model.log_probabilities(ids), ids >= 3
                made[f"{name}.nats"] = np.bincount(ids[real] - 3, nats[real], minlength=size)
                made[f"{name}.tokens"] = np.bincount(ids[real] - 3, minlength=size)
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, **made)


def selected(folder: Path, arm: str, wanted: int, seed: int, documents: list[Any], tokenizer: Any) -> Any:
    """A corpus of the first documents of a draw: ``wanted`` tokens, a tenth more than a run reads."""
    from synthmix.corpus import open_or_build

    texts: list[tuple[str, str]] = []
    total = 0
    for document in documents:
        if total >= wanted:
            break
        texts.append(document)
        total += len(tokenizer.encode_batch([document[1]])[0]) + 1
    path = write(folder / "chosen" / f"{arm}-{wanted}-{seed}.jsonl", texts)
    return open_or_build(str(path), folder / "cache", tokenizer=tokenizer, name=arm, kind="synthetic")


def save_losses(path: Path, checkpoint: Path, tests: dict[str, Any], tokenizer: Any) -> None:
    from synthmix.evaluation.losses import losses_by_token
    from synthmix.training.checkpoint import load_checkpoint

    model, made = load_checkpoint(checkpoint), {}
    for name, corpus in tests.items():
        stream = corpus.heldout(corpus.heldout_domains[0])
        found = losses_by_token(
            model, stream, tokenizer.vocab_size, context=CONTEXT, precision="fp32", max_tokens=SCORED, name=name
        )
        made[f"{name}.nats"], made[f"{name}.tokens"] = found.nats, found.tokens
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **made)


def thirds(found: Any, domain: str, counts: np.ndarray) -> np.ndarray:
    """Nats per token of a domain's rarest, middle and most frequent third, by natural training counts, and of all."""
    nats, tokens = found[f"{domain}.nats"], found[f"{domain}.tokens"]
    order = np.argsort(counts, kind="stable")
    middle = (np.cumsum(tokens[order]) - tokens[order] / 2) / tokens.sum()
    part = np.empty(len(counts), np.int64)
    part[order] = np.minimum((3 * middle).astype(np.int64), 2)
    sums = np.bincount(part, nats, minlength=3), np.bincount(part, tokens, minlength=3)
    return np.append(sums[0] / sums[1], nats.sum() / tokens.sum())


def difference(values: np.ndarray) -> str:
    """Mean of paired differences over seeds with its 90 % interval."""
    if len(values) < 2:
        return f"{values.mean():+.4f} (one seed)" if len(values) else ""
    half = T90 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) == 3 else np.nan
    return f"{values.mean():+.4f} ± {half:.4f}"


def text_tables(folder: Path, learner: str, tokens: int) -> Iterator[str]:
    counts = np.load(folder / "counts.npy")
    held = {path.stem: np.load(path) for path in sorted((folder / f"{learner}-{tokens}").glob("*.npz"))}
    bins = ("rarest third", "middle third", "most frequent third", "all")
    for share in SHARES:
        seeds = [s for s in SEEDS if all(f"{arm}-{share:.2f}-{s}" in held for arm in ("targeted", "untargeted"))]
        told = f"{learner}, {tokens:,} tokens, synthetic share {share:.0%}, {len(seeds)} seeds"
        yield f"\n{told}; targeted minus untargeted, nats per token\n"
        yield f"| held out | {' | '.join(bins)} |\n|---|---|---|---|---|"
        every = []
        for domain in (*DOMAINS, "web"):
            gains = np.array([
                thirds(held[f"targeted-{share:.2f}-{s}"], domain, counts)
                - thirds(held[f"untargeted-{share:.2f}-{s}"], domain, counts)
                for s in seeds
            ]).reshape(-1, 4)  # fmt: skip
            if domain != "web":
                every.append(gains)
            yield f"| {domain} | {' | '.join(difference(gains[:, i]) for i in range(4))} |"
        mean = np.mean(every, axis=0)
        yield f"| mean of the reference's domains | {' | '.join(difference(mean[:, i]) for i in range(4))} |"
    yield f"\n| run | {' | '.join(bins)} |\n|---|---|---|---|---|"
    for arm, share in [("natural", 0.0), *((arm, s) for s in SHARES for arm in ("untargeted", "targeted"))]:
        runs = [held[name] for s in SEEDS if (name := f"{arm}-{share:.2f}-{s}") in held]
        if runs:
            mean = np.mean([[thirds(run, d, counts) for d in DOMAINS] for run in runs], axis=(0, 1))
            yield f"| {arm} {share:.0%} | {' | '.join(f'{x:.4f}' for x in mean)} |"


def facts_world() -> Any:
    sys.path.insert(0, str(ROOT / "examples" / "three-phases"))
    import facts

    return facts


def aimed_keys(pi: float, natural: np.ndarray, cut: np.ndarray, reference: np.ndarray, folder: Path) -> np.ndarray:
    """Keys of the natural training facts that carry lacking keys, in the order of the draw."""
    from synthmix.corpus import open_or_build, train_tokenizer
    from synthmix.corpus.sources import Document
    from synthmix.gaps import gap
    from synthmix.gaps.aiming import MOST, aim_of
    from synthmix.generation.aim import draw_seeds

    def texts(keys: np.ndarray) -> list[str]:
        return [" ".join(f"k{key}" for key in row) for row in keys[: len(keys) // 20 * 20].reshape(-1, 20)]

    tokenizer = train_tokenizer(texts(natural), 300)
    made = []
    for name, keys in (("natural", natural), ("cut", cut), ("reference", reference)):
        path = write(folder / f"{name}.jsonl", [(f"{name}{i}", text) for i, text in enumerate(texts(keys))])
        heldout = int(name == "reference")
        made.append(open_or_build(str(path), folder / "cache", tokenizer=tokenizer, name=name, heldout=heldout))
    have = {"natural": made[0], "cut": made[1]}
    found = gap(have, {"facts": (made[2], made[2].heldout_domains[0])}, shares={"natural": pi, "cut": 1 - pi},
                synthetic=["cut"], top=MOST)  # fmt: skip
    print(f"  gap {found.gap}, {len(found.terms)} lacking keys, k {found.cutoffs[0].k}", flush=True)
    drawn = draw_seeds([Document(f"k{key} fact{i}", "facts", str(i)) for i, key in enumerate(natural)], aim_of(found))
    return np.array([int(one.text.split()[0][1:]) for one in drawn.documents])


def train_facts(folder: Path, deadline: float) -> None:
    """The runs on facts that are missing."""
    import torch

    facts = facts_world()
    torch.set_num_threads(1)
    world = facts.World()
    ranks = np.arange(1, world.items + 1)
    for seed in SEEDS:
        for pi in PI:
            done = folder / "facts" / f"{pi:.2f}-{seed}.npz"
            if done.exists() or time.monotonic() > deadline:
                continue
            rng = np.random.default_rng(seed)
            cumulative = np.cumsum(world.p) / world.p.sum()
            natural, reference = (
                np.searchsorted(cumulative, rng.random(n), side="right") for n in (round(pi * FACTS), 10_000)
            )
            head = np.where(ranks <= CUTOFF, world.p, 0.0)
            cut = facts.Source(head, seed + 1).draw(FACTS - len(natural))
            aimed = np.resize(aimed_keys(pi, natural, cut, reference, folder / "facts" / f"{pi:.2f}-{seed}"), len(cut))
            made = {}
            for arm, keys in (("untargeted", cut), ("targeted", aimed)):
                keys = np.random.default_rng(seed).permutation(np.concatenate([natural, keys]))
                made[arm] = learned(facts, world, keys, seed)
            np.savez(done, **made)
            print(f"facts {done.stem} done", flush=True)


def learned(facts: Any, world: Any, keys: np.ndarray, seed: int) -> np.ndarray:
    """Nats of the true value of each item (items,) after one pass over ``keys``, batches of 64."""
    import torch

    model = facts.new_model(world, seed)
    optimizer = facts.new_optimizer(model, 1e-3)
    for at in range(0, len(keys), 64):
        rows = facts.text(world, keys[at : at + 64])
        logits = model(rows[:, :2]).logits[:, -1]
        loss = torch.nn.functional.cross_entropy(logits.float(), rows[:, 2])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    p = facts.best_values(model, world)
    return np.asarray(-np.log(np.maximum(p[np.arange(world.items), world.values], 1e-12)))


def facts_tables(folder: Path) -> Iterator[str]:
    world = facts_world().World()
    edges = (1, 9, CUTOFF + 1, 101, world.items + 1)
    names = ("ranks 1 to 8", f"9 to {CUTOFF}", f"{CUTOFF + 1} to 100", f"101 to {world.items}", "all")
    for pi in PI:
        held = [np.load(path) for s in SEEDS if (path := folder / "facts" / f"{pi:.2f}-{s}.npz").exists()]
        yield f"\nFacts, synthetic share {1 - pi:.0%}, {len(held)} seeds; nats per fact of the natural frequencies\n"
        yield f"| | {' | '.join(names)} |\n|---|---|---|---|---|---|"
        rows = {arm: np.array([banded(run[arm], world.p, edges) for run in held]) for arm in ("untargeted", "targeted")}
        for arm, values in rows.items():
            yield f"| {arm} | {' | '.join(f'{x:.3f}' for x in values.mean(axis=0))} |"
        gains = rows["targeted"] - rows["untargeted"]
        yield f"| targeted minus untargeted | {' | '.join(difference(gains[:, i]) for i in range(len(names)))} |"


def banded(nats: np.ndarray, p: np.ndarray, edges: tuple[int, ...]) -> list[float]:
    """Mean over natural frequencies within bands of ranks, and over all."""
    found = [
        float(p[a - 1 : b - 1] @ nats[a - 1 : b - 1] / p[a - 1 : b - 1].sum()) for a, b in itertools.pairwise(edges)
    ]
    return [*found, float(p @ nats / p.sum())]


def null(splits: int = 20) -> Iterator[str]:
    """The gap of random splits of the web pages: 200 of them the reference."""
    from synthmix.gaps.learner import Pool, saving
    from synthmix.gaps.measure import PIECE, gap_interval, pieces
    from synthmix.gaps.words import Lexicon

    texts, found = [row["text"] for row in lines(data() / "10_web_crawl" / "web_dragnet_2012.jsonl.gz")], []
    for seed in range(splits):
        order, lexicon = np.random.default_rng(seed).permutation(len(texts)), Lexicon()
        reference = [ids for i in order[:200] if len(ids := lexicon.ids(texts[i]))]
        own = len(lexicon)
        rest = pieces([lexicon.ids(texts[i]) for i in order[200:]], PIECE, own)
        found.append(gap_interval(saving(reference, [Pool(rest, 1.0)], own + 1, np.inf), 0.9))
    mids = [each.mid or 0.0 for each in found]
    yield (
        f"{splits} splits: gap {min(mids):+.4f} to {max(mids):+.4f} nats per word, mean {np.mean(mids):+.4f}; called a "
        f"gap: {sum(each.sign() > 0 for each in found)}; intervals that hold 0: {sum(bool(e.holds(0)) for e in found)}"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=("text", "ngrams", "facts", "null", "tables"))
    options.add_argument("--to", type=Path, default=Path("studies/targeted"))
    options.add_argument("--minutes", type=float, default=11)
    options.add_argument("--tokens", type=int, default=TOKENS)
    told = options.parse_args()
    deadline = time.monotonic() + 60 * told.minutes
    if told.what == "text":
        train_text(told.to, deadline, told.tokens)
    if told.what == "ngrams":
        train_ngrams(told.to, told.tokens)
    if told.what == "null":
        print("\n".join(null()))
        return
    if told.what == "facts":
        train_facts(told.to, deadline)
    for learner in ("ngrams", "text"):
        for tokens in sorted(int(path.name.split("-")[1]) for path in told.to.glob(f"{learner}-*")):
            print("\n".join(text_tables(told.to, learner, tokens)))
    if (told.to / "facts").exists():
        print("\n".join(facts_tables(told.to)))


if __name__ == "__main__":
    main()
