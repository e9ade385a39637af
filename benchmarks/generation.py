"""Generation under faults, its overhead and its memory: ``python benchmarks/generation.py [PART ...]``.

Parts: faults, kills, throughput, memory; all of them when none is named. ``--documents 100000`` for a smaller part
on memory. Prints one Markdown table. The servers are
those of the tests: a stub on this machine, and a proxy that spoils 30 % of its answers.
"""

import asyncio
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthmix.corpus.sources import Document
from synthmix.generation.budget import Budget
from synthmix.generation.client import OpenAIEndpoint
from synthmix.generation.failures import RunCounts
from synthmix.generation.journal import Journal
from synthmix.generation.prompts import prompts
from synthmix.generation.queue import Queue
from synthmix.generation.runner import Retries, Runner
from synthmix.generation.template import load_template

SERVERS = Path(__file__).resolve().parents[1] / "tests" / "generation"
REQUESTS, POISONED, KILLS = 10_000, 1_000, 10
DOCUMENTS = 1_000_000
LIMITS = (8, 16, 32, 64, 128, 256)
SAMPLING = {"temperature": {"uniform": [0.6, 1.0]}, "max_tokens": 200}
QUICK = Retries(most=8, first=0.02, longest=1.0)


@contextmanager
def server(name: str, *arguments: Any) -> Iterator[str]:
    """A stub or a proxy; its address."""
    command = [sys.executable, str(SERVERS / f"{name}.py"), *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


class Numbered:
    """``count`` short documents, made as they are read; every ``POISONED``-th is never answered."""

    def __init__(self, count: int, first: int = 0) -> None:
        self.count, self.first = count, first

    def __iter__(self) -> Iterator[Document]:
        for number in range(self.first, self.first + self.count):
            poison = "poison " if number % POISONED == POISONED - 1 else ""
            words = " ".join(f"{poison}word{(number * 7919 + at * 104729) % 9973}" for at in range(40))
            yield Document(f"Document {number} says {words}.", "web", f"d{number}")


def requests(count: int, first: int = 0) -> Iterator[Any]:
    return prompts(Numbered(count, first), load_template("hq"), seed=0, sampling=SAMPLING)


def run(url: str, folder: Path, count: int, *, first: int = 0, timeout: float = 60.0, most: int = 512) -> RunCounts:
    """The job's requests, without its filters."""
    journal = Journal(folder)

    async def work() -> RunCounts:
        endpoint = OpenAIEndpoint(url, "stub", timeout=timeout)
        try:
            runner = Runner([endpoint], journal, Budget(log=None), retries=QUICK, most=most)
            counts = await runner.run(Queue(requests(count, first), journal))
            counts.busy = runner.endpoints[0].concurrency.limit
            return counts
        finally:
            await endpoint.close()

    try:
        return asyncio.run(work())
    finally:
        journal.close()


def checked(folder: Path, count: int) -> str:
    """Every request is answered once or listed as failed, and none is both."""
    answered, failed = Counter[str](), Counter[str]()
    for path in folder.glob("replies-*.jsonl"):
        answered.update(json.loads(line)["key"] for line in path.read_text().splitlines())
    for path in folder.glob("failed-*.jsonl"):
        failed.update(json.loads(line)["key"] for line in path.read_text().splitlines())
    wanted = {prompt.key for prompt in requests(count)}
    lost = wanted - answered.keys() - failed.keys()
    twice = [key for key, times in (answered + failed).items() if times > 1]
    return f"{len(answered)} answered, {len(failed)} listed as failed; {len(lost)} lost, {len(twice)} twice"


def faults(folder: Path) -> list[tuple[str, str]]:
    with (
        server("stub_server", "--latency", 0.01, 0.03, "--capacity", 64, "--poison", "poison") as stub,
        server("fault_proxy", stub, "--rate", 0.3, "--hang", 4, "--retry-after", 0.05) as proxy,
    ):
        counts = run(proxy, folder, REQUESTS, timeout=3.0)
    name = f"{REQUESTS} requests, 30 % of the answers spoiled"
    return [(name, f"{checked(folder, REQUESTS)}; {counts.retried} retries, {counts.seconds:.0f} s")]


def kills(folder: Path) -> list[tuple[str, str]]:
    begun, replies = time.monotonic(), folder / "replies-local.jsonl"
    killed = 0
    with (
        server("stub_server", "--latency", 0.01, 0.03, "--capacity", 64, "--poison", "poison") as stub,
        server("fault_proxy", stub, "--rate", 0.3, "--hang", 4, "--retry-after", 0.05) as proxy,
    ):
        for number in range(1, KILLS + 1):
            process = subprocess.Popen([sys.executable, __file__, "--child", proxy, str(folder)])
            size = REQUESTS * number // (KILLS + 1)
            while process.poll() is None and _lines(replies) < size:
                time.sleep(0.02)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
            process.wait()
        run(proxy, folder, REQUESTS, timeout=3.0)
    name = f"the same, kill -9 {killed} times on the way"
    return [(name, f"{checked(folder, REQUESTS)}; {time.monotonic() - begun:.0f} s")]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


async def bare(url: str, limit: int, count: int, first: int, *, official: bool) -> float:
    """Answers a second of a plain loop: ``limit`` coroutines that ask one request after the other."""
    import openai

    from synthmix.generation.client import http_library

    library = http_library()
    limits = library.Limits(max_connections=None, max_keepalive_connections=None)
    http = library.AsyncClient(limits=limits, timeout=60)
    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=http)
    source = requests(count, first)

    async def worker() -> None:
        for prompt in source:
            body = {"model": "stub", "messages": [*prompt.messages], **prompt.sampling}
            if official:
                answer = await client.chat.completions.create(**body)
                assert answer.choices[0].message.content
            else:
                response = await http.post(f"{url}/chat/completions", json=body)
                assert json.loads(response.content)["choices"][0]["message"]["content"]

    begun = time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(limit)])
    seconds = time.perf_counter() - begun
    await client.close()
    return count / seconds


def throughput(folder: Path, repeats: int = 3) -> list[tuple[str, str]]:
    """Ours and the bare loops in turn, over the same stub; medians of the ratios of each turn."""
    rows = []
    for capacity, reject in ((8, False), (8, True), (64, False)):
        count = 150 * min(capacity, 16)
        options = ["--latency", 0.02, 0.05, "--capacity", capacity, *(["--reject"] if reject else [])]
        ours, official, plain, limits, at = [], [], [], [], 0
        with server("stub_server", *options) as url:
            asyncio.run(bare(url, 8, 50, 10**7, official=True))  # warm
            for turn in range(repeats):
                counts = run(url, folder / f"{capacity}-{reject}-{turn}", 4 * count, first=at)
                ours.append(4 * count / counts.seconds)
                limits.append(counts.busy)
                at += 4 * count
                fixed = [limit for limit in LIMITS if not reject or limit <= capacity]
                for found, kind in ((official, True), (plain, False)):
                    rates = []
                    for limit in fixed:
                        rates.append(asyncio.run(bare(url, limit, count, at, official=kind)))
                        at += count
                    found.append(max(rates))
        ratio = statistics.median(mine / best for mine, best in zip(ours, official, strict=True))
        raw = statistics.median(mine / best for mine, best in zip(ours, plain, strict=True))
        kind = "rejects more" if reject else "lets more wait"
        rows.append(
            (
                f"throughput, 20-50 ms, capacity {capacity}, {kind}",
                f"{ratio:.0%} of the official client's best fixed loop ({raw:.0%} of plain httpx): "
                f"{statistics.median(ours):.0f} against {statistics.median(official):.0f} "
                f"({statistics.median(plain):.0f}) requests/s, limit found {statistics.median(limits):.0f}",
            )
        )
    return rows


def memory(folder: Path) -> list[tuple[str, str]]:
    """A million documents: a journal that has all but the last thousand, resumed in a process of its own."""
    journal = Journal(folder)
    begun = time.monotonic()
    with (folder / "replies-local.jsonl").open("w") as file:
        for prompt in requests(DOCUMENTS - 1000):
            answer = {
                "text": prompt.source,
                "finish": "stop",
                "input_tokens": 200,
                "output_tokens": 60,
                "model": "stub",
            }
            file.write(json.dumps({"key": prompt.key, **answer, "seconds": 1.0, "at": 1, "by": ""}) + "\n")
    journal.close()
    made, begun = time.monotonic() - begun, time.monotonic()
    size = (folder / "replies-local.jsonl").stat().st_size
    with server("stub_server") as url:
        command = [sys.executable, __file__, "--child", url, str(folder), str(DOCUMENTS)]
        peak = int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout) / 1024
    value = f"{peak:.0f} MB peak; {time.monotonic() - begun:.0f} s (requests alone: {made:.0f} s), {size / 1e6:.0f} MB"
    return [(f"resume a source of {DOCUMENTS:,} documents", f"{value} journal")]


def child(url: str, folder: str, count: str = str(REQUESTS)) -> None:
    """A job in a process of its own; prints its peak memory in KB."""
    run(url, Path(folder), int(count), timeout=3.0 if int(count) == REQUESTS else 60.0)
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def main(names: list[str]) -> None:
    global DOCUMENTS
    if "--documents" in names:
        at = names.index("--documents")
        DOCUMENTS = int(names[at + 1])
        names = names[:at] + names[at + 2 :]
    parts = {"faults": faults, "kills": kills, "throughput": throughput, "memory": memory}
    print("| what | measured |\n|---|---|", flush=True)
    for name in names or parts:
        with tempfile.TemporaryDirectory() as folder:
            for what, value in parts[name](Path(folder)):
                print(f"| {what} | {value} |", flush=True)


if __name__ == "__main__":
    child(*sys.argv[2:]) if sys.argv[1:2] == ["--child"] else main(sys.argv[1:])
