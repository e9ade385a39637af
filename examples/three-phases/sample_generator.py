"""Demonstration 2c: a real generator: a Llama that learned real facts is sampled; cutoffs measured and predicted.

    nice -n 15 python examples/three-phases/sample_generator.py

The generator is trained on the whole text of 40,000 real facts (keys and values), then writes facts: a key from its own
distribution after "begin", then a value, at several top-p, temperatures and numbers of samples. The cutoff of the keys
is measured as `synthmix phases estimate` does and, for finite samples, as the rank whose keys are half there; the
prediction knows only beta and the sampler (synthmix.theory.generated).
"""

import numpy as np
from facts import VALUES, Source, World, best_values, key_probabilities, learn, new_model
from saved import arguments, once

WORLD, LEARNED = World(), 40_000
SAMPLERS = [
    {"top_p": 0.7}, {"top_p": 0.8}, {"top_p": 0.9}, {"top_p": 0.95}, {"temperature": 0.7}, {"temperature": 1.3},
    {"temperature": 1.3, "top_p": 0.8}, {"temperature": 0.7, "top_p": 0.9},
    {"samples": 300}, {"samples": 1_000}, {"samples": 10_000},
]  # fmt: skip


def distribution(p: np.ndarray, sampler: dict) -> np.ndarray:
    """What a sampler makes of probabilities (keys,): temperature first, then top-p."""
    q = p ** (1 / sampler.get("temperature", 1.0))
    q /= q.sum()
    order = np.argsort(-q)
    kept = np.cumsum(q[order]) - q[order] < sampler.get("top_p", 1.0)
    out = np.zeros_like(q)
    out[order[kept]] = q[order[kept]]
    return out / out.sum()


def generated_by_a_llama() -> dict:
    """Train the generator; its key distribution and how often its values are right, by rank."""
    import torch

    torch.set_num_threads(1)
    model = new_model(WORLD, 0)
    learn(model, WORLD, [(1.0, Source(WORLD.p, 0))], np.array([LEARNED]), seed=0, rate=3e-3, whole=True)
    truth = best_values(model, WORLD)[np.arange(WORLD.items), WORLD.values]
    return {"keys": key_probabilities(model, WORLD).tolist(), "right": truth.tolist()}


class Keys:
    """Keys as a stream of tokens."""

    def __init__(self, keys: np.ndarray) -> None:
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.keys[start:stop]


def half_there(keys: np.ndarray) -> float:
    """The rank about which half of the items occur in ``keys`` (of the window from half to twice it)."""
    there = np.isin(np.arange(WORLD.items), keys)
    ranks = np.arange(1, WORLD.items + 1)
    shares = [there[(ranks > r / 1.5) & (ranks <= r * 1.5)].mean() for r in ranks]
    return float(ranks[np.argmax(np.array(shares) < 1 - np.exp(-1))])


def main() -> None:
    from synthmix.phases.estimation import estimate_phases
    from synthmix.theory import generated

    from synthmix.cli.phases import shown  # isort: skip

    told = arguments(__doc__)
    found = once(told.to / "generator.json", generated_by_a_llama)
    keys = np.array(found["keys"])
    real = Keys(Source(WORLD.p, 7).draw(100_000).astype(np.uint16))
    print(
        "| sampler | predicted k | predicted exponent | measured k | left beyond | true values within k |\n"
        + "|---" * 6
        + "|"
    )
    for sampler in SAMPLERS:
        world = generated(WORLD.setting(), **sampler)
        q = distribution(keys, sampler)
        name = ", ".join(f"{key} {value:g}" for key, value in sampler.items())
        drawn = Source(q, 8).draw(sampler.get("samples", 100_000))
        if "samples" in sampler:
            measured, left = f"{half_there(drawn):.0f} (half there)", ""
        else:
            (estimate,) = estimate_phases(real, Keys(drawn.astype(np.uint16)), WORLD.items, orders=(1,), resamples=200)
            measured, left = shown(estimate.k) if estimate.k.value else "none", f"{estimate.beyond.value:.0%}"
        right = float(np.array(found["right"])[: int(min(world.k, WORLD.items))].mean())
        k = "none" if world.k >= WORLD.items else f"{world.k:.0f}"
        print(f"| {name} | {k} | {world.synthetic_exponent:.2f} | {measured} | {left} | {right:.0%} |")
    print(f"\n{VALUES} values; a value at random is true in {1 / VALUES:.1%}")


if __name__ == "__main__":
    main()
