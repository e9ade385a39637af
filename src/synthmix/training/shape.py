"""From one number, the non-embedding parameters, to the shape of a Llama (rules: CHOSEN, Llama 3's proportions).

1. Width over depth grows slowly, ``32 (N / 1e5)^0.12``: 32 at 0.1M, 56 at 10M, 97 at 1B. Llama 3 has 128 at 8B,
   and below a few million parameters deeper models were slower for the same loss.
2. Heads are 16 wide below width 128, 32 below 512, 64 below 2048, 128 above (Llama 3: 128).
3. Four query heads share one key-value head where the count allows it (Llama 3: 4), else three or two.
   Widths whose heads allow none of these are not used.
4. The feed-forward width starts at 8/3 of the width (SwiGLU, Shazeer 2020) and is then moved in steps of 8, within
   2 to 4 widths, so that the count comes as near to N as it can.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache

from synthmix.errors import BadInput
from synthmix.quantities import format_count

SMALLEST = 25_000
TOLERANCE = 0.05


@dataclass(frozen=True)
class Shape:
    """A Llama's dimensions. ``params`` counts everything but the (tied) embedding table."""

    width: int
    depth: int
    heads: int
    kv_heads: int
    hidden: int  # of the feed-forward part

    @property
    def params(self) -> int:
        """Non-embedding parameters: attention, feed-forward and norms."""
        head = self.width // self.heads
        attention = 2 * self.width**2 + 2 * self.width * head * self.kv_heads
        return self.depth * (attention + 3 * self.width * self.hidden + 2 * self.width) + self.width

    def params_total(self, vocab: int) -> int:
        """With the embedding table, which also serves as the output layer."""
        return self.params + vocab * self.width

    def flops_per_token(self, vocab: int, context: int) -> float:
        """Training FLOPs of one token: 6 per parameter used in a product (output layer included), plus
        attention's 6 x depth x context x width (half of 12, for the causal mask; PaLM, appendix B)."""
        return 6.0 * (self.params + vocab * self.width) + 6.0 * self.depth * context * self.width

    def as_dict(self) -> dict[str, int]:
        """Plain numbers, for records and hashes."""
        return asdict(self)


@cache
def shape_for(
    params: int,
    *,
    width: int | None = None,
    depth: int | None = None,
    heads: int | None = None,
    kv_heads: int | None = None,
    hidden: int | None = None,
) -> Shape:
    """The shape whose non-embedding parameters come nearest to ``params``, at near the preferred proportions.

    What is given is kept, and the rest chosen around it.

    Raises:
        BadInput: no shape comes within 5 %, or the size is below ``SMALLEST``.
    """
    if params < SMALLEST:
        raise BadInput(f"{params} parameters are too few", key="params", remedy="the minimum is 25k")
    given = {"width": width, "depth": depth, "heads": heads, "kv_heads": kv_heads, "hidden": hidden}
    aspect = 32 * (params / 1e5) ** 0.12
    near = _candidates(params, {name: value for name, value in given.items() if value is not None})
    best = min(
        (shape for shape in near if abs(shape.params / params - 1) <= TOLERANCE),
        key=lambda shape: (
            4 * abs(shape.params / params - 1)
            + math.log(shape.width / shape.depth / aspect) ** 2
            + math.log(shape.hidden / shape.width * 3 / 8) ** 2
        ),
        default=None,
    )
    if best is None:
        asked = " and ".join(f"{name} {value}" for name, value in given.items() if value is not None)
        raise BadInput(
            f"no shape within 5 % of {format_count(params)} parameters" + (f" with {asked}" if asked else ""),
            key="params",
            remedy="leave one of these to the rules" if asked else None,
        )
    return best


def _candidates(params: int, given: Mapping[str, int]) -> Iterator[Shape]:
    grid = (*range(32, 128, 16), *range(128, 512, 32), *range(512, 2048, 64), *range(2048, 16385, 128))
    for width in (given["width"],) if "width" in given else grid:
        counts = _heads(width, given)
        if counts is None:
            continue
        for depth in (given["depth"],) if "depth" in given else _depths(params, width, counts, given):
            rest = params - Shape(width, depth, *counts, 0).params
            hidden = given.get("hidden") or round(rest / (3 * width * depth) / 8) * 8
            if "hidden" in given or 2 * width <= hidden <= 4 * width:
                yield Shape(width, depth, *counts, hidden)


def _depths(params: int, width: int, counts: tuple[int, int], given: Mapping[str, int]) -> range:
    """The depths at which a feed-forward part of 2 to 4 widths, rounded to 8, can make up for ``params``."""
    if "hidden" in given:
        return range(1, 129)
    deepest, shallowest = (
        (params - width) / (Shape(width, 1, *counts, hidden).params - width)
        for hidden in (2 * width - 4, 4 * width + 4)
    )
    return range(max(1, int(shallowest)), min(128, int(deepest) + 1) + 1)


def _heads(width: int, given: Mapping[str, int]) -> tuple[int, int] | None:
    """Query and key-value heads, or None where the width allows none."""
    size = 16 if width < 128 else 32 if width < 512 else 64 if width < 2048 else 128
    heads = given.get("heads") or width // size
    if not heads or width % heads or width // heads % 2:
        return None
    ratio = next((ratio for ratio in (4, 3, 2) if heads % ratio == 0), None)
    kv_heads = given.get("kv_heads") or (heads // ratio if ratio else 1 if "heads" in given else 0)
    return (heads, kv_heads) if kv_heads and heads % kv_heads == 0 else None
