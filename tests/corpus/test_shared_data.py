"""Real files beside the project: found by SYNTHMIX_SHARED, default a folder `shared` beside the checkout."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from synthmix.corpus import Source, build_corpus, read_documents, train_texts, train_tokenizer

SHARED = Path(os.environ.get("SYNTHMIX_SHARED", Path(__file__).parents[3] / "shared")) / "data"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the third-party data in {SHARED}")


def test_the_wide_window_of_the_bulk_files():
    source = Source(files=[str(SHARED / "07_natural_text/gutenberg_books.jsonl.zst")])
    keys = {document.key for document in read_documents(source, domain="books") if document.text}
    assert len(keys) == 2265  # as its README counts them


def test_human_and_rewritten_text_of_one_file(tmp_path):
    core = str(SHARED / "01_paired_core/core.jsonl.gz")
    human = Source(files=[core], where={"source": "human"}, domain_field="domain")
    rewritten = Source(files=[core], where={"op": "rewrite", "source": ["gpt-4o", "gpt-3.5-turbo"]})
    tokenizer = train_tokenizer(train_texts(human, heldout=Fraction(1, 10)), 1000)
    real = build_corpus(human, tmp_path / "real", name="human", tokenizer=tokenizer, heldout=Fraction(1, 10))
    assert real.heldout_domains == ["biomed_qa", "news", "story", "web_mixed", "wikipedia"]
    assert (
        sum(real.meta.removed.values())
        + sum(counts.documents for side in (real.meta.train, real.meta.heldout_counts) for counts in side.values())
        == 514 + 588 + 304 + 150 + 500
    )
    synthetic = build_corpus(
        rewritten, tmp_path / "synthetic", name="rewritten", tokenizer=tokenizer, against=[real], kind="synthetic"
    )
    assert synthetic.train_counts.documents > 500
    assert not set(synthetic.texts()) & set(real.texts("heldout"))
