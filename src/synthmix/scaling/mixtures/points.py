"""What laws of mixtures see: points with the share of every source, and the losses that were measured there.

Shape letters: n points, k sources, t domains.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.runs import Array, Index

#: How far the shares of a row may be from adding up to one: published tables round each to three digits.
SUM_TOLERANCE = 0.02


@dataclass(frozen=True, kw_only=True, eq=False)
class MixturePoints:
    """Points at which a law of mixtures is evaluated.

    Attributes:
        sources: k names.
        shares: (n, k), each row adds up to one.
        N, D: (n,) non-embedding parameters, training tokens; None: the same at all points, and not known.
        unique: (n, k) unique tokens there are of each source; inf: more than are needed. None: nothing repeats.

    Raises:
        BadInput: a share outside [0, 1], a row whose shares do not add up to one, an N, D or number of unique tokens
            that is not positive, or lengths that differ.
    """

    sources: tuple[str, ...]
    shares: Any
    N: Any = None
    D: Any = None
    unique: Any = None

    def __post_init__(self) -> None:
        shares = np.atleast_2d(np.asarray(self.shares, dtype=np.float64))
        if shares.ndim != 2 or shares.shape[1] != len(self.sources):
            raise BadInput(f"are not of shape (points, {len(self.sources)} sources)", where="points", key="shares")
        if not (np.isfinite(shares) & (shares >= 0) & (shares <= 1 + SUM_TOLERANCE)).all():
            raise BadInput("holds a value outside 0 to 1", where="points", key="shares")
        total = shares.sum(axis=1)
        wrong = np.flatnonzero(np.abs(total - 1) > SUM_TOLERANCE)
        if len(wrong):
            raise BadInput(
                f"add up to {total[wrong[0]]:.3g} and not to 1 in row {wrong[0]}", where="points", key="shares",
                remedy="name the column of every source, or divide each row by its sum",
            )  # fmt: skip
        object.__setattr__(self, "shares", shares / total[:, None])
        for name in ("N", "D", "unique"):
            value = getattr(self, name)
            if value is None:
                continue
            shape = shares.shape if name == "unique" else (len(shares),)
            array = np.broadcast_to(np.asarray(value, dtype=np.float64), shape)
            if np.isnan(array).any() or (array <= 0).any() or (name != "unique" and not np.isfinite(array).all()):
                raise BadInput("is missing or not positive", where="points", key=name)
            object.__setattr__(self, name, np.ascontiguousarray(array))
        if self.unique is not None and self.D is None:
            raise BadInput("unique tokens are known and the tokens trained are not", where="points", key="D")

    def __len__(self) -> int:
        return len(self.shares)

    @property
    def grid(self) -> Array:
        """The shares for all laws alike, (1, n, k)."""
        found: Array = self.shares[None]
        return found

    def __repr__(self) -> str:
        scale = " ".join(name for name in ("N", "D", "unique") if getattr(self, name) is not None)
        return f"<MixturePoints: {len(self)} points of {len(self.sources)} sources; {scale or 'one scale'}>"

    @cached_property
    def epochs(self) -> Array:
        """(n, k) how often each source is gone through; 1 at least."""
        return _epochs(self.shares, self.D, self.unique)

    @cached_property
    def repeats(self) -> bool:
        """Whether any source is gone through more than once."""
        return bool((self.epochs > 1 + 1e-6).any())

    def select(self, which: Any) -> "MixturePoints":
        """The points of a boolean mask or of integer positions."""
        N, D, unique = (None if x is None else x[which] for x in (self.N, self.D, self.unique))
        return replace(self, shares=self.shares[which], N=N, D=D, unique=unique)

    @cached_property
    def mixtures(self) -> Index:
        """(n,) which mixture a point is of, counted from 0."""
        return np.unique(np.round(self.shares, 6), axis=0, return_inverse=True)[1].reshape(-1)


@dataclass(frozen=True, kw_only=True, eq=False)
class MixtureGrid:
    """Points of which each law has its own: what a search for the optimum of many draws evaluates. Not checked.

    Attributes:
        sources: k names. grid: (b, n, k) shares, which need not add up to one. N, D, unique: as of the points (n).
    """

    sources: tuple[str, ...]
    grid: Array
    N: Array | None = None
    D: Array | None = None
    unique: Array | None = None

    def __len__(self) -> int:
        return int(self.grid.shape[1])

    @cached_property
    def epochs(self) -> Array:
        """(b, n, k) how often each source is gone through; 1 at least."""
        return _epochs(self.grid, self.D, self.unique)

    @cached_property
    def repeats(self) -> bool:
        """Whether any source is gone through more than once."""
        return bool((self.epochs > 1 + 1e-6).any())


Points: TypeAlias = MixturePoints | MixtureGrid


@dataclass(frozen=True, kw_only=True, eq=False)
class MixtureRuns:
    """Trained mixtures with what was measured on them.

    Attributes:
        points: where (n).
        losses: (n, t) nats per token, positive, and errors 1 - score between 0 and 1; NaN where one was not measured.
        domains: t names, of domains and tasks.
        group: (n,) which training run a point is of: checkpoints of one run are correlated. None: each its own.
        chance: (t,) what guessing scores on a task; NaN where a loss is measured. None: losses all.
        items: (t,) how many questions a task asks; NaN: not known, or a loss.

    Raises:
        BadInput: a loss that is not positive, a score outside 0 to 1, or lengths that differ.
    """

    points: MixturePoints
    losses: Any
    domains: tuple[str, ...]
    group: Any = None
    chance: Any = None
    items: Any = None

    def __post_init__(self) -> None:
        losses = np.asarray(self.losses, dtype=np.float64)
        if losses.shape != (len(self.points), len(self.domains)):
            raise BadInput(
                f"are of shape {losses.shape} and not ({len(self.points)} points, {len(self.domains)} domains)",
                where="runs", key="losses",
            )  # fmt: skip
        for name in ("chance", "items"):
            given = getattr(self, name)
            held = np.full(len(self.domains), np.nan) if given is None else np.asarray(given, dtype=np.float64)
            object.__setattr__(self, name, held)
        scored = np.isfinite(self.chance)
        for place, name in enumerate(self.domains):
            known = losses[:, place][~np.isnan(losses[:, place])]
            if scored[place]:
                if not len(known) or (known < 0).any() or (known > 1).any():
                    raise BadInput("is not a score between 0 and 1 in every row", where="runs", key=name)
                continue
            if not len(known) or not np.isfinite(known).all() or (known <= 0).any():
                raise BadInput("is not a positive number in every row", where="runs", key=name)
        object.__setattr__(self, "losses", losses)
        group = np.arange(len(losses)) if self.group is None else np.asarray(self.group)
        object.__setattr__(self, "group", np.unique(group, return_inverse=True)[1].reshape(-1))

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        return f"<MixtureRuns: {self.points!r}, {len(self.domains)} domains>"

    def select(self, which: Any) -> "MixtureRuns":
        """The rows of a boolean mask or of integer positions."""
        return replace(self, points=self.points.select(which), losses=self.losses[which], group=self.group[which])

    def of_domains(self, *names: str) -> "MixtureRuns":
        """Some of the domains."""
        places = [self.domains.index(name) for name in names]
        chance, items = self.chance[places], self.items[places]
        return replace(self, losses=self.losses[:, places], domains=names, chance=chance, items=items)


def _epochs(shares: Array, D: Array | None, unique: Array | None) -> Array:
    """How often each source is gone through, 1 at least, of shares (..., n, k)."""
    if unique is None or D is None:
        return np.ones_like(shares)
    found: Array = np.maximum(shares * D[:, None] / unique, 1.0)
    return found
