"""A built corpus as a pool: its training text, or as a reference what it holds out."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from synthmix.corpus import Corpus, build_corpus, train_tokenizer
from synthmix.corpus.sources import Document
from synthmix.errors import BadInput
from synthmix.valuation.load import open_pool
from synthmix.valuation.pool import Pool


@pytest.fixture(scope="module")
def folder(make_stories: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pools")
    texts = make_stories(200)
    tokenizer = train_tokenizer(texts, 300)
    for name, heldout, kind in (("web", Fraction(1, 10), "natural"), ("made", Fraction(0), "synthetic")):
        documents = [Document(text, name, None) for text in texts]
        build_corpus(documents, folder / name, name=name, tokenizer=tokenizer, heldout=heldout, kind=kind)
    return folder


def items(pool: Pool) -> list[str]:
    return [text for batch in pool.batches() for text in batch.items]


def test_the_training_text_is_valued_and_what_is_held_out_is_the_reference(folder: Path) -> None:
    corpus = Corpus.open(folder / "web")
    own, target = open_pool(str(folder / "web")), open_pool(str(folder / "web"), reference=True)
    assert items(own) == list(corpus.texts("train"))
    assert items(target) == list(corpus.texts("heldout"))
    assert not {*items(own)} & {*items(target)}


def test_a_reference_that_holds_nothing_out_is_all_of_it_and_synthetic_text_says_so(folder: Path) -> None:
    made = open_pool(str(folder / "made"), reference=True)
    assert len(items(made)) == 200
    assert (made.share, open_pool(str(folder / "web")).share) == (0.0, 1.0)


def test_tokens_have_no_labels(folder: Path) -> None:
    with pytest.raises(BadInput, match="--label: a corpus of tokens has no labels; name the JSONL file"):
        open_pool(str(folder / "web"), label="class")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none.npz", "no such file"),
        ("broken.npz", "is not an array file"),
        ("other.npz", "no array images or x; it has z"),
    ],
)
def test_arrays_that_cannot_be_read(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 cut")
    np.savez(tmp_path / "other.npz", z=np.zeros(3))
    with pytest.raises(BadInput, match=says):
        open_pool(str(tmp_path / name))
