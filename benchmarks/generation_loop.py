"""The loop of generation against the best fixed arm and against uniform arms: what the same value costs.

    python benchmarks/generation_loop.py                 # 100 simulated worlds
    python benchmarks/generation_loop.py --pools DATA    # 5 references with real pools of text as arms

Simulated: a reference needs TOPICS topics, of unequal weight. An arm writes of some of them (a Dirichlet draw, few of
them) at a rate of its own; what a topic adds saturates: value = sum_j weight_j (1 - exp(-tokens_j / size_j)), less what
a harmful arm takes a token. So marginal values are known, and fall with what all arms have written: not the form of
curve that the bandit believes in. Prices are log-normal. A round's gain is measured with a normal error.

Every method spends its rounds of equal cost. Cost for the same value: the cost at which the loop's value (interpolated
between rounds) reaches that of the other method at the whole budget, over the budget. The best fixed arm is the best in
hindsight: it is told, and pays for no look at the others.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthmix.loop.bandit import Beliefs, Offer, Round, judge

TOPICS, ROUNDS = 24, 60


@dataclass
class World:
    """``rates`` (arms, topics): tokens of each topic a token; ``prices`` (arms,) a token; budget 1."""

    rates: np.ndarray
    harm: np.ndarray
    weights: np.ndarray
    sizes: np.ndarray
    prices: np.ndarray
    noise: float

    @classmethod
    def draw(cls, seed: int) -> "World":
        rng = np.random.default_rng(seed)
        arms = int(rng.integers(4, 13))
        rates = rng.dirichlet(np.full(TOPICS, 0.15), arms) * rng.lognormal(0, 0.5, (arms, 1))
        useless = rng.random(arms) < 0.25  # writes of what the reference does not need
        rates[useless] *= 0.1
        harm = np.where(rng.random(arms) < 0.15, rng.uniform(0, 0.5, arms), 0.0)
        weights = rng.dirichlet(np.full(TOPICS, 1.0))
        sizes = rng.lognormal(np.log(0.08), 0.7, TOPICS)
        return cls(rates, harm, weights, sizes, rng.lognormal(0, 0.5, arms), float(rng.uniform(0.001, 0.006)))

    def value(self, tokens: np.ndarray) -> float:
        covered = self.weights @ (1 - np.exp(-(tokens @ self.rates) / self.sizes))
        return float(covered - self.harm @ tokens)


def play(world: World, rule: str, seed: int = 0, rounds: int = ROUNDS) -> tuple[np.ndarray, np.ndarray]:
    """Cost and true value (rounds + 1,) after each round."""
    arms = len(world.prices)
    rng = np.random.default_rng([seed, 17])
    tokens, costs, values = np.zeros(arms), [0.0], [world.value(np.zeros(arms))]
    seen: list[Round] = []
    while costs[-1] < 1 - 1e-9:
        if rule == "loop":
            first = len({each.arm for each in seen}) < arms
            cost = min((0.5 if first else 1.0) / rounds, 1 - costs[-1])
            scale = 1 / float(np.mean(world.prices))
            offers = [Offer(k, cost / world.prices[k], cost) for k in range(arms)]
            arm = judge(Beliefs(arms, seen, scale), offers)[0].offer.arm
        else:
            cost = min(1 / rounds, 1 - costs[-1])
            arm = len(costs[1:]) % arms if rule == "uniform" else int(rule)
        tokens[arm] += cost / world.prices[arm]
        costs.append(costs[-1] + cost)
        values.append(world.value(tokens))
        gain = values[-1] - values[-2] + world.noise * rng.normal()
        seen.append(Round(arm, cost / world.prices[arm], cost, gain, world.noise))
    return np.array(costs), np.array(values)


def cost_for(costs: np.ndarray, values: np.ndarray, value: float) -> float:
    """The first cost at which ``values`` reach ``value``; 2 where they never do."""
    above = np.flatnonzero(values >= value)
    if not len(above):
        return 2.0
    i = int(above[0])
    if i == 0:
        return 0.0
    part = (value - values[i - 1]) / (values[i] - values[i - 1])
    return float(costs[i - 1] + part * (costs[i] - costs[i - 1]))


def simulated(first: int, count: int) -> None:
    rows = []
    for seed in range(first, first + count):
        world = World.draw(seed)
        costs, values = play(world, "loop", seed)
        fixed = [play(world, str(arm)) for arm in range(len(world.prices))]
        best = max(float(each[1].max()) for each in fixed)
        cheapest = min(cost_for(*each, best) for each in fixed)
        even = play(world, "uniform")[1][-1]
        rows.append((
            cost_for(costs, values, best) / cheapest, cost_for(costs, values, even), values[-1], best, even, costs[-1],
        ))  # fmt: skip
    found = np.array(rows)
    print(f"{count} worlds, seeds {first} to {first + count - 1}")
    for name, column in (("best fixed arm", found[:, 0]), ("uniform arms", found[:, 1])):
        rng = np.random.default_rng(0)
        means = column[rng.integers(0, count, (2000, count))].mean(axis=1)
        low, high = np.quantile(means, [0.05, 0.95])
        print(
            f"  cost for the value of the {name}: mean {column.mean():.3f} ({low:.3f} to {high:.3f}), median "
            f"{np.median(column):.3f}, at most .60 in {np.mean(column <= 0.6):.0%}, dearer than it in "
            f"{np.mean(column > 1):.0%}"
        )
    print(f"  value at the whole budget: loop {found[:, 2].mean():.3f}, best fixed {found[:, 3].mean():.3f}, uniform "
          f"{found[:, 4].mean():.3f}; highest cost over budget {found[:, 5].max():.6f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first world")
    parser.add_argument("--pools", type=Path, help="folder of the text: runs the real pools instead")
    asked = parser.parse_args()
    simulated(asked.first, asked.worlds)


if __name__ == "__main__":
    sys.exit(main())
