"""Gradient features of pretrained models, of architectures that are not ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.valuation.baselines import BASELINES

from synthmix.corpus.tokenizer import Tokenizer, train_tokenizer
from synthmix.errors import BadInput
from synthmix.valuation.gradients import gradients_for, last_layer, linear_layers, projected
from synthmix.valuation.learners import PretrainedClassifier, PretrainedLanguageModel, Reader
from synthmix.valuation.load import class_number
from synthmix.valuation.pool import Batch, Pool

END = "<|endoftext|>"


@pytest.fixture(scope="module")
def tokenizer(make_stories: Callable[..., list[str]]) -> Tokenizer:
    return train_tokenizer(make_stories(20), 280)


def saved(model: Any, tokenizer: Tokenizer, folder: Path) -> Path:
    from transformers import PreTrainedTokenizerFast

    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend, eos_token=END, pad_token=END).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> PretrainedClassifier:
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=280,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        id2label={0: "bad", 1: "fair", 2: "good"},
        label2id={"bad": 0, "fair": 1, "good": 2},
    )
    return PretrainedClassifier(
        saved(BertForSequenceClassification(config), tokenizer, tmp_path_factory.mktemp("bert"))
    )


@pytest.fixture(scope="module")
def gpt2_classifier(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> PretrainedClassifier:
    from transformers import GPT2Config, GPT2ForSequenceClassification

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=280, n_embd=16, n_layer=1, n_head=2, n_positions=64, num_labels=2, pad_token_id=0)
    model = GPT2ForSequenceClassification(config)
    return PretrainedClassifier(saved(model, tokenizer, tmp_path_factory.mktemp("gpt2c")), context=64)


@pytest.fixture(scope="module")
def gpt2(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> PretrainedLanguageModel:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=280, n_embd=16, n_layer=1, n_head=2, n_positions=64, tie_word_embeddings=False)
    return PretrainedLanguageModel(
        saved(GPT2LMHeadModel(config), tokenizer, tmp_path_factory.mktemp("gpt2")), context=32
    )


def one_by_one(learner: Reader, batch: Batch, names: Callable[[str], bool]) -> np.ndarray:
    """(n, p): a backward pass an item, by the weights and biases of the chosen linear layers."""
    model: Any = learner.initial()  # type: ignore[attr-defined]
    layers = [module for name, module in linear_layers(model).items() if names(name)]
    weights = [p for module in layers for p in (module.weight, module.bias) if p is not None]
    found = []
    for i in range(len(batch)):
        labels = None if batch.labels is None else batch.labels[i : i + 1]
        slopes = torch.autograd.grad(learner.outputs(model, Batch(batch.items[i : i + 1], labels))[0], weights)
        found.append(torch.cat([slope.flatten() for slope in slopes]).numpy())
    return np.stack(found)


@pytest.mark.parametrize(("which", "head"), [("bert", "classifier"), ("gpt2_classifier", "score"), ("gpt2", "lm_head")])
def test_features_are_the_gradients_of_one_item_after_another(
    which: str, head: str, request: pytest.FixtureRequest, make_stories: Callable[..., list[str]]
) -> None:
    learner = request.getfixturevalue(which)
    texts = [*make_stories(3, words=6), "ba"]
    batch = Batch(texts, None if which == "gpt2" else np.array([0, 1, 1, 0]))
    for found, expected in (
        (projected(learner, learner.initial(), batch, width=10**9), one_by_one(learner, batch, lambda name: True)),
        (last_layer(learner, learner.initial(), batch, width=10**9), one_by_one(learner, batch, lambda n: n == head)),
    ):
        scale = float(np.abs(expected @ expected.T).max())
        assert found @ found.T == pytest.approx(expected @ expected.T, abs=1e-4 * scale)


def test_labels_are_the_models_numbers_or_its_names(bert: PretrainedClassifier) -> None:
    texts = ["ba be", "do", "fa"]
    numbers = bert.losses(bert.initial(), Batch(texts, np.array([2, 0, 1])))
    names = np.array([class_number(name) for name in ("good", "bad", "fair")])
    assert bert.losses(bert.initial(), Batch(texts, names)) == pytest.approx(numbers)
    with pytest.raises(BadInput, match=r"labels: has the label 7, and the model of .* neither this class nor a name"):
        bert.losses(bert.initial(), Batch(texts, np.array([0, 1, 7])))


def test_baselines_and_the_complexity_term_take_a_model_as_it_is(
    gpt2: PretrainedLanguageModel, make_stories: Callable[..., list[str]]
) -> None:
    reference, pool = Pool.of("r", make_stories(12, words=8)), Pool.of("p", make_stories(10, first=50, words=8))
    for name, options in (("perplexity", {}), ("davinz", {}), ("kmm", {}), ("logra", {"on": "initial"})):
        score = BASELINES[name](learner=gpt2, most=10, **options).fit(reference).score(pool)
        assert np.isfinite(score.value), name
    made = gradients_for(gpt2, width=64)(Batch(make_stories(3)))
    assert made.features.shape == (3, 64)
