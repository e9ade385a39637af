"""Bad input: loops of generation."""

import json
from collections.abc import Callable

from .mistakes import Case, World, said

LOOP = "generate --loop loop.yaml --to filled --quiet"
BASE = """
have: web.jsonl
need: other.jsonl
rounds: 5
arms:
  written: {generate: hq, model: m, endpoint: http://127.0.0.1:9/v1, retries: 0}
"""


def loop(text: str = BASE, **files: str) -> Callable[[World], None]:
    """The file, and others beside it."""

    def prepare(world: World) -> None:
        world.file("loop.yaml", text)
        for name, content in files.items():
            world.file(f"{name}.jsonl", content)

    return prepare


def pools(*arms: str, more: str = "") -> str:
    return "have: web.jsonl\nneed: other.jsonl\nrounds: 5\narms:\n" + "".join(f"  {arm}\n" for arm in arms) + more


def lines(*texts: str) -> str:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


LOOPS: list[Case] = [
    said(LOOP, "--budget: a loop needs a budget; give --budget 20M (tokens) or --money 50", prepare=loop()),
    said(f"{LOOP} --budget 20k --money 5", "--budget: there are two budgets", prepare=loop()),
    said(f"{LOOP} --budget lots", "--budget: 'lots' is not a count", prepare=loop()),
    said(f"{LOOP} --money -5", "--money: is no budget", prepare=loop()),
    said(f"{LOOP} --budget 20k --worth 0", "--worth: 0 is not above 0", prepare=loop()),
    said(f"{LOOP} --budget 20k --stop-confidence 1", "--stop-confidence: 1 is not from .5 to below 1", prepare=loop()),
    said(f"{LOOP} --money 5", "arms.written: has no price, and money is the limit", "price_in", prepare=loop()),
    said(f"{LOOP} --budget 20k --model m", "--model: is for a single job; write it into the file", prepare=loop()),
    said(f"{LOOP} --budget 20k --rollouts 2", "--rollouts: is for a single job", prepare=loop()),
    said("generate --from web.jsonl --to job --model m --worth 5", "--worth: is for --loop; name the file of arms"),
    said("generate --to job --model m", "--from: is missing; add --from; or give the arms of a --loop"),
    said("generate --from web.jsonl --to job", "--model: is missing"),
    said("generate --loop none.yaml --to filled --budget 20k", "none.yaml: no such file"),
    said("generate --loop loop.yaml --to none --status", "none: holds no loop (no decisions.json)", prepare=loop()),
    said(
        f"{LOOP} --budget 21k",
        "loop.yaml: arms: there are no arms",
        prepare=loop("have: web.jsonl\nneed: other.jsonl\n"),
    ),
    said(f"{LOOP} --budget 22k", "loop.yaml: is not a mapping of keys", prepare=loop("- have\n")),
    said(f"{LOOP} --budget 23k", "loop.yaml: wanted: unknown key", prepare=loop(f"{BASE}wanted: 1\n")),
    said(
        f"{LOOP} --budget 24k",
        "loop.yaml: arms.a: tokens: the loop sets it",
        prepare=loop(pools("a: {generate: hq, model: m, tokens: 5M}")),
    ),
    said(
        f"{LOOP} --budget 25k",
        "loop.yaml: arms.a.colour: unknown key",
        prepare=loop(pools("a: {files: hq.jsonl, colour: red}")),
    ),
    said(
        f"{LOOP} --budget 26k",
        "loop.yaml: kinds: there are no generators for them; add generators:",
        prepare=loop(f"{BASE}kinds: [hq]\n"),
    ),
    said(
        f"{LOOP} --budget 27k",
        "loop.yaml: limits.one_generator: no choice of arms meets 60%: they have 1 generator",
        prepare=loop(f"{BASE}limits: {{one_generator: 60%}}\n"),
    ),
    said(f"{LOOP} --budget 28k", "none.jsonl: files: no such", prepare=loop(pools("a: {files: none.jsonl}"))),
    said(
        f"{LOOP} --budget 32k",
        "web.jsonl: 100% of its runs of eight words stand in the text there is already",
        "name a reference that nothing was trained on",
        prepare=loop(BASE.replace("other.jsonl", "web.jsonl").replace("model: m,", "model: m, from: hq.jsonl,")),
    ),
    said(
        f"{LOOP} --budget 29k",
        "few.jsonl: holds",
        "5 documents, where 16 are needed: half of them choose",
        prepare=loop(BASE.replace("other.jsonl", "few.jsonl"), few=lines(*map(str, range(5)))),
    ),
    said(
        f"{LOOP} --budget 30k",
        "holds only text of the reference",
        prepare=loop(pools("a: {files: other.jsonl}")),
    ),
    said(
        f"{LOOP} --budget 33k",
        "arms.written.reference: holds",
        "words; give 2000 or more",
        prepare=loop(
            BASE.replace("other.jsonl", "few.jsonl").replace("model: m,", "model: m, toward: true,"),
            few=lines(*(f"Text {n} of the few." for n in range(40))),
        ),
    ),
    said(
        f"{LOOP} --budget 31k",
        "arms.written: cannot be reached",
        "start the server, or fix --endpoint",
        prepare=loop(),
        may_write="filled",
    ),
    said(
        f"{LOOP} --budget 4k",
        "filled: limits.one_phrase: no arm meets 0.01: a ",
        "loosen it or add another arm; what was written is kept",
        prepare=loop(
            pools("a: {files: same.jsonl}", more="limits: {one_phrase: 1%}\n"),
            same=lines(*(f"It is of great importance to say that {n} is a number." for n in range(200))),
        ),
        may_write="filled",
    ),
]
