"""A source's share as a function of progress: piecewise linear, exact fractions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PlainSerializer

from synthmix.quantities import parse_share


class Piece(NamedTuple):
    """From ``start`` to ``end`` of the run the share goes straight from ``first`` to ``last``."""

    start: Fraction
    end: Fraction
    first: Fraction
    last: Fraction

    @property
    def slope(self) -> Fraction:
        """Change of the share over a whole run."""
        return (self.last - self.first) / (self.end - self.start)

    def at(self, x: Fraction) -> Fraction:
        """The share at progress ``x``."""
        return self.first + self.slope * (x - self.start)


@dataclass(frozen=True)
class Curve:
    """A share over progress 0 to 1. The pieces follow each other without gaps; the share may jump between them.

    Equal functions are equal objects: pieces that continue each other are joined.
    """

    pieces: tuple[Piece, ...]

    @property
    def mean(self) -> Fraction:
        """The share of the whole run: the integral over progress."""
        return self.integral(Fraction(1))

    @property
    def is_constant(self) -> bool:
        """Whether the share never changes."""
        return len(self.pieces) == 1 and self.pieces[0].first == self.pieces[0].last

    def integral(self, x: Fraction) -> Fraction:
        """The share's integral from 0 to ``x``: the part of the run's tokens taken from this source by then."""
        done = Fraction(0)
        for piece in self.pieces:
            end = min(x, piece.end)
            if end > piece.start:
                done += (end - piece.start) * (piece.first + piece.at(end)) / 2
        return done

    def as_list(self) -> list[list[str]]:
        """Plain data for records and hashes: ``[[start, end, first, last], ...]``, fractions as text."""
        return [[str(number) for number in piece] for piece in self.pieces]


def make_curve(pieces: Iterable[Sequence[Fraction]]) -> Curve:
    """Check and join the pieces ``(start, end, first, last)``.

    Raises:
        ValueError: they do not follow each other from 0 to 1, or a share lies outside [0, 1].
    """
    joined: list[Piece] = []
    for piece in (Piece(*each) for each in pieces):
        if piece.start != (joined[-1].end if joined else 0) or piece.end <= piece.start:
            raise ValueError("the pieces of a share must follow each other from 0 to 1")
        if min(piece.first, piece.last) < 0 or max(piece.first, piece.last) > 1:
            raise ValueError(f"a share between {float(piece.first):g} and {float(piece.last):g} is not within [0, 1]")
        before = joined[-1] if joined else None
        if before and before.last == piece.first and before.slope == piece.slope:
            joined[-1] = Piece(before.start, piece.end, before.first, piece.last)
        else:
            joined.append(piece)
    if not joined or joined[-1].end != 1:
        raise ValueError("the pieces of a share must follow each other from 0 to 1")
    return Curve(tuple(joined))


def constant(share: Fraction) -> Curve:
    """The same share all along."""
    return make_curve([(Fraction(0), Fraction(1), share, share)])


def what_is_left(curves: Sequence[Curve]) -> list[Piece]:
    """One minus the sum of ``curves``, as pieces; a share below 0 means that they make more than one there."""
    cuts = sorted({cut for curve in curves for piece in curve.pieces for cut in (piece.start, piece.end)} | {0, 1})
    left = []
    for start, end in pairwise(cuts):
        inside = [next(p for p in curve.pieces if p.start <= start and end <= p.end) for curve in curves]
        first, last = (1 - sum((piece.at(Fraction(x)) for piece in inside), Fraction(0)) for x in (start, end))
        left.append(Piece(Fraction(start), Fraction(end), first, last))
    return left


def parse_curve(value: Any) -> Curve:
    """What :meth:`Curve.as_list` gave, or a curve.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, Curve):
        return value
    if not isinstance(value, list | tuple) or any(len(each) != 4 for each in value):
        raise ValueError("a curve is a list of [start, end, first share, last share]")
    return make_curve([[parse_share(number) for number in each] for each in value])


CurveField = Annotated[Curve, BeforeValidator(parse_curve), PlainSerializer(Curve.as_list)]
