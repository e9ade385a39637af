"""The best mixture of many sources as a decision: known truths, supply, money, groups, what is said of each source."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.page_outline import check_page

import synthmix
from synthmix.decisions.optimize import decide_mixture
from synthmix.errors import BadInput
from synthmix.report import mixture_sentences as sentences
from synthmix.report.mixture_page import sections, write_mixture_page
from synthmix.results.mixtures import Group, MixtureDecision, MixtureQuestion
from synthmix.scaling.mixtures import MixtureFit, MixturePoints, MixtureRuns, fit_mixtures

COLUMNS = "shares=mix.*,metrics=loss.*"
ASKED: dict[str, Any] = {"params": "300M", "tokens": "10B"}


WIKI, BOOKS = (1.0, 1.5, 0.0), (1.3, 1.0, 0.0)


def loss(shares: np.ndarray, N: float, D: float, weights: tuple[float, float, float]) -> Any:
    x = shares * D / 4e9
    bent = [(x[..., i] + 0.02) ** g - 0.02**g for i, g in enumerate((0.5, 0.7, 0.6))]
    return 1.6 + 0.3 * (N / 3e8) ** -0.3 + (0.3 + sum(w * b for w, b in zip(weights, bent, strict=True))) ** -0.4


def both(shares: Any) -> Any:
    """The mean of the two domains where the question is asked."""
    return (loss(np.array(shares), 3e8, 1e10, WIKI) + loss(np.array(shares), 3e8, 1e10, BOOKS)) / 2


@pytest.fixture(scope="module")
def runs() -> dict[str, list[float]]:
    rng = np.random.default_rng(1)
    mixtures = np.vstack([np.eye(3), np.full((3, 3), 1 / 3), rng.dirichlet([1, 1, 1], 14)])
    found: dict[str, list[float]] = {}
    for N in (1e8, 3e8, 1e9):
        for D in (2e9, 1e10):
            for row in mixtures:
                wiki, books = (
                    loss(row, N, D, w) * np.exp(0.002 * rng.standard_normal()) for w in ((1, 1.5, 0), (1.3, 1, 0))
                )
                values = {"N": N, "D": D, "loss.wiki": wiki, "loss.books": books}
                values |= {f"mix.{name}": share for name, share in zip(("web", "hq", "qa"), row, strict=True)}
                for name, value in values.items():
                    found.setdefault(name, []).append(float(value))
    return found


@pytest.fixture(scope="module")
def fitted(runs: dict[str, list[float]]) -> MixtureFit:
    found = synthmix.fit("effective_tokens", runs, columns=COLUMNS, draws=60)
    assert isinstance(found, MixtureFit)
    return found


def test_the_truth_is_found_and_the_useless_source_is_left_out(fitted: MixtureFit) -> None:
    found = synthmix.optimize(fitted, natural="web", **ASKED)
    web = np.linspace(0, 1, 1001)
    truth = both(np.column_stack([web, 1 - web, np.zeros(1001)]))
    shares = {each.source: each for each in found.shares}
    assert shares["qa"].verdict == "none"
    assert shares["qa"].interval.low == 0
    assert shares["web"].interval.holds(float(web[truth.argmin()]))
    assert shares["web"].verdict == shares["hq"].verdict == "in"
    there = float(both([found.mixture.get(name, 0.0) for name in ("web", "hq", "qa")]))
    assert there - truth.min() < 0.003
    assert found.loss.holds(there)
    assert found.natural is not None
    assert found.natural.gain.mid == pytest.approx(float(both([1.0, 0, 0])) - there, abs=0.005)
    assert found.natural.gain.sign() == 1
    assert found.surface is not None
    assert min(found.surface.losses) == pytest.approx(found.loss.mid, abs=0.003)
    assert MixtureDecision.model_validate_json(found.model_dump_json()) == found


def test_a_supply_binds_and_what_more_of_it_is_worth_is_said(fitted: MixtureFit) -> None:
    found = synthmix.optimize(fitted, supply={"hq": "500M", "web": "1T"}, epochs={"hq": 2}, **ASKED)
    hq = next(each for each in found.shares if each.source == "hq")
    web = next(each for each in found.shares if each.source == "web")
    assert hq.share == pytest.approx(0.1, abs=1e-3)
    assert hq.epochs == pytest.approx(2, abs=0.02)
    assert hq.limit == "supply"
    assert hq.more is not None
    assert hq.more.sign() == 1
    assert web.more is not None
    assert web.more.mid == pytest.approx(0, abs=1e-6)
    assert "repetition_quoted" in found.caveats
    assert "natural_unknown" in found.caveats
    more = synthmix.optimize(fitted, supply={"hq": "1.5B", "web": "1T"}, epochs={"hq": 2}, **ASKED)
    assert found.loss.mid is not None
    assert more.loss.mid is not None
    assert found.loss.mid - more.loss.mid == pytest.approx(hq.more.mid, rel=0.05)


def test_a_mixture_of_ones_own_is_compared_with_the_best(fitted: MixtureFit) -> None:
    now = {"web": 0.9, "qa": 0.1}
    found = synthmix.optimize(fitted, natural="web", mixtures={"now": now, "hq alone": {"hq": 1.0}}, **ASKED)
    mine, alone = found.beside
    assert (mine.name, mine.shares) == ("now", now)
    best = float(both([found.mixture.get(name, 0.0) for name in ("web", "hq", "qa")]))
    truth = float(both([0.9, 0.0, 0.1]))
    assert mine.loss.holds(truth)
    assert mine.gain.mid == pytest.approx(truth - best, abs=0.005)
    assert alone.gain.sign() == 1
    (table,) = [each for each in sentences.tables(found) if each.name == "beside"]
    assert [row[0] for row in table.rows][:3] == ["now", "hq alone", "natural text alone"]


def test_money_groups_and_bounds_hold(fitted: MixtureFit) -> None:
    money = synthmix.optimize(fitted, prices={"hq": 1.0}, budget_money=1000, **ASKED)  # buys 1B tokens of 10B
    hq = next(each for each in money.shares if each.source == "hq")
    assert (hq.share, hq.limit) == (pytest.approx(0.1, abs=1e-3), "money")
    assert hq.cheaper is not None
    assert hq.cheaper.sign() == 1
    grouped = synthmix.optimize(
        fitted, groups=[Group(name="synthetic", sources=("hq", "qa"), most=0.25)], least={"qa": 0.05}, **ASKED
    )
    assert grouped.mixture["hq"] == pytest.approx(0.2, abs=1e-3)
    assert grouped.mixture["qa"] == pytest.approx(0.05, abs=1e-3)
    weighted = synthmix.optimize(fitted, objective={"wiki": 1.0}, **ASKED)
    assert weighted.mixture["hq"] > synthmix.optimize(fitted, objective={"books": 1.0}, **ASKED).mixture["hq"] + 0.1


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"supply": {"hq": "1B", "web": "1B", "qa": "100M"}}, "all sources together, as often as allowed, make 84%"),
        ({"supply": {"code": "1B"}}, "no source 'code'; there are web, hq and qa"),
        ({"least": {"hq": 0.5}, "most": {"hq": 0.2}}, "at least 50.0% of 'hq' is asked, and its bounds"),
        ({"least": {"hq": 0.6, "web": 0.6}}, "no mixture keeps all of the bounds"),
        ({"prices": {"hq": 1.0}}, "budget_money: is missing"),
        ({"objective": {"code": 1.0}}, "no domain 'code'"),
        ({"natural": {"web": 0.5}}, "natural: adds up to 0.5, not to one"),
        ({"mixtures": {"now": {"web": 0.5, "hq": 0.4}}}, "mixture now: adds up to 0.9, not to one"),
        ({"mixtures": {"now": {"news": 1.0}}}, "mixture now: no source 'news'"),
        ({"mixtures": {"now": {"web": 1.2, "hq": -0.2}}}, "mixture now: has a share below 0"),
        ({"tokens": None}, "tokens: is missing, and the runs have several"),
        ({"groups": [Group(name="g", sources=("x",))]}, "group g: no source 'x'"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_says_why(fitted: MixtureFit, how: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words.replace("(", r"\(")):
        synthmix.optimize(fitted, **{**ASKED, **how})


def test_the_sentences_and_the_page_are_of_the_same_object(fitted: MixtureFit, tmp_path: Any) -> None:
    found = synthmix.optimize(fitted, natural="web", supply={"hq": "500M"}, **ASKED)
    text = sentences.headline(found)
    assert text.startswith("The best mixture at 300M parameters and 10B tokens: ")
    assert "Against natural text alone it gains 0." in text
    assert "which these bounds do not allow" in text
    names = [table.name for table in sentences.tables(found)]
    assert names == ["shares", "swaps", "values", "moves", "caveats"]
    figures = [figure.id for section in sections(found) for figure in section.figures]
    assert figures == ["mixture-shares", "mixture-triangle", "mixture-curves", "mixture-measured"]
    write_mixture_page(found, tmp_path / "page.html")
    check_page("optimum", (tmp_path / "page.html").read_text())


def test_sources_that_gain_from_each_other_are_seen_by_the_process_alone() -> None:
    """No law here has a product of two shares: from 110 runs the process of the residuals moves the best mixture."""
    rng = np.random.default_rng(4)
    shares = np.vstack([np.eye(3), rng.dirichlet(np.full(3, 0.8), size=107)])

    def truth(at: np.ndarray) -> np.ndarray:
        at = np.atleast_2d(at)
        worth = 0.4 + 1.2 * at[:, 0] ** 0.5 + 0.8 * at[:, 1] ** 0.6 + 0.8 * at[:, 2] ** 0.6
        return np.asarray(2 + worth**-0.5 - 0.3 * np.sqrt(at[:, 1] * at[:, 2]))

    losses = truth(shares) * np.exp(0.002 * rng.standard_normal(len(shares)))
    points = MixturePoints(sources=("web", "hq", "qa"), shares=shares)
    runs = MixtureRuns(points=points, losses=losses[:, None], domains=("loss",))
    found = fit_mixtures("effective_tokens", runs, draws=30)
    assert found.process is not None
    grid = np.array([(a, b, 100 - a - b) for a in range(101) for b in range(101 - a)]) / 100
    lowest = truth(grid).min()

    def regret(said: MixtureDecision) -> float:
        return float(truth(np.array([said.mixture.get(name, 0.0) for name in found.sources]))[0] - lowest)

    question = MixtureQuestion(natural={"web": 1.0}, most={"web": 0.9})
    with_it, law = decide_mixture(found, question), decide_mixture(replace(found, process=None), question)
    assert regret(with_it) < 0.004
    assert regret(with_it) < 0.5 * regret(law)
    assert with_it.natural is not None
    gain = float(truth(np.array([1.0, 0, 0]))[0] - lowest)
    assert with_it.natural.gain.mid == pytest.approx(gain, abs=0.02)
    assert with_it.mixture["hq"] + with_it.mixture["qa"] > 0.5
    for each in with_it.shares:
        assert (each.interval.low or 0) - 1e-9 <= each.share <= (each.interval.high or 0) + 1e-9
    group = Group(name="s", sources=("hq", "qa"), most=0.5)
    bounded = decide_mixture(found, MixtureQuestion(most={"hq": 0.2}, groups=(group,)))
    assert bounded.mixture["hq"] <= 0.2 + 1e-6
    assert bounded.mixture["hq"] + bounded.mixture["qa"] <= 0.5 + 1e-6
