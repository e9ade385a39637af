import json
import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from synthmix.errors import BadInput
from synthmix.generation.journal import Journal, KeyIndex, sizes, write_failed
from synthmix.generation.prompts import Prompt, Reply

Requests = Callable[..., list[Prompt]]


def answer(prompt: Prompt, text: str = "an answer") -> Reply:
    return Reply(prompt.key, text, "stop", 10, 5, "m", 0.5)


def test_the_index_is_a_dictionary() -> None:
    rng, index, known = random.Random(0), KeyIndex(), {}
    keys = [f"{rng.getrandbits(64):016x}" for _ in range(5000)] + ["0" * 16, "f" * 16]
    for number, key in enumerate([*keys, *keys[:100]]):
        assert index.put(key, number) == (key not in known)
        known[key] = number
    assert len(index) == len(known)
    assert all(index.get(key) == number for key, number in known.items())
    assert index.get("123456789abcdef0") is None
    assert "123456789abcdef0" not in index


def test_answers_are_there_when_it_is_opened_again(tmp_path: Path, make_requests: Requests) -> None:
    one, two, three = make_requests(3)
    journal = Journal(tmp_path)
    journal.add(answer(one, "Grüße \u2028 und\nZeilen"), "http://a/v1")
    journal.add(answer(one, "a second one"))
    journal.fail(two, "refused", "HTTP 400", 1)
    journal.close()
    journal = Journal(tmp_path)
    assert journal.reply(one.key) == answer(one, "Grüße \u2028 und\nZeilen")
    assert (journal.record(one.key) or {})["by"] == "http://a/v1"
    assert [journal.resolved(p.key) for p in (one, two, three)] == [True, True, False]
    assert (len(journal), journal.input_tokens, journal.output_tokens, journal.resolved_count) == (1, 10, 5, 2)
    assert journal.reply(two.key) is None
    assert journal.reply(three.key) is None
    journal.close()


@pytest.mark.parametrize("cut", [1, 7, 60])
def test_a_torn_last_line_is_asked_again_and_nothing_else(tmp_path: Path, make_requests: Requests, cut: int) -> None:
    prompts = make_requests(5)
    journal = Journal(tmp_path)
    for prompt in prompts:
        journal.add(answer(prompt))
    journal.close()
    path = tmp_path / "replies-local.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    journal = Journal(tmp_path)
    assert [journal.resolved(prompt.key) for prompt in prompts] == [True] * 4 + [False]
    journal.add(answer(prompts[4], "once more"))
    assert (journal.reply(prompts[4].key) or answer(prompts[0])).text == "once more"
    journal.close()
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == [p.key for p in prompts]


def test_a_line_that_a_power_cut_filled_with_zeros_is_asked_again(tmp_path: Path, make_requests: Requests) -> None:
    prompts = make_requests(3)
    journal = Journal(tmp_path)
    places = [journal._replies.size for prompt in prompts if journal.add(answer(prompt)) is None]
    journal.close()
    path = tmp_path / "replies-local.jsonl"
    raw = bytearray(path.read_bytes())
    raw[places[0] : places[1] - 1] = bytes(places[1] - 1 - places[0])
    path.write_bytes(raw)
    journal = Journal(tmp_path)
    assert [journal.resolved(prompt.key) for prompt in prompts] == [True, False, True]
    journal.close()


def test_parts_are_read_together_and_written_apart(tmp_path: Path, make_requests: Requests) -> None:
    one, two, three = make_requests(3)
    first, second = Journal(tmp_path, "0-of-2"), Journal(tmp_path, "1-of-2")
    first.add(answer(one, "one"))
    second.add(answer(two, "two"))
    first.close()
    second.close()
    whole = Journal(tmp_path)
    whole.add(answer(three, "three"))
    assert [(whole.reply(p.key) or answer(p, "")).text for p in (one, two, three)] == ["one", "two", "three"]
    assert whole.place(two.key) == ("replies-1-of-2.jsonl", 0)
    whole.close()
    assert set(sizes(tmp_path)) == {"replies-0-of-2.jsonl", "replies-1-of-2.jsonl", "replies-local.jsonl"}


def test_one_process_at_a_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(BadInput, match="another process generates here; wait for it"):
        Journal(tmp_path)
    journal.close()
    Journal(tmp_path).close()


def test_failures_are_listed_once_with_the_last_reason_until_they_are_answered(
    tmp_path: Path, make_requests: Requests
) -> None:
    one, two = make_requests(2)
    journal = Journal(tmp_path / "j")
    journal.fail(one, "time-out", "no answer within 2 s", 9)
    journal.fail(two, "refused", "HTTP 400", 1)
    journal.close()
    journal = Journal(tmp_path / "j", retry_failed=True)
    assert not journal.resolved(one.key)
    journal.add(answer(one))
    journal.fail(two, "refused", "HTTP 400 again", 1)
    assert write_failed(journal, tmp_path / "failed.jsonl") == 1
    [row] = map(json.loads, (tmp_path / "failed.jsonl").read_text().splitlines())
    assert (row["key"], row["document"], row["reason"], row["attempts"]) == (two.key, "d1", "HTTP 400 again", 1)
    journal.add(answer(two))
    assert write_failed(journal, tmp_path / "failed.jsonl") == 0
    assert not (tmp_path / "failed.jsonl").exists()
    journal.close()


def test_a_request_with_another_payload_is_another_request(make_requests: Requests) -> None:
    [prompt] = make_requests(1)
    others = [replace(prompt, rollout=1), replace(prompt, chunk=1), replace(prompt, sampling={"max_tokens": 51})]
    assert len({prompt.key, *(other.key for other in others)}) == 4


def test_a_changed_byte_of_an_answer_is_a_request_that_is_asked_again(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.add(Reply("00000000000000aa", "a word or two", "stop", 3, 4, "m", 0.1))
    path = tmp_path / "replies-local.jsonl"
    whole = path.read_bytes()
    with closing(Journal(tmp_path)) as journal:
        right = journal.reply("00000000000000aa")
    assert right is not None
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with closing(Journal(tmp_path)) as journal:
            assert journal.reply("00000000000000aa") in (None, right), at
    path.write_bytes(whole.split(b',"sum"')[0] + b"}\n")
    with closing(Journal(tmp_path)) as journal:
        assert journal.reply("00000000000000aa") == right, "earlier versions wrote no sums"
