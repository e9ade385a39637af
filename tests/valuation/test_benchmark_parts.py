"""The parts of benchmarks/valuation that its tables stand on: drawing, spoiling, correlating, keeping the truth."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.valuation import noise_images, noise_text, selection, truth
from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.correlation import agreements, mean_agreement, resamples, signed
from benchmarks.valuation.measure import measure
from benchmarks.valuation.sources import Source
from benchmarks.valuation.tables import mean_table, task_table, tasks_table
from benchmarks.valuation.tasks.task import Task
from scipy import stats

from synthmix.errors import BadInput
from synthmix.valuation.pool import Pool
from synthmix.valuation.score import Score

TEXTS = [f"word{i} is here and there {i}" for i in range(40)]
SOURCES = {
    "real": Source(TEXTS, np.arange(40) % 3, natural=True),
    "made": Source([f"made {text}" for text in TEXTS], np.arange(40) % 3),
}
NOISES = {"typos": noise_text.typos}


def test_a_contributor_holds_what_its_recipe_says():
    made = contribute(Recipe(20, 0.25, "made"), SOURCES, NOISES)
    texts = made.pool.all().items
    assert sum(text.startswith("made") for text in texts) == 15
    assert made.pool.share == 0.25
    assert len(set(texts)) == 20  # without replacement
    assert [(part.share, len(part.all())) for part in made.parts] == [(1.0, 5), (0.0, 15)]
    again = contribute(Recipe(20, 0.25, "made"), SOURCES, NOISES)
    assert again.pool.all().items == texts
    with pytest.raises(BadInput, match="50 items are asked of 40"):
        contribute(Recipe(50, 1.0), SOURCES, NOISES)


def test_copies_flips_and_noise_reach_their_share():
    copied = contribute(Recipe(40, 1.0, copies=4), SOURCES, NOISES).pool.all().items
    assert sorted(copied.count(text) for text in set(copied)) == [4] * 10
    flipped = contribute(Recipe(40, 1.0, flips=1.0), SOURCES, NOISES).pool.all()
    labels = dict(zip(TEXTS, np.arange(40) % 3, strict=True))
    assert all(labels[text] != label for text, label in zip(flipped.items, flipped.labels, strict=True))
    spoiled = contribute(Recipe(40, 1.0, noise="typos", strength=0.5), SOURCES, NOISES).pool.all().items
    assert 8 < len(set(spoiled) - set(TEXTS)) < 32


def test_random_recipes_are_different_and_repeatable():
    levels = {"size": (10, 20), "share": (0.0, 0.5, 1.0), "generator": ("made",)}
    first, second = (design(9, levels, (("", 0.0), ("typos", 1.0)), fixed=(Recipe(5, 1.0),), seed=3) for _ in range(2))
    assert first == second
    assert len({recipe.name for recipe in first}) == 9
    assert first[0] == Recipe(5, 1.0)


@pytest.mark.parametrize(
    "spoil",
    ["shuffled_words", "truncated", "typos", "foreign_words", "shuffled_lines", "wrong_numbers", "answers_of_others"],
)
def test_noise_changes_texts_one_for_one(spoil):
    steps = "\n".join(f"step {at} gives {at + 10}" for at in range(6))
    texts = [f"question {i} of these?\n{steps} and {i * 7}" for i in range(30)]
    worse = getattr(noise_text, spoil)(texts, np.random.default_rng(0))
    assert len(worse) == 30
    assert sum(a != b for a, b in zip(texts, worse, strict=True)) > 15
    if spoil in ("shuffled_lines", "wrong_numbers", "answers_of_others"):  # the question stays
        assert [text.split("\n")[0] for text in worse] == [text.split("\n")[0] for text in texts]
    if spoil == "shuffled_words":
        assert [sorted(text.split()) for text in worse] == [sorted(text.split()) for text in texts]


@pytest.mark.parametrize("spoil", ["noisy", "blurred", "occluded", "shifted", "inverted"])
def test_noise_keeps_the_form_of_images(spoil):
    images = np.random.default_rng(0).random((12, 8, 8)).astype(np.float32)
    before = images.copy()
    worse = getattr(noise_images, spoil)(images, np.random.default_rng(1))
    assert worse.shape == images.shape
    assert worse.dtype == images.dtype
    assert worse.min() >= 0
    assert worse.max() <= 1
    assert (worse != before).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(images, before)  # the source is not touched


def test_correlations_are_scipys_with_ties():
    rng = np.random.default_rng(0)
    scores, worth = rng.integers(0, 5, 20).astype(float), rng.random(20).round(1)
    found = agreements(scores, worth, resamples(20)[:50])
    for kind, oracle in (("spearman", stats.spearmanr), ("kendall", stats.kendalltau), ("pearson", stats.pearsonr)):
        assert found[kind].value == pytest.approx(oracle(scores, worth)[0])
        row = resamples(20)[7]
        assert found[kind].draws[7] == pytest.approx(oracle(scores[row], worth[row])[0])


def test_intervals_hold_the_correlation_and_pairs_cancel():
    rng = np.random.default_rng(1)
    worth = rng.normal(size=200)
    scores = worth + rng.normal(size=200)
    one = agreements(scores, worth, resamples(200))["pearson"]
    assert one.interval.bounded
    assert one.interval.mid == one.value
    assert one.interval.low < one.value < one.interval.high
    assert one.interval.high - one.interval.low == pytest.approx(2 * 1.645 * (1 - one.value**2) / np.sqrt(200), rel=0.3)
    none = one.minus(one).interval
    assert (none.low, none.mid, none.high) == (0, 0, 0)
    assert mean_agreement([one, one]).interval == one.interval


def test_groups_are_drawn_whole():
    groups = np.repeat(list("abcd"), 3)
    for row in resamples(12, groups=list(groups))[:20]:
        counts = [int((groups[row] == name).sum()) for name in "abcd"]
        assert all(count % 3 == 0 for count in counts)
        assert sum(counts) == 12


def test_a_constant_score_has_no_correlation():
    assert np.isnan(agreements(np.zeros(9), np.arange(9.0), resamples(9))["spearman"].value)


class MeanLength:
    """A method as small as one can be."""

    name = "mean length"

    def fit(self, reference):
        self.target = np.mean([len(text) for text in reference.all().items])
        return self

    def score(self, pool):
        value = -abs(np.mean([len(text) for text in pool.all().items]) - self.target)
        return Score(pool.name, float(value), terms={"length": float(value)})


class Refuses(MeanLength):
    def score(self, pool):
        raise BadInput("needs images")


class CountingLearner:
    """Its models are the words of a pool; the loss of a test is the share of words that the model lacks."""

    name, trained = "counting", 0

    def fit(self, reference):
        return self

    def train(self, pool, *, seed=0):
        CountingLearner.trained += 1
        return {word for text in pool.all().items for word in text.split()} | {f"seed{seed}"}

    def loss(self, model, pool):
        words = [word for text in pool.all().items for word in text.split()]
        return sum(word not in model for word in words) / len(words)


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setattr(truth, "WORK", tmp_path / "work")
    monkeypatch.setattr(truth, "KEPT", tmp_path / "kept")
    recipes = [Recipe(size, share, "made") for size in (5, 10, 20) for share in (0.0, 0.5, 1.0)]
    made = tuple(contribute(recipe, SOURCES, NOISES) for recipe in recipes)
    return Task("small", (Pool.of("real", TEXTS),), made, Pool.of("test", TEXTS), CountingLearner, metrics=("loss",))


def test_the_truth_is_trained_once_and_kept(task):
    CountingLearner.trained = 0
    first = truth.truth(task)
    assert CountingLearner.trained == 9 * 3 + 1  # three seeds each, and one run on everything
    assert truth.truth(task) == first
    assert CountingLearner.trained == 28
    assert first["100% real, 20"]["loss"] < first["100% real, 5"]["loss"]
    truth.truth(replace(task, contributors=(*task.contributors, contribute(Recipe(7, 1.0), SOURCES, NOISES))))
    assert CountingLearner.trained == 28 + 4  # the new one, and everything together
    truth.keep(task)
    (truth.WORK / "truth-small.json").unlink()
    assert truth.truth(task) == first
    assert CountingLearner.trained == 32


def test_tables_order_methods_and_name_those_that_refuse(task):
    worth = truth.truth(task)
    names = [each.name for each in task.contributors]
    best = dict(zip(names, signed(worth, names, "loss"), strict=True))
    results = {
        "mean length": measure(lambda task: MeanLength(), task),
        "ours": measure(lambda task: MeanLength(), task) | {"scores": [best]},
        "images only": measure(lambda task: Refuses(), task),
    }
    table = task_table(task, worth, results)
    lines = table.splitlines()
    assert lines[2].startswith("| ours | 1.000")
    assert lines[3].startswith("| mean length |")
    assert lines[-1] == "- images only: needs images"
    mean = mean_table({"small": (task, worth, results)}).splitlines()
    assert mean[2].startswith("| ours | 1.000 | 1.000")
    assert mean[3].split("|")[-2].strip() in ("0", "1")
    assert "| small | 9 | 5 to 20 | 40 | 40 | loss |" in tasks_table([(task, worth)])


def test_a_budget_is_filled_in_the_order():
    sizes = np.array([5, 1, 3, 4])
    assert selection.filled(np.array([2, 1, 0, 3]), sizes, 8).tolist() == [False, True, True, False]
    assert selection.filled(np.array([2, 1, 3, 0]), sizes, 8).tolist() == [False, True, True, True]


def test_importance_takes_what_is_like_the_target_first():
    target = [f"the sea and the wind {i}" for i in range(30)]
    raw = [f"stone road number {i}" for i in range(40)] + [f"the wind over the sea {i}" for i in range(20)]
    order = selection.importance(target, raw)
    assert set(order(0)[:20]) == set(range(40, 60))
    assert order(0).tolist() != order(1).tolist()
    assert order(1).tolist() == order(1).tolist()


def test_every_item_of_a_task_stands_once_and_knows_whether_it_is_clean():
    clean, spoiled = Recipe(20, 0.5, "made"), Recipe(20, 1.0, noise="typos", strength=0.5)
    made = tuple(contribute(recipe, SOURCES, NOISES) for recipe in (clean, clean, spoiled))
    pool, natural = selection.once(Task("t", (made[0].pool,), made))
    items = pool.all().items
    assert len(set(items)) == len(items) == len(natural)
    parts = {item: part.share == 1 for part in made[0].parts for item in part.all().items}
    assert all(natural[items.index(item)] == real for item, real in parts.items())
    assert natural.sum() == sum(parts.values())
