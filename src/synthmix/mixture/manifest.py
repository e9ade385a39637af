"""What a recipe and a budget resolve to: which sequence of which corpus is trained on, in which order.

A corpus of T tokens holds (T - 1) // context sequences: each predicts ``context`` tokens, and the last target
of one sequence is the first input of the next, so no token is predicted twice within an epoch.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput
from synthmix.files import write_bytes
from synthmix.mixture.interleave import Order, interleave, interleave_curves
from synthmix.mixture.recipe import Recipe
from synthmix.quantities import format_count


@dataclass(frozen=True)
class Manifest:
    """An exact training order. ``order``: source index per sequence, ``blocks``: which sequence of that source.

    ``counts`` are sequences per source; ``epochs`` how often each source was gone through (below 1: in part).
    """

    sources: tuple[str, ...]
    context: int
    order: Order
    blocks: npt.NDArray[np.int64]
    counts: dict[str, int]
    epochs: dict[str, float]

    def __len__(self) -> int:
        return len(self.order)

    @property
    def tokens(self) -> int:
        """Tokens that are predicted."""
        return len(self.order) * self.context


def sequences_in(tokens: int, context: int) -> int:
    """Sequences that a corpus of ``tokens`` tokens holds."""
    return max(0, (tokens - 1) // context)


def make_manifest(
    recipe: Recipe,
    sequences: int,
    context: int,
    available: Mapping[str, int],
    *,
    seed: int,
    epochs: float = 1,
    where: str | None = None,
) -> Manifest:
    """Resolve a recipe to an exact order of ``sequences`` sequences.

    A source's own order depends on ``seed`` and its name only, so recipes with the same seed see the same
    natural text in the same order and their differences cancel noise (CHOSEN; paired design). A recipe with a
    schedule goes through it once over exactly ``sequences``; a static one gives the same prefix for any number. A
    source that the recipe cuts to some unique tokens is repeated as often as that takes; its first epoch is what the
    uncut recipe sees first.

    Args:
        available: tokens of each source's training part.
        epochs: how often a source may be gone through; more than 1 must be asked for.

    Raises:
        BadInput: a source is unknown, or has fewer tokens than the recipe needs within ``epochs``.
    """
    if recipe.schedule is None:
        order = interleave([share for _, share in recipe.shares], sequences)
    else:
        order = interleave_curves([curve for _, curve in recipe.schedule], sequences)
    blocks = np.empty(sequences, dtype=np.int64)
    counts, passes, cut = {}, {}, dict(recipe.unique)
    for i, source in enumerate(recipe.sources):
        if source not in available:
            raise BadInput(f"no corpus of this name; there are {', '.join(available)}", where=where, key=source)
        holds = sequences_in(available[source], context)
        mine = np.flatnonzero(order == i)
        pool = max(1, int(cut[source] * sequences)) if source in cut else holds
        if len(mine) > holds * epochs if source not in cut else pool > holds:
            asked = len(mine) if source not in cut else pool
            raise BadInput(
                f"{format_count(asked * context)} tokens asked for by recipe '{recipe.name}', "
                f"{format_count(holds * context)} there, {epochs:g} epoch(s) allowed",
                where=where,
                key=source,
                remedy="lower the budget, add text, or raise training.epochs to repeat it",
            )
        blocks[mine] = _source_order(holds, len(mine), seed, source, pool)
        counts[source], passes[source] = len(mine), len(mine) / pool if pool else 0.0
    return Manifest(recipe.sources, context, order, blocks, counts, passes)


def _source_order(holds: int, needed: int, seed: int, source: str, pool: int) -> npt.NDArray[np.int64]:
    """``needed`` sequence indices: a fresh permutation per epoch, of the source or of ``pool`` sequences of it."""
    rng = np.random.default_rng([seed, crc32(source.encode())])
    parts, left, kept = [np.empty(0, dtype=np.int64)], needed, None
    while left > 0:
        order = rng.permutation(holds)[:pool] if kept is None else kept[rng.permutation(pool)]
        kept = order if pool < holds else None
        parts.append(order[:left])
        left -= len(parts[-1])
    return np.concatenate(parts)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the order as Parquet: a row a sequence, its ``source`` and its ``block`` there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.DictionaryArray.from_arrays(pa.array(manifest.order), pa.array(manifest.sources))
    buffer = io.BytesIO()
    pq.write_table(pa.table({"source": names, "block": manifest.blocks}), buffer)
    write_bytes(path, buffer.getvalue())
