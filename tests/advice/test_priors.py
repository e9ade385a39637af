"""Advice without a study: priors that say what they are, and a study that would replace them."""

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import synthmix
from synthmix.advice.pilot_study import LADDERS, SAMPLE_LADDERS, pilot_study
from synthmix.advice.priors import advise_without
from synthmix.decisions import ask
from synthmix.errors import BadInput
from synthmix.evidence import Effect, effects, read_effects
from synthmix.study.load import load_study
from synthmix.study.plan import make_plan
from synthmix.study.workspace import Workspace

ASKED = ask("1B", "100B", natural="60B", synthetic=["hq=40B,price=0.5,params=8B", "qa=20B,price=0.1"])
FAST, SLOW = 1e12, 1e6  # FLOPs a second


def test_priors_are_priced_and_say_what_they_rest_on() -> None:
    found = advise_without(ASKED)
    assert found.basis == "priors"
    assert found.decision is None
    assert found.recommendation == ""
    assert "As a prior only" in found.headline
    hq, qa = found.alternatives
    assert hq.high <= 0.4, "40B of 100B tokens can be had"
    assert hq.money_high == pytest.approx(hq.high * 100_000 * 0.5)
    assert qa.high <= 0.2, "20B tokens reach for a fifth"
    for prior in found.priors:
        for metric in prior.metrics:
            assert metric.effect.low is not None
            assert metric.effect.high is not None
            assert metric.effect.low < 0 < metric.effect.high, "so few studies leave the sign open"
            assert max(metric.shares) <= 0.4 + 1e-9
    text = " ".join(found.evidence)
    assert "(alone 1.67 times)" in text
    assert "of the training's FLOPs" in text
    assert "qa: its tokens or the money reach for 20%" in text
    says = found.priors[1].of("score").says
    assert {each.study for each in says} >= {"maini2024", "cheng2024", "finephrase"}
    assert all(each.link for each in says)


def test_a_question_far_from_what_is_published_says_so() -> None:
    found = advise_without(ask("10M", "1M", synthetic=["faq,price=0"]))
    doubts = " ".join(found.caveats)
    assert "decades of compute away" in doubts
    assert "faq, loss: no effect of this kind is published" in doubts
    near = advise_without(ask("1.7B", "21B", synthetic=["faq,price=0"])).priors[0].of("score").effect
    far = found.priors[0].of("score").effect
    assert (far.half_width or 0) > (near.half_width or 0)


def test_ones_own_rows_count_too(tmp_path: Path) -> None:
    rows = [row.model_copy(update={"study": "mine", "kind": "poems"}) for row in effects() if row.study == "maini2024"]
    path = tmp_path / "mine.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(Effect.model_fields))
        writer.writeheader()
        writer.writerows(row.model_dump() for row in rows)
    with pytest.raises(BadInput, match="nothing is published about 'poems'"):
        advise_without(ask("1B", "100B", synthetic=["poems,price=0"]))
    found = advise_without(ask("1B", "100B", synthetic=["poems,price=0"]), rows=(*effects(), *read_effects(path)))
    assert [says.study for says in found.priors[0].of("score").says] == ["mine"]


def test_the_study_loads_and_plans_and_is_as_long_as_the_time_allows(
    tmp_path: Path, machine: Callable[[float], Any]
) -> None:
    path = tmp_path / "start.yaml"
    short = pilot_study(ASKED, minutes=0.001, file=path, engine=machine(SLOW))
    longer = pilot_study(ASKED, minutes=1e6, file=path, engine=machine(FAST))
    assert short.seconds > 0.06, "the least that determines the laws, also where it takes longer"
    assert longer.flops > short.flops
    for made, ladder, speed in ((short, LADDERS[0], SLOW), (longer, LADDERS[SAMPLE_LADDERS - 1], FAST)):
        path.write_text(made.text)
        config = load_study(path)
        assert config.mix.synthetic == ["hq", "qa"]
        assert len(config.ladder.params) == len(ladder[0])
        assert (config.question.params, config.question.tokens) == (10**9, 10**11) if config.question else False
        assert Fraction(0) in config.mix.shares
        space = Workspace(tmp_path / f"plan-{len(made.text)}-{speed:g}")
        space.create()
        plan = make_plan(config, space, machine(speed))
        assert len(plan.runs) == made.runs
        assert plan.seconds_left == pytest.approx(made.seconds)


def test_ones_own_text_lets_the_ladder_grow_and_paths_count_from_the_file(
    tmp_path: Path, machine: Callable[[float], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("web.jsonl", "mine.jsonl"):
        (tmp_path / name).write_text('{"text": "words"}\n')
    asked = ask("1B", "100B", synthetic=["mine,price=0,like=math,files=mine.jsonl"])
    target = tmp_path / "deep" / "start.yaml"
    found = pilot_study(
        asked, minutes=1e9, natural_files="web.jsonl", file=Path("deep/start.yaml"), engine=machine(FAST)
    )
    assert found.to_replace == []
    assert "files: ../web.jsonl" in found.text
    target.parent.mkdir()
    target.write_text(found.text)
    config = load_study(target)
    assert len(config.ladder.params) == len(LADDERS[-1][0])
    assert Fraction(1) in config.mix.shares, "what is published leaves the whole range open"
    plan = make_plan(config, Workspace(tmp_path), machine(FAST))
    assert len(plan.runs) == found.runs


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"synthetic": ["poems,price=1"]}, "nothing is published about 'poems'; published are tutorial, textbook"),
        ({"synthetic": ["mine,price=1,like=poems"]}, "nothing is published about 'poems'"),
        ({"synthetic": ["natural,price=1,like=hq"]}, "'natural' is a name that the study file itself uses"),
        ({"synthetic": ["hq"]}, "has no price"),
        ({"minutes": 0.0}, "--minutes: is not above 0"),
        ({"params": None}, "--params: is missing; say what you will train"),
        ({"synthetic": ["hq,price=1,files=nowhere/*.jsonl"]}, "nowhere/*.jsonl"),
        ({"natural_files": "nowhere.jsonl"}, "nowhere.jsonl"),
    ],
)
def test_a_question_that_cannot_be_writes_nothing(
    given: dict[str, Any], said: str, tmp_path: Path, machine: Callable[[float], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("synthmix.advice.pilot_study.open_engine", lambda: machine(FAST))
    asked: dict[str, Any] = {"params": "1B", "tokens": "100B", "synthetic": ["hq,price=1"], "write_study": "new.yaml"}
    with pytest.raises(BadInput) as caught:
        synthmix.advise(**{**asked, **given})
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("study: mine\n")
    with pytest.raises(BadInput, match="is there already; name a new file"):
        synthmix.advise("1B", "100B", synthetic=["hq,price=1"], write_study=path)
    assert path.read_text() == "study: mine\n"


def test_a_study_and_a_study_file_to_write_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--write-study: is for asking without a study"):
        synthmix.advise("1B", "100B", synthetic=["hq,price=1"], study=tmp_path, write_study=tmp_path / "new.yaml")
