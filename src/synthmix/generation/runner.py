"""From requests to answers in the journal: many endpoints at once, each with its own concurrency.

One coroutine hands requests out; each is a task of its own. A request is tried, on whichever endpoint has room, until
it is answered or has failed for good, and it is written down either way before it is forgotten.

A model in this process is asked in batches (:func:`run_in_process`), through the same journal, budget and target.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synthmix.errors import Failure
from synthmix.generation.budget import Budget
from synthmix.generation.concurrency import Concurrency
from synthmix.generation.endpoints import EndpointState, free_endpoint
from synthmix.generation.failures import RequestFault, RunCounts, asks_too_much
from synthmix.generation.journal import Journal
from synthmix.generation.prompts import Batcher, Endpoint
from synthmix.generation.queue import Queue, Request

SLICE_SECONDS = 0.01  # of looking for the next request, before answers are looked after again
SYNC_SECONDS = 2.0
TICK_SECONDS = 0.5
FOREVER = float("inf")


@dataclass(frozen=True)
class Retries:
    """``most`` further tries, after ``first`` seconds, then twice as many each time, up to ``longest``; with jitter."""

    most: int = 8
    first: float = 0.5
    longest: float = 60.0

    def delay(self, attempt: int, wait: float | None) -> float:
        """Seconds before the next try after ``attempt`` of them; never less than the server asked for."""
        backoff = min(self.longest, self.first * 2 ** min(attempt - 1, 30)) * random.uniform(0.5, 1.0)
        return max(backoff, wait or 0.0)


class Runner:
    """Runs requests.

    Args:
        most: requests at once to one endpoint, at most.
        longest_wait: seconds that a server may ask to wait; one that asks for more is given up.
        tick: called about twice a second with the counts and the number of requests in flight.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        journal: Journal,
        budget: Budget,
        *,
        retries: Retries | None = None,
        most: int = 512,
        longest_wait: float = 300.0,
        tick: Callable[[RunCounts, int], None] = lambda counts, at_once: None,
    ) -> None:
        self.endpoints = [EndpointState(endpoint, Concurrency(most=most)) for endpoint in endpoints]
        self.journal, self.budget, self.tick = journal, budget, tick
        self.retries, self.longest_wait = retries or Retries(), longest_wait
        self.counts = RunCounts(generators=[endpoint.identity for endpoint in endpoints])
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._held: Request | None = None  # one that waits for room in the budget
        self._wake = asyncio.Event()

    async def run(self, queue: Queue) -> RunCounts:
        """Ask until there is nothing left to ask, or a target or a budget is reached.

        Raises:
            Failure: half of the requests fail, or no endpoint can be used any more.
        """
        clock = asyncio.create_task(self._tick(queue))
        try:
            while self._error is None:
                self._wake.clear()
                if self._hand_out(queue):
                    await asyncio.sleep(0)
                elif not self._tasks and not queue.waiting and self._held is None:
                    break
                else:
                    await self._woken(queue)
        finally:
            clock.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(clock, *self._tasks, return_exceptions=True)
            self.journal.sync()
            self.counts.skipped = queue.skipped
            if queue.at_target:
                self.counts.stopped = "target"
        if self._error is not None:
            raise self._error
        return self.counts

    def _hand_out(self, queue: Queue) -> bool:
        """Send what may be sent; whether there is more to look for at once."""
        until = time.monotonic() + SLICE_SECONDS
        while (endpoint := free_endpoint(self.endpoints, time.monotonic())) is not None:
            request = self._held or queue.next(until)
            self._held = None
            if request is None:
                return not queue.done and time.monotonic() >= until
            if not self.budget.fits(request.most):
                if self._tasks:
                    self._held = request  # what is in flight may cost less than was set aside
                else:
                    queue.stop()
                    self.counts.stopped = "budget"
                return False
            self._send(endpoint, request, queue)
        return False

    def _send(self, endpoint: EndpointState, request: Request, queue: Queue) -> None:
        self.budget.hold(request.most)
        endpoint.concurrency.sent()
        request.attempts += 1
        task = asyncio.create_task(self._try(endpoint, request, queue))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._error = self._error or task.exception()
        self._wake.set()

    async def _try(self, endpoint: EndpointState, request: Request, queue: Queue) -> None:
        begun = time.monotonic()
        try:
            reply = await endpoint.client.complete(request.prompt)
        except RequestFault as fault:
            self.budget.release(request.most, lost=fault.billed)
            await self._faulted(endpoint, request, fault, queue, time.monotonic() - begun)
            return
        except asyncio.CancelledError:
            self.budget.release(request.most, lost=True)
            raise
        now = time.monotonic()
        endpoint.concurrency.answered(now - begun, now)
        endpoint.unreachable = 0
        self.journal.add(reply, endpoint.where or "")
        self.budget.release(request.most)
        self.budget.charge(reply.input_tokens, reply.output_tokens)
        queue.resolve(reply.key)
        self.counts.count(reply)

    async def _faulted(
        self, endpoint: EndpointState, request: Request, fault: RequestFault, queue: Queue, seconds: float
    ) -> None:
        now = time.monotonic()
        if fault.wait is not None and fault.wait > self.longest_wait:
            fault = asks_too_much(fault, self.longest_wait)
        elif fault.retry and fault.wait:
            self.counts.waits_until = max(self.counts.waits_until, now + fault.wait)
        most = self.retries.most if fault.tries is None else min(fault.tries, self.retries.most)
        if fault.fatal or fault.kind == "unreachable":  # no fault of the request
            endpoint.concurrency.failed()
            request.attempts -= 1
            queue.again(request)
            if fault.fatal or endpoint.out_of_reach(now):
                self._give_up(endpoint, fault)
        elif not fault.retry or request.attempts > most:
            endpoint.concurrency.failed()
            self.journal.fail(request.prompt, fault.kind, fault.reason, request.attempts)
            queue.resolve(request.prompt.key)
            self.counts.fail(fault)
        else:
            self.counts.retried += 1
            delay = self.retries.delay(request.attempts, fault.wait)
            if fault.overload:
                endpoint.concurrency.rejected(seconds, now, fault.wait)
                self._wake.set()
                await asyncio.sleep(delay)
                endpoint.concurrency.rested()
                queue.again(request)
            else:
                endpoint.concurrency.failed()
                queue.again(request, now + delay)

    def _give_up(self, endpoint: EndpointState, fault: RequestFault) -> None:
        """An endpoint that will never answer; its requests go elsewhere."""
        endpoint.dead = True
        if all(each.dead for each in self.endpoints):
            problem = f"cannot be reached any more ({fault.reason})" if fault.kind == "unreachable" else fault.reason
            raise Failure(
                problem, where=endpoint.where, remedy="fix it and run the same command again; answers are kept"
            )

    async def _woken(self, queue: Queue) -> None:
        """Wait until a request ends, a wait is over, or an endpoint may be asked again."""
        now = time.monotonic()
        times = [
            endpoint.concurrency.paused_until
            for endpoint in self.endpoints
            if not endpoint.dead and endpoint.concurrency.paused_until > now
        ]
        if queue.due is not None and queue.due > now:
            times.append(queue.due)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(min(times) - now + 0.001, self._wake.set) if times else None
        await self._wake.wait()
        if timer is not None:
            timer.cancel()

    async def _tick(self, queue: Queue) -> None:
        synced = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.counts.skipped, self.counts.documents = queue.skipped, queue.documents
            self.tick(self.counts, sum(endpoint.concurrency.in_flight for endpoint in self.endpoints))
            if time.monotonic() - synced > SYNC_SECONDS:
                await asyncio.to_thread(self.journal.sync)
                synced = time.monotonic()


def run_in_process(
    batcher: Batcher,
    queue: Queue,
    journal: Journal,
    budget: Budget,
    tick: Callable[[RunCounts, int], None] = lambda counts, at_once: None,
) -> RunCounts:
    """Ask batch after batch until there is nothing left to ask, or a target or a budget is reached."""
    counts = RunCounts(generators=[batcher.identity])
    try:
        while requests := _next_batch(queue, budget, batcher.batch, counts):
            for request in requests:
                budget.hold(request.most)
            begun = time.monotonic()
            replies = batcher.complete_many([request.prompt for request in requests])
            for request, reply in zip(requests, replies, strict=True):
                journal.add(reply, str(batcher.identity.get("where", "in process")))
                budget.release(request.most)
                budget.charge(reply.input_tokens, reply.output_tokens)
                queue.resolve(reply.key)
                counts.count(reply)
            counts.skipped, counts.documents = queue.skipped, queue.documents
            counts.busy += time.monotonic() - begun
            tick(counts, len(requests))
            journal.sync()
    finally:
        counts.skipped = queue.skipped
    if queue.at_target:
        counts.stopped = "target"
    return counts


def _next_batch(queue: Queue, budget: Budget, size: int, counts: RunCounts) -> list[Request]:
    requests: list[Request] = []
    inputs = outputs = 0
    while len(requests) < size and (request := queue.next(FOREVER)) is not None:
        if not budget.fits((inputs + request.most[0], outputs + request.most[1])):
            queue.stop()
            counts.stopped = "budget"
            break
        inputs, outputs = inputs + request.most[0], outputs + request.most[1]
        requests.append(request)
    return requests
