"""Random bases by which both sides of a layer's gradient are made narrow."""

from typing import Any
from zlib import crc32


def sides(outer: int, inner: int, width: int) -> tuple[int, int]:
    """Columns (l, k) of the bases of an outer x inner gradient, with l k <= ``width`` where that can be; all of a
    side where it fits."""
    if outer * inner <= width:
        return outer, inner
    side = max(1, int(width**0.5))
    left = min(outer, side)
    right = min(inner, max(1, width // left))
    return min(outer, max(1, width // right)), right


def basis(rows: int, columns: int, key: str, seed: int, device: Any) -> Any:
    """(rows, columns) float32: the identity where nothing is to be saved, else normal numbers of variance 1 / columns,
    so that products of projected vectors are those of the vectors in expectation (Johnson and Lindenstrauss).

    It depends on its sizes, the ``key`` (a layer's name) and the ``seed`` alone.
    """
    import torch

    if columns >= rows:
        return torch.eye(rows, device=device)
    generator = torch.Generator().manual_seed(crc32(f"{key} {rows} {columns} {seed}".encode()))
    return (torch.randn(rows, columns, generator=generator) / columns**0.5).to(device)
