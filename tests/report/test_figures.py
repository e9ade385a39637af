import re
from itertools import combinations, pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from synthmix.report.figures import colours, dash, direct_labels, recipe_token, symbol
from synthmix.report.study_figures import figures
from synthmix.report.tables import tables
from synthmix.style import THEMES, contrast, label, scales, series


def resolved(value, palette, key=""):
    """What the page's script does: ``@token`` under a colour key becomes the theme's colour."""
    if isinstance(value, dict):
        return {k: resolved(v, palette, k) for k, v in value.items()}
    if isinstance(value, list):
        return [resolved(v, palette, key) for v in value]
    if isinstance(value, str) and value.startswith("@") and re.search(r"color(scale)?$", key):
        return palette[value[1:]]
    return value


@pytest.mark.parametrize("theme", THEMES)
def test_plotly_accepts_every_view_with_every_colour_resolved(make, theme):
    results = make()
    palette = {**colours(results, theme), **scales(theme)}
    for figure in figures(results):
        for view in figure.views:
            drawn = go.Figure(resolved({"data": view.data, "layout": view.layout}, palette), skip_invalid=False)
            assert "@" not in drawn.to_json()


def test_the_marks_are_the_runs(make):
    results = make()
    figure = next(f for f in figures(results) if f.id == "loss-tokens")
    assert [v.label for v in figure.views] == ["1M parameters", "300k parameters", "100k parameters"]
    for view, params in zip(figure.views, (1_000_000, 300_000, 100_000), strict=True):
        drawn = {(x, y) for t in view.data if t.get("mode") == "markers" for x, y in zip(t["x"], t["y"], strict=True)}
        assert drawn == {(r.tokens, r.loss) for r in results.runs if r.params == params}


def test_training_curves_are_those_of_the_longest_run_of_each_recipe(make):
    results = make()
    figure = next(f for f in figures(results) if f.id == "training")
    sizes = ["1M parameters", "300k parameters", "100k parameters"]
    assert [v.label for v in figure.views] == [f"{kind}, {size}" for size in sizes for kind in ("held out", "training")]
    longest = max(run.tokens for run in results.runs)
    for view, params in zip(figure.views[1::2], (1_000_000, 300_000, 100_000), strict=True):
        drawn = {tuple(zip(t["x"], t["y"], strict=True)) for t in view.data}
        first = [r for r in results.runs if (r.params, r.tokens, r.seed) == (params, longest, 0)]
        assert drawn == {tuple(map(tuple, run.trace)) for run in first}
    without = results.model_copy(update={"runs": [run.model_copy(update={"trace": []}) for run in results.runs]})
    assert "training" not in {f.id for f in figures(without)}, "other trainers' runs may have none"


def test_held_out_curves_are_averages_over_the_domains_and_come_first(make):
    results = make()
    heldout = [(1000, {"python": 4.0, "sympy": 5.0}), (2000, {"python": 3.0, "sympy": 4.0})]
    runs = [run.model_copy(update={"heldout": heldout}) for run in results.runs]
    results = results.model_copy(update={"runs": runs})
    figure = next(f for f in figures(results) if f.id == "training")
    assert [v.label for v in figure.views][:2] == ["held out, 1M parameters", "training, 1M parameters"]
    assert all((t["x"], t["y"]) == ([1000, 2000], [4.5, 3.5]) for t in figure.views[0].data)
    assert len({t["line"].get("dash", "solid") for t in figure.views[0].data}) > 1
    table = next(t for t in tables(results) if t.name == "heldout_curves")
    assert len(table.rows) == 4 * len(runs)
    assert table.rows[0][5:] == (1000, "python", 4.0)


def test_the_first_view_of_the_best_sizes_shows_models_that_were_trained(make):
    results = make()
    most = max(6.0 * run.params * run.tokens for run in results.runs)
    far = [curve.model_copy(update={"flops": 1e6 * most}) for curve in results.isoflops]
    near = [curve.model_copy(update={"flops": most}) for curve in results.isoflops]
    results = results.model_copy(update={"isoflops": [*far, *near]})
    figure = next(f for f in figures(results) if f.id == "isoflop")
    marked = [t for t in figure.views[0].data if t["mode"] == "markers" and t["marker"]["symbol"] != "star-open"]
    seen = {(run.params, run.loss) for run in results.runs}
    assert marked
    assert all((x, y) in seen for t in marked for x, y in zip(t["x"], t["y"], strict=True))
    assert "not trained" in figure.views[-1].label


def test_the_share_figure_shows_what_was_measured_at_full_height(make):
    results = make()
    wide = [c.model_copy(update={"high": [*c.high[:-1], 99.0]}) for c in results.share_curves]
    last = [c.model_copy(update={"measured": [p for p in c.measured if p.share < 1]}) for c in wide]
    view = figures(results.model_copy(update={"share_curves": last}))[0].views[0]
    low, high = view.layout["yaxis"]["range"]
    losses = [y for t in view.data if t["mode"] == "markers" for y in t["y"]]
    assert low < min(losses)
    assert max(losses) < high < 10, "the band beyond the shares measured does not squeeze them"


def test_what_was_measured_comes_first_and_the_question_last(make):
    results = make()
    figure = figures(results)[0]
    assert figure.id == "share"
    assert figure.views[0].label == "measured: 1M on 4M tokens"
    assert figure.views[-1].label == "question: 1B on 100B tokens"
    uprights = [s["x0"] for s in figure.views[-1].layout["shapes"] if s["type"] == "line"]
    assert uprights == [pytest.approx(100 / 3), 0]


def test_the_heat_map_is_the_difference_from_natural(make):
    results = make({"rephrase": (-0.24, 0.36)})
    figure = next(f for f in figures(results) if f.id == "domains")
    heat = figure.views[0].data[0]
    layout = figure.views[0].layout
    column, row = layout["xaxis"]["ticktext"].index("67%<br>rephrase"), layout["yaxis"]["ticktext"].index("torch*")
    cell = [r for r in results.runs if (r.params, r.tokens) == (1_000_000, 4_000_000)]
    mean = {s: sum(r.losses["torch"] for r in cell if r.share == s) / 2 for s in (0, 2 / 3)}
    assert heat["z"][row][column] == pytest.approx(mean[2 / 3] - mean[0], abs=1e-12)
    assert heat["zmin"] == -heat["zmax"]


def test_a_recipe_keeps_its_colour_and_shape(make):
    results = make()
    light = colours(results, "light")
    assert light["r0"] == light["ink"]
    tokens = [recipe_token(results, r.name) for r in results.recipes]
    assert len({light[t] for t in tokens}) == len(tokens)
    assert len({symbol(results, r.name) for r in results.recipes}) == len(results.recipes)
    assert dash(results, "natural") == "solid"
    assert len({dash(results, r.name) for r in results.recipes[:6]}) == 6


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
}  # fmt: skip
# Ottosson (2020), https://bottosson.github.io/posts/oklab
CONES = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                  [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
OKLAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                  [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip


def seen(colour, sight):
    """Its place in OKLab for a sight; two colours .02 apart are told apart side by side."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return OKLAB @ np.cbrt(CONES @ np.clip(SIGHT[sight] @ linear, 0, 1))


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", THEMES)
def test_the_palette_is_told_apart_by_every_sight(theme, sight):
    palette = series(7, theme)
    places = [seen(palette[f"s{i}"], sight) for i in range(7)]
    least = min(np.linalg.norm(a - b) for a, b in combinations(places, 2))
    assert least > 0.1, "between natural text's ink and the six sources; it was .027 before colours were chosen for it"


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", THEMES)
def test_the_shares_of_a_source_are_told_apart_by_every_sight(make, theme, sight):
    results = make(dict.fromkeys("abcdef", (0.0, 0.1)))
    palette = colours(results, theme)
    for source in "abcdef":
        mine = [r.name for r in results.recipes if r.synthetic in (None, source)]
        places = [seen(palette[recipe_token(results, name)], sight) for name in mine]
        assert min(np.linalg.norm(a - b) for a, b in combinations(places, 2)) > 0.05
        assert len({symbol(results, name) for name in mine}) == len(mine)


@pytest.mark.parametrize("theme", THEMES)
def test_colours_can_be_seen_and_text_can_be_read(make, theme):
    palette = colours(make(dict.fromkeys("abcdef", (0.0, 0.1))), theme)
    for text in ("ink", "muted", "accent", "flag"):
        assert contrast(palette[text], palette["paper"]) >= 4.5
        assert contrast(palette[text], palette["panel"]) >= 4.5
    for name, colour in palette.items():
        if re.fullmatch(r"[rs]\d+", name):
            assert contrast(colour, palette["paper"]) >= 3, name


def test_labels_are_apart_and_in_order():
    ends = [("a", 1.0, 0.50, "r0"), ("b", 1.0, 0.50, "r1"), ("c", 1.0, 0.51, "r2"), ("d", 1.0, 0.9, "r3")]
    heights = [note["y"] for note in direct_labels(ends, gap=0.1)]
    assert all(b - a >= 0.1 - 1e-9 for a, b in pairwise(heights))
    assert heights[3] == pytest.approx(0.9)
    assert sum(heights[:3]) / 3 == pytest.approx((0.50 + 0.50 + 0.51) / 3)


def test_label_disarms_plotlys_markup():
    assert label("<a href='x'>%{y}$") == "&lt;a href=&#x27;x&#x27;&gt;%&#123;y}&#36;"
    assert len(label("n" * 99)) == 26


def test_long_names_that_shorten_alike_stay_apart(make):
    results = make({"rephrased-by-a-model-1": (0.0, 0.1), "rephrased-by-a-model-2": (0.0, 0.1)})
    heat = next(f for f in figures(results) if f.id == "domains").views[0].data[0]
    assert heat["x"] == [0, 1, 2, 3, 4, 5]
    assert heat["customdata"][0][0] != heat["customdata"][0][3]
