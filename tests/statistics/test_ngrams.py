"""Counts of n-grams: exact against a plain count, however the stream is cut, spilled or spread over processes."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.corpus.shards import ShardWriter, TokenStream
from synthmix.engine import LocalEngine
from synthmix.errors import BadInput
from synthmix.statistics.count import count_text
from synthmix.statistics.ngrams import Gathering, NgramCounts, aligned, empty, merge_runs, merged, pack, tallied, unpack

from ..tokens import Tokens

EOS = 7


def text(size: int, vocab: int = 50, seed: int = 0) -> np.ndarray:
    tokens = np.random.default_rng(seed).integers(0, vocab, size).astype(np.uint16)
    tokens[::23] = EOS
    return tokens


def plainly(tokens: np.ndarray, n: int, eos: int | None = EOS) -> dict[tuple[int, ...], int]:
    windows = (tuple(tokens[i : i + n].tolist()) for i in range(len(tokens) - n + 1))
    return dict(Counter(window for window in windows if eos not in window))


def as_dict(table: NgramCounts) -> dict[tuple[int, ...], int]:
    return dict(zip(map(tuple, table.ids().tolist()), table.counts.tolist(), strict=True))


class TestCounting:
    @pytest.mark.parametrize("parts", [1, 3, 8])
    @pytest.mark.parametrize("spilled", [False, True])
    def test_is_exact_however_it_is_cut(self, tmp_path: Path, parts: int, spilled: bool):
        tokens = text(4000)
        found = count_text(
            Tokens(tokens), 50, eos=EOS, orders=(2, 3), parts=parts,
            scratch=tmp_path if spilled else None, held=200 if spilled else 10_000,
        )  # fmt: skip
        assert found.unigrams.tolist() == np.bincount(tokens, minlength=50).tolist()
        for n in (2, 3):
            assert as_dict(found.ngrams[n]) == plainly(tokens, n)
            assert found.ngrams[n].total == sum(plainly(tokens, n).values())
        assert any(tmp_path.rglob("run-*")) == spilled

    def test_the_table_of_a_small_vocabulary_counts_the_same(self, monkeypatch: pytest.MonkeyPatch):
        tokens = text(5000)
        monkeypatch.setattr("synthmix.statistics.count.DENSE_BITS", 12)  # 2^12 / 8 tokens are enough for the table
        dense = count_text(Tokens(tokens), 50, eos=EOS, orders=(2,)).ngrams[2]
        assert as_dict(dense) == plainly(tokens, 2)

    def test_in_other_processes(self, tmp_path: Path):
        tokens = text(3000)
        writer = ShardWriter(tmp_path / "corpus", "train", np.dtype(np.uint16), shard_tokens=700)
        writer.write(tokens)
        stream = TokenStream(tmp_path / "corpus", writer.close(), np.dtype(np.uint16))
        with LocalEngine(2) as engine:
            found = count_text(stream, 50, eos=EOS, orders=(2,), parts=4, each=engine.each, scratch=tmp_path)
            assert as_dict(found.ngrams[2]) == plainly(tokens, 2)
            with pytest.raises(BadInput, match="token id 49 in a vocabulary of 40"):
                count_text(stream, 40, eos=EOS, parts=2, each=engine.each)

    def test_of_one_document_and_of_a_part(self):
        tokens = text(300)
        assert as_dict(count_text(Tokens(tokens), 50, orders=(2,)).ngrams[2]) == plainly(tokens, 2, eos=None)
        some = count_text(Tokens(tokens), 50, eos=EOS, orders=(2,), start=10, stop=60)
        assert as_dict(some.ngrams[2]) == plainly(tokens[10:61], 2)  # the window that begins in the part belongs to it
        assert some.tokens == 50

    def test_shorter_than_an_ngram(self):
        assert len(count_text(Tokens(text(2)), 50, eos=EOS, orders=(3,)).ngrams[3]) == 0
        assert count_text(Tokens(text(0)), 50, orders=(2,)).ngrams[2].total == 0

    @pytest.mark.parametrize(("n", "vocab"), [(5, 65_536), (3, 2**22)])
    def test_ngrams_that_do_not_fit(self, n: int, vocab: int):
        with pytest.raises(ValueError, match="do not fit into 64 bits"):
            count_text(Tokens(text(9)), vocab, orders=(n,))

    def test_a_range_outside(self):
        with pytest.raises(ValueError, match="tokens 0 to 11 of 10"):
            count_text(Tokens(text(10)), 50, stop=11)


class TestTables:
    @given(st.lists(st.integers(0, 29), max_size=40), st.integers(1, 4))
    def test_packing_is_reversible_and_keeps_the_order(self, tokens: list[int], n: int):
        keys = pack(np.array(tokens, dtype=np.uint16), n, 30, None)
        windows = [tokens[i : i + n] for i in range(len(tokens) - n + 1)]
        assert unpack(keys, n, 30).tolist() == windows
        assert np.argsort(keys, kind="stable").tolist() == sorted(range(len(windows)), key=lambda i: windows[i])

    @given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=30), min_size=2, max_size=4))
    def test_merging_is_associative_and_any_order_will_do(self, lists: list[list[int]]):
        tables = [tallied(pack(np.array(t, dtype=np.uint16), 2, 10, None), 2, 10) for t in lists]
        left = tables[0]
        for table in tables[1:]:
            left = left + table
        right = merged(tables[::-1])
        assert as_dict(left) == as_dict(right)
        assert left.total == right.total == sum(max(len(t) - 1, 0) for t in lists)

    def test_large_tables_are_merged_and_aligned_block_by_block(self, tmp_path: Path):
        tables = [tallied(pack(text(2000, seed=seed), 2, 50, EOS), 2, 50) for seed in range(3)]
        whole = merge_runs(tables, tmp_path / "merged", block=64)
        assert as_dict(whole) == as_dict(merged(tables))
        blocks = list(aligned(tables, block=64))
        assert len(blocks) > 10
        assert max(len(keys) for keys, _ in blocks) < 200
        keys, counts = np.concatenate([k for k, _ in blocks]), np.concatenate([c for _, c in blocks], axis=1)
        assert np.all(keys[1:] > keys[:-1])
        assert counts.sum(axis=0).tolist() == merged(tables).counts.tolist()

    def test_gathering_nothing(self):
        assert len(Gathering(2, 50).result()) == 0

    def test_different_ngrams_are_not_added(self):
        with pytest.raises(ValueError, match="2-grams of 10 ids and 3-grams of 10 ids"):
            empty(2, 10) + empty(3, 10)
