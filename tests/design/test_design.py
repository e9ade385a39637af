"""Designs and the check before spending: costs, linearised and simulated widths, proposals."""

import numpy as np
import pytest

from synthmix.design import Design, check_design, design_for, known_worlds, public_worlds, simulate
from synthmix.design.linear import DRIFT, FORM, LAW, LENGTH, _model_error, _scales, linearised, widths
from synthmix.design.propose import propose, score
from synthmix.design.worlds import World
from synthmix.errors import BadInput
from synthmix.scaling import fit
from synthmix.scaling.laws import find
from synthmix.scaling.runs import Inputs
from synthmix.scaling.share_error import EDGE, covariance

SIZES, BUDGETS, SHARES = (1e6, 3e6, 1e7, 3e7), (1e7, 3e7, 1e8, 3e8), (0, 1 / 3, 2 / 3, 1)
NEAR = (1e8, 1e9)


@pytest.fixture
def one_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the law that these worlds follow is fitted: fast, and its answers are known."""
    monkeypatch.setattr("synthmix.decisions.fits.CANDIDATES", (LAW,))


def losses(N: np.ndarray, D: np.ndarray, shares: dict[str, np.ndarray]) -> np.ndarray:
    """A gain of .12 nats at a share of 60 %."""
    r = shares.get("synthetic", np.zeros(len(N)))
    return 1.9 + 300 * N**-0.34 + 700 * D**-0.34 + 0.333 * (r**2 - 1.2 * r)


def test_the_cost_of_a_design_is_that_of_its_tokens_and_a_trunk_is_counted_once() -> None:
    alone = Design.grid((1e6,), (1e7, 2e7, 4e7), (0, 0.5), replicates=2)
    assert len(alone.runs) == 2 * 3 + 2 * 2
    assert alone.flops == pytest.approx(2 * 6e6 * (7e7 + 5e7))  # the second seed at the smallest and largest budget
    shared = Design.grid((1e6,), (1e7, 2e7, 4e7), (0, 0.5), trunk=True)
    assert shared.flops == pytest.approx(2 * 6e6 * (0.8 * 4e7 + 0.2 * 7e7))
    assert len(alone.single_seeds().runs) == 6
    assert len(alone.more_seeds().runs) == 10 + 6
    two = Design.grid((1e6,), (1e7,), (0, 0.5), ("hq", "qa"))
    assert [run.recipe for run in two.runs] == ["natural", "0.5 hq", "0.5 qa"]


def test_its_table_is_a_studys(one_law: None) -> None:
    design = Design.grid(SIZES, BUDGETS, SHARES, seeds=2)
    world = World(losses, seed=0.004, cell=0.0, mixture=0.0)
    table = world.simulate(design, np.random.default_rng(0))
    assert table.natural == "natural"
    assert table.kinds["synthetic"] == "synthetic"
    assert table.share("0.3333 synthetic") == pytest.approx(1 / 3)
    noise = table.noise()
    assert noise.dof == len(design.runs) // 2
    assert noise.sd == pytest.approx(0.004 * table.column("loss").mean(), rel=0.3)


@pytest.mark.parametrize(
    ("field", "value"), [("sizes", ()), ("budgets", (-1.0,)), ("shares", (0.0,)), ("shares", (2,))]
)
def test_what_is_no_design(field: str, value: tuple[float, ...]) -> None:
    given = {"sizes": SIZES, "budgets": BUDGETS, "shares": SHARES} | {field: value}
    with pytest.raises(BadInput, match="positive number" if field != "shares" else "not between 0 and 1"):
        Design.grid(**given)


def test_the_linearised_width_is_that_of_fits_to_simulated_tables() -> None:
    """Inside the runs the law's own error adds nothing, and seed noise alone is refitted 40 times."""
    design, question = Design.grid(SIZES, BUDGETS, SHARES), (2e7, 2e8)
    world = World(losses, seed=0.004, cell=0.0, mixture=0.0)
    one = linearised(world, "synthetic", question, design)
    assert one.share == pytest.approx(0.6, abs=0.05)
    expected = float(widths([one], design)[0])
    at = {"N": [question[0]] * 2, "D": [question[1]] * 2, "share": [one.share, 0.0]}
    found = []
    for seed in range(40):
        runs = world.simulate(design, np.random.default_rng(seed)).arrays()
        pair = fit(LAW, runs, bootstrap=0, objective="squares-log", starts=60).predict(**at)
        found.append(pair[0] - pair[1])
    assert np.mean(found) == pytest.approx(-0.12, abs=0.01)
    assert 2 * 1.645 * np.std(found, ddof=1) == pytest.approx(expected, rel=0.3)


def test_the_linearised_width_is_that_of_conditioning_on_the_runs() -> None:
    """Parameters under their weak prior, the law's error in the share's effect and the noise, all in one matrix."""
    design, question = Design.grid(SIZES, BUDGETS, SHARES), NEAR
    world = World(losses, seed=0.004, cell=0.002, mixture=0.001)
    one = linearised(world, "synthetic", question, design)
    law = find(LAW)
    x = Inputs(N=design.N, D=design.D, share=design.share_of("synthetic"))
    at = Inputs(N=[question[0]] * 2, D=[question[1]] * 2, share=[one.share, 0.0])
    (runs, slopes), (there, ends) = law.evaluate(one.theta, x), law.evaluate(one.theta, at)
    J, g = (slopes / runs).T, ends[:, 0] - ends[:, 1]
    logs = np.log10(np.column_stack([np.append(x.N, question[0]), np.append(x.D, question[1])]))
    beside = np.column_stack([np.ones(len(logs)), logs - logs[:-1].mean(axis=0)])
    grid = np.linspace(0, 1, 21)
    columns = {name: np.repeat(getattr(x, name), 21) for name in ("N", "D")}
    curves = law.predict(one.theta, Inputs(**columns, share=np.tile(grid, len(x))))
    unit = float(np.ptp(np.log(curves).reshape(len(x), 21), axis=1).mean())
    error = covariance(beside, np.append(x.share, one.share), unit, FORM, DRIFT, LENGTH)
    rows = np.vstack([J, g / there[0]])
    prior = (rows * _scales(one.theta) ** 2) @ rows.T
    cells = (logs[:-1, None, :] == logs[None, :-1, :]).all(axis=2)
    noise = (0.004**2 + 0.001**2) * np.eye(len(x)) + 0.002**2 * cells
    whole = error + prior
    known, cross = whole[:-1, :-1] + noise, whole[-1, :-1]
    far = max(np.log10(question[0] / max(SIZES)), np.log10(question[1] / max(BUDGETS)))
    far = max(far, np.log10(question[0] * question[1] / max(SIZES) / max(BUDGETS)))
    edge = (EDGE * unit * far) ** 2 * (1 - np.exp(-((one.share / LENGTH) ** 2)))
    variance = whole[-1, -1] - cross @ np.linalg.solve(known, cross) + edge
    factor = _model_error(x, at, *question)
    assert widths([one], design)[0] == pytest.approx(2 * 1.645 * factor * there[0] * variance**0.5, rel=1e-6)


def test_seeds_and_a_trunk_narrow_the_answer_and_distance_widens_it() -> None:
    design = Design.grid(SIZES, BUDGETS, SHARES)
    world = World(losses, seed=0.004, cell=0.001, mixture=0.0005)
    laws = [[linearised(world, "synthetic", NEAR, design)]]
    assert score(laws, design.more_seeds()) < score(laws, design)
    far = [[linearised(world, "synthetic", (1e9, 1e10), design)]]
    assert score(far, design) > 2 * score(laws, design)


def test_proposals_cost_no_more_than_they_may_and_answer_better_than_a_poor_design() -> None:
    poor = Design.grid((8e6, 9e6, 1e7), (8e7, 9e7, 1e8), SHARES)
    laws = [[linearised(world, "synthetic", NEAR, poor) for world in public_worlds(poor, 2)]]
    best = propose(laws, 0.5 * poor.flops, poor)
    assert 0.35 * poor.flops < best.design.flops <= 0.5 * poor.flops
    assert best.width < 0.5 * score(laws, poor)
    with pytest.raises(BadInput, match="below the cost of the smallest ladder"):
        propose(laws, 1e9, poor)
    with pytest.raises(BadInput, match="not a positive number of FLOPs"):
        design_for(0.0, NEAR)


def test_a_question_far_beyond_the_ladder_is_told_so(one_law: None) -> None:
    ladder = Design.grid((25e3, 50e3, 76e3), (2e5, 4e5, 8e5), SHARES, replicates=2)
    check = check_design(ladder, (1e9, 1e11), studies=3, proposals=(), vocab=512)
    codes = [note.code for note in check.notes]
    assert codes[0] == "too_far"
    assert "4.1 decades in N and 5.1 in D" in check.notes[0].message
    (one,) = check.simulated
    assert one.chance("helps", "hurts", confidence="high") == 0
    assert check.seeds.one > check.seeds.designed > check.seeds.more
    value = check.as_json()
    assert value["basis"] == "public priors"
    assert value["sources"][0]["not_determined"] == one.open


def test_a_ladder_that_can_answer_is_told_so_too(one_law: None) -> None:
    ladder = Design.grid(SIZES, BUDGETS, SHARES, replicates=2)
    worlds = [World(losses, seed=0.001, cell=0.0, mixture=0.0)] * 3
    (one,) = simulate(ladder, worlds, NEAR)
    assert one.open == 0
    assert one.chance("helps") == 1
    assert not any(answer.wrong for answer in one.answers)
    assert one.width is not None
    assert one.width < 0.1
    assert all(answer.true_best == pytest.approx(0.6) for answer in one.answers)


def test_earlier_runs_stand_in_for_the_priors(one_law: None) -> None:
    early = Design.grid(SIZES[:3], BUDGETS[:3], SHARES, seeds=2)
    table = World(losses, seed=0.002, cell=0.0, mixture=0.0).simulate(early, np.random.default_rng(1))
    worlds = known_worlds(table, ["synthetic"], 6)
    assert not isinstance(worlds, str)
    for world in worlds:
        assert world.difference("synthetic", np.array([0.6]), 1e7, 1e8)[0] == pytest.approx(-0.12, abs=0.03)
        assert world.seed == pytest.approx(0.002, rel=0.4)
    two = Design.grid(SIZES[:2], BUDGETS, SHARES)
    few = World(losses, seed=0.002, cell=0.0, mixture=0.0).simulate(two, np.random.default_rng(1))
    assert known_worlds(few, ["synthetic"], 2) == "the earlier runs have 2 sizes, and a law needs 3"
    check = check_design(early, NEAR, known=few, studies=2, proposals=())
    assert check.basis == "public priors"
    assert any(note.code == "no_earlier_law" for note in check.notes)


def test_many_runs_are_not_simulated_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmix.design.check.RUNS_IN_TIME", 10)
    check = check_design(Design.grid(SIZES, BUDGETS, SHARES), NEAR, studies=2, proposals=())
    assert check.studies == 0
    assert any(note.code == "not_simulated" for note in check.notes)
    with pytest.raises(BadInput, match="not a positive number"):
        check_design(Design.grid(SIZES, BUDGETS, SHARES), (0.0, 1e9))
