import mmap
from pathlib import Path

import pytest

from synthmix.errors import BadInput
from synthmix.training.memory import (
    BASE,
    SPARE,
    free_memory,
    group_room,
    resident_memory,
    run_memory,
    sequences_at_once,
)
from synthmix.training.shape import shape_for

SMALL, LARGE = shape_for(1_000_000), shape_for(20_000_000)


def test_state_is_20_bytes_a_parameter_and_the_rest_grows_with_tokens() -> None:
    one, two, four = (run_memory(LARGE, 4096, tokens, 128, "float32") for tokens in (1024, 2048, 4096))
    assert two - one == pytest.approx((four - two) / 2, rel=1e-6)
    nothing = one - (two - one)
    assert nothing == pytest.approx(BASE + 20 * LARGE.params_total(4096), rel=1e-6)


def test_what_makes_a_token_cheaper() -> None:
    whole = run_memory(LARGE, 4096, 65_536, 512, "float32")
    assert run_memory(LARGE, 4096, 65_536, 512, "bf16") < whole
    assert run_memory(LARGE, 4096, 65_536, 512, "float32", device="cuda") < whole
    assert run_memory(LARGE, 4096, 65_536, 512, "float32", compiled=True) < whole


def test_all_sequences_at_once_when_they_fit_else_equal_parts() -> None:
    def at_once(free: float) -> int:
        return sequences_at_once(SMALL, 4096, 32, 128, "float32", free=int(free))

    whole, half = (run_memory(SMALL, 4096, n * 128, 128, "float32") - BASE for n in (32, 16))
    assert at_once(whole / SPARE + 1) == 32
    assert at_once(whole / SPARE - 1000) == 16
    assert at_once(half / SPARE - 1000) == 11, "three parts: 11, 11 and 10"


def test_a_model_that_does_not_fit_is_bad_input_before_it_starts() -> None:
    with pytest.raises(BadInput, match=r"params: a model of 2.*M parameters needs .* GiB of memory for one"):
        sequences_at_once(LARGE, 4096, 32, 128, "bf16", free=2**27)


def test_free_memory_is_within_the_control_group(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for folder, limit, used in (("", "max", 70), ("a", "1000", 300), ("a/b", "800", 200)):
        (tmp_path / folder / "memory.max").write_text(f"{limit}\n")
        (tmp_path / folder / "memory.current").write_text(f"{used}\n")
    assert sorted(group_room(tmp_path, "/a/b", "memory.max", "memory.current")) == [600, 700]
    assert 2**20 < free_memory() < 2**50


def test_what_processes_share_is_counted_once() -> None:
    free = 2**30
    alone, shared = (sequences_at_once(LARGE, 512, 64, 128, "float32", free=free, shards=n) for n in (1, 8))
    assert alone < shared


def test_what_this_process_holds_is_its_own_to_use() -> None:
    before = resident_memory()
    with mmap.mmap(-1, 2**26) as held:  # of the system's own: a heap that keeps its pages may have them to spare
        held.write(b"x" * 2**26)
        assert resident_memory() - before > 2**25
