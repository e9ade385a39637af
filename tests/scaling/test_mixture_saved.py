"""A law over shares in a file: it predicts and decides as before, and a file that is none is said."""

import json
from pathlib import Path

import numpy as np
import pytest

import synthmix
from synthmix.decisions.optimize import decide_mixture
from synthmix.errors import BadInput
from synthmix.results.mixtures import MixtureQuestion
from synthmix.scaling.mixtures import MixtureFit, MixturePoints, MixtureRuns, fit_mixtures

SOURCES = ("web", "hq", "qa")


def made(count: int, *, scales: bool) -> MixtureRuns:
    """Runs of the law itself; with ``scales`` of several N and D, on a supply of hq, some losses not measured."""
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.full(3, 0.8), size=count)
    N, D = (rng.choice(x, size=count) if scales else None for x in ([1e8, 3e8, 1e9], [1e9, 3e9, 1e10]))
    unique = np.tile([np.inf, 5e8, np.inf], (count, 1)) if scales else None
    points = MixturePoints(sources=SOURCES, shares=shares, N=N, D=D, unique=unique)
    worth = np.exp(-1.0) + shares[:, 0] ** 0.5 + 1.6 * shares[:, 1] ** 0.7
    rest = 0.0 if N is None or D is None else 0.3 * (N / 3e8) ** -0.3 + 0.2 * (D / 3e9) ** -0.3
    wobble = 0.01 * np.sin(6 * shares[:, 2]) * (count > 100)  # what no law has, for the process
    losses = (1.5 + rest + worth**-0.5 + wobble)[:, None] * np.exp(0.002 * rng.standard_normal((count, 2)))
    if scales:
        losses[::7, 1] = np.nan
    return MixtureRuns(points=points, losses=losses, domains=("wiki", "books"), group=np.arange(count) // 2)


@pytest.mark.parametrize(("count", "scales"), [(40, True), (120, False)])
def test_a_saved_fit_predicts_and_decides_the_same(tmp_path: Path, count: int, scales: bool) -> None:
    runs = made(count, scales=scales)
    runs = runs if scales else MixtureRuns(points=runs.points, losses=runs.losses, domains=runs.domains)
    found = fit_mixtures("effective_tokens", runs, draws=20)
    assert (found.process is None) is scales
    if found.process is not None:
        new = made(8, scales=False).points
        np.testing.assert_allclose(found.process.mean(new), found.process.at(new)[0], atol=1e-9)
    found.save(tmp_path / "fit.json")
    again = synthmix.load_fit(tmp_path / "fit.json")
    assert isinstance(again, MixtureFit)
    new = made(count, scales=scales).points.select(np.arange(8))
    for kind in ("mean", "new-run"):
        for one, other in zip(found.interval(new, kind), again.interval(new, kind), strict=True):
            np.testing.assert_array_equal(one, other)
        for one, other in zip(found.average(new, None, kind), again.average(new, None, kind), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.predict(new), again.predict(new))
    np.testing.assert_array_equal(found.drawn(new), again.drawn(new))
    assert again.as_json() == found.as_json()
    assert again.report() == found.report()
    scale = {"params": 10**9, "tokens": 10**10, "supply": {"hq": 10**9}} if scales else {}
    question = MixtureQuestion(natural={"web": 1.0}, **scale)
    decided = decide_mixture(found, question)
    assert decide_mixture(again, question) == decided
    if scales:
        asked = synthmix.optimize(tmp_path / "fit.json", params="1B", tokens="10B", supply={"hq": "1B"}, natural="web")
        assert asked == decided


def test_what_is_no_saved_fit_is_said(tmp_path: Path) -> None:
    found = fit_mixtures("linear_shares", made(30, scales=False), draws=2)
    path = tmp_path / "fit.json"
    found.save(path)
    held = json.loads(path.read_text())
    del held["digest"]  # written by hand, so nothing vouches for it
    for change, said in (
        ({"theta": None}, "is damaged"),
        ({"law": "mine"}, "no law of mixtures 'mine'"),
        ({"names": ["a"]}, "other parameters"),
        ({"format": "other"}, "is not a saved fit"),
    ):
        path.write_text(json.dumps({**held, **change}))
        with pytest.raises(BadInput, match=said) as error:
            synthmix.load_fit(path)
        assert error.value.where == path or str(error.value.where) == str(path)
    path.write_text(json.dumps({**held, "digest": "blake2b:" + "0" * 32}))
    with pytest.raises(BadInput, match="its content is not that of its digest"):
        synthmix.optimize(path)


def test_a_question_at_the_edge_of_the_runs_is_not_beyond_them() -> None:
    """A model that is called 10M has 9.998M parameters; twice as large is another matter."""
    shares = np.random.default_rng(0).dirichlet(np.ones(3), size=24)
    N = np.tile([4.99e6, 9.998e6], 12)
    points = MixturePoints(sources=SOURCES, shares=shares, N=N, D=np.full(24, 1e9))
    losses = (2 + (0.3 + shares[:, :1]) ** -0.4) * (N[:, None] / 1e7) ** -0.05
    found = fit_mixtures("effective_tokens", MixtureRuns(points=points, losses=losses, domains=("loss",)), draws=0)

    def beyond(N: float, D: float) -> bool:
        at = MixturePoints(sources=SOURCES, shares=shares[:1], N=np.array([N]), D=np.array([D]))
        return bool(found.beyond(at)[0])

    assert not beyond(1e7, 1e9)
    assert not beyond(5e6, 1e9)
    assert not beyond(1e7, 1.005e9)
    assert beyond(2e7, 1e9)
    assert beyond(1e7, 2e9)
    assert beyond(1.05e7, 1e9)
