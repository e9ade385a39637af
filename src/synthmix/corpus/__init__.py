"""From text to memory-mapped token shards: readers, tokenizer, split, removal of duplicates, the embedded sample."""

from synthmix.corpus.build import build_corpus, lost_text, train_texts
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.load import open_or_build
from synthmix.corpus.meta import Counts, Meta, is_corpus
from synthmix.corpus.readers import read_documents
from synthmix.corpus.sample import absent_domains, prepare_sample, sample_domains, write_sample
from synthmix.corpus.shards import TokenStream
from synthmix.corpus.sources import Document, Limit, Source
from synthmix.corpus.tokenizer import Tokenizer, load_tokenizer, train_tokenizer

__all__ = [
    "Corpus",
    "Counts",
    "Document",
    "Limit",
    "Meta",
    "Source",
    "TokenStream",
    "Tokenizer",
    "absent_domains",
    "build_corpus",
    "is_corpus",
    "load_tokenizer",
    "lost_text",
    "open_or_build",
    "prepare_sample",
    "read_documents",
    "sample_domains",
    "train_texts",
    "train_tokenizer",
    "write_sample",
]
