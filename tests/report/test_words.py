from synthmix.interval import Interval
from synthmix.quantities import MINUS, TIMES
from synthmix.report import headline
from synthmix.report.limits import says, says_not
from synthmix.report.verdict import SEVERAL, judge, two_runs
from synthmix.results import Noise

HELPS = {"rephrase": (-0.24, 0.36)}
HURTS = {"textbook": (0.3, 0.25)}
NEAR = {"close": (0.3, 0.3)}


def nearby(results, **change):
    """The same results with the question 0.3 decades away instead of 3 and 4.4."""
    answer = results.answer.model_copy(update={"decades_params": 0.3, "decades_tokens": 0.2, **change})
    return results.model_copy(update={"answer": answer})


def with_best(results, **best):
    curves = [c.model_copy(update={"best": Interval(**best)}) if c.is_question else c for c in results.share_curves]
    return results.model_copy(update={"share_curves": curves})


def with_rows(results, **change):
    rows = [row.model_copy(update=change) if row.share else row for row in results.answer.recipes]
    return results.model_copy(update={"answer": results.answer.model_copy(update={"recipes": rows})})


def test_a_source_that_lowers_the_loss_helps(make):
    text = headline(nearby(make(HELPS)))
    assert "rephrase is expected to help: 33% rephrase lowers the loss by 0.040 nats per token" in text
    assert "90% interval 0.028 to 0.052" in text
    assert "best share is about 33%" in text
    assert "How sure: fairly" in text
    assert "0.3 decades beyond" in text


def test_a_far_question_is_not_sure(make):
    text = headline(make(HELPS))
    assert "How sure: not very, since the question lies 4.4 decades beyond the largest run" in text


def test_a_source_that_raises_the_loss_hurts(make):
    results = make(HURTS)
    assert [v.state for v in judge(results).verdicts] == ["hurts"]
    text = headline(results)
    assert "textbook is expected to hurt" in text
    assert "even its least harmful recipe, 33% textbook, raises the loss by 0.128" in text
    assert "best share is the lowest tried, 0%" in text


def test_an_interval_across_zero_cannot_tell(make):
    text = headline(make(HELPS, half=0.05))
    assert "cannot tell whether rephrase helps" in text
    assert f"{MINUS}0.040 (90% interval {MINUS}0.090 to +0.010)" in text
    assert "is expected to" not in text
    near = headline(nearby(make(HELPS, half=0.05)))
    assert "How sure: it stays open, since the interval leaves both signs open." in near


def test_a_difference_within_the_seed_noise_cannot_tell(make):
    results = make(HELPS, half=0.001, noise=Noise(sd=0.05, cells=9, runs=18))
    assert [v.state for v in judge(results).verdicts] == ["unclear"]
    text = headline(nearby(results))
    assert "it stays open, since two runs of one recipe may differ by" in text
    assert "both signs" not in text


def test_edges_of_the_share_curve(make):
    bottom = headline(with_best(make(HELPS), value=0.0, low=0.0, high=0.2))
    assert "the share curve is lowest at 0%, so the two fits disagree" in bottom
    results = make(HELPS)
    short = [c.model_copy(update={"shares": c.shares[:28], "best": Interval(mid=0.675)}) for c in results.share_curves]
    cut = results.model_copy(update={"share_curves": short})
    assert "highest tried, 68%, so the optimum may lie beyond it" in headline(cut)
    assert "edge of what is possible" in headline(make({"all": (-0.3, 0.1)}))
    none = headline(with_best(make(HELPS), value=None, why="the curve is flat"))
    assert "best share is undefined (the curve is flat)" in none


def test_several_sources_are_told_apart(make):
    text = headline(make({**HURTS, **HELPS}))
    assert "rephrase is expected to help" in text
    assert text.count("textbook") == 1
    assert "; textbook is expected to hurt. How sure" in text
    assert [v.synthetic for v in judge(make({**HURTS, **HELPS})).verdicts] == ["rephrase", "textbook"]


def test_no_question_compares_what_was_measured(make):
    results = make(HELPS, answer=None)
    judgement = judge(results)
    assert not judgement.asked
    row = next(row for row in judgement.answer.recipes if row.recipe == "33% rephrase")
    cell = [r for r in results.runs if (r.params, r.tokens) == (1_000_000, 4_000_000)]
    means = {share: sum(r.loss for r in cell if r.share == share) / 2 for share in (0, 1 / 3)}
    assert row.difference.mid == means[1 / 3] - means[0]
    # Half width: t(12 degrees of freedom, 0.95) = 1.7823 times sd * sqrt(1/2 + 1/2).
    assert abs(row.difference.high - row.difference.mid - 1.78229 * 0.012) < 1e-6
    assert headline(results).startswith(
        "Nothing is extrapolated (no question, or no law that answers it); at the largest runs trained (1M parameters"
    )
    assert "expected" not in headline(results)


def test_without_replicates_nothing_is_sure(make):
    assert "no run was repeated with another seed" in headline(nearby(make(HELPS, sd=0)))
    assert "cannot tell whether" in headline(make(HELPS, sd=0, answer=None))
    assert any("more than one seed" in line for line in says(make(HELPS, sd=0)))


def test_a_law_that_misses_by_as_much_as_it_claims_is_doubted(make):
    results = nearby(make(HELPS))
    fits = [
        f.model_copy(update={"held_out": f.held_out.model_copy(update={"mean_abs_relative_error": 0.03})})
        for f in results.fits
    ]
    text = headline(results.model_copy(update={"fits": fits}))
    assert "the law missed runs it had not seen by about 0.058 nats" in text
    assert "the law was not tested" in headline(results.model_copy(update={"fits": []}))


def test_undefined_differences_and_speedups_are_said_to_be_undefined(make):
    undefined = Interval(mid=None, why="below the fitted floor")
    assert "nothing can be said of rephrase" in headline(with_rows(make(HELPS), difference=undefined))
    lines = says(with_rows(make(HELPS), speedup=undefined))
    assert any("its speed-up is undefined (below the fitted floor)" in line for line in lines)


def test_one_recipe_and_no_natural_text(make):
    results = make({})
    assert headline(results.model_copy(update={"answer": None})).startswith("Only one recipe was trained (natural, 12 ")
    results = make(HELPS, answer=None)
    mixed = results.model_copy(update={"runs": [r for r in results.runs if r.share > 0]})
    assert headline(mixed).startswith("The natural text alone was not trained")


def test_several_sources_in_one_recipe(make):
    text = headline(with_rows(make(HELPS), synthetic=None))
    assert SEVERAL in text


def test_two_runs_follow_students_t(make):
    # t(12, 0.95) * 0.012 * sqrt(2)
    assert abs(two_runs(make(HELPS)) - 1.782288 * 0.012 * 2**0.5) < 1e-6
    assert two_runs(make(HELPS, sd=0)) is None


def test_limits_hang_on_the_numbers(make):
    lines = " ".join(says_not(make(HELPS)))
    assert f"1,000{TIMES} (3.0 decades) in parameters and 25,100{TIMES} (4.4 decades) in tokens" in lines
    assert "The runs span only 1.0 decades of parameters and 0.6 decades of tokens" in lines
    assert "picked as the best of 3" in lines
    assert "5 held-out domains, 2 of them never trained on" in lines
    assert f"1.3{TIMES} over" in lines
    inside = " ".join(says_not(nearby(make(HELPS), decades_params=0.0, decades_tokens=-0.3)))
    assert "beyond the largest run" not in inside


def test_says_how_the_domains_fare_and_how_the_law_did(make):
    lines = " ".join(says(make(HELPS)))
    assert "(the largest budget), the laws were off by 0.43% on average" in lines
    results = make(HELPS)
    bad = results.fits[0].held_out.model_copy(update={"mean_abs_relative_error": 0.021})
    fits = [results.fits[0].model_copy(update={"law": "data", "held_out": bad}), *results.fits[1:]]
    spread = " ".join(says(results.model_copy(update={"fits": fits})))
    assert "off by 0.43% to 2.1% (worst: data) on average" in spread
    assert "33% rephrase: lower loss than the natural text on 5 of 5 domains (most on networkx" in lines
