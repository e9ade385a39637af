"""A job's requests, from its documents to its journal: over HTTP or in this process, in one process or on many workers.

On many workers each asks a shard of the documents, with its own connections, concurrency and journal. The journals lie
in one folder, so a job goes on with another number of workers, or on one machine, where it stopped.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

from synthmix.corpus.sources import Document
from synthmix.errors import SynthmixError
from synthmix.generation.aim import Aim
from synthmix.generation.budget import Budget, Prices, most_tokens
from synthmix.generation.endpoints import endpoints_of, probe
from synthmix.generation.failures import RunCounts
from synthmix.generation.journal import Journal
from synthmix.generation.keys import KEY, Allowed
from synthmix.generation.prompts import Prompt, prompts
from synthmix.generation.queue import Queue
from synthmix.generation.runner import Retries, Runner, run_in_process
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.template import Template

REQUESTS = "requests"  # the folder of journals in a job's folder
Tick = Callable[[RunCounts, int], None]


@dataclass(frozen=True)
class JobPlan:
    """What is to be asked. ``shard`` of ``shards``: only documents whose hash says so. ``first``: only so many.
    ``allowed``: which keys may go where. ``aim``: what the documents were drawn for, which then chooses the sampling
    that the settings leave open, and the keywords."""

    config: GenerateConfig
    template: Template
    documents: Iterable[Document]
    folder: Path
    shard: int = 0
    shards: int = 1
    retry_failed: bool = False
    first: int | None = None
    allowed: tuple[Allowed, ...] = ()
    aim: Aim | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the text: another one is another job."""
        towards = None if self.aim is None else self.aim.digest
        return {**self.config.identity(self.template), "towards": towards}

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
            wanted=None if self.aim is None else self.aim.weights,
            sampling_of=None if self.aim is None else self._aimed,
        )
        if self.first is not None:
            made = _of_first(made, self.first)
        if self.shards == 1:
            return made
        return (prompt for prompt in made if int(prompt.document_hash, 16) % self.shards == self.shard)

    def _aimed(self, text: str) -> dict[str, Any]:
        """The sampling of a seed, as far as the user has not said it."""
        assert self.aim is not None
        return {name: value for name, value in self.aim.sampling(text).items() if name not in self.config.sampling}

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


def ask(plan: JobPlan, journal: Journal, target: int | None, tick: Tick) -> RunCounts:
    """Ask what is not resolved, until all answers together have ``target`` tokens of text or a budget is reached. Of
    what is left of a target or a budget, a shard uses its part.

    Raises:
        BadInput: an empty source, a budget that is spent, or a generator that cannot be used, before the first
            request that costs anything where that can be known.
        Failure: half of the requests fail, or the endpoint refuses to go on.
    """
    budget = _budget(plan, journal)
    try:
        counts = _asked(plan, journal, budget, target, tick)
        counts.lost = budget.lost_input + budget.lost_output
        return counts
    finally:
        budget.close()


def _asked(plan: JobPlan, journal: Journal, budget: Budget, target: int | None, tick: Tick) -> RunCounts:
    config = plan.config
    if target is not None:
        target = journal.text_tokens + -(-(target - journal.text_tokens) // plan.shards)
        if journal.text_tokens >= target:
            return RunCounts(stopped="target")
    made = plan.requests()
    first = next((prompt for prompt in made if not journal.resolved(prompt.key)), None)
    if first is None:
        return RunCounts()
    budget.check(most_tokens(first))
    queue = Queue(chain([first], made), journal, target)
    if config.place == "endpoint":
        return blocking(_over_http(plan, queue, journal, budget, tick))
    from synthmix.generation.local import LocalModel

    return run_in_process(LocalModel(config.model, batch=config.batch), queue, journal, budget, tick)


def spending(plan: JobPlan) -> Budget:
    """What a job has spent so far, answers and tries that were lost, against the budget of its settings; not to be
    charged further."""
    with closing(plan.journal()) as journal, closing(_budget(plan, journal)) as budget:
        return budget


def _budget(plan: JobPlan, journal: Journal) -> Budget:
    config, spent = plan.config, (journal.input_tokens, journal.output_tokens)
    prices = Prices(config.price_in, config.price_out)
    log = plan.journals / f"spending-{plan.part}.log"
    budget = Budget(prices, tokens=config.budget_tokens, money=config.budget_money, log=log)
    budget.charge(*spent)
    budget.keep_part(plan.shards)
    return budget


async def _over_http(plan: JobPlan, queue: Queue, journal: Journal, budget: Budget, tick: Tick) -> RunCounts:
    config = plan.config
    endpoints = endpoints_of(config, plan.allowed)
    try:
        await probe(endpoints, config.key_env or KEY)
        retries = Retries(most=config.retries)
        runner = Runner(
            endpoints,
            journal,
            budget,
            retries=retries,
            most=config.concurrency,
            longest_wait=config.max_wait,
            tick=tick,
        )
        return await runner.run(queue)
    finally:
        for endpoint in endpoints:
            await endpoint.close()


def blocking(asking: Coroutine[Any, Any, RunCounts]) -> RunCounts:
    """Run ``asking`` to its end, also where an event loop runs already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asking)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asking).result()


class WorkerPool(Protocol):
    """What is needed of an engine: :class:`synthmix.engine.contract.Engine` is one."""

    workers: int

    def each(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any]
    ) -> Iterator[tuple[Any, Any]]: ...


@dataclass(frozen=True)
class ShardTask:
    """One shard, in whichever process."""

    plan: JobPlan
    target: int | None


def run_shard(task: ShardTask) -> RunCounts:
    """Ask what is not resolved of a shard."""
    journal = task.plan.journal()
    try:
        return ask(task.plan, journal, task.target, lambda counts, at_once: None)
    finally:
        journal.close()


def ask_on_workers(plan: JobPlan, target: int | None, engine: WorkerPool, tick: Callable[[int], None]) -> RunCounts:
    """Ask on all workers; their counts as one.

    Args:
        tick: called now and then with the bytes of answers so far.

    Raises:
        BadInput, Failure: what the first shard that fails raises, when the others have ended.
    """
    shards = max(1, engine.workers)
    tasks = [ShardTask(replace(plan, shard=number, shards=shards), target) for number in range(shards)]
    total, error = RunCounts(), None
    for _, outcome in engine.each(run_shard, tasks, tick=lambda: tick(_written(plan))):
        if isinstance(outcome, SynthmixError):
            error = error or outcome
        else:
            total = _added(total, outcome)
    if error is not None:
        raise error
    return total


def _added(one: RunCounts, other: RunCounts) -> RunCounts:
    """Two shards' counts: a budget that stopped one stopped the job."""
    stopped = "budget" if "budget" in (one.stopped, other.stopped) else one.stopped or other.stopped
    return replace(one.plus(other), stopped=stopped)


def _written(plan: JobPlan) -> int:
    return sum(os.path.getsize(path) for path in plan.journals.glob("replies-*.jsonl"))
