"""Every sentence about a decision, from its codes and numbers."""

from synthmix.decisions import decide, fit_study
from synthmix.interval import Interval
from synthmix.quantities import MINUS, TIMES
from synthmix.report import headline
from synthmix.report.sentences import SEVERAL, caveats, confidence, recommendation, says, says_not, undetermined
from synthmix.results import Caveat
from synthmix.runs.load import of_results

HELPS = {"rephrase": (-0.24, 0.36)}
HURTS = {"textbook": (0.3, 0.25)}
NEAR = (0.3, 0.2)


def states(results):
    return [(verdict.source, verdict.state, verdict.confidence) for verdict in results.decision.verdicts]


def codes(results):
    return [(caveat.code, caveat.grave) for caveat in results.decision.verdicts[0].caveats]


def with_best(results, **best):
    verdicts = [v.model_copy(update=best) for v in results.decision.verdicts]
    return results.model_copy(update={"decision": results.decision.model_copy(update={"verdicts": verdicts})})


def as_measured(results):
    table = of_results(results)
    return results.model_copy(update={"decision": decide(table, fit_study(table, bootstrap=50), None)})


def test_the_answer_whole(make):
    """A snapshot: measured first, then predicted, then how confident."""
    assert headline(make(HELPS, far=NEAR)) == (
        "Measured at 1M parameters and 4M tokens: the best mixture, 33% rephrase, differs from natural text alone by "
        f"{MINUS}0.047 (90% interval {MINUS}0.075 to {MINUS}0.019) nats per token. At 1B parameters and 100B tokens: "
        "rephrase is expected to help: 33% rephrase lowers the loss by 0.040 nats per token (90% interval 0.028 to "
        "0.052); the best share is about 33% (90% interval 21% to 47%). Confidence: high: the difference is 1.0 times "
        "what the seed alone can do, though the question lies 0.3 decades beyond the largest run."
    )
    assert recommendation(make(HELPS).decision) == (
        f"Recommended: 33% rephrase, {MINUS}0.040 (90% interval {MINUS}0.052 to {MINUS}0.028) nats per token against "
        "natural text alone."
    )


def test_a_source_that_lowers_the_loss_helps(make):
    results = make(HELPS, far=NEAR)
    assert states(results) == [("rephrase", "helps", "high")]
    assert codes(results) == [("beyond", False)]


def test_a_far_question_has_low_confidence(make):
    results = make(HELPS)
    assert states(results) == [("rephrase", "helps", "low")]
    assert ("far", True) in codes(results)
    assert "Confidence: low: the question lies 4.4 decades beyond the largest run" in headline(results)


def test_a_source_that_raises_the_loss_hurts(make):
    results = make(HURTS)
    assert [state for _, state, _ in states(results)] == ["hurts"]
    assert results.decision.verdicts[0].edge == "bottom"
    text = headline(results)
    assert "textbook is expected to hurt: even its least harmful recipe, 33% textbook, raises the loss by 0.128" in text
    assert "best share is the lowest tried, 0%" in text


def test_an_interval_across_zero_is_not_determined(make):
    results = make(HELPS, half=0.05, far=NEAR)
    assert states(results) == [("rephrase", "not determined", "not determined")]
    assert codes(results)[0] == ("both_signs", True)
    text = headline(results)
    assert "whether rephrase helps is not determined" in text
    assert f"{MINUS}0.040 (90% interval {MINUS}0.090 to +0.010)" in text
    assert "is expected to" not in text


def test_a_difference_within_the_seed_noise_is_not_determined(make):
    results = make(HELPS, half=0.001, sd=0.05, far=NEAR)
    assert [state for _, state, _ in states(results)] == ["not determined"]
    assert [code for code, _ in codes(results)][:1] == ["within_noise"]
    assert "two runs of one recipe may differ by" in confidence(results.decision)


def test_what_no_law_determines_has_no_number(make):
    results = make(HELPS, undetermined=("few_points", "exponent_at_bound"))
    assert states(results) == [("rephrase", "not determined", "not determined")]
    assert results.decision.verdicts[0].option is None
    text = headline(results)
    assert "whether rephrase helps is not determined: its law has fewer distinct points" in text
    assert "Measured at 1M parameters and 4M tokens: the best mixture, 33% rephrase, differs" in text
    assert "0.040" not in text
    assert undetermined(["wide"]) == "the interval is wider than the spread of the losses that were measured"


def test_edges_of_the_share_curve(make):
    top = with_best(make(HELPS), best=Interval(mid=0.675), edge="top")
    assert "highest tried, 68%, so the optimum may lie beyond it" in headline(top)
    assert make({"all": (-0.3, 0.1)}).decision.verdicts[0].edge == "top"
    assert "edge of what is possible" in headline(make({"all": (-0.3, 0.1)}))
    none = with_best(make(HELPS), best=Interval(mid=None, why="the curve is flat"))
    assert "best share" not in headline(none)


def test_several_sources_are_told_apart(make):
    results = make({**HURTS, **HELPS})
    assert [source for source, _, _ in states(results)] == ["rephrase", "textbook"]
    text = headline(results)
    assert text.count("textbook") == 1
    assert "; textbook is expected to hurt. Confidence" in text


def test_no_question_compares_what_was_measured(make):
    results = as_measured(make(HELPS))
    decision = results.decision
    assert decision.basis == "measured"
    row = decision.option("33% rephrase")
    cell = [r for r in results.runs if (r.params, r.tokens) == (1_000_000, 4_000_000)]
    means = {share: sum(r.loss for r in cell if r.share == share) / 2 for share in (0, 1 / 3)}
    assert row.difference.mid == means[1 / 3] - means[0]
    # Half width: t(12 degrees of freedom, 0.95) = 1.7823 times the pooled sd * sqrt(1/2 + 1/2).
    sd = of_results(results).noise().sd
    assert abs(row.difference.high - row.difference.mid - 1.78229 * sd) < 1e-6
    assert "As measured at 1M parameters and 4M tokens, nothing extrapolated: rephrase helps" in headline(results)
    assert "expected" not in headline(results)


def test_without_replicates_nothing_is_certain(make):
    assert ("no_replicates", True) in codes(make(HELPS, sd=0, far=NEAR))
    assert states(as_measured(make(HELPS, sd=0)))[0][1] == "not determined"
    assert any("more than one seed" in line for line in says(make(HELPS, sd=0)))


def test_a_law_that_misses_by_as_much_as_it_claims_is_a_caveat(make):
    results = make(HELPS, far=NEAR, held=0.03)
    assert ("held_out", True) in codes(results)
    assert "the law missed runs that it was not fitted to by about 0.058 nats" in headline(results)
    assert ("not_tested", False) in codes(make(HELPS, far=NEAR, held=None))


def test_why_there_is_nothing_to_compare(make):
    assert headline(as_measured(make({}))) == "Only one recipe was trained, so there is nothing to compare yet."
    results = make(HELPS)
    mixed = as_measured(results.model_copy(update={"runs": [r for r in results.runs if r.share > 0]}))
    assert headline(mixed).startswith("Natural text alone was not trained")
    assert headline(results.model_copy(update={"decision": None})).startswith("Written by an earlier version")


def test_several_sources_in_one_recipe(make):
    assert SEVERAL in headline(with_best(make(HELPS), source=None))


def test_every_caveat_is_a_clause(make):
    results = make(HELPS)
    more = [
        Caveat(code="repetition", grave=True, numbers={"epochs": 20, "free": 4}),
        Caveat(code="laws_disagree", about="rephrase", numbers={"a": -0.1, "b": 0.2}),
        Caveat(code="tasks_disagree", names=["facts"]),
        Caveat(code="valuation_disagrees", about="rephrase"),
        Caveat(code="loss_only"),
    ]
    lines = caveats(results.decision.model_copy(update={"caveats": more}))
    assert lines[0].startswith("the question lies 4.4 decades")
    assert (
        lines[1]
        == "natural text alone would be read 20 times; beyond 4 epochs the law of repetition is itself uncertain"
    )
    laws = f"lowest difference from natural text a {MINUS}0.100 and b +0.200"
    assert f"the laws of rephrase disagree at the question: {laws}" in lines
    assert "loss and task scores disagree about the best share: facts" in lines


def test_limits_hang_on_the_numbers(make):
    lines = " ".join(says_not(make(HELPS)))
    assert f"1,000{TIMES} (3.0 decades) in parameters and 25,100{TIMES} (4.4 decades) in tokens" in lines
    assert "The runs span only 1.0 decades of parameters and 0.6 decades of tokens" in lines
    assert "picked as the best of 3" in lines
    assert "5 held-out domains, 2 of them never trained on" in lines
    assert f"1.3{TIMES} over" in lines
    inside = " ".join(says_not(make(HELPS, far=(0.0, 0.0))))
    assert "beyond the largest run" not in inside


def test_says_how_the_domains_fare_and_how_the_law_did(make):
    lines = " ".join(says(make(HELPS)))
    assert "(the largest budget), the laws have a mean error of 0.43%" in lines
    results = make(HELPS)
    bad = results.fits[0].held_out.model_copy(update={"mean_abs_relative_error": 0.021})
    fits = [results.fits[0].model_copy(update={"law": "data", "held_out": bad}), *results.fits[1:]]
    spread = " ".join(says(results.model_copy(update={"fits": fits})))
    assert "mean error of 0.43% to 2.1% (worst: data)" in spread
    assert "33% rephrase: lower loss than the natural text on 5 of 5 domains (most on networkx" in lines
