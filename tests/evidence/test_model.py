"""The hierarchical model on effects drawn from a known truth, and what its prior does with one's own runs."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.evidence import Effect, combine, fit_effects, kind_prior
from synthmix.evidence.model import TAIL, question_points
from synthmix.evidence.prior import effect_at
from synthmix.interval import Interval

SIZES = (0.3e9, 1e9, 3e9)


def made(seed: int, studies: int = 8, between: float = 0.02) -> tuple[Effect, ...]:
    """Studies of two kinds at three shares: a gain of .03 sqrt(share), of which each study has its own part."""
    rng = np.random.default_rng(seed)
    rows = []
    for study in range(studies):
        own = rng.normal(0.03, between)
        for kind, more in (("qa", 0.01), ("math", -0.01)):
            for share in (0.25, 0.5, 1.0):
                gain = (own + more) * share**0.5 + rng.normal(0, 0.002)
                rows.append(
                    Effect(
                        study=f"study {study}",
                        kind=kind,
                        recipe=f"{kind} {share}",
                        base="web",
                        N=SIZES[study % 3],
                        D=2e10,
                        share=share,
                        metric="score",
                        unit="score",
                        effect=gain,
                        se=0.002,
                        se_note="made",
                        obtained="made",
                    )
                )
    return tuple(rows)


def test_a_study_left_out_lies_within_as_often_as_it_should() -> None:
    inside = []
    for seed in range(4):
        rows = made(seed)
        for name in sorted({row.study for row in rows}):
            model = fit_effects([row for row in rows if row.study != name], "score")
            for row in rows:
                if row.study == name and row.share == 0.5:
                    assert row.N is not None
                    found = effect_at(model, row.kind, 0.5, row.N, 2e10)
                    inside.append(bool(found.holds(row.effect)))
    assert 0.8 <= np.mean(inside) <= 1.0


def test_nothing_at_no_share_and_wider_where_less_is_known() -> None:
    model = fit_effects(made(0), "score")
    mean, covariance, freedom = model.predict(question_points("qa", np.array([0.0, 0.5]), 1e9, 2e10))
    assert mean[0] == 0
    assert covariance[0, 0] == pytest.approx(model.residual**2)
    assert freedom >= TAIL
    known = effect_at(model, "qa", 0.5, 1e9, 2e10)
    assert (effect_at(model, "poems", 0.5, 1e9, 2e10).half_width or 0) > (known.half_width or 0)
    assert (effect_at(model, "qa", 0.5, 1e15, 2e10).half_width or 0) > (known.half_width or 0)


def test_one_study_that_differs_widens_the_rest_little() -> None:
    rows = made(1)
    odd = tuple(
        row.model_copy(update={"effect": row.effect + 0.3 * (row.share or 0) ** 0.5}) if row.study == "study 0" else row
        for row in rows
    )
    model = fit_effects(odd, "score")
    assert model.weights["study 0"] < 0.3
    others = min(weight for name, weight in model.weights.items() if name != "study 0")
    assert others > 3 * model.weights["study 0"]


def test_one_study_alone_tells_no_spread() -> None:
    with pytest.raises(BadInput, match="of 1 study in score"):
        fit_effects(made(0, studies=1), "score")


def test_ones_own_runs_outweigh_as_they_accumulate() -> None:
    prior = Interval(low=-0.10, mid=0.0, high=0.10)
    weights, middles = [], []
    for half in (0.2, 0.1, 0.05, 0.01):
        own = Interval(low=-0.08 - half, mid=-0.08, high=-0.08 + half)
        both = combine(own, prior, recipe="30% qa", kind="qa", share=0.3)
        assert both is not None
        assert (both.both.half_width or 0) < min(half, 0.1)
        weights.append(both.weight)
        middles.append(both.both.mid)
    assert weights == pytest.approx([0.2, 0.5, 0.8, 0.990], abs=0.001)
    assert middles == sorted(middles, reverse=True)
    far = combine(Interval(low=-0.4, mid=-0.3, high=-0.2), prior, recipe="30% qa", kind="qa", share=0.3)
    assert far is not None
    assert far.apart
    assert combine(Interval(mid=None), prior, recipe="30% qa", kind="qa", share=0.3) is None


def test_the_best_share_keeps_to_what_can_be_had() -> None:
    found = kind_prior("faq", 1.7e9, 21e9, most=0.3)
    for metric in found.metrics:
        assert max(metric.shares) == pytest.approx(0.3)
        assert metric.share.high is not None
        assert metric.share.high <= 0.3
    none = kind_prior("poems", 1.7e9, 21e9)
    assert none.published is None
    assert none.of("score").says == []
