"""Learners: what they fix by the reference, what training gives, what each refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from synthmix.errors import BadInput
from synthmix.valuation.learners import (
    ClassifierLearner,
    LanguageLearner,
    PretrainedClassifier,
    PretrainedLanguageModel,
    learner_for,
)
from synthmix.valuation.learners.classifier import orders
from synthmix.valuation.learners.language import packed, rows
from synthmix.valuation.pool import Batch, Pool


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def digits(noise: float = 0.0) -> tuple[Pool, Pool]:
    """Training and reference images (8, 8) of scikit-learn's digits, with a share of random labels."""
    from sklearn.datasets import load_digits

    held = load_digits()
    images, labels = held.images.astype(np.float32), held.target
    rng = np.random.default_rng(0)
    flipped = np.where(rng.random(len(labels)) < noise, rng.integers(0, 10, len(labels)), labels)
    return Pool.of("digits", images[:800], flipped[:800]), Pool.of("target", images[800:1200], labels[800:1200])


@pytest.fixture(scope="module")
def language(make_stories: Callable[..., list[str]]) -> LanguageLearner:
    reference = Pool.of("target", make_stories(60, first=1000))
    return LanguageLearner(vocab=300, params=25_000, context=32, batch=512, tokens=20_000).fit(reference)


def test_a_convolution_learns_digits_and_noise_in_labels_costs_accuracy() -> None:
    clean, target = digits()
    learner = ClassifierLearner(least=150, epochs=6).fit(target)
    model = learner.train(clean, seed=1)
    worse = learner.train(digits(noise=0.5)[0], seed=1)
    assert learner.accuracy(model, target) > 0.85
    assert learner.accuracy(worse, target) < learner.accuracy(model, target)
    assert learner.loss(model, target) < learner.loss(worse, target) < np.log(10)
    assert learner.losses(model, target.all()).mean() == pytest.approx(learner.loss(model, target))
    assert learner.losses(model, target.all()).dtype == np.float64


def test_training_looks_at_pool_and_seed_alone() -> None:
    clean, target = digits()
    learner = ClassifierLearner(least=20, epochs=1).fit(target)
    held = clean.all()
    renamed = Pool.of("another name", held.items, held.labels)
    assert same(learner.train(clean, seed=1), learner.train(renamed, seed=1))
    assert not same(learner.train(clean, seed=1), learner.train(clean, seed=2))
    assert learner.steps(10) == 20, "the least number of steps"
    assert learner.steps(800) == 25
    assert learner.steps(10**9) == learner.most


def test_a_path_lies_between_the_start_and_the_trained_model() -> None:
    clean, target = digits()
    learner = ClassifierLearner(least=60, epochs=1, rate=0.01).fit(target)
    path = learner.path(clean, seed=0, stops=3)
    losses = [learner.loss(learner.initial(0), target), *(learner.loss(at.model, target) for at in path)]
    assert losses == sorted(losses, reverse=True)
    assert sum(at.rate for at in path) == pytest.approx(0.01 * 60 / 2, rel=1e-6), "the cosine's mean is a half"


def test_every_item_is_in_an_epoch_once() -> None:
    seen = np.concatenate(list(orders(10, 5, 4, seed=3)))
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert list(seen[:10]) != list(seen[10:])
    assert [len(each) for each in orders(3, 5, 2, seed=0)] == [3, 3]


def test_text_with_labels_is_learned_from_hashed_features() -> None:
    words = np.random.default_rng(0).integers(0, 2, 300)
    texts = [f"a {('bad', 'good')[word]} film number {i}" for i, word in enumerate(words)]
    labels = list(words)
    learner = learner_for(Pool.of("target", texts[:100], labels[:100]))
    assert isinstance(learner, ClassifierLearner)
    model = learner.train(Pool.of("made", texts[100:], labels[100:]))
    assert learner.accuracy(model, Pool.of("target", texts[:100], labels[:100])) > 0.95


def test_a_language_model_learns_the_dialect_that_it_is_trained_on(
    language: LanguageLearner, make_stories: Callable[..., list[str]]
) -> None:
    target = Pool.of("target", make_stories(40, first=2000))
    near = language.train(Pool.of("near", make_stories(100)))
    far = language.train(Pool.of("far", make_stories(150, dialect=2)))
    start = language.initial(0)
    assert language.loss(near, target) < language.loss(far, target)
    assert language.loss(near, target) < 0.7 * language.loss(start, target)
    path = language.path(Pool.of("near", make_stories(100)), stops=2)
    assert language.loss(path[1].model, target) < language.loss(path[0].model, target)


def test_equal_texts_under_other_names_train_equal_models(
    language: LanguageLearner, make_stories: Callable[..., list[str]]
) -> None:
    quick = LanguageLearner(language.tokenizer, params=25_000, context=32, batch=256, tokens=2560)
    texts = make_stories(20)
    assert same(quick.train(Pool.of("a", texts)), quick.train(Pool.of("b", texts)))
    session = quick._session(Pool.of("a", texts), 0)
    assert session.spec.tokens == 2560
    once = LanguageLearner(language.tokenizer, params=25_000, context=32, batch=256, epochs=2)
    stream = packed(Pool.of("a", texts), once.tokenizer, None, 100)
    assert once._session(Pool.of("a", texts), 0).spec.tokens == pytest.approx(2 * len(stream), rel=0.05)


def test_a_row_is_its_text_between_ends_of_documents(language: LanguageLearner) -> None:
    known = language.tokenizer
    ((ids, weights),) = rows(["ba be", "", "ba " * 100], known, 8, 10)
    first = known.encode_batch(["ba be"])[0]
    assert ids[0, : len(first) + 2].tolist() == [known.eos_id, *first.tolist(), known.eos_id]
    assert ids.shape == (3, 9)
    assert weights[1].tolist() == [1] + [0] * 7, "an empty text is its end alone"
    assert ids[2, 1:].tolist() == known.encode_batch(["ba " * 100])[0][:8].tolist()
    assert np.allclose(weights.sum(axis=1), 1)


def test_padding_and_company_change_no_loss(language: LanguageLearner, make_stories: Callable[..., list[str]]) -> None:
    model, texts = language.initial(3), ["ba", *make_stories(3), ""]
    together = language.losses(model, Batch(texts))
    alone = [language.losses(model, Batch([text]))[0] for text in texts]
    assert together == pytest.approx(alone, abs=1e-5)
    ids = torch.tensor([[0, *language.tokenizer.encode_batch(["ba"])[0].tolist(), 0]])
    logits = model(ids[:, :-1]).logits[0]
    expected = torch.nn.functional.cross_entropy(logits, ids[0, 1:])
    assert together[0] == pytest.approx(float(expected.detach()), abs=1e-5)


def test_outputs_are_true_logits_less_mean_logits() -> None:
    clean, target = digits()
    learner = ClassifierLearner(least=5, epochs=0.1).fit(target)
    model, batch = learner.initial(0), clean.take(20)
    logits = model(torch.from_numpy(learner.inputs(batch.items)))[0]
    expected = logits[range(20), torch.from_numpy(batch.labels)] - logits.mean(1)
    torch.testing.assert_close(learner.outputs(model, batch), expected)


def test_a_checkpoint_of_ours_is_read_as_the_model_it_was(
    language: LanguageLearner, make_stories: Callable[..., list[str]], tmp_path: Path
) -> None:
    from synthmix.training.checkpoint import save_checkpoint

    model = language.initial(5)
    save_checkpoint(model, language.tokenizer, tmp_path / "saved")
    pretrained = PretrainedLanguageModel(tmp_path / "saved", context=32).fit(Pool.of("target", ["x"]))
    batch = Batch(make_stories(5))
    assert pretrained.losses(pretrained.initial(), batch) == pytest.approx(language.losses(model, batch), abs=1e-4)
    with pytest.raises(BadInput, match="pretrained model is not trained here"):
        pretrained.train(Pool.of("a", ["x"]))


@pytest.fixture(scope="module")
def sequence_classifier(tmp_path_factory: pytest.TempPathFactory, language: LanguageLearner) -> Path:
    """A tiny BERT with three classes and a tokenizer beside it."""
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, num_labels=3
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    end = "<|endoftext|>"
    PreTrainedTokenizerFast(tokenizer_object=language.tokenizer.backend, eos_token=end, pad_token=end).save_pretrained(
        folder
    )
    return folder


def test_a_sequence_classifier_is_read(sequence_classifier: Path) -> None:
    pretrained = PretrainedClassifier(sequence_classifier)
    batch = Batch(["ba be bi", "do", "fa"], np.array([0, 2, 1]))
    (reading,) = pretrained.read(pretrained.initial(), batch, hidden=True)
    head = pretrained.model.classifier
    torch.testing.assert_close(head(reading.hidden[:, 0]), reading.logits[:, 0])
    alone = pretrained.losses(pretrained.initial(), Batch(["do"], np.array([2])))
    assert pretrained.losses(pretrained.initial(), batch)[1] == pytest.approx(alone[0], abs=1e-5)


BAD = {
    "one class in the reference": (lambda: ClassifierLearner().fit(Pool.of("r", ["a", "b"], [1, 1])), "one class only"),
    "no labels": (lambda: ClassifierLearner().fit(Pool.of("r", ["a", "b"])), "has no labels"),
    "arrays without labels": (lambda: learner_for(Pool.of("r", np.zeros((4, 3)))), "arrays without labels"),
    "text to a convolution": (
        lambda: ClassifierLearner(network="convolution").fit(Pool.of("r", ["a", "b"], [0, 1])),
        "a convolution needs images",
    ),
    "an array to a language model": (lambda: LanguageLearner().fit(Pool.of("r", np.zeros((4, 3)))), "needs text"),
    "a batch of parts of sequences": (
        lambda: LanguageLearner(batch=100, context=64),
        "whole number of sequences",
    ),
    "no tokenizer": (lambda: LanguageLearner().initial(), "has no tokenizer yet"),
    "no model there": (lambda: PretrainedClassifier("/nowhere/at/all"), "no classifier can be loaded"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_said(call: Callable[[], object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        call()


def test_a_candidate_unlike_the_reference_is_refused(language: LanguageLearner) -> None:
    clean, target = digits()
    learner = ClassifierLearner(least=5, epochs=0.1).fit(target)
    held = clean.all()
    with pytest.raises(BadInput, match="one class only"):
        learner.train(Pool.of("zeros", held.items[:3], [0, 0, 0]))
    with pytest.raises(BadInput, match="has the label 12, which the reference does not have"):
        learner.train(Pool.of("more", held.items[:3], [0, 1, 12]))
    with pytest.raises(BadInput, match=r"shape \(4, 4\), where the reference has \(8, 8\)"):
        learner.train(Pool.of("small", np.zeros((3, 4, 4)), [0, 1, 2]))
    with pytest.raises(BadInput, match="less than one sequence of 32"):
        language.train(Pool.of("short", ["ba"]))
