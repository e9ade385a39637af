"""One rule for cells, for the largest of them, for seed noise and for measured differences."""

import numpy as np
import pytest
from scipy import stats

from synthmix.errors import BadInput
from synthmix.results import Recipe, RunRow
from synthmix.runs import Cell, RunsTable, read_runs
from synthmix.runs.table import mixture_of, of_rows
from synthmix.scaling.noise import pooled_noise

KINDS = {"web": "natural", "qa": "synthetic", "hq": "synthetic"}
RECIPES = {
    "web": {"web": 1.0},
    "half qa": {"web": 0.5, "qa": 0.5},
    "both": {"web": 0.5, "qa": 0.25, "hq": 0.25},
}


def row(recipe: str, params: int, tokens: int, seed: int, loss: float, **more: object) -> RunRow:
    shares = RECIPES[recipe]
    synthetic = [name for name in shares if KINDS[name] == "synthetic"]
    return RunRow.model_validate(
        {"id": f"{recipe}{params}{tokens}{seed}", "recipe": recipe, "params": params, "params_total": 2 * params,
         "synthetic": synthetic[0] if len(synthetic) == 1 else None, "share": sum(shares[s] for s in synthetic),
         "tokens": tokens, "seed": seed, "loss": loss, "losses": {"a": loss, "b": loss + 1}, "bits": {},
         "flops": 6.0 * params * tokens, "seconds": 1.0, "tokens_per_second": 1.0, "epochs": {}, **more}
    )  # fmt: skip


def table(*rows: RunRow) -> RunsTable:
    recipes = []
    for name, shares in RECIPES.items():
        synthetic = [source for source in shares if KINDS[source] == "synthetic"]
        share = sum(shares[source] for source in synthetic)
        one = synthetic[0] if len(synthetic) == 1 else None
        recipes.append(Recipe(name=name, shares=shares, synthetic=one, share=share))
    return of_rows(rows, recipes, KINDS)  # type: ignore[arg-type]


def test_what_a_study_s_rows_become() -> None:
    found = table(row("both", 100, 1000, 0, 3.0, epochs={"web": 2.0}), row("web", 100, 1000, 0, 3.2))
    assert found.recipes == ["web", "both"], "natural text alone first"
    assert found.natural == "web"
    assert found.synthetic("both") is None
    assert found.shares("both") == {"web": 0.5, "qa": 0.25, "hq": 0.25}
    assert found.text("mixture")[0] == mixture_of({"qa": 0.25, "hq": 0.25, "web": 0.5}) == "0.25 hq + 0.25 qa + 0.5 web"
    assert found.column("unique.web").tolist() == [250.0, 1000.0]
    assert [(m.name, m.unit, m.domain) for m in found.metrics] == [
        ("loss", "nats", None), ("loss.a", "nats", "a"), ("loss.b", "nats", "b"),
    ]  # fmt: skip
    assert "2 runs, 2 recipes, 1 cells" in repr(found)


def test_the_largest_cell_has_the_most_recipes_then_the_most_compute() -> None:
    rows = [row(name, n, d, 0, 3.0) for name in RECIPES for n, d in ((100, 1000), (100, 2000), (200, 1000))]
    beyond = [row("web", 400, 4000, 0, 2.0), row("both", 400, 4000, 0, 2.0)]
    found = table(*rows, *beyond)
    assert found.largest_cell() == Cell(200, 1000), "two recipes at the largest cell, three below it"
    assert found.of_recipe("web", "both").largest_cell() == Cell(400, 4000)
    assert found.largest_cell("half qa") == Cell(200, 1000)
    without = table(*[r for r in rows if r.recipe != "web" or r.params == 100], row("half qa", 9, 9, 0, 3))
    assert without.largest_cell() == Cell(100, 2000), "natural text alone must be there"
    assert table(row("web", 1, 1, 0, 3.0)).largest_cell() is None
    assert [str(cell) for cell in table(row("web", 10**6, 10**9, 0, 3.0)).cells] == ["1M parameters and 1B tokens"]


def test_two_more_recipes_at_a_small_cell_do_not_move_the_comparison_there(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"web": {"web": 1.0}, **{f"{i} hq": {"web": 1 - i / 100, "hq": i / 100} for i in range(1, 18)}}
    monkeypatch.setattr(f"{__name__}.RECIPES", many)
    small = [row(name, 100, 1000, 0, 3.0) for name in many]
    assert table(*small, *(row(name, 200, 2000, 0, 2.9) for name in list(many)[:16])).largest_cell() == Cell(200, 2000)
    assert table(*small, *(row(name, 200, 2000, 0, 2.9) for name in list(many)[:15])).largest_cell() == Cell(100, 1000)


def test_noise_is_pooled_over_replicates_with_its_degrees_of_freedom() -> None:
    rng = np.random.default_rng(0)
    rows = [row("web", 100, d, s, 3 + rng.normal()) for d in (1000, 2000) for s in range(3)]
    found = table(*rows, row("both", 100, 1000, 0, 9.0))
    noise = found.noise()
    losses = np.array([r.loss for r in rows]).reshape(2, 3)
    assert noise.sd == pytest.approx(np.sqrt(losses.var(axis=1, ddof=1).mean()))
    assert (noise.dof, noise.cells, noise.runs, noise.by) == (4, 2, 6, {})
    assert noise.apart(0.9) == pytest.approx(stats.t.ppf(0.95, 4) * noise.sd * np.sqrt(2))
    assert table(row("web", 1, 1, 0, 3.0)).noise().apart() is None


def test_recipes_that_differ_in_noise_have_their_own() -> None:
    rng = np.random.default_rng(1)
    rows = [row(name, 100, d, s, 3 + sd * rng.normal()) for name, sd in (("web", 0.01), ("both", 0.3))
            for d in (1000, 2000, 3000, 4000) for s in range(4)]  # fmt: skip
    noise = table(*rows).noise()
    assert set(noise.by) == {"web", "both"}
    assert noise.of("web") < 0.02 < 0.15 < noise.of("both")
    assert noise.of("half qa") == noise.sd
    values = np.array([r.loss for r in rows]).reshape(2, 4, 4)
    centred = [values[i] - values[i].mean(axis=1, keepdims=True) for i in range(2)]
    own = [np.sqrt((c**2).sum() / 12) for c in centred]
    assert [noise.of("web"), noise.of("both")] == pytest.approx(own)


def test_bartlett_s_test_is_scipys() -> None:
    """One group a name: the names' own variances are kept just where scipy's p is below 5 %."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(0, 1, 8), rng.normal(0, rng.uniform(0.5, 3), 8)
        found = pooled_noise(np.r_[a, b], np.repeat([0, 1], 8), by=np.repeat(["a", "b"], 8))
        assert bool(found.by) == (stats.bartlett(a, b).pvalue < 0.05)


def test_a_measured_difference_pairs_equal_seeds() -> None:
    cell = Cell(100, 1000)
    shift = [0.0, 0.5, -0.3]  # a seed's own effect on both recipes cancels
    rows = [row(name, 100, 1000, s, base + shift[s] + 0.01 * (s if name == "both" else 0))
            for name, base in (("web", 3.0), ("both", 2.9)) for s in range(3)]  # fmt: skip
    found = table(*rows).difference("both", "web", cell)
    assert found.mid == pytest.approx(-0.09)
    half = stats.t.ppf(0.95, 2) * 0.01 / np.sqrt(3)
    assert (found.low, found.high) == pytest.approx((-0.09 - half, -0.09 + half))


def test_few_seeds_take_the_pooled_noise() -> None:
    cell = Cell(100, 1000)
    rows = [row("web", 100, 1000, 0, 3.0), row("web", 100, 1000, 1, 3.2), row("both", 100, 1000, 0, 2.9)]
    found = table(*rows)
    noise = found.noise()
    difference = found.difference("both", "web", cell)
    half = stats.t.ppf(0.95, 1) * noise.sd * np.sqrt(1 + 1 / 2)
    assert difference.mid == pytest.approx(-0.2)
    assert difference.high == pytest.approx(-0.2 + half)
    alone = table(rows[0], rows[2]).difference("both", "web", cell)
    assert (alone.mid, alone.low, alone.why) == (pytest.approx(-0.1), None, "no replicates")
    assert found.difference("both", "web", Cell(1, 1)).mid is None


def test_another_metric_has_its_own_noise_and_difference() -> None:
    rows = [row("web", 100, 1000, s, 3.0, tasks={"t": 0.4 + 0.02 * s}) for s in range(2)]
    found = table(*rows, row("both", 100, 1000, 0, 3.0, tasks={"t": 0.5}), row("both", 100, 1000, 1, 3.0))
    assert found.metrics[-1].higher_is_better
    assert found.noise("task.t").sd == pytest.approx(np.std([0.4, 0.42], ddof=1))
    assert found.difference("both", "web", Cell(100, 1000), "task.t").mid == pytest.approx(0.09)
    with pytest.raises(BadInput, match=r"no column 'task\.u'; there are N"):
        found.column("task.u")


def test_frames(tmp_path: object) -> None:
    found = table(row("web", 100, 1000, 0, 3.0), row("both", 100, 1000, 0, 2.9))
    frame = found.to_frame()
    assert frame["loss.a"].to_pylist() == [3.0, 2.9]
    assert read_runs(frame, "N=N,D=D,loss=loss").column("loss").tolist() == [3.0, 2.9]
