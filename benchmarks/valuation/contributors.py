"""Contributors: datasets that differ in their natural share, generator, size and noise, drawn from sources."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.valuation.sources import Source, joined
from synthmix.errors import BadInput
from synthmix.valuation.pool import Pool

Spoil = Callable[[Any, np.random.Generator], Any]  # items of one kind, as many as before


@dataclass(frozen=True)
class Recipe:
    """What a contributor is made of.

    Attributes:
        size: items. share: of items from the natural source ``natural``; the others come from ``generator``.
        noise: a name among the task's, which befalls the share ``strength`` of all items.
        flips: share of labels replaced by another one. copies: how often each of the size / copies items stands in it.
    """

    size: int
    share: float
    generator: str = ""
    natural: str = "real"
    noise: str = ""
    strength: float = 0.0
    flips: float = 0.0
    copies: int = 1

    @property
    def name(self) -> str:
        """Unique among recipes that differ."""
        parts = [f"{self.share:.0%} {self.natural}"] if self.share > 0 else []
        parts += [self.generator] if self.share < 1 else []
        parts += [f"{self.noise} {self.strength:.0%}"] if self.noise else []
        parts += [f"flips {self.flips:.0%}"] if self.flips else []
        parts += [f"x{self.copies}"] if self.copies > 1 else []
        return f"{' + '.join(parts)}, {self.size}"


@dataclass(frozen=True)
class Contributor:
    """A dataset; ``parts``: its natural and its synthetic items as pools of their own, where it has them; ``alone``: of
    a mixture each of its two sources, as many unspoiled items as the whole (or all that there are)."""

    pool: Pool
    meta: Mapping[str, Any]
    parts: tuple[Pool, ...] = ()
    alone: tuple[Pool, ...] = ()

    @property
    def name(self) -> str:
        return self.pool.name


def contribute(recipe: Recipe, sources: Mapping[str, Source], noises: Mapping[str, Spoil]) -> Contributor:
    """Draw the items without replacement, spoil them, mix their order. Each recipe has random numbers of its own.

    Raises:
        BadInput: a source is too small.
    """
    rng = np.random.default_rng(zlib.crc32(recipe.name.encode()))
    kinds = []
    unique = recipe.size // recipe.copies
    natural = round(recipe.share * unique)
    for source, count in ((recipe.natural, natural), (recipe.generator, unique - natural)):
        if count:
            drawn = _drawn(sources[source], count, source, rng)
            drawn = _spoiled(drawn, recipe, noises, rng)
            kinds.append(drawn.at(np.tile(np.arange(count), recipe.copies)))
    share = sum(len(kind) for kind in kinds if kind.natural) / sum(map(len, kinds))
    whole = joined(kinds)
    whole = whole.at(rng.permutation(len(whole)))
    mixed = (recipe.natural, recipe.generator) if len(kinds) == 2 else ()
    alone = [sources[name].at(rng.permutation(len(sources[name]))[:unique]) for name in mixed]
    return Contributor(
        Pool.of(recipe.name, whole.items, whole.labels, share=share),
        asdict(recipe) | {"natural_share": share},
        tuple(
            Pool.of(f"{recipe.name}: {'natural' if kind.natural else 'synthetic'}", kind.items, kind.labels,
                    share=float(kind.natural))
            for kind in kinds
        ),
        tuple(Pool.of(name, each.items, each.labels) for name, each in zip(mixed, alone, strict=True)),
    )  # fmt: skip


def _drawn(source: Source, count: int, name: str, rng: np.random.Generator) -> Source:
    if count > len(source):
        raise BadInput(f"{count} items are asked of {len(source)}", where=name)
    return source.at(rng.permutation(len(source))[:count])


def _spoiled(drawn: Source, recipe: Recipe, noises: Mapping[str, Spoil], rng: np.random.Generator) -> Source:
    items, labels = drawn.items, drawn.labels
    hit = rng.random(len(drawn)) < recipe.strength
    if recipe.noise and hit.any():
        if isinstance(items, np.ndarray):
            items = items.copy()
            items[hit] = noises[recipe.noise](items[hit], rng)
        else:
            worse = iter(noises[recipe.noise]([item for item, is_hit in zip(items, hit, strict=True) if is_hit], rng))
            items = [next(worse) if is_hit else item for item, is_hit in zip(items, hit, strict=True)]
    if recipe.flips and labels is not None:
        classes = int(labels.max()) + 1
        flipped = rng.random(len(drawn)) < recipe.flips
        labels = np.where(flipped, (labels + rng.integers(1, classes, len(labels))) % classes, labels)
    return Source(items, labels, drawn.natural)


def design(
    count: int,
    levels: Mapping[str, tuple[Any, ...]],
    noises: tuple[tuple[str, float], ...],
    *,
    fixed: tuple[Recipe, ...],
    seed: int,
    flips: tuple[float, ...] = (0.0,),
) -> list[Recipe]:
    """``fixed`` recipes, then random ones up to ``count``: every factor is drawn from its levels."""
    rng = np.random.default_rng(seed)
    recipes = list(fixed)
    while len(recipes) < count:
        drawn = {key: values[rng.integers(len(values))] for key, values in levels.items()}
        noise, strength = noises[rng.integers(len(noises))]
        recipe = Recipe(**drawn, noise=noise, strength=strength, flips=flips[rng.integers(len(flips))])
        if recipe.name not in {each.name for each in recipes}:
            recipes.append(recipe)
    return recipes
