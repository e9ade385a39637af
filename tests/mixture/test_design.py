"""Designed mixtures: inside their bounds, spread out, always the same, and each the beginning of a longer design."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.errors import BadInput
from synthmix.mixture.design import Bounds, Designed, Group, make_design

SOURCES = ("web", "hq", "qa", "textbook")
WEB = {"web": Fraction(1)}


def bounds(
    least: dict[str, str] | None = None, most: dict[str, str] | None = None, groups: tuple[Group, ...] = (),
    sources: tuple[str, ...] = SOURCES,
) -> Bounds:  # fmt: skip
    low, high = least or {}, most or {}
    return Bounds(
        sources,
        tuple(Fraction(low.get(name, 0)) for name in sources),
        tuple(Fraction(high.get(name, 1)) for name in sources),
        groups,
    )


SYNTHETIC = Group("synthetic", ("hq", "qa", "textbook"), most=Fraction(3, 5))
BOUNDED = bounds({"hq": "1/20"}, {"qa": "1/3", "hq": "1/2"}, (SYNTHETIC,))


def inside(run: Designed, allowed: Bounds) -> bool:
    shares = dict(run.shares)
    each = [shares.get(name, Fraction(0)) for name in allowed.sources]
    within = all(low <= x <= high for low, x, high in zip(allowed.least, each, allowed.most, strict=True))
    sums = [(sum(shares.get(name, Fraction(0)) for name in group.sources), group) for group in allowed.groups]
    return sum(each) == 1 and within and all(group.least <= total <= group.most for total, group in sums)


def test_every_mixture_keeps_bounds_and_groups_exactly() -> None:
    runs = make_design(BOUNDED, WEB, 60)
    assert all(inside(run, BOUNDED) for run in runs if run.kind != "natural")
    assert not inside(runs[0], BOUNDED), "natural text alone is the yardstick, allowed or not"
    assert len({run.shares for run in runs}) == 60 - 5


def test_fewer_runs_are_the_beginning_of_more() -> None:
    make_design.__globals__["_designed"].cache_clear()
    thirty = make_design(BOUNDED, WEB, 30)
    make_design.__globals__["_designed"].cache_clear()
    assert make_design(BOUNDED, WEB, 20) == thirty[:20]
    assert make_design(BOUNDED, WEB, 300)[:30] == thirty


def test_the_natural_mixture_comes_first_and_every_tenth_time() -> None:
    natural = {"web": Fraction(4, 5), "books": Fraction(1, 5)}
    runs = make_design(bounds(sources=("web", "books", "hq")), natural, 25)
    assert [i for i, run in enumerate(runs) if dict(run.shares) == natural] == [0, 10, 20]
    assert [run.repeat for run in runs if run.kind == "natural"] == [0, 1, 2]


def test_the_extreme_of_a_source_has_all_of_it_that_is_allowed_beside_natural_text() -> None:
    allowed = bounds(most={"qa": "1/4"}, groups=(SYNTHETIC,))
    extremes = [dict(run.shares) for run in make_design(allowed, WEB, 10) if run.kind == "extreme"]
    assert extremes == [
        {"web": Fraction(2, 5), "hq": Fraction(3, 5)},
        {"web": Fraction(3, 4), "qa": Fraction(1, 4)},
        {"web": Fraction(2, 5), "textbook": Fraction(3, 5)},
    ]
    natural = {"web": Fraction(4, 5), "books": Fraction(1, 5)}
    free = make_design(bounds(most={"hq": "1/2"}, sources=("web", "books", "hq")), natural, 9)
    shares = [dict(run.shares) for run in free if run.kind == "extreme"]
    assert shares[:2] == [{"web": Fraction(1)}, {"books": Fraction(1)}]
    assert shares[2] == {"web": Fraction(2, 5), "books": Fraction(1, 10), "hq": Fraction(1, 2)}


def test_the_mixtures_fill_what_is_allowed() -> None:
    """The two nearest of thirty lie farther apart than those of ninety-nine in a hundred random designs."""
    runs = make_design(bounds(), WEB, 33)
    points = np.array([[float(dict(run.shares).get(name, 0)) for name in SOURCES] for run in runs if not run.repeat])
    assert len(points) == 30
    rng = np.random.default_rng(0)

    def nearest(mixtures: np.ndarray) -> float:
        return min(float(np.linalg.norm(np.sqrt(a) - np.sqrt(b))) for a, b in combinations(mixtures, 2))

    random = [nearest(rng.dirichlet(np.ones(4), 30)) for _ in range(100)]
    assert nearest(points) > np.quantile(random, 0.99)
    alone = (points > 0).sum(axis=1)
    assert (alone == 1).sum() == 4, "each source alone"
    assert (alone == 2).sum() >= 3
    assert (alone == 4).sum() >= 6
    assert np.allclose(points.mean(axis=0), 0.25, atol=0.08)


def test_many_sources_under_tight_bounds_are_quick_to_lay_out() -> None:
    names = tuple(f"s{i}" for i in range(17))
    allowed = bounds(most=dict.fromkeys(names, "1/8"), sources=names)
    runs = make_design(allowed, {name: Fraction(1, 17) for name in names}, 128)
    assert all(inside(run, allowed) for run in runs if run.kind != "natural")
    assert all(any(name not in dict(run.shares) for run in runs) for name in names), "each is left out somewhere"


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 100)), min_size=2, max_size=5), st.integers(20, 100))
def test_whatever_the_bounds_they_are_kept_or_refused(ends: list[tuple[int, int]], together: int) -> None:
    names = tuple("abcde"[: len(ends)])
    allowed = bounds(
        {name: f"{low}/100" for name, (low, _) in zip(names, ends, strict=True)},
        {name: f"{low + more}/100" for name, (low, more) in zip(names, ends, strict=True) if low + more < 100},
        (Group("ab", ("a", "b"), most=Fraction(together, 100)),),
        names,
    )
    runs: tuple[Designed, ...] = ()
    refused = ""
    try:
        runs = make_design(allowed, {"a": Fraction(1)}, 8)
    except BadInput as error:
        refused = error.problem
    assert (len(runs) == 8) != any(word in refused for word in ("no mixture", "is at 0", "the bounds leave"))
    assert all(inside(run, allowed) for run in runs if run.kind != "natural")


@pytest.mark.parametrize(
    ("allowed", "natural", "words"),
    [
        (bounds(most=dict.fromkeys(SOURCES, "1/5")), WEB, r"sources: no mixture adds up to 100%: the max .* make 80%"),
        (bounds(least=dict.fromkeys(SOURCES, "3/10")), WEB, r"sources: .* the min of all sources make 120%"),
        (bounds({"hq": "1/2"}, groups=(Group("g", ("hq", "qa"), most=Fraction(2, 5)),)), WEB, "keeps the bounds of"),
        (bounds({"hq": "1/2"}, {"hq": "1/3"}), WEB, r"sources.hq: min 50% is above max 33.3%"),
        (bounds(groups=(Group("g", ("hq",), Fraction(1, 2), Fraction(1, 4)),)), WEB, "groups.g: min 50% is above"),
        (bounds(most={"qa": "0"}), WEB, "sources.qa: 'qa' is at 0 in every mixture"),
        (bounds({"web": "1"}), WEB, "sources.hq: 'hq' is at 0 in every mixture"),
        (bounds(), {"web": Fraction(1, 2), "hq": Fraction(1, 4)}, "web 50% . hq 25% makes 75%, not 100%"),
        (bounds(), {"wob": Fraction(1)}, "no source 'wob'; there are web, hq, qa and textbook"),
        (bounds(dict.fromkeys(SOURCES, "249/1000")), WEB, r"the bounds leave \d+ mixtures in steps of 0.1 %"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_one_line(allowed: Bounds, natural: dict[str, Fraction], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        make_design(allowed, natural, 60)


@pytest.mark.parametrize("runs", [0, 1001])
def test_the_number_of_runs_has_an_end(runs: int) -> None:
    with pytest.raises(BadInput, match=r"design.runs: \d+ is not from 1 to 1,000"):
        make_design(bounds(), WEB, runs)
