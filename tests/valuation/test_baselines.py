"""Every baseline: one shape, one order that it must get right, what it refuses."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from benchmarks.valuation.baselines import BASELINES
from benchmarks.valuation.baselines.retrain import Retrain, union

from synthmix.errors import BadInput
from synthmix.valuation.encoding import Encoder, encoder_for
from synthmix.valuation.learners import ClassifierLearner, LanguageLearner
from synthmix.valuation.methods import METHODS, score_by
from synthmix.valuation.methods.influence import Kmm
from synthmix.valuation.pool import Batch, Pool

pytestmark = pytest.mark.smoke

NEEDS_LABELS = {"conditional_mmd", "cross_accuracy", "knn_shapley"}
BLIND_TO_LABELS = {"mmd", "pad", "size", "mean_length", "random"}  # by what they are
UNSURE = {"davinz", "deviation"}  # no order is promised on cases so small
NO_ORDER = {"size", "mean_length", "random"}
TEXT = {"mean_length", "coverage", "kneser_ney", "kneser_ney_filter", "classifier", "dsir", "fasttext", "stacked"}


@pytest.fixture(autouse=True)
def _where_it_installs(request: pytest.FixtureRequest) -> None:
    if "fasttext" in request.node.callspec.params.values() if hasattr(request.node, "callspec") else False:
        pytest.importorskip("fasttext")


class Labelled:
    """Digits: a reference, a clean candidate, one with wrong labels, one with noisy images."""

    def __init__(self) -> None:
        from sklearn.datasets import load_digits

        held = load_digits()
        images, labels = held.images.astype(np.float32), held.target
        rng = np.random.default_rng(0)
        here = slice(200, 350)
        self.reference = Pool.of("target", images[:200], labels[:200])
        self.clean = Pool.of("clean", images[here], labels[here])
        self.wrong = Pool.of("wrong", images[here], rng.permutation(labels[here]))
        noise = rng.normal(0, 12, (150, 8, 8)).astype(np.float32)
        self.noisy = Pool.of("noisy", images[here] + noise, labels[here])
        self.learner = ClassifierLearner(network="perceptron", least=80, epochs=5, hidden=(32,)).fit(self.reference)
        self.encoder: Encoder = encoder_for(self.reference)


class Unlabelled:
    """Stories: a reference, a candidate of its dialect, one of another."""

    def __init__(self, make: Callable[..., list[str]]) -> None:
        self.reference = Pool.of("target", make(40, first=3000, words=25))
        self.near, self.far = Pool.of("near", make(40, words=25)), Pool.of("far", make(40, words=25, dialect=2))
        self.learner = LanguageLearner(vocab=300, params=25_000, context=32, batch=512, tokens=15_000, rate=0.02)
        self.learner.fit(self.reference)
        self.encoder: Encoder = encoder_for(self.reference)


@pytest.fixture(scope="module")
def labelled() -> Labelled:
    return Labelled()


@pytest.fixture(scope="module")
def unlabelled(make_stories: Callable[..., list[str]]) -> Unlabelled:
    return Unlabelled(make_stories)


@pytest.mark.parametrize("name", [name for name in BASELINES if name not in TEXT])
def test_labelled_images(labelled: Labelled, name: str) -> None:
    method = BASELINES[name](encoder=labelled.encoder, learner=labelled.learner, most=120).fit(labelled.reference)
    clean, wrong, noisy = (method.score(pool) for pool in (labelled.clean, labelled.wrong, labelled.noisy))
    held = labelled.clean.all()
    assert method.score(Pool.of("a copy", held.items, held.labels)).value == clean.value, "equal data, equal scores"
    assert clean.name == "clean"
    assert clean.cost.documents == 150
    assert np.isfinite([*clean.terms.values(), clean.value]).all()
    if name not in BLIND_TO_LABELS | UNSURE:
        assert clean.value > wrong.value
    if name in ("mmd", "davinz", "conditional_mmd", "lava", "cross_accuracy", "retrain"):
        assert clean.value > noisy.value


@pytest.mark.parametrize("name", [name for name in BASELINES if name not in NEEDS_LABELS])
def test_text_without_labels(unlabelled: Unlabelled, name: str) -> None:
    method = BASELINES[name](encoder=unlabelled.encoder, learner=unlabelled.learner, most=30).fit(unlabelled.reference)
    near, far = method.score(unlabelled.near), method.score(unlabelled.far)
    assert near.cost.documents == 40
    assert np.isfinite([*near.terms.values(), near.value]).all()
    if name not in UNSURE | NO_ORDER:
        assert near.value > far.value


def test_of_all_methods_those_that_cannot_value_the_data_are_left_out(labelled: Labelled) -> None:
    bare = [Pool.of(pool.name, pool.all().items) for pool in (labelled.reference, labelled.clean)]
    found = score_by(["all"], bare[0], bare[1:], encoder=labelled.encoder)
    assert set(found) == {"mmd", "lava", "pad"}, "neither labels nor a learner"
    alone = METHODS["mmd"](encoder=labelled.encoder).fit(bare[0]).score(bare[1])
    assert found["mmd"][0].value == score_by(["mmd"], bare[0], bare[1:], encoder=labelled.encoder)["mmd"][0].value
    assert found["mmd"][0].value == alone.value
    with pytest.raises(BadInput, match="has no labels, which knn_shapley needs"):
        score_by(["mmd", "knn_shapley"], bare[0], bare[1:], encoder=labelled.encoder)
    with pytest.raises(BadInput, match=r"--method: no method 'retrain'; one of coverage, .*, or all"):
        score_by(["retrain"], bare[0], bare[1:], encoder=labelled.encoder)


@pytest.mark.parametrize("name", sorted(NEEDS_LABELS))
def test_a_method_that_needs_labels_says_so(labelled: Labelled, name: str) -> None:
    bare = Pool.of("bare", labelled.clean.all().items)
    with pytest.raises(BadInput, match=f"bare: labels: has no labels, which {name} needs"):
        BASELINES[name](encoder=labelled.encoder).fit(labelled.reference).score(bare)


@pytest.mark.parametrize("name", [name for name in BASELINES if name not in TEXT - {"mean_length"}])
def test_no_method_scores_before_it_is_fitted_or_an_empty_pool(labelled: Labelled, name: str) -> None:
    method = BASELINES[name](encoder=labelled.encoder, learner=labelled.learner, most=20)
    with pytest.raises(BadInput, match=f"{name}: is not fitted; call fit"):
        method.score(labelled.clean)

    def nothing() -> Iterator[Batch]:
        return iter([])

    with pytest.raises(BadInput, match="empty: holds no items"):
        BASELINES[name](encoder=labelled.encoder, learner=labelled.learner, most=20).fit(labelled.reference).score(
            Pool("empty", nothing)
        )


def test_size_length_and_chance() -> None:
    reference, pool = Pool.of("r", ["a b", "c"]), Pool.of("p", ["a b c", "d", "e f"])
    size, length = (BASELINES[name]().fit(reference).score(pool) for name in ("size", "mean_length"))
    assert size.value == 3
    assert size.terms["amount"] == 6
    assert length.value == 2
    one, other = (BASELINES["random"](seed=seed).fit(reference).score(pool).value for seed in (0, 1))
    assert 0 <= one < 1
    assert one != other
    with pytest.raises(BadInput, match="an array, where mean_length needs text"):
        BASELINES["mean_length"]().fit(reference).score(Pool.of("x", np.zeros((3, 2))))


def test_one_class_is_a_warning_where_a_value_is_still_one_and_an_error_where_it_is_none(labelled: Labelled) -> None:
    held = labelled.clean.all()
    zeros = Pool.of("zeros", held.items[held.labels == 0], held.labels[held.labels == 0])
    for name in ("conditional_mmd", "lava", "knn_shapley"):
        score = BASELINES[name](encoder=labelled.encoder).fit(labelled.reference).score(zeros)
        assert [warning.split(":")[0] for warning in score.warnings] == ["one-class"]
    for name in ("cross_accuracy", "retrain", "perplexity"):
        with pytest.raises(BadInput, match="holds one class only"):
            BASELINES[name](encoder=labelled.encoder).fit(zeros).score(labelled.clean)
    for name in ("cross_accuracy", "retrain", "tracin"):
        method = BASELINES[name](encoder=labelled.encoder, learner=labelled.learner, most=20).fit(labelled.reference)
        with pytest.raises(BadInput, match="zeros: holds one class only"):
            method.score(zeros)


def test_features_of_another_size_and_models_without_gradients_are_refused(labelled: Labelled) -> None:
    small = Pool.of("small", np.zeros((10, 4, 4), dtype=np.float32), [0, 1] * 5)
    with pytest.raises(BadInput, match="features of size 16, where the reference has 64"):
        BASELINES["mmd"]().fit(labelled.reference).score(small)
    strange = Pool.of("strange", labelled.clean.all().items, labelled.clean.all().labels + 20)
    with pytest.raises(BadInput, match=r"strange: labels: has the label 2[0-9], which the reference does not have"):
        BASELINES["kmm"](learner=labelled.learner).fit(labelled.reference).score(strange)
    with pytest.raises(BadInput, match="on: is 'pool'; choose from initial, reference"):
        BASELINES["kmm"](on="pool")
    with pytest.raises(BadInput, match="holds one item, where pad needs two or more"):
        BASELINES["pad"]().fit(Pool.of("r", ["a b", "c d", "e"])).score(Pool.of("one", ["a"]))


def test_of_two_equal_candidates_kernel_mean_matching_takes_half_each_and_says_so(labelled: Labelled) -> None:
    method = Kmm(learner=labelled.learner, most=100).fit(labelled.reference)
    pools = [labelled.clean, labelled.clean, labelled.wrong]
    together = method.score_all(pools)
    assert together[0].value == pytest.approx(together[1].value, rel=1e-3)
    assert together[0].value < method.score(labelled.clean).value
    assert together[0].warnings[0].startswith("singular-kernel:")
    assert together[0].value > together[2].value
    assert method.score_all(pools[:1])[0].value == pytest.approx(method.score(labelled.clean).value, rel=1e-3)


def test_retraining_values_of_pools_add_up_to_the_utility_of_all(labelled: Labelled) -> None:
    method = Retrain(learner=labelled.learner).fit(labelled.reference)
    pools = [labelled.clean, labelled.wrong]
    values = method.score_all(pools, permutations=4)
    utility = method.utility(pools)
    assert sum(score.value for score in values) == pytest.approx(
        utility(frozenset({0, 1})) - utility(frozenset()), abs=1e-6
    )
    assert values[0].value > values[1].value
    assert len(union(pools).all()) == 300
    without = method.score_all(pools, how="loo")
    assert without[0].value == pytest.approx(utility(frozenset({0, 1})) - utility(frozenset({1})), abs=1e-6)
