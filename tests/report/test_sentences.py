"""Every sentence about a decision, from its codes and numbers."""

from tests.page_outline import check_text, normal

from synthmix.decisions import decide, fit_study
from synthmix.interval import Interval
from synthmix.quantities import MINUS, TIMES
from synthmix.report import headline
from synthmix.report.sentences import caveat_text, caveats, evidence, recommendation, says, says_not, undetermined
from synthmix.results import Caveat
from synthmix.results.decisions import CAVEATS as WORDS
from synthmix.results.decisions import UNDETERMINED
from synthmix.runs.load import of_results

HELPS = {"rephrase": (-0.24, 0.36)}
HURTS = {"textbook": (0.3, 0.25)}
NEAR = (0.3, 0.2)
CAVEATS = [
    Caveat(code="repetition", grave=True, numbers={"epochs": 20, "free": 4}),
    Caveat(code="laws_disagree", about="rephrase", numbers={"a": -0.1, "b": 0.2}),
    Caveat(code="tasks_disagree", names=["facts"]),
    Caveat(code="valuation_disagrees", about="rephrase"),
    Caveat(code="loss_only"),
]
NUMBERS = {
    "nats": 0.1,
    "params": 1.0,
    "tokens": 2.0,
    "epochs": 20.0,
    "free": 4.0,
    "runs": 2.0,
    "of": 9.0,
    "allowed": 4.0,
}


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
    """Measured first, then predicted, then how confident, each with its numbers."""
    assert headline(make(HELPS, far=NEAR)) == (
        "Measured at 1M parameters and 4M tokens: the best mixture, 33% rephrase, differs from natural text alone by "
        f"{MINUS}0.047 (90% interval {MINUS}0.075 to {MINUS}0.019) nats per token. At 1B parameters and 100B tokens: "
        "rephrase is expected to help: 33% rephrase lowers the loss by 0.040 nats per token (90% interval 0.028 to "
        "0.052); the best share is about 33% (90% interval 21% to 47%). Confidence: high: the difference is 1.0 times "
        "what the seed alone can do, though the question lies 0.3 decades beyond the largest run."
    )


def test_every_sentence(make):
    """One snapshot of what is said in every case; the cases themselves are held by their codes, below."""
    helps = make(HELPS)
    measured = helps.model_copy(update={"runs": [r for r in helps.runs if r.share > 0]})
    bad = helps.fits[0].held_out.model_copy(update={"mean_abs_relative_error": 0.021})
    spread = [helps.fits[0].model_copy(update={"law": "data", "held_out": bad}), *helps.fits[1:]]
    cases = {
        "helps": make(HELPS, far=NEAR),
        "far": helps,
        "hurts": make(HURTS),
        "both signs": make(HELPS, half=0.05, far=NEAR),
        "within the noise": make(HELPS, half=0.001, sd=0.05, far=NEAR),
        "not determined": make(HELPS, undetermined=("few_points", "exponent_at_bound")),
        "highest share tried": with_best(helps, best=Interval(mid=0.675), edge="top"),
        "all of it": make({"all": (-0.3, 0.1)}),
        "a flat curve": with_best(helps, best=Interval(mid=None, why="the curve is flat")),
        "two sources": make({**HURTS, **HELPS}),
        "as measured": as_measured(helps),
        "no replicates": make(HELPS, sd=0, far=NEAR),
        "the law misses": make(HELPS, far=NEAR, held=0.03),
        "one recipe": as_measured(make({})),
        "no natural text": as_measured(measured),
        "no decision": helps.model_copy(update={"decision": None}),
        "several sources in one recipe": with_best(helps, source=None),
        "inside what was trained": make(HELPS, far=(0.0, 0.0)),
        "held-out errors": helps.model_copy(update={"fits": spread}),
        "every caveat": helps.model_copy(update={"decision": helps.decision.model_copy(update={"caveats": CAVEATS})}),
    }
    lines: dict[str, None] = {}  # each once: a case shows what no case before it said
    for case, results in cases.items():
        said = [f"== {case}", headline(results), *says(results), *says_not(results)]
        if results.decision is not None:
            said += [recommendation(results.decision), *caveats(results.decision)]
        lines |= dict.fromkeys(map(normal, said))
    check_text("sentences", "\n".join(lines) + "\n")


def test_a_source_that_lowers_the_loss_helps(make):
    results = make(HELPS, far=NEAR)
    assert states(results) == [("rephrase", "helps", "high")]
    assert codes(results) == [("beyond", False)]


def test_a_far_question_has_low_confidence(make):
    results = make(HELPS)
    assert states(results) == [("rephrase", "helps", "low")]
    assert ("far", True) in codes(results)


def test_a_source_that_raises_the_loss_hurts(make):
    results = make(HURTS)
    assert [state for _, state, _ in states(results)] == ["hurts"]
    assert results.decision.verdicts[0].edge == "bottom"
    assert make({"all": (-0.3, 0.1)}).decision.verdicts[0].edge == "top"


def test_an_interval_across_zero_is_not_determined(make):
    results = make(HELPS, half=0.05, far=NEAR)
    assert states(results) == [("rephrase", "not determined", "not determined")]
    assert codes(results)[0] == ("both_signs", True)
    assert f"{MINUS}0.040 (90% interval {MINUS}0.090 to +0.010)" in headline(results)


def test_a_difference_within_the_seed_noise_is_not_determined(make):
    results = make(HELPS, half=0.001, sd=0.05, far=NEAR)
    assert [state for _, state, _ in states(results)] == ["not determined"]
    assert [code for code, _ in codes(results)][:1] == ["within_noise"]


def test_what_no_law_determines_has_no_number(make):
    results = make(HELPS, undetermined=("few_points", "exponent_at_bound"))
    assert states(results) == [("rephrase", "not determined", "not determined")]
    assert results.decision.verdicts[0].option is None
    assert "0.040" not in headline(results)


def test_several_sources_are_told_apart(make):
    results = make({**HURTS, **HELPS})
    assert [source for source, _, _ in states(results)] == ["rephrase", "textbook"]
    assert headline(results).count("textbook") == 1


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
    assert "expected" not in headline(results)


def test_without_replicates_nothing_is_certain(make):
    assert ("no_replicates", True) in codes(make(HELPS, sd=0, far=NEAR))
    assert states(as_measured(make(HELPS, sd=0)))[0][1] == "not determined"


def test_a_law_that_misses_by_as_much_as_it_claims_is_a_caveat(make):
    assert ("held_out", True) in codes(make(HELPS, far=NEAR, held=0.03))
    assert ("not_tested", False) in codes(make(HELPS, far=NEAR, held=None))


def test_every_code_has_words(make):
    assert all(undetermined([code]) for code in UNDETERMINED)
    assert all(caveat_text(Caveat(code=code, numbers=NUMBERS)) for code in WORDS)


def test_numbers_of_the_limits(make):
    lines = " ".join(says_not(make(HELPS)))
    assert f"1,000{TIMES} (3.0 decades) in parameters and 25,100{TIMES} (4.4 decades) in tokens" in lines
    assert "The runs span only 1.0 decades of parameters and 0.6 decades of tokens" in lines
    assert f"1.3{TIMES} over" in lines
    results = make(HELPS)
    bad = results.fits[0].held_out.model_copy(update={"mean_abs_relative_error": 0.021})
    fits = [results.fits[0].model_copy(update={"law": "data", "held_out": bad}), *results.fits[1:]]
    assert "0.43% to 2.1% (worst: data)" in " ".join(says(results.model_copy(update={"fits": fits})))


def test_runs_without_domains_have_no_spread_over_them(make) -> None:
    results = make(HELPS)
    [said, *_] = evidence(results)
    assert "; from " in said
    bare = [run.model_copy(update={"losses": {}}) for run in results.runs]
    [short, *_] = evidence(results.model_copy(update={"runs": bare}))
    assert short == said.split("; from ")[0] + "."
