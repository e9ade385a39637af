import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.corpus.shards import ShardWriter, TokenStream
from synthmix.errors import BadInput

U2 = np.dtype("<u2")


@pytest.fixture
def stream(tmp_path: Path) -> TokenStream:
    writer = ShardWriter(tmp_path, "train", U2, shard_tokens=7)
    for start, stop in ((0, 3), (3, 20), (20, 20), (20, 23)):
        writer.write(np.arange(start, stop))
    return TokenStream(tmp_path, writer.close(), U2)


def test_shards_roll_over_at_the_fixed_size(stream: TokenStream):
    assert [shard.tokens for shard in stream.shards] == [7, 7, 7, 2]
    assert [shard.path for shard in stream.shards] == [f"train/0000{n}.npy" for n in range(4)]
    assert len(stream) == 23


def test_every_part_reads_as_written(stream: TokenStream):
    for start in range(24):
        for stop in range(start, 24):
            part = stream.read(start, stop)
            assert part.dtype == U2
            assert part.tolist() == list(range(start, stop))
    assert [block.tolist() for block in stream.blocks(10)] == [list(range(10)), list(range(10, 20)), [20, 21, 22]]


def test_more_than_there_is_is_an_error(stream: TokenStream):
    for start, stop in ((0, 24), (-1, 3), (5, 4)):
        with pytest.raises(IndexError):
            stream.read(start, stop)


def test_a_stream_travels_to_another_process(stream: TokenStream):
    stream.read(0, 20)
    data = pickle.dumps(stream)
    assert len(data) < 2000  # the tokens stay on disk
    assert pickle.loads(data).read(5, 9).tolist() == [5, 6, 7, 8]  # noqa: S301


def test_damage_is_named(stream: TokenStream):
    stream.verify()
    path = stream.folder / "train/00001.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BadInput, match=r"00001.npy: damaged shard \(its checksum differs\); delete the corpus folder"):
        stream.verify()
    path.write_bytes(b"\x00" * len(whole))
    with pytest.raises(BadInput, match=r"00001.npy: damaged shard"):
        stream.read(0, 10)
    path.write_bytes(whole[:-4])
    with pytest.raises(BadInput, match=r"00001.npy: damaged shard \(138 bytes, 142 recorded\)"):
        TokenStream(stream.folder, stream.shards, U2)
    path.unlink()
    with pytest.raises(BadInput, match=r"00001.npy: missing shard"):
        TokenStream(stream.folder, stream.shards, U2)


def test_another_dtype_than_recorded_is_damage(stream: TokenStream):
    with pytest.raises(BadInput, match="another shape or dtype"):
        TokenStream(stream.folder, stream.shards, np.dtype("<u4")).read(0, 1)


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(1, 9))
def test_any_pieces_and_any_shard_size_give_the_same_stream(tmp_path_factory, pieces: list[int], size: int):
    folder = tmp_path_factory.mktemp("stream")
    writer, at = ShardWriter(folder, "train", U2, shard_tokens=size), 0
    for piece in pieces:
        writer.write(np.arange(at, at + piece))
        at += piece
    stream = TokenStream(folder, writer.close(), U2)
    assert stream.read(0, len(stream)).tolist() == list(range(sum(pieces)))
    assert all(shard.tokens == size for shard in stream.shards[:-1])
