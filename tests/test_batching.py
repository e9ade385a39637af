from hypothesis import given
from hypothesis import strategies as st

from synthmix.batching import batched


@given(st.lists(st.integers(0, 9)), st.integers(1, 20), st.integers(1, 5))
def test_nothing_is_lost_and_a_batch_ends_once_it_is_full(items: list[int], most: int, count: int) -> None:
    found = list(batched(items, lambda item: item, most, count=count))
    assert [item for batch in found for item in batch] == items
    for batch in found:
        assert 1 <= len(batch) <= count
        assert sum(batch[:-1]) < most
    for batch in found[:-1]:
        assert sum(batch) >= most or len(batch) == count


def test_without_a_count_only_sizes_end_a_batch() -> None:
    assert list(batched(["aa", "b", "cc", "d"], len, 3)) == [["aa", "b"], ["cc", "d"]]
    assert list(batched([], len, 3)) == []
