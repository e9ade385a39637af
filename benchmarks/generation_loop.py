"""The loop of generation against the best fixed arm and against uniform arms: what the same value costs.

    python benchmarks/generation_loop.py                 # 100 simulated worlds, with two sizes of budget
    python benchmarks/generation_loop.py --pools DATA    # 5 references with real pools of text as arms

Simulated: a reference needs 24 topics of unequal weight. An arm writes of some of them (a Dirichlet draw, few of them)
at a rate of its own; what a topic adds saturates: value = sum_j weight_j (1 - exp(-tokens_j / size_j)), less what a
harmful arm takes a token. So marginal values are known, and fall with what all arms have written: not the form of curve
that the bandit believes in. Prices are log-normal. A round's gain is measured with a normal error, a part of the gain
and a constant, as large as those that the score reports on real pools.

Pools: DATA is a folder of text with one generator a record (`01_paired_core`, `02_paired_essays`, `03_paired_docs`,
`10_web_crawl`). Each of five draws has as its reference equal amounts of human text of five domains, and ten arms,
pools of one generator and one domain: one for each of these domains, the others from anywhere. The loop is the
product's, choosing by one half of the reference; values are told by the other.

Every method spends its rounds of equal cost. The cost for the same value is the cost at which the loop (interpolated
between its rounds) has the value that the other method has with the whole budget, over the cost at which that method
reached it. The best fixed arm is the best in hindsight: it is told, and pays for no look at the others.
"""

import argparse
import gzip
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthmix.loop.bandit import Beliefs, Offer, Round, judge

TOPICS, ROUNDS = 24, 40
SIZES = {"ample": 0.03, "tight": 0.08}  # median size of a topic, in budgets at the mean price
PART, LEAST = 0.12, 0.0003  # of the error of a measured gain


@dataclass
class World:
    """``rates`` (arms, topics): tokens of each topic a token; ``prices`` (arms,) a token; the budget is 1."""

    rates: np.ndarray
    harm: np.ndarray
    weights: np.ndarray
    sizes: np.ndarray
    prices: np.ndarray

    @classmethod
    def draw(cls, seed: int, size: float) -> "World":
        rng = np.random.default_rng(seed)
        arms = int(rng.integers(4, 13))
        rates = rng.dirichlet(np.full(TOPICS, 0.15), arms) * rng.lognormal(0, 0.5, (arms, 1))
        rates[rng.random(arms) < 0.25] *= 0.1  # writes of what the reference does not need
        harm = np.where(rng.random(arms) < 0.15, rng.uniform(0, 0.5, arms), 0.0)
        weights, sizes = rng.dirichlet(np.full(TOPICS, 1.0)), rng.lognormal(np.log(size), 0.7, TOPICS)
        return cls(rates, harm, weights, sizes, rng.lognormal(0, 0.5, arms))

    def value(self, tokens: np.ndarray) -> float:
        covered = self.weights @ (1 - np.exp(-(tokens @ self.rates) / self.sizes))
        return float(covered - self.harm @ tokens)


def play(world: World, rule: str, seed: int = 0, rounds: int = ROUNDS) -> tuple[np.ndarray, np.ndarray]:
    """Cost and true value (rounds + 1,) after each round. ``rule``: loop, uniform, known (the true marginal values,
    the highest first), or an arm's number."""
    arms = len(world.prices)
    rng = np.random.default_rng([seed, 17])
    tokens, costs, values = np.zeros(arms), [0.0], [world.value(np.zeros(arms))]
    seen: list[Round] = []
    while costs[-1] < 1 - 1e-9:
        cost = min(1 / rounds, 1 - costs[-1])
        if rule == "loop":
            if len({each.arm for each in seen}) < arms:
                cost = min(0.5 / rounds, 1 - costs[-1])
            offers = [Offer(k, cost / world.prices[k], cost) for k in range(arms)]
            arm = judge(Beliefs(arms, seen, 1 / float(np.mean(world.prices))), offers)[0].offer.arm
        elif rule == "known":
            steps = np.diag(cost / world.prices)
            arm = int(np.argmax([world.value(tokens + step) for step in steps]))
        else:
            arm = len(costs[1:]) % arms if rule == "uniform" else int(rule)
        tokens[arm] += cost / world.prices[arm]
        costs.append(costs[-1] + cost)
        values.append(world.value(tokens))
        gain = values[-1] - values[-2]
        error = float(np.hypot(PART * gain, LEAST))
        seen.append(Round(arm, cost / world.prices[arm], cost, gain + error * rng.normal(), error))
    return np.array(costs), np.array(values)


def cost_for(costs: np.ndarray, values: np.ndarray, value: float) -> float:
    """The first cost at which ``values`` reach ``value``; twice the whole where they never do."""
    above = np.flatnonzero(values >= value)
    if not len(above):
        return float(2 * costs[-1])
    i = int(above[0])
    part = 0.0 if i == 0 else (value - values[i - 1]) / (values[i] - values[i - 1])
    return float(costs[0] if i == 0 else costs[i - 1] + part * (costs[i] - costs[i - 1]))


def told(name: str, column: np.ndarray) -> str:
    """Mean with its 90 % interval, median, and how often at most .60 and above 1."""
    means = column[np.random.default_rng(0).integers(0, len(column), (2000, len(column)))].mean(axis=1)
    low, high = np.quantile(means, [0.05, 0.95])
    return (
        f"  {name}: mean {column.mean():.2f} ({low:.2f} to {high:.2f}), median {np.median(column):.2f}, at most .60 in "
        f"{np.mean(column <= 0.6):.0%}, dearer in {np.mean(column > 1):.0%}"
    )


def one_world(seed: int, size: float) -> tuple[float, ...]:
    """Costs for the same value (loop, loop, known, known: of the best fixed arm, of uniform arms), values at the whole
    budget (loop, best fixed, uniform, known), and what the loop spent."""
    world = World.draw(seed, size)
    fixed = [play(world, str(arm)) for arm in range(len(world.prices))]
    even, loop, known = (play(world, rule, seed) for rule in ("uniform", "loop", "known"))
    best, top = max(float(each[1].max()) for each in fixed), float(even[1].max())
    alone, mixed = min(cost_for(*each, best) for each in fixed), cost_for(*even, top)
    costs = [cost_for(*each, value) / own for each in (loop, known) for value, own in ((best, alone), (top, mixed))]
    return (*costs, loop[1][-1], best, top, known[1][-1], loop[0][-1])


def say(regime: str, found: np.ndarray) -> None:
    print(f"{regime} budget, {len(found)} worlds: cost for the same value, of that of")
    print(told("the best fixed arm", found[:, 0]))
    print(told("uniform arms", found[:, 1]))
    print(f"  with known marginal values: {found[:, 2].mean():.2f} and {found[:, 3].mean():.2f}")
    loop, best, top, known = found[:, 4:8].mean(axis=0)
    print(
        f"  value at the whole budget: loop {loop:.3f}, best fixed {best:.3f}, uniform {top:.3f}, known {known:.3f}"
        f"; highest cost over budget {found[:, 8].max():.6f}",
        flush=True,
    )


def simulated(first: int, count: int) -> None:
    for regime, size in SIZES.items():
        say(regime, np.array([one_world(seed, size) for seed in range(first, first + count)]))


FILES = ("01_paired_core/core", "02_paired_essays/outfox", "02_paired_essays/argugpt_machine",
         "03_paired_docs/binoculars_pubmed", "03_paired_docs/seqxgpt")  # fmt: skip
WEB = "10_web_crawl/web_dragnet_2012"
SUPPLY, BUDGET, ARMS = 240_000, 40_000, 10  # characters of a pool at least, tokens, arms of a draw
DOMAINS, POOL_ROUNDS = 5, 40
DOMAIN, LONGEST = 60_000, 1500  # characters of a domain in the reference, and of a document of it
POINTS = 5  # of a curve over one fixed arm


def records(path: Path) -> list[dict[str, str]]:
    with gzip.open(path.with_name(path.name + ".jsonl.gz"), "rt", encoding="utf-8") as file:
        return [record for record in map(json.loads, file) if record["text"].strip()]


def pools(data: Path, first: int, draws: int, pages: int) -> None:
    by: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in FILES:
        for record in records(data / name):
            by[record["domain"], record["source"]].append(record["text"])
    written = sorted(k for k, v in by.items() if k[1] != "human" and sum(map(len, v)) >= SUPPLY)
    domains = sorted({k[0] for k in written if sum(map(len, by[k[0], "human"])) >= SUPPLY})
    print(f"{len(written)} pools, human text of {', '.join(domains)}", flush=True)
    web = [record["text"] for record in records(data / WEB)]
    rows = []
    for seed in range(first, first + draws):
        rng = np.random.default_rng(seed)
        need = [domains[i] for i in rng.permutation(len(domains))[:DOMAINS]]
        order = [written[i] for i in rng.permutation(len(written))]
        arms = [next(arm for arm in order if arm[0] == domain) for domain in need]
        arms += [arm for arm in order if arm not in arms][: ARMS - len(arms)]
        with tempfile.TemporaryDirectory() as work:
            rows.append(one_draw(Path(work), by, arms, need, [web[i] for i in rng.permutation(len(web))[:pages]], rng))
    found = np.array(rows)
    print(told(f"{draws} draws of pools, the best fixed arm", found[:, 0]))
    print(told(f"{draws} draws of pools, uniform arms", found[:, 1]))


def one_draw(
    work: Path,
    by: dict[tuple[str, str], list[str]],
    arms: list[tuple[str, str]],
    need: list[str],
    have: list[str],
    rng: np.random.Generator,
) -> tuple[float, float]:
    from synthmix.corpus.sources import Document
    from synthmix.loop.run import decisions_of, generate_loop
    from synthmix.loop.settings import Loop
    from synthmix.loop.worth import Worth, halves

    def save(name: str, texts: list[str]) -> str:
        lines = (json.dumps({"id": f"{name}-{i}", "text": text}) for i, text in enumerate(texts))
        (work / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        return str(work / f"{name}.jsonl")

    reference = []
    for domain in need:  # equal text of each
        texts, held = by[domain, "human"], 0
        for i in rng.permutation(len(texts)):
            if held >= DOMAIN:
                break
            reference.append(texts[i][:LONGEST])
            held += len(reference[-1])
    names = ["-".join(arm).replace(".", "_") for arm in arms]
    raw = {
        "have": save("have", have),
        "need": save("need", reference),
        "rounds": POOL_ROUNDS,
        "arms": {n: {"files": save(n, by[a])} for n, a in zip(names, arms, strict=True)},
    }
    loop = Loop.of(raw)
    made = generate_loop(loop, work / "out", tokens=BUDGET)
    rounds = decisions_of(work / "out").rounds
    _, check = halves(reference)
    base = [Document(text, "have", None) for text in have]
    texts = drawn_texts(loop)

    def curve(parts: list[tuple[str, int, int]]) -> tuple[np.ndarray, np.ndarray]:
        """Cost and value by the checking half after each part (arm, from, to)."""
        worth, costs, values = valued.again(), [0.0], [0.0]
        for arm, start, stop in parts:
            batch = [text for text, _ in texts[arm][start:stop]]
            if batch:
                gained, read = worth.would_add(batch)
                worth.add(read)
                values.append(values[-1] + (gained.interval.mid or 0.0))
                costs.append(costs[-1] + sum(tokens for _, tokens in texts[arm][start:stop]))
        return np.array(costs), np.array(values)

    valued = Worth(base, check)
    ours = curve([(each.arm, *each.texts) for each in rounds])
    fixed = {name: curve(split(texts[name], BUDGET, POINTS, name)) for name in names}
    even = curve(interleaved({name: split(texts[name], BUDGET / len(names), 4, name) for name in names}))
    name, (_, values) = max(fixed.items(), key=lambda one: one[1][1].max())
    best = float(values.max())
    alone = cost_for(*fixed[name], best)
    top = float(even[1].max())
    row = cost_for(*ours, best) / alone, cost_for(*ours, top) / cost_for(*even, top)
    taken = ", ".join(f"{arm.arm} {arm.tokens / 1000:.1f}k" for arm in made.arms if arm.rounds > 1)
    print(
        f"{' + '.join(need)}: loop {ours[1][-1]:.4f} nats at {ours[0][-1]:.0f} tokens (budget {BUDGET}), best fixed "
        f"{best:.4f} ({name}), uniform {top:.4f}; cost for the same value {row[0]:.2f} and {row[1]:.2f}; more than "
        f"one round: {taken}",
        flush=True,
    )
    return row


def drawn_texts(loop) -> dict[str, list[tuple[str, int]]]:  # type: ignore[no-untyped-def]
    """Each arm's texts with their tokens, in the order in which the loop takes them."""
    from synthmix.generation.filters import heldout_index
    from synthmix.generation.usage import counted_tokens
    from synthmix.loop.arms import sources_of

    file = loop.file
    index = heldout_index(json.loads(line)["text"] for line in Path(file.need[0]).read_text().splitlines())
    return {
        name: [(d.text, counted_tokens(d.text)) for d in sources_of(arm.files, "text", file.sample, file.seed, index)]
        for name, arm in loop.arms.items()
    }


def split(texts: list[tuple[str, int]], budget: float, count: int, name: str) -> list[tuple[str, int, int]]:
    """The first ``budget`` tokens in ``count`` parts."""
    total = np.cumsum([tokens for _, tokens in texts])
    ends = np.searchsorted(total, budget * np.arange(1, count + 1) / count, side="right")
    return [(name, int(a), int(b)) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def interleaved(parts: dict[str, list[tuple[str, int, int]]]) -> list[tuple[str, int, int]]:
    return [part for turn in zip(*parts.values(), strict=True) for part in turn]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first world or draw")
    parser.add_argument("--pools", type=Path, help="folder of the text: runs the real pools instead")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--pages", type=int, default=10_000, help="of the web, at most: the text there is")
    asked = parser.parse_args()
    if asked.pools is None:
        simulated(asked.first, asked.worlds)
    else:
        pools(asked.pools, asked.first, asked.draws, asked.pages)


if __name__ == "__main__":
    sys.exit(main())
