"""A job's requests, from its documents to its journal: over HTTP or in this process, all of them or one shard."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from synthmix.corpus.sources import Document
from synthmix.generation.generators import KEY, endpoints_of, probe
from synthmix.generation.in_process import run_in_process
from synthmix.generation.journal import Journal
from synthmix.generation.lane import Retries
from synthmix.generation.ledger import Ledger, Prices, most_tokens
from synthmix.generation.prompt import Prompt
from synthmix.generation.prompting import prompts
from synthmix.generation.queue import Queue
from synthmix.generation.runner import Runner
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.tally import Tally
from synthmix.generation.template import Template

REQUESTS = "requests"  # the folder of journals in a job's folder
Tick = Callable[[Tally, int], None]


@dataclass(frozen=True)
class Work:
    """What is to be asked. ``shard`` of ``shards``: only documents whose hash says so. ``first``: only so many."""

    config: GenerateConfig
    template: Template
    documents: Iterable[Document]
    folder: Path
    shard: int = 0
    shards: int = 1
    retry_failed: bool = False
    first: int | None = None

    @property
    def part(self) -> str:
        """The name of its journal."""
        return "local" if self.shards == 1 else f"{self.shard}-of-{self.shards}"

    @property
    def journals(self) -> Path:
        """The folder of the journals of all shards."""
        return self.folder / REQUESTS

    def source(self) -> Iterator[Document]:
        """The documents that are used, of all shards."""
        return islice(self.documents, self.config.documents)

    def requests(self) -> Iterator[Prompt]:
        """All requests of the shard, in order."""
        config = self.config
        made = prompts(
            self.source(),
            self.template,
            seed=config.seed,
            sampling=config.drawn_from(self.template),
            rollouts=config.rollouts,
            chunk_tokens=config.chunk_tokens,
        )
        if self.first is not None:
            made = _of_first(made, self.first)
        if self.shards == 1:
            return made
        return (prompt for prompt in made if int(prompt.document_hash, 16) % self.shards == self.shard)

    def journal(self) -> Journal:
        """The journal, opened for this shard's answers."""
        return Journal(self.journals, self.part, retry_failed=self.retry_failed)


def _of_first(requests: Iterator[Prompt], documents: int) -> Iterator[Prompt]:
    seen: set[tuple[str, str]] = set()
    for prompt in requests:
        seen.add((prompt.document, prompt.document_hash))
        if len(seen) > documents:
            return
        yield prompt


def ask(work: Work, journal: Journal, target: int | None, tick: Tick) -> Tally:
    """Ask what is not settled, until all answers together have ``target`` output tokens or a budget is reached. Of
    what is left of a target or a budget, a shard uses its part.

    Raises:
        BadInput: an empty source, a budget that is spent, or a generator that cannot be used, before the first
            request that costs anything where that can be known.
        Failure: half of the requests fail, or the endpoint refuses to go on.
    """
    ledger = _ledger(work, journal)
    try:
        tally = _asked(work, journal, ledger, target, tick)
        tally.lost = ledger.lost_input + ledger.lost_output
        return tally
    finally:
        ledger.close()


def _asked(work: Work, journal: Journal, ledger: Ledger, target: int | None, tick: Tick) -> Tally:
    config = work.config
    if target is not None:
        target = journal.output_tokens + -(-(target - journal.output_tokens) // work.shards)
        if journal.output_tokens >= target:
            return Tally(stopped="target")
    made = work.requests()
    first = next((prompt for prompt in made if not journal.settled(prompt.key)), None)
    if first is None:
        return Tally()
    ledger.check(most_tokens(first))
    queue = Queue(chain([first], made), journal, target)
    if config.place == "endpoint":
        return blocking(_over_http(config, queue, journal, ledger, tick))
    from synthmix.generation.local import LocalModel

    return run_in_process(LocalModel(config.model, batch=config.batch), queue, journal, ledger, tick)


def _ledger(work: Work, journal: Journal) -> Ledger:
    config, spent = work.config, (journal.input_tokens, journal.output_tokens)
    prices = Prices(config.price_in, config.price_out)
    log = work.journals / f"spending-{work.part}.log"
    ledger = Ledger(prices, tokens=config.budget_tokens, money=config.budget_money, log=log)
    ledger.charge(*spent)
    ledger.keep_part(work.shards)
    return ledger


async def _over_http(config: GenerateConfig, queue: Queue, journal: Journal, ledger: Ledger, tick: Tick) -> Tally:
    endpoints = endpoints_of(config)
    try:
        await probe(endpoints, config.key_env or KEY)
        retries = Retries(most=config.retries)
        runner = Runner(endpoints, journal, ledger, retries=retries, most=config.concurrency, tick=tick)
        return await runner.run(queue)
    finally:
        for endpoint in endpoints:
            await endpoint.close()


def blocking(work: Coroutine[Any, Any, Tally]) -> Tally:
    """Run ``work`` to its end, also where an event loop runs already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
