"""Ranking recipes of a runs table: the object, its past, and published runs."""

import csv
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.page_outline import check_page

import synthmix
from synthmix.decisions.rank import check_at, table_scores
from synthmix.report.ranking import rank_headline, rank_rests_on, ranked_table, write_ranking
from synthmix.results import Ranking, Results
from synthmix.runs import RunsTable
from synthmix.runs.table import Metric

PUBLIC = Path(os.environ.get("SYNTHMIX_SHARED", Path(__file__).parents[3] / "shared")) / "golden" / "public_runs"
CELLS = ((4e8, 8e9), (1.4e9, 2.8e10))
QUALITY = {"best": 0.0, "nearly": 0.004, "middling": 0.05, "poor": 0.12}


def made(*, sd: float = 0.002, sign: float = 1.0, seeds: int = 2, scales: int = 2) -> list[dict[str, Any]]:
    rng = np.random.default_rng(4)
    return [
        {"recipe": name, "N": n, "D": d, "seed": seed, "loss": 3 - 0.3 * i + sign * gap + sd * rng.standard_normal()}
        for i, (n, d) in enumerate(CELLS[:scales])
        for name, gap in QUALITY.items()
        for seed in range(seeds)
    ]


@pytest.fixture(scope="module")
def ranking() -> Ranking:
    return synthmix.rank(made(), params="7B", tokens="140B")


def test_the_order_the_groups_and_the_probabilities(ranking: Ranking) -> None:
    assert {one.recipe for one in ranking.recipes[:2]} == {"best", "nearly"}
    assert [one.recipe for one in ranking.recipes[2:]] == ["middling", "poor"]
    assert [one.place for one in ranking.recipes] == [1, 2, 3, 4]
    assert set(ranking.groups[0]) == {"best", "nearly"}  # .004 apart: not told apart
    assert ranking.groups[1:] == [["middling"], ["poor"]]
    assert ranking.probability("best", "poor") > 0.97
    assert ranking.probability("poor", "best") == pytest.approx(1 - ranking.probability("best", "poor"))
    assert sum(one.best for one in ranking.recipes) == pytest.approx(1)
    assert ranking.recipes[0].regret == pytest.approx(ranking.regret) == min(one.regret for one in ranking.recipes)
    assert ranking.noise == pytest.approx(0.002, rel=0.6)
    assert len(ranking.pairs) == 6
    with pytest.raises(KeyError):
        ranking.probability("best", "none")


def test_what_is_behind_is_in_the_units_of_the_metric(ranking: Ranking) -> None:
    poor = ranking.recipes[-1].behind
    assert poor.mid == pytest.approx(0.12, abs=0.04)
    assert poor.low is not None
    assert poor.high is not None
    assert poor.low < 0.12 < poor.high
    assert ranking.recipes[-1].measured == pytest.approx(2.82, abs=0.01)


def test_a_score_ranks_as_a_loss_does_the_other_way_up(ranking: Ranking) -> None:
    rows = made()
    numbers = {key: np.array([float(row[key]) for row in rows]) for key in ("N", "D")}
    numbers["task.x"] = np.array([-row["loss"] for row in rows])
    texts = {"recipe": [row["recipe"] for row in rows], "seed": [str(row["seed"]) for row in rows]}
    table = RunsTable(numbers, texts, (Metric.of_task("x"),))
    scored = synthmix.rank(table, params="7B", tokens="140B", metric="task.x")
    assert scored.higher_is_better
    assert [one.recipe for one in scored.recipes] == [one.recipe for one in ranking.recipes]
    assert [p.probability for p in scored.pairs] == pytest.approx([p.probability for p in ranking.pairs])


def test_its_past_is_the_largest_scale_foretold_from_below(ranking: Ranking) -> None:
    check = ranking.check
    assert check is not None
    assert (check.params, check.tokens) == (1_400_000_000, 28_000_000_000)
    assert (check.recipes, check.pairs, check.single_pairs, check.law_pairs) == (4, 6, 6, 0)
    assert check.single is not None
    assert check.right >= 5 / 6
    assert sum(each.pairs for each in check.bins) == 6
    assert "no_check" not in {warning.code for warning in ranking.warnings}


def test_one_scale_has_no_past_and_says_so() -> None:
    found = synthmix.rank(made(scales=1, seeds=1), params="7B", tokens="140B")
    assert found.check is None
    assert {"no_check", "no_replicates", "far"} <= {warning.code for warning in found.warnings}
    assert found.noise is None
    plain = sorted(made(scales=1, seeds=1), key=lambda row: row["loss"])
    assert [one.recipe for one in found.recipes] == [row["recipe"] for row in plain]
    assert [one.single for one in found.recipes] == [1, 2, 3, 4]
    assert [one.law for one in found.recipes] == [None] * 4


def test_only_some_are_ordered_and_the_others_inform() -> None:
    found = synthmix.rank(made(), params="7B", tokens="140B", recipes=["poor", "best"])
    assert [one.recipe for one in found.recipes] == ["best", "poor"]
    assert len(found.pairs) == 1


def test_of_a_runs_checkpoints_the_last_counts() -> None:
    rows = [row | {"group": f"{row['recipe']} {row['N']} {row['seed']}"} for row in made()]
    early = [row | {"D": row["D"] / 2, "loss": 9.0} for row in rows]
    found = synthmix.rank([*early, *rows], params="7B", tokens="140B")
    assert [one.runs for one in found.recipes] == [4] * 4
    assert "checkpoints" in {warning.code for warning in found.warnings}


def test_without_a_target_the_largest_cell_is_ranked_and_is_surest() -> None:
    here, far = synthmix.rank(made()), synthmix.rank(made(), params="70B", tokens="1T")
    assert (here.params, here.tokens, here.decades) == (1_400_000_000, 28_000_000_000, pytest.approx(0, abs=1e-9))
    assert here.probability("best", "middling") > far.probability("best", "middling")
    assert here.regret < far.regret


def test_the_next_run_is_of_those_that_may_be_best(ranking: Ranking) -> None:
    noisy = synthmix.rank(made(sd=0.02), params="7B", tokens="140B")
    assert noisy.next_runs
    assert {run.recipe for run in noisy.next_runs} <= {"best", "nearly"}
    assert all(run.value > 0 and run.flops == pytest.approx(6.0 * run.params * run.tokens) for run in noisy.next_runs)
    assert [run.value for run in noisy.next_runs] == sorted((run.value for run in noisy.next_runs), reverse=True)


def test_it_goes_to_json_and_back_and_onto_a_page(ranking: Ranking, tmp_path: Path) -> None:
    assert Ranking.model_validate_json(ranking.model_dump_json()) == ranking
    write_ranking(ranking, tmp_path / "rank.html")
    check_page("rank", (tmp_path / "rank.html").read_text())
    assert "not told apart from" in rank_headline(ranking)
    assert "pairs at 1.4B parameters, 28B tokens were in order" in rank_rests_on(ranking)
    assert ranked_table(ranking).records()[0]["recipe"] == ranking.recipes[0].recipe


@pytest.mark.parametrize(
    ("change", "how", "message"),
    [
        ({}, {"params": "7B"}, "--tokens: is missing"),
        ({}, {"metric": "none"}, "--metric: no metric 'none'; the table has loss"),
        ({}, {"recipes": ["none"]}, "--recipe: no runs of the recipe 'none'"),
        ({}, {"recipes": ["best"]}, "--recipe: one recipe is no ranking"),
        ({}, {"level": 1.5}, "--level: is not between"),
        ({"loss": 1.0}, {}, "'loss' is 1 everywhere; choose another --metric"),
        ({"recipe": "one"}, {}, "has 1 recipes with 'loss'"),
    ],
)
def test_what_cannot_be_ranked_is_one_line(change: dict[str, Any], how: dict[str, Any], message: str) -> None:
    rows = [row | change | ({"seed": i} if change else {}) for i, row in enumerate(made())]
    with pytest.raises(synthmix.BadInput) as error:
        synthmix.rank(rows, **how)
    assert message in str(error.value)


@pytest.mark.skipif(not (PUBLIC / "dclm_models.csv.gz").exists(), reason="no published runs: set SYNTHMIX_SHARED")
def test_orders_at_7_billion_are_foretold_from_below() -> None:
    """DCLM, CORE: above the plain order's .772 from 1.4B, level with its .836 from .4B; of the pairs told apart .9."""
    with gzip.open(PUBLIC / "dclm_models.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Core"] not in ("", "nan")]
    rows = [row for row in rows if float(row["tokens"]) / float(row["params"]) < 21]
    numbers = {
        "N": np.array([float(row["params"]) for row in rows]),
        "D": np.array([float(row["tokens"]) for row in rows]),
        "task.core": np.array([float(row["Core"]) for row in rows]),
    }
    table = RunsTable(numbers, {"recipe": [row["Dataset"] for row in rows]}, (Metric.of_task("core"),))
    scores = table_scores(table, "task.core")
    found = {}
    for name, sizes in {"1.4B": (1.44e9,), ".4B": (0.41e9,), "both": (0.41e9, 1.44e9)}.items():
        kept = [i for i, cell in enumerate(scores.at) if any(abs(cell.N / n - 1) < 0.1 for n in sizes)]
        check = check_at(scores.only(kept), scores, scores.at[-1], "score", 0.9)
        assert check is not None
        found[name] = check
    assert (found["1.4B"].pairs, found[".4B"].pairs) == (136, 55)
    assert found["1.4B"].right > 0.772
    assert found[".4B"].right >= 0.836 - 1e-3
    for name in ("1.4B", "both"):
        assert found[name].decided >= 0.5
        assert (found[name].decided_right or 0) >= 0.9
    assert (found[".4B"].decided_right or 0) >= 0.9  # of 38 %: 2.4 decades away it does not claim half


def test_the_command_says_what_the_function_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from synthmix.cli import main

    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in made()))

    def run(*more: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["rank", str(path), "--params", "7B", "--tokens", "140B", *more])
        assert ended.value.code == 0
        return capsys.readouterr().out

    said = run("--html", str(tmp_path / "rank.html"))
    for words in ("Recipes at the target", "Its own past", "Calibration", "Pairs of the first group", "page: "):
        assert words in said
    assert (tmp_path / "rank.html").exists()
    assert Ranking.model_validate(json.loads(run("--json"))) == synthmix.rank(path, params="7B", tokens="140B")


def test_a_study_is_ranked_by_its_recipes(make: Callable[..., Results]) -> None:
    found = synthmix.rank(make(), params="10M", tokens="90M")  # a third of hq is best by .067 nats, all of it worst
    assert found.recipes[0].recipe == "33% hq"
    assert found.recipes[-1].recipe == "100% hq"
    assert found.check is not None
    assert found.check.decided_right == 1.0
