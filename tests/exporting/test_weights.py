"""Weights in the words of other trainers, read back by their own code where it installs."""

import json
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.made_study import make_results

import synthmix
from synthmix.decisions import ask, decide, fit_study
from synthmix.exporting.mixture import Ingredient, Mixture, exact_recipe
from synthmix.exporting.weights import WEIGHTS, Weights, export_weights
from synthmix.mixture.recipe import make_recipe
from synthmix.results import Decision, Results
from synthmix.runs.load import of_results

HAND = {"web": ("/data/web", "2/3"), "hq": ("/data/hq", "1/3")}


def exported(to: str, **how: object) -> Weights:
    return synthmix.export(HAND, to, tokens="9B", available={"web": "60B", "hq": "1B"}, **how)  # type: ignore[arg-type]


def test_epochs_at_the_budget_and_the_warning_of_the_source_that_is_short() -> None:
    made = exported("json")
    assert [(s.name, s.tokens, s.epochs) for s in made.sources] == [
        ("web", 6_000_000_000, 0.1),
        ("hq", 3_000_000_000, 3.0),
    ]
    assert [(warning.code, warning.about) for warning in made.warnings] == [("repeated", "hq")]
    assert exported("json", epochs=3).warnings == []
    assert json.loads(made.text)["sources"][1]["available"] == 1_000_000_000


def test_a_budget_or_a_supply_that_is_not_known_is_said() -> None:
    assert [w.code for w in synthmix.export(HAND, "json").warnings] == ["no_budget"]
    assert [w.code for w in synthmix.export(HAND, "json", tokens="1B").warnings] == ["supply_unknown"]


def test_megatron_reads_its_blend(megatron: Callable[[str], Any]) -> None:
    paths, weights = megatron("utils").get_blend_from_list(exported("megatron-blend").text.split())
    assert paths == ["/data/web", "/data/hq"]
    assert weights == pytest.approx([2 / 3, 1 / 3])


def test_olmo_core_reads_its_mixture_and_takes_what_was_asked(tmp_path: Path) -> None:
    mixture = pytest.importorskip("olmo_core.data.source_mixture", reason="ai2-olmo-core is not installed")
    import numpy as np

    for name, tokens in (("web", 9_000), ("hq", 1_000)):
        np.zeros(tokens, dtype=np.uint16).tofile(tmp_path / f"{name}.npy")
    paths = {name: str(tmp_path / f"{name}.npy") for name in HAND}
    file = tmp_path / "mixture.yaml"
    synthmix.export(
        HAND, "olmo-mixture", file, tokens="6k", paths=paths, available={"web": 9_000, "hq": 1_000}, epochs=2
    )
    sources = mixture.SourceMixtureList.from_yaml(file)
    sources.validate()
    for source in sources.sources:
        source.validate()
    config = mixture.SourceMixtureDatasetConfig(
        source_list=sources, requested_tokens=6_000, global_batch_size=100, render_tables=False, quiet=True
    )
    built = config.build(npdtype=np.uint16, sequence_length=10)
    taken = {each.name: sum(path.tokens for path in each.path_tokens) for each in built.sources}
    assert taken == {"web": 4_000, "hq": 2_000}  # the second one gone through twice


def test_nanotron_has_a_folder_and_a_weight_for_each_source() -> None:
    # nanotron on PyPI (0.4) is older than this section; its published fields stand in (NanosetDatasetsArgs).
    stage = yaml.safe_load(exported("nanotron", seed=5).text)["data_stages"][0]
    assert {"name", "start_training_step", "data"} == stage.keys()
    assert stage["start_training_step"] == 1
    assert {"dataset", "num_loading_workers", "seed"} == stage["data"].keys()
    assert stage["data"]["seed"] == 5
    assert stage["data"]["dataset"] == {
        "dataset_folder": ["/data/web", "/data/hq"],
        "dataset_weights": pytest.approx([2 / 3, 1 / 3]),
    }


def test_torchtitan_config_runs_against_its_published_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    # torchtitan 0.3 needs packages that are on no index; dataclasses with its published fields stand in.
    @dataclass(kw_only=True)
    class HFDataSource:
        dataset: str = "c4_test"
        dataset_path: str | None = None
        infinite: bool = True
        weight: float = 1

    @dataclass(kw_only=True)
    class Config:
        sources: list[HFDataSource] = field(default_factory=list)
        seed: int = 42

    module = types.ModuleType("torchtitan.hf_datasets.text_datasets")
    module.HFDataSource = HFDataSource  # type: ignore[attr-defined]
    module.InterleavedHuggingFaceTextDataLoader = types.SimpleNamespace(Config=Config)  # type: ignore[attr-defined]
    for name in ("torchtitan", "torchtitan.hf_datasets"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    space: dict[str, Config] = {}
    exec(exported("torchtitan", seed=7).text, space)  # type: ignore[arg-type]
    config = space["dataloader"]
    assert config.seed == 7
    assert [(s.dataset, s.dataset_path, s.infinite) for s in config.sources] == [
        ("web", "/data/web", True),
        ("hq", "/data/hq", True),
    ]
    assert [s.weight for s in config.sources] == pytest.approx([2 / 3, 1 / 3])


def test_datasets_draws_documents_so_that_the_tokens_have_the_shares() -> None:
    datasets = pytest.importorskip("datasets")
    recipe = make_recipe("half", {"long": Fraction(1, 2), "short": Fraction(1, 2)})
    lengths = {"long": 30, "short": 10}
    parts = tuple(
        Ingredient(name, share, name, documents=4_000, corpus_tokens=4_000 * lengths[name])
        for name, share in recipe.shares
    )
    asked = json.loads(export_weights(Mixture(recipe, parts, "made"), "interleave-datasets", tokens=1000).text)
    assert asked["probabilities"] == pytest.approx([1 / 4, 3 / 4])
    sources = [datasets.Dataset.from_dict({"tokens": [lengths[name]] * 4_000}) for name in asked["paths"]]
    mixed = datasets.interleave_datasets(
        sources, probabilities=asked["probabilities"], seed=0, stopping_strategy="first_exhausted"
    )
    drawn = mixed["tokens"]
    share = sum(tokens for tokens in drawn if tokens == 30) / sum(drawn)
    assert share == pytest.approx(1 / 2, abs=0.02)
    unknown = synthmix.export({"a": "50%", "b": "50%"}, "interleave-datasets", tokens=1000)
    assert "lengths_unknown" in {warning.code for warning in unknown.warnings}


@pytest.fixture(scope="module")
def answer() -> tuple[Results, Decision]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synthmix.decisions.fits.CANDIDATES", ("joint_quadratic",))
        results = make_results()
        table = of_results(results)
        question = ask("3M", "30M", natural="15M", synthetic=["hq=4M,price=1"])
        decision = decide(table, fit_study(table, bootstrap=30), question, study="made", explore=False)
    return results.model_copy(update={"decision": decision}), decision


def test_the_answer_of_a_study_and_of_an_advice(answer: tuple[Results, Decision], tmp_path: Path) -> None:
    results, decision = answer
    assert decision.recommended is not None
    option = decision.options[decision.recommended]
    assert option.share > 0
    advice = tmp_path / "advice.json"
    question = decision.question
    assert question is not None
    advice.write_text(json.dumps({"question": question.model_dump(), "decision": decision.model_dump(mode="json")}))
    for what in (results, decision, advice):
        made = synthmix.export(what, "json")
        assert made.recipe == option.recipe
        assert made.tokens == 30_000_000
        assert {s.name: s.share for s in made.sources} == pytest.approx(option.shares, abs=1e-4)
        assert {s.name: s.available for s in made.sources} == {"web": 15_000_000, "hq": 4_000_000}
        expected = option.shares["hq"] * 30 / 4
        assert {s.name: s.epochs for s in made.sources}["hq"] == pytest.approx(expected, rel=1e-3)
    natural = synthmix.export(decision, "json", recipe="web")
    assert [(s.name, s.share) for s in natural.sources] == [("web", 1.0)]


def test_the_best_mixture_of_many_sources(tmp_path: Path) -> None:
    from synthmix.interval import Interval
    from synthmix.results.mixtures import MixtureDecision, MixtureQuestion, SourceShare

    known = Interval(mid=0.5, low=0.4, high=0.6, level=0.9)
    shares = {"web": 0.61237, "code": 0.38763, "books": 0.0}
    decision = MixtureDecision(
        law="effective_tokens", formula="", runs=9, level=0.9, draws=9, domains={"web": 1.0}, loss=known, new_run=known,
        noise=0.01, error=0.01, question=MixtureQuestion(tokens=10**12, supply={"code": 10**11}, most_epochs=3),
        shares=[
            SourceShare(source=name, share=share, interval=known, verdict="in", without=None)
            for name, share in shares.items()
        ],
    )  # fmt: skip
    file = tmp_path / "best.json"
    file.write_text(decision.model_dump_json())
    for what in (decision, file):
        made = synthmix.export(what, "json")
        assert {s.name: s.share for s in made.sources} == {"web": 0.6124, "code": 0.3876}
        assert (made.sources[1].epochs, made.tokens) == (pytest.approx(3.876), 10**12)
        assert [w.about for w in made.warnings if w.code == "repeated"] == ["code"]  # three times were allowed


def test_a_study_file_gives_its_recipes_before_any_run(make_study, save_study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = save_study(tmp_path / "study.yaml", make_study(tmp_path / "out"))
    made = synthmix.export(file, "megatron-blend", recipe="50% sampled + web", paths={"web": "w", "sampled": "s"})
    assert made.text == "0.5 w 0.5 s\n"
    assert made.tokens == 1_000_000  # the study's own question


@pytest.mark.parametrize("shares", [{"a": 1 / 3, "b": 2 / 3}, {"a": 0.1234567, "b": 0.3765433, "c": 0.5}, {"a": 1.0}])
def test_predicted_shares_become_fractions_that_add_up(shares: dict[str, float]) -> None:
    made = exact_recipe("x", shares)
    assert sum(share for _, share in made.shares) == 1
    assert {name: float(share) for name, share in made.shares} == pytest.approx(shares, abs=1e-4)
    assert all(share.denominator <= 10_000 for _, share in made.shares)


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "blend.txt"
    synthmix.export(HAND, "megatron-blend", file)
    before = file.read_text()
    with pytest.raises(synthmix.BadInput, match="is there already"):
        synthmix.export({"web": 1}, "megatron-blend", file)
    assert file.read_text() == before


def test_every_format_is_deterministic() -> None:
    for to in WEIGHTS:
        assert exported(to).text == exported(to).text
        assert exported(to).text.endswith("\n")
