"""A study whose runs are chosen, its losses from a formula: what it buys, why, that it goes on, and what it refuses."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.files import read_json
from synthmix.report.choices import reasons
from synthmix.results import Results
from synthmix.results.choices import Choices, Standing
from synthmix.store import DomainScore, RunRecord, Store
from synthmix.study.load import load_study
from synthmix.study.run import run_study
from synthmix.study.status import study_status
from synthmix.study.timings import Speeds
from synthmix.study.until import parse_cost, parse_until
from synthmix.training.spec import RunSpec

from ..in_process import InProcess
from ..made_study import truth

Run = Callable[..., Results]
SIZES, BUDGETS = ["25k", "40k", "60k", "100k"], [2560, 5120, 10240, 20480]


def loss_of(spec: RunSpec) -> float:
    """Ten times the parameters and 400 times the tokens of the made studies; best at a third, noise by seed."""
    share = float(spec.shares.get("hq", 0))
    noise = random.Random(f"{spec.recipe} {spec.shape.params} {spec.tokens} {spec.seed}").gauss(0, 0.002)
    return truth(10 * spec.shape.params, 400 * spec.tokens, -0.4, 0.6, share) * (1 + noise)


def record_of(spec: RunSpec, domain: Any) -> RunRecord:
    score = DomainScore(corpus=domain.id, nats=loss_of(spec), bits_per_byte=1.0, tokens=domain.tokens)
    return RunRecord(
        id=spec.id, spec=spec, params=spec.shape.params, params_total=spec.shape.params_total(spec.vocab),
        tokens=spec.tokens, flops=spec.flops, seconds=1.0, epochs={}, trace=[], precision="float32", device="formula",
        versions={}, losses={domain.name: score},
    )  # fmt: skip


def raw_study(data: Path, folder: Path, mix: Any = None, seeds: int = 2) -> dict[str, Any]:
    """160 runs: four sizes, four budgets, five shares, two seeds."""
    return {
        "study": "chosen", "folder": str(folder), "tokenizer": {"vocab": 300},
        "corpora": {
            "web": {"files": str(data / "web.jsonl"), "heldout": "10%"},
            "hq": {"files": str(data / "hq.jsonl"), "kind": "synthetic"},
        },
        "evaluate": {"web": "heldout"}, "evaluate_tokens": "2k",
        "mix": mix or {"natural": "web", "synthetic": "hq", "shares": [0, "1/4", "1/2", "3/4", 1]},
        "ladder": {"params": SIZES, "budgets": BUDGETS, "seeds": seeds},
        "training": {"context": 16, "batch": 256, "precision": "float32", "epochs": 16},
        "question": {"params": "200k", "tokens": "40k"}, "fit": {"bootstrap": 50}, "workers": 1,
    }  # fmt: skip


class Killed(BaseException):
    """What ends a study at once."""


@pytest.fixture
def run(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run(until=, cost=, folder=, stop_at=, seeds=)``: losses of a formula; killed at the n-th batch."""
    monkeypatch.setattr("synthmix.decisions.fits.CANDIDATES", ("joint_quadratic",))

    def speeds(config: StudyConfig, *_: Any, **__: Any) -> Speeds:
        from synthmix.study.ladder import cells

        by_shape = {cell.shape: 1e9 / cell.shape.params for cell in cells(config)}
        return Speeds("float32", "formula", 1, by_shape)

    monkeypatch.setattr("synthmix.study.run.measure", speeds)

    def start(folder: str = "out", stop_at: int = 0, mix: Any = None, seeds: int = 2, **asked: Any) -> Results:
        batches = 0

        def train(config: StudyConfig, space: Any, prepared: Any, specs: list[RunSpec], *_: Any) -> None:
            nonlocal batches
            batches += 1
            for place, spec in enumerate(specs):
                if batches == stop_at and place == len(specs) - 1:
                    raise Killed  # all but one are finished
                if space.runs.record(spec.id) is None:
                    space.runs.write(record_of(spec, prepared.domains[0]))

        monkeypatch.setattr("synthmix.study.run.train_all", train)
        return run_study(load_study(raw_study(data, tmp_path / folder, mix, seeds)), engine=InProcess(), **asked)

    return start


def test_runs_are_chosen_until_the_answer_is_known(run: Run, tmp_path: Path) -> None:
    results = run(until="width < 0.05 nats")
    choices = results.choices
    assert choices is not None
    assert choices.stopped == "reached"
    assert choices.standing.width is not None
    assert choices.standing.width < 0.05
    assert "hq" in str(choices.standing.named)
    assert len(choices.runs) == len(results.runs) < 160 / 2, "half of the ladder or less"
    assert results.decision is not None
    (verdict,) = results.decision.verdicts
    assert verdict.state == "helps"
    assert choices == Choices.model_validate(read_json(tmp_path / "out" / "choices.json"))
    first, *later = choices.rounds
    assert first.basis == "first runs"
    for each in later:
        assert each.basis == "laws"
        assert each.target == "width"
        for made in each.runs:
            assert made.before is not None
            assert made.after is not None
            assert made.after < made.before
            assert made.cost > 0
    assert not any("not finished" in warn.message for warn in results.warnings)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Runs that were chosen, and why" in page
    assert (tmp_path / "out" / "tables" / "choices.csv").read_text().count("\n") == len(choices.runs) + 1


def test_a_killed_study_goes_on_with_the_same_choices(run: Run, tmp_path: Path) -> None:
    asked = {"cost": "4.5e10"}
    whole = run(folder="whole", **asked)
    with pytest.raises(Killed):
        run(folder="killed", stop_at=2, **asked)
    kept = read_json(tmp_path / "killed" / "choices.json")
    assert kept["stopped"] is None
    assert len(kept["rounds"]) == 2, "a round is written before it is trained"
    resumed = run(folder="killed", **asked)
    assert whole.choices is not None
    assert resumed.choices == whole.choices
    assert {row.id for row in resumed.runs} == {row.id for row in whole.runs}
    assert len(list(Store(tmp_path / "killed" / "runs").records())) == len(whole.choices.runs)


def test_the_cost_holds_and_later_more_can_be_spent(run: Run, data: Path, tmp_path: Path) -> None:
    small = run(cost="3e10").choices
    assert small is not None
    assert small.spent <= 3e10
    assert small.stopped == "cost"
    status = study_status(load_study(raw_study(data, tmp_path / "out")))
    assert status.choices == small
    head, first, *_ = reasons(small)
    assert head.startswith("Runs chosen for at most 3e10: ")
    assert first.endswith("the cheapest that a law can be fitted to")
    more = run(cost="5.5e10").choices
    assert more is not None
    assert small.spent < more.spent <= 5.5e10
    assert more.rounds[: len(small.rounds)] == small.rounds
    with pytest.raises(BadInput, match="--cost: the runs so far were chosen by FLOPs"):
        run(cost="2h")


def test_runs_made_before_the_first_choice_count_for_the_size_of_a_round(run: Run) -> None:
    before = run(seeds=1)
    choices = run(cost="1e10").choices
    assert choices is not None
    first = choices.rounds[0]
    assert first.basis == "laws"
    spent = sum(each.cost for each in first.runs)
    assert 1e9 < spent <= 0.5 * sum(row.flops for row in before.runs)
    assert len(choices.rounds) < 4, "not begun anew from the two cheapest runs"


def test_what_cannot_be_reached_says_what_would(run: Run, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"--cost: 10 pays for no run: the cheapest costs 5.*e\+08 FLOPs; allow more"):
        run(cost="10")
    with pytest.raises(BadInput, match=r"no design reaches width < 1e-5: all 160 runs .* leave about .* nats"):
        run(until="width < 1e-5")
    assert not (tmp_path / "out" / "choices.json").exists()
    with pytest.raises(BadInput, match=r"regret < 1e-9 is not reached: regret is .* nats after \d+ runs for .*; "):
        run(until="regret < 1e-9", cost="3e10")
    found = Choices.model_validate(read_json(tmp_path / "out" / "choices.json"))
    assert found.stopped in ("unreachable", "cost")
    assert found.needed
    assert (tmp_path / "out" / "report.html").is_file(), "what was trained is reported"


def test_recipes_without_a_law_are_compared_as_they_are(run: Run) -> None:
    recipes = {"plain": {"web": 1}, "half": {"web": "1/2", "hq": "1/2"}}
    results = run(cost="2e10", mix={"natural": "web", "recipes": recipes})
    assert results.choices is not None
    assert {each.basis for each in results.choices.rounds} == {"first runs", "recipes"}, "two shares have no law"
    assert results.choices.standing.named == "half"


def test_designed_mixtures_are_chosen_by_their_law(run: Run) -> None:
    sources = {"web": {"min": "10%"}, "hq": None}
    results = run(cost="1.5e10", mix={"sources": sources, "natural": "web", "design": {"runs": 8}})
    assert results.choices is not None
    assert results.choices.rounds[-1].basis == "mixture law"
    assert results.choices.standing.width is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wide < 0.03", "'wide < 0.03' is no condition"),
        ("width 0.03", "'width 0.03' is no condition"),
        ("width > 0.03", "never ends: width is to be < a bound"),
        ("width < much", "'much' is not a number"),
        ("width < 0", "the bound is not above 0"),
        ("width < -1 nats", "the bound is not above 0"),
        ("confidence > 30%", "a confidence lies between 50% and 100%"),
        ("confidence < 95%", "never ends: confidence is to be > a bound"),
    ],
)
def test_conditions_that_are_none(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_until(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("--until: ")


def test_conditions_and_costs() -> None:
    width, sure = parse_until(" width<=0.03 nats"), parse_until("Confidence > 95%")
    assert (width.measure, width.bound, sure.measure, sure.bound) == ("width", 0.03, "confidence", 0.95)
    assert width.met(Standing(width=0.02))
    assert not width.met(Standing(width=0.04))
    assert not width.met(Standing())
    assert width.ratio(Standing(width=0.06)) == pytest.approx(0.5)
    assert sure.after(Standing(confidence=0.8), sure.ratio(Standing(confidence=0.8))) == pytest.approx(0.95)
    costs = {"2h": (7200.0, "seconds"), "90 min": (5400.0, "seconds"), "30s": (30.0, "seconds")}
    costs |= {"1e18": (1e18, "flops"), "2k flops": (2000.0, "flops")}
    for text, expected in costs.items():
        assert (parse_cost(text).amount, parse_cost(text).unit) == expected
    for text in ("", "soon", "-1h", "0", "1 week"):
        with pytest.raises(BadInput, match="--cost: "):
            parse_cost(text)
