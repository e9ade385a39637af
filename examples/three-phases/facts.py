"""A world of key-value facts with Zipf frequencies, written as text, and small Llamas that learn it.

A fact is one line of three tokens: begin, key, value. Key i stands for the item of rank i; its value is one of
`VALUES`, drawn once. Text is made by drawing keys with the frequencies q_i of the theory (`synthmix.theory.Setting`).
A model is right on item i when it ranks the true value first after "begin, key"; its loss here is the error rate over
the real frequencies, so the theory's a = 1, b = 1 / VALUES, alpha = lambda = 0 hold if it memorises, and L_inf = 0.
"""

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from synthmix.theory import Setting

ITEMS, VALUES = 600, 64
BANDS = (1, 4, 16, 64, 256, ITEMS)  # edges of the rank bands


@dataclass(frozen=True)
class World:
    """Frequencies of the natural text and the value of every key."""

    beta: float = 1.5
    items: int = ITEMS
    seed: int = 0

    def setting(self, k: float = np.inf, pi: float = 1.0) -> Setting:
        return Setting(self.beta, k=k, pi=pi, b=1 / VALUES, items=self.items)

    @property
    def p(self) -> np.ndarray:
        return self.setting().natural(np.arange(1, self.items + 1))

    @property
    def values(self) -> np.ndarray:
        return np.random.default_rng(self.seed).integers(VALUES, size=self.items)

    @property
    def vocab(self) -> int:
        return 1 + self.items + VALUES


def text(world: World, keys: np.ndarray, values: np.ndarray | None = None) -> Any:
    """Facts (n, 3) as token ids: keys are ranks from 0; values None: the true ones."""
    import torch

    told = world.values[keys] if values is None else values
    rows = np.stack([np.zeros_like(keys), 1 + keys, 1 + world.items + told], axis=1)
    return torch.from_numpy(rows.astype(np.int64))


class Source:
    """Draws keys (ranks from 0) and, for text that a model wrote, values."""

    def __init__(self, q: np.ndarray, seed: int, told: np.ndarray | None = None) -> None:
        self.cumulative = np.cumsum(q) / q.sum()
        self.rng, self.told = np.random.default_rng(seed), told

    def draw(self, count: int) -> np.ndarray:
        return np.searchsorted(self.cumulative, self.rng.random(count), side="right")


def new_model(world: World, seed: int, width: int = 48, depth: int = 1) -> Any:
    """A Llama of one layer: 28k parameters and the embeddings of keys and values."""
    from synthmix.training.model import make_model
    from synthmix.training.shape import Shape

    return make_model(Shape(width, depth, 4, 2, 3 * width), world.vocab, 8, seed)


def new_optimizer(model: Any, rate: float = 3e-3) -> Any:
    """AdamW without decay: facts that are not repeated are not to be forgotten. The second moment's memory is short."""
    from synthmix.training.model import optimizer_for

    return optimizer_for(model, rate, 0.0, (0.9, 0.95))


def right(model: Any, world: World) -> np.ndarray:
    """Whether the true value is ranked first, (items,)."""
    return best_values(model, world).argmax(axis=1) == world.values


def best_values(model: Any, world: World) -> np.ndarray:
    """Probabilities of the values after each key, (items, VALUES)."""
    import torch

    with torch.no_grad():
        rows = text(world, np.arange(world.items))[:, :2]
        logits = model(rows).logits[:, -1, 1 + world.items :].float()
        return torch.softmax(logits, dim=-1).numpy()


def key_probabilities(model: Any, world: World) -> np.ndarray:
    """Probabilities of the keys after "begin", (items,)."""
    import torch

    with torch.no_grad():
        logits = model(torch.zeros((1, 1), dtype=torch.int64)).logits[0, -1, 1 : 1 + world.items].float()
        return torch.softmax(logits, dim=-1).numpy()


def learn(
    model: Any,
    world: World,
    parts: list[tuple[float, Source]],
    stops: np.ndarray,
    *,
    seed: int,
    rate: float = 1e-3,
    batch: int = 64,
    whole: bool = False,
) -> list[dict[str, Any]]:
    """Train one pass on a mixture; at each of `stops` facts, the error rate over the real frequencies and by band.

    The batch is small and constant: were it to grow, a fact would need more exposures late than early.
    `whole`: the loss is on keys too. As keys share their embedding with the output layer, every step then moves the
    embeddings of all keys that are *not* there, and rare facts are forgotten between two exposures; the default, a
    loss on the values alone, is the learner that the theory is about.
    `parts`: shares and sources; every batch draws how many facts each source gives, so a share of 1e-3 shows.
    """
    import torch

    rng, optimizer = np.random.default_rng(seed + 10_000), new_optimizer(model, rate)
    shares, seen, rows = np.array([share for share, _ in parts]), 0, []
    began = time.perf_counter()
    for stop in stops:
        while seen < stop:
            drawn = [(source, source.draw(count)) for (_, source), count in
                     zip(parts, rng.multinomial(batch, shares / shares.sum()), strict=True) if count]  # fmt: skip
            facts = torch.cat([text(world, keys, told(source, keys, rng)) for source, keys in drawn])
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1.0, (seen + 1) / 10 / batch)
            step(model, optimizer, facts, whole=whole)
            seen += batch
        rows.append({"n": seen, **score(model, world), "seconds": time.perf_counter() - began})
    return rows


def step(model: Any, optimizer: Any, facts: Any, *, whole: bool) -> None:
    """One optimizer step on facts (n, 3)."""
    import torch

    from synthmix.training.model import train_step

    if whole:
        train_step(model, optimizer, facts, "float32", 1.0)
        return
    logits = model(facts[:, :2]).logits[:, -1].float()
    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(logits, facts[:, 2]).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def told(source: Source, keys: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """What the source says of the keys: None means the truth; a generator's text has its own values (keys, VALUES)."""
    if source.told is None:
        return None
    return (rng.random(len(keys))[:, None] > np.cumsum(source.told[keys], axis=1)).sum(axis=1).clip(0, VALUES - 1)


def score(model: Any, world: World) -> dict[str, Any]:
    """Error rate over the real frequencies, accuracy by rank band (weighted alike within a band)."""
    good, p = right(model, world), world.p
    bands = {f"{low}-{high - 1}": float(good[low - 1 : high - 1].mean()) for low, high in pairwise(BANDS)}
    return {"error": float(p @ ~good), "bands": bands}
