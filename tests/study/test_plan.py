"""Looking before anything runs."""

import shutil
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.page_outline import check_opens

from synthmix.engine import LocalEngine
from synthmix.errors import BadInput
from synthmix.report.status import write_status
from synthmix.study import timings
from synthmix.study.ladder import cells, largest_need, study_recipes
from synthmix.study.load import load_study, study_from
from synthmix.study.plan import Plan, make_plan
from synthmix.study.prepare import check_generated
from synthmix.study.status import report_study, study_status
from synthmix.study.timings import Probe, kept_speeds, measure
from synthmix.study.workspace import Workspace
from synthmix.training import capabilities
from synthmix.training.shape import Shape, shape_for

from ..in_process import InProcess

Make = Callable[..., dict[str, Any]]


def test_a_plan_before_anything_builds_and_trains_nothing(make_study: Make, tmp_path: Path) -> None:
    config = study_from(make_study(tmp_path / "new"))
    space = Workspace(config.root)
    space.create()
    plan = make_plan(config, space, InProcess())
    again = make_plan(config, space, InProcess())
    written = {path.name for path in (tmp_path / "new").iterdir()}
    assert {name for name in written if not name.endswith(".lock")} == {"speed.json"}, "the times, nothing else"
    assert again == plan, "timed once"
    assert len(plan.runs) == 21
    assert not any(run.done for run in plan.runs)
    assert [run.recipe for run in plan.generators] == ["generator of sampled"]
    assert set(plan.to_build) == {"web", "sampled"}
    assert plan.seconds_left > 0
    value = plan.as_dict()
    assert value["tokens"] == sum(run.tokens for run in plan.runs) == 115_200
    one = plan.runs[0]
    assert one.flops == one.tokens * shape_for(25_000).flops_per_token(300, 16)
    assert value["disk_bytes"] > 4 * sum(run.shape.params for run in plan.runs)


def test_a_plan_says_what_one_trunk_for_the_budgets_of_a_mixture_would_train(
    make_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities, "tokens_per_second", lambda *_, **__: 1e4)
    raw = make_study(tmp_path / "new")

    def planned(**training: Any) -> Plan:
        config = study_from({**raw, "training": {**raw["training"], **training}})
        space = Workspace(config.root)
        space.create()
        return make_plan(config, space, InProcess())

    apart, shared = planned(), planned(schedule="wsd")
    assert shared.trunks
    assert apart.trunk_tokens == shared.tokens_trained < apart.tokens_trained
    assert shared.trunk_tokens is None, "it is so already"


def test_sizes_are_timed_as_their_longest_runs_train(
    make_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a size whose long runs are compiled is timed compiled, and one of short runs is not."""
    told: dict[int, float] = {}

    def timed(shape: Shape, *_: object, flops: float, **__: object) -> float:
        told[shape.params] = flops
        return 1e4

    monkeypatch.setattr(capabilities, "tokens_per_second", timed)
    config = study_from(make_study(tmp_path / "new"))
    space = Workspace(config.root)
    space.create()
    speeds = measure(config, space, 300, InProcess())
    longest = {shape_for(25_000): 10_240, shape_for(40_000): 10_240}
    assert told == {s.params: tokens * s.flops_per_token(300, 16) for s, tokens in longest.items()}
    assert speeds.by_shape == dict.fromkeys(longest, 1e4)


def test_a_run_times_again_what_a_plan_timed_roughly(
    make_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities, "tokens_per_second", lambda *_, flops=0.0, **__: 1e4 if flops else 1e3)
    config = study_from(make_study(tmp_path / "new"))
    space = Workspace(config.root)
    space.create()
    shapes = {shape_for(25_000), shape_for(40_000)}
    rough = measure(config, space, 300, InProcess(), rough=True)
    assert rough.by_shape == pytest.approx(dict.fromkeys(shapes, 1e3), rel=0.1)
    assert measure(config, space, 300, InProcess()).by_shape == dict.fromkeys(shapes, 1e4)
    assert measure(config, space, 300, InProcess(), rough=True).by_shape == dict.fromkeys(shapes, 1e4), "kept"


def test_what_was_timed_here_serves_other_studies(
    make_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edited study times only the sizes that are new; what is old, damaged or of other settings is timed."""
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    asked: list[list[int]] = []

    def timed(probe: Probe, _: object) -> dict[str, object]:
        asked.append([shape.params for shape in probe.shapes])
        return {"precision": "float32", "device": "cpu", "speeds": [float(shape.params) for shape in probe.shapes]}

    def speeds(*sizes: str, vocab: int = 300, rough: bool = False) -> dict[int, float]:
        config = study_from(make_study(tmp_path / f"study{len(asked)}", ladder={"params": sizes, "budgets": ["3k"]}))
        space = Workspace(config.root)
        space.create()
        space.speed.unlink(missing_ok=True)
        with LocalEngine[Any, Any](1) as engine:
            found = measure(config, space, vocab, engine, rough=rough)
        assert kept_speeds(config, space) == found
        return {shape.params: speed for shape, speed in found.by_shape.items()}

    monkeypatch.setattr(timings, "_timed_now", timed)
    small, middle, large = (shape_for(size).params for size in (25_000, 40_000, 60_000))
    assert speeds("25k", "40k", rough=True) == {small: small, middle: middle}
    speeds("25k", "40k", "60k", rough=True)
    assert asked == [[small, middle], [large]]
    speeds("25k", "40k")
    assert asked[2:] == [[small, middle]], "a run does not take a plan's rough times"
    speeds("25k", "60k", rough=True)
    speeds("25k", "40k")
    assert len(asked) == 3
    speeds("25k", vocab=400)
    monkeypatch.setattr(timings, "KEPT_SECONDS", 0.0)
    speeds("25k")
    monkeypatch.undo()
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(timings, "_timed_now", timed)
    (tmp_path / "cache" / "speeds.json").write_text("{")
    speeds("25k")
    assert asked[3:] == [[small]] * 3


def test_a_plan_of_a_finished_study_has_nothing_left(finished: Path) -> None:
    config = load_study(finished)
    with LocalEngine[Any, Any](1) as engine:
        plan = make_plan(config, Workspace(config.root), engine)
        assert engine._pool is None, "the times of the run serve: no worker was started"
    assert all(run.done for run in (*plan.runs, *plan.generators))
    assert (plan.seconds_left, plan.to_build, plan.sampling) == (0, (), {})


def test_the_status_of_a_new_and_of_a_finished_study(finished: Path, make_study: Make, tmp_path: Path) -> None:
    new = study_status(study_from(make_study(tmp_path / "new")))
    assert (new.done, new.runs, new.report) == (0, 21, None)
    assert new.corpora == {"web": None, "sampled": None}
    assert not (tmp_path / "new").exists(), "looking writes nothing"
    done = study_status(load_study(finished))
    assert (done.done, done.runs, done.working) == (21, 21, ())
    assert (new.seconds_left, done.seconds_left) == (None, 0.0)
    assert sum(runs for *_, runs in done.cells) == sum(ended for *_, ended, _ in done.cells) == 21
    assert done.corpora["web"] is not None
    assert done.corpora["web"] > 60_000
    assert done.report == str(finished.parent.resolve() / "tiny" / "report.html")


def test_damaged_timings_leave_the_time_that_is_left_unknown(finished: Path, tmp_path: Path) -> None:
    ignore = shutil.ignore_patterns("*.lock", "checkpoint")
    shutil.copytree(finished.parent / "tiny", tmp_path / "tiny", ignore=ignore)
    config = load_study(finished).model_copy(update={"folder": tmp_path / "tiny"})
    Workspace(config.root).speed.write_text('{"speeds": [')
    found = study_status(config)
    assert (found.done, found.seconds_left) == (21, None)
    assert Workspace(config.root).speed.exists(), "looking changes nothing"


def test_the_status_tells_of_runs_in_work_and_of_those_that_were_left(finished: Path, tmp_path: Path) -> None:
    """``finished`` with two records taken away: one run goes on elsewhere, one was killed, and one file is cut."""
    ignore = shutil.ignore_patterns("*.lock", "checkpoint")
    shutil.copytree(finished.parent / "tiny", tmp_path / "tiny", ignore=ignore)
    config = load_study(finished).model_copy(update={"folder": tmp_path / "tiny"})
    store = Workspace(config.root).runs
    specs = [record.spec for record in store.records() if record.spec.stage == "ladder"][:3]
    for spec, text in zip(
        specs, ('{"tokens": 512, "loss": 5.25, "node": "gpu-7", "tries": 3}', '{"tokens": 768}', '{"tok'), strict=True
    ):
        (store.run_folder(spec.id) / "record.json").unlink()
        (store.run_folder(spec.id) / "progress.json").write_text(text)
    with store.claim(specs[0].id) as mine:
        assert mine
        found = study_status(config)
    assert found.done == 18
    seen = {(work.tokens, work.held, work.loss, work.node, work.tries) for work in found.working}
    assert seen == {(512, True, 5.25, "gpu-7", 3), (768, False, None, None, 1)}
    assert found.seconds_left is not None
    assert found.seconds_left > 0
    write_status(found, tmp_path / "status.html", every=5)
    page = (tmp_path / "status.html").read_text()
    assert '<meta http-equiv="refresh" content="5">' in page
    assert "18 of 21 runs done, about" in page
    assert "begun, resumes at the next run" in page
    assert "gpu-7" in page
    assert len(page) < 100_000, "no plotly in a page without figures"
    write_status(found, tmp_path / "status.html")
    assert 'http-equiv="refresh"' not in (tmp_path / "status.html").read_text()
    check_opens("status", (tmp_path / "status.html").read_text())


def test_a_report_of_nothing_is_bad_input(make_study: Make, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing is built yet; run it with synthmix study run"):
        report_study(study_from(make_study(tmp_path / "new")))


def test_the_cells_are_recipes_by_sizes_by_budgets_by_seeds(make_study: Make, tmp_path: Path) -> None:
    raw = make_study(
        tmp_path,
        ladder={
            "params": ["40k", "25k"],
            "budgets": ["4k", "3k"],
            "seeds": 2,
            "replicates": [{"params": ["25k"], "seeds": 3}, {"budgets": ["4k"], "seeds": 4}],
        },
    )
    counts = Counter((cell.recipe.name, cell.params, cell.steps) for cell in cells(study_from(raw)))
    for recipe in ("web", "50% sampled + web", "sampled"):
        assert counts[recipe, 25_000, 12] == 3
        assert counts[recipe, 25_000, 16] == 4
        assert counts[recipe, 40_000, 12] == 2
        assert counts[recipe, 40_000, 16] == 4
    assert len(counts) == 12


def test_recipes_by_shares_and_by_name(make_study: Make, tmp_path: Path) -> None:
    mix = {
        "natural": "web",
        "synthetic": ["sampled", "hq"],
        "shares": [1, 0, "1/3"],
        "recipes": {"both": {"web": "40%", "sampled": 0.3, "hq": 0.3}},
    }
    corpora = make_study(tmp_path)["corpora"] | {"hq": "hq.jsonl"}
    recipes = study_recipes(study_from(make_study(tmp_path, corpora=corpora, mix=mix)))
    assert [recipe.name for recipe in recipes] == [
        "web",
        "33.3% sampled + web",
        "sampled",
        "33.3% hq + web",
        "hq",
        "both",
    ]
    assert all(sum(share for _, share in recipe.shares) == 1 for recipe in recipes)
    assert dict(recipes[1].shares) == {"web": Fraction(2, 3), "sampled": Fraction(1, 3)}


@pytest.mark.parametrize(
    ("shares", "recipes", "told"),
    [
        ([0, "1/3"], {"web": {"web": "10%", "sampled": "90%"}}, r"mix\.recipes\.web: two recipes are called 'web': "),
        ([0, "33.333%", "1/3"], {}, r"mix\.shares: two recipes are called '33\.3% sampled \+ web': 66\.667000% web"),
        ([0, "1/3", "1/3"], {}, r"mix\.shares: '33\.3% sampled \+ web' is given twice; remove one of the two"),
        ([0, "1/3"], {"third": {"sampled": "1/3", "web": "2/3"}}, r"\.third: is the recipe '33\.3% sampled \+ web'"),
        ([0], {"a": {"web": 0.5, "sampled": 0.5}, "b": {"sampled": "1/2", "web": "50%"}}, r"\.b: is the recipe 'a'"),
        ([0, "1/2"], {"half": {"web": 0.5, "sampled": 0.4}}, r"mix\.recipes\.half: the shares .* make 90%, not 100%"),
    ],
    ids=["name of another", "names that round alike", "a share twice", "a share by name", "two names", "not 100%"],
)  # fmt: skip
def test_a_recipe_is_what_its_shares_are_and_its_name_is_its_alone(
    make_study: Make, save_study: Callable[..., Path], tmp_path: Path,
    shares: list[Any], recipes: dict[str, Any], told: str,
) -> None:  # fmt: skip
    mix = {"natural": "web", "synthetic": "sampled", "shares": shares, "recipes": recipes}
    path = save_study(tmp_path / "study.yaml", make_study(tmp_path / "folder", mix=mix))
    with pytest.raises(BadInput, match=told) as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{path}: mix.")


def test_no_synthetic_text_is_one_recipe_whatever_it_is_mixed_with(make_study: Make, tmp_path: Path) -> None:
    mix = {"natural": "web", "synthetic": ["sampled", "hq"], "shares": [0, "1/2"]}
    corpora = make_study(tmp_path)["corpora"] | {"hq": "hq.jsonl"}
    recipes = study_recipes(study_from(make_study(tmp_path, corpora=corpora, mix=mix)))
    assert [recipe.name for recipe in recipes] == ["web", "50% sampled + web", "50% hq + web"]


def test_the_natural_text_alone_is_a_study_too(make_study: Make, tmp_path: Path) -> None:
    config = study_from(make_study(tmp_path, mix={"natural": "web"}))
    assert [recipe.name for recipe in study_recipes(config)] == ["web"]


def test_what_the_hungriest_run_needs_is_known_before_anything_is_built(make_study: Make, tmp_path: Path) -> None:
    config = study_from(make_study(tmp_path))
    assert largest_need(config) == {"web": 10240, "sampled": 10240}
    check_generated(config)
    training = {"context": 16, "batch": 256, "epochs": 2}
    assert largest_need(study_from(make_study(tmp_path, training=training))) == {"web": 5120, "sampled": 5120}
    corpora = make_study(tmp_path)["corpora"]
    corpora["sampled"]["tokens"] = "9k"
    with pytest.raises(
        BadInput, match=r"corpora\.sampled\.tokens: 9k tokens are to be sampled, 10\.2k are needed by a recipe; ask for"
    ):
        check_generated(study_from(make_study(tmp_path, corpora=corpora)))
