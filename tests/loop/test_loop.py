"""Whole loops against a server: what is chosen, what it costs, what is kept when it is killed."""

import gzip
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthmix.errors import BadInput
from synthmix.loop.record import Decisions
from synthmix.loop.run import decisions_of, generate_loop
from synthmix.loop.settings import Loop

STUB = Path(__file__).parents[1] / "generation" / "stub_server.py"


def loop_of(raw: dict[str, Any], folder: Path, **changes: Any) -> Loop:
    return Loop.of({**raw, **changes}, base=folder)


def written(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted((folder / "data").iterdir()):
        found += [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
    return found


def decided(kept: Decisions) -> list[tuple[Any, ...]]:
    """All figures of the decisions."""
    return [tuple(each.model_dump(mode="json").items()) for each in kept.rounds]


def test_what_adds_is_written_and_what_takes_is_left_out(world: Path, raw: dict[str, Any]) -> None:
    told: list[str] = []

    class Told:
        def start(self, task: str, total: float | None, unit: str) -> None: ...
        def update(self, task: str, done: float, note: str = "") -> None: ...
        def finish(self, task: str, note: str = "") -> None: ...
        def say(self, line: str) -> None:
            told.append(line)

    made = generate_loop(loop_of(raw, world), world / "out", tokens=16_000, progress=Told())
    rows = {row.arm: row for row in made.arms}
    assert set(rows) == {"hq-g-sci", "hq-g-lit", "hq-g-junk", "bought"}
    assert rows["hq-g-junk"].rounds == rows["bought"].rounds == 1, "one look, and never again"
    assert rows["hq-g-sci"].gain > 1 > 0 > rows["hq-g-junk"].gain
    assert made.spent == sum(row.cost for row in made.arms) <= made.budget == 16_000
    assert made.stopped == "budget"
    # What took from the value is not among the text.
    records = written(world / "out")
    assert Counter(record["arm"] for record in records) == {
        arm: rows[arm].published for arm in ("hq-g-sci", "hq-g-lit")
    }
    assert made.held_back == rows["hq-g-junk"].documents + rows["bought"].documents > 0
    assert made.documents == len(records)
    assert made.checked is not None
    assert made.checked.low is not None
    assert made.checked.low > 1
    # Every decision has its figures, and the lines, the card and the summary say the same.
    kept = decisions_of(world / "out")
    assert [each.look for each in kept.rounds] == [True] * 4 + [False] * (made.rounds - 4)
    for each in kept.rounds[4:]:
        mine = next(arm for arm in each.considered if arm.arm == each.arm)
        assert mine.index == max(arm.index or 0.0 for arm in each.considered if arm.allowed)
        assert mine.pays is not None
        assert mine.pays > 0.1
    assert kept.rounds[-1].value == pytest.approx(sum(each.gain.mid for each in kept.rounds if each.gain))  # type: ignore[misc]
    assert len(told) == made.rounds
    card = (world / "out" / "README.md").read_text()
    for words in ("## How the text was chosen", "### Decisions", "near copies", "hq-g-lit", "the budget is used up"):
        assert words in card
    summary = json.loads((world / "out" / "generation.json").read_text())
    assert {key: summary[key] for key in ("spent", "value", "rounds")} == {
        "spent": made.spent,
        "value": made.value,
        "rounds": made.rounds,
    }
    # The same call again asks nothing and decides nothing; a higher budget goes on from there.
    again = generate_loop(loop_of(raw, world), world / "out", tokens=16_000)
    assert again == made
    more = generate_loop(loop_of(raw, world), world / "out", tokens=18_000)
    assert decided(decisions_of(world / "out"))[: made.rounds] == decided(kept)
    assert made.rounds < more.rounds
    assert more.spent <= 18_000


def test_text_of_the_reference_is_never_shown_to_a_generator(world: Path, raw: dict[str, Any]) -> None:
    need = (world / "need.jsonl").read_text().splitlines()
    (world / "sci.jsonl").write_text("\n".join([*need[:30], *(world / "sci.jsonl").read_text().splitlines()]) + "\n")
    loop = loop_of(raw, world, seeds={"sci": "sci.jsonl"}, arms={})
    made = generate_loop(loop, world / "out", tokens=60_000)
    assert made.stopped == "supply"
    asked = {record["provenance"]["source"] for record in written(world / "out")}
    assert asked == {f"sci{number}" for number in range(30)}
    (world / "sci.jsonl").write_text("\n".join(need) + "\n")
    with pytest.raises(BadInput, match=r"holds only text of the reference \(60 documents\)"):
        generate_loop(loop, world / "other", tokens=60_000)
    assert not (world / "other").exists()


KILLED = """
import sys
from pathlib import Path
from synthmix.loop.run import generate_loop
generate_loop(Path(sys.argv[1], "loop.yaml"), Path(sys.argv[1], sys.argv[2]), tokens=60_000)
"""


def test_killed_in_the_middle_it_decides_what_it_would_have_decided(world: Path, raw: dict[str, Any]) -> None:
    command = [sys.executable, str(STUB), "--latency", "0.01", "0.02", "--capacity", "2"]
    seeds = {"sci": "sci.jsonl", "lit": "lit.jsonl"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as slow:
        assert slow.stdout is not None
        raw["generators"]["g"]["endpoint"] = slow.stdout.readline().strip()
        (world / "loop.yaml").write_text(yaml.safe_dump({**raw, "seeds": seeds, "arms": {}, "rounds": 12}))
        job = subprocess.Popen([sys.executable, "-c", KILLED, str(world), "killed"], stderr=subprocess.PIPE)
        while job.poll() is None and answers(world / "killed") < 25:
            try:
                job.wait(timeout=0.01)
            except subprocess.TimeoutExpired:
                continue
        assert job.poll() is None, job.communicate()[1].decode()
        os.kill(job.pid, signal.SIGKILL)
        job.communicate()
        assert not (world / "killed" / "generation.json").exists()
        before = answers(world / "killed")
        loop = Loop.read(world / "loop.yaml")
        killed = generate_loop(loop, world / "killed", tokens=60_000)
        whole = generate_loop(loop, world / "whole", tokens=60_000)
        with urllib.request.urlopen(raw["generators"]["g"]["endpoint"].removesuffix("/v1") + "/stats") as answer:
            told = json.load(answer)
        slow.communicate()
    assert whole.stopped == killed.stopped == "supply"
    assert decided(decisions_of(world / "killed")) == decided(decisions_of(world / "whole"))
    plain = [
        [{k: v for k, v in r.items() if k != "provenance"} for r in written(world / n)] for n in ("killed", "whole")
    ]
    assert plain[0] == plain[1]
    assert killed.checked == whole.checked
    assert killed.lost > 0, "what was in flight may have been charged"
    assert whole.lost == 0
    assert killed.spent == whole.spent + killed.lost
    # Nothing that was answered is asked again: 60 requests each, and those that were in flight at the kill.
    assert before >= 25
    assert 120 <= told["answered"] <= 120 + 16


def answers(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("arms/*/requests/replies-local.jsonl"))


def test_limits_bind_and_what_no_arm_meets_is_said(world: Path, raw: dict[str, Any], monkeypatch: Any) -> None:
    """A pool of copies of one sentence beside a generator: its share of the text is limited by its phrase."""
    phrase = "it is important to note that"
    lines = [json.loads(line) for line in (world / "lit.jsonl").read_text().splitlines()]
    text = [json.dumps({**line, "text": f"{phrase} {line['text']}"}) for line in lines]
    (world / "lit.jsonl").write_text("\n".join(text) + "\n")
    arms = {"sci": {"files": "sci.jsonl"}, "lit": {"files": "lit.jsonl"}}
    plain = {**raw, "kinds": [], "generators": {}, "seeds": {}, "arms": arms}
    free = generate_loop(loop_of(plain, world), world / "free", tokens=4_000)
    assert free.measures["one_phrase"] == pytest.approx(0.5, abs=0.15)
    bound = generate_loop(loop_of(plain, world, limits={"one_phrase": "25%"}), world / "bound", tokens=4_000)
    assert bound.measures["one_phrase"] is not None
    assert bound.measures["one_phrase"] <= 0.25
    assert bound.stopped in ("supply", "limits", "budget")
    refused = [c for each in decisions_of(world / "bound").rounds for c in each.considered if not c.allowed]
    assert {each.arm for each in refused} == {"lit"}
    only = loop_of({**plain, "arms": {"lit": arms["lit"]}}, world, limits={"one_phrase": 0.05})
    with pytest.raises(
        BadInput, match=r"limits.one_phrase: no arm meets 0.05: lit 1.000; loosen it or add another arm"
    ):
        generate_loop(only, world / "none", tokens=4_000)
    assert decisions_of(world / "none").rounds[0].tokens > 0, "what was written is kept"
    shared = loop_of(plain, world, limits={"one_generator": 0.6})
    made = generate_loop(shared, world / "shared", tokens=4_000)
    assert made.measures["one_generator"] is not None
    assert made.measures["one_generator"] <= 0.6


def test_it_stops_at_the_price(world: Path, raw: dict[str, Any]) -> None:
    plain = {**raw, "kinds": [], "generators": {}, "seeds": {}, "arms": {"sci": {"files": "sci.jsonl", "price": 10.0}}}
    dear = generate_loop(loop_of(plain, world, rounds=20), world / "dear", money=0.02, worth=1e-5)
    free = generate_loop(loop_of(plain, world, rounds=20), world / "free", money=0.02)
    assert dear.stopped == "price"
    assert 0 < dear.spent < free.spent <= 0.02
    assert free.stopped in ("supply", "budget")
    gratis = loop_of(plain, world, arms={"sci": {"files": "sci.jsonl", "price": 0}})
    made = generate_loop(gratis, world / "gratis", money=0.02)
    assert (made.stopped, made.spent) == ("supply", 0.0)
    assert made.rounds > 3, "what costs nothing is valued in rounds, too"
    last = dear.arms[0].next
    assert last is not None
    assert last.high is not None
    assert dear.arms[0].next_cost is not None
    assert last.high < dear.arms[0].next_cost * 0.01 / 1e-5, "below its price with the whole interval"


def test_an_endpoint_that_is_lost_is_a_line_and_everything_is_kept(world: Path, raw: dict[str, Any]) -> None:
    command = [sys.executable, str(STUB)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as own:
        assert own.stdout is not None
        url = own.stdout.readline().strip()
        raw["generators"]["g"] |= {"endpoint": url, "retries": 0}
        generate_loop(loop_of(raw, world), world / "out", tokens=8_000)
        own.communicate()
    rounds = decided(decisions_of(world / "out"))
    with pytest.raises(BadInput, match=r"arms\.hq-g-\w+: cannot be reached"):
        generate_loop(loop_of(raw, world), world / "out", tokens=16_000)
    kept = decisions_of(world / "out")
    assert decided(kept)[: len(rounds)] == rounds
    assert not kept.rounds[-1].done
    assert written(world / "out")


def test_money_is_never_passed_and_prices_are_needed(world: Path, raw: dict[str, Any]) -> None:
    made = generate_loop(loop_of(raw, world), world / "out", money=0.02)
    assert 0.01 < made.spent <= 0.02
    assert made.unit == "money"
    del raw["generators"]["g"]["price_in"], raw["generators"]["g"]["price_out"]
    with pytest.raises(BadInput, match=r"arms.hq-g-sci: has no price, and money is the limit; give it price_in and"):
        generate_loop(loop_of(raw, world), world / "none", money=0.02)
    with pytest.raises(BadInput, match=r"holds a job with another (unit|arms)"):
        generate_loop(loop_of(raw, world), world / "out", tokens=20_000)


def test_an_arm_whose_text_the_filters_drop_ends(world: Path, raw: dict[str, Any], stub: str) -> None:
    raw["arms"]["long"] = {"model": "stub", "endpoint": stub, "from": "lit.jsonl", "filters": {"min_words": 900}}
    made = generate_loop(loop_of(raw, world), world / "out", tokens=12_000)
    row = next(row for row in made.arms if row.arm == "long")
    assert (row.rounds, row.documents) == (1, 0)
    assert row.cost > 0
    assert made.documents > 0


def test_an_arm_may_write_toward_the_reference(
    world: Path, raw: dict[str, Any], make_texts: Callable[..., list[str]]
) -> None:
    """Of seeds of which half are junk, those are shown that carry what the reference has."""
    need = [json.dumps({"text": text}) for topic in ("sci", "lit") for text in make_texts(topic, 50, 1)]
    (world / "need.jsonl").write_text("\n".join(need) + "\n")
    lines = [
        json.loads(line) for name in ("junk", "sci") for line in (world / f"{name}.jsonl").read_text().splitlines()
    ]
    (world / "mixed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    arm = {**raw["generators"]["g"], "from": "mixed.jsonl"}
    plain = {**raw, "kinds": [], "generators": {}, "seeds": {}, "arms": {"aimed": {**arm, "toward": True}, "even": arm}}
    made = generate_loop(loop_of(plain, world, rounds=4), world / "out", tokens=10_000)
    rows = {row.arm: row for row in made.arms}
    sources = Counter((r["arm"], r["provenance"]["source"].rstrip("0123456789")) for r in written(world / "out"))
    assert {source for arm, source in sources if arm == "aimed"} == {"sci"}
    assert sources["even", "junk"] > 0
    assert rows["aimed"].cost > rows["even"].cost
    assert (world / "out" / "arms" / "aimed" / "aim.json").exists()
