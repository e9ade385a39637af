"""From requests to answers in the journal: many endpoints at once, each at its own pace.

One coroutine hands requests out; each is a task of its own. A request is tried, on whichever endpoint has room, until
it is answered or has failed for good, and it is written down either way before it is forgotten.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from synthmix.errors import Failure
from synthmix.generation.faults import RequestFault
from synthmix.generation.journal import Journal
from synthmix.generation.lane import Job, Lane, Retries, free_lane
from synthmix.generation.ledger import Ledger
from synthmix.generation.pace import Pace
from synthmix.generation.prompt import Endpoint
from synthmix.generation.queue import Queue
from synthmix.generation.tally import Tally

SLICE_SECONDS = 0.01  # of looking for the next request, before answers are looked after again
SYNC_SECONDS = 2.0
TICK_SECONDS = 0.5


class Runner:
    """Runs requests.

    Args:
        most: requests at once to one endpoint, at most.
        tick: called about twice a second with the tally and the number of requests in flight.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        journal: Journal,
        ledger: Ledger,
        *,
        retries: Retries | None = None,
        most: int = 512,
        tick: Callable[[Tally, int], None] = lambda tally, at_once: None,
    ) -> None:
        self.lanes = [Lane(endpoint, Pace(most=most)) for endpoint in endpoints]
        self.journal, self.ledger, self.tick = journal, ledger, tick
        self.retries = retries or Retries()
        self.tally = Tally(generators=[endpoint.identity for endpoint in endpoints])
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._held: Job | None = None  # one that waits for room in the budget
        self._wake = asyncio.Event()

    async def run(self, queue: Queue) -> Tally:
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
            self.tally.skipped = queue.skipped
            if queue.at_target:
                self.tally.stopped = "target"
        if self._error is not None:
            raise self._error
        return self.tally

    def _hand_out(self, queue: Queue) -> bool:
        """Send what may be sent; whether there is more to look for at once."""
        until = time.monotonic() + SLICE_SECONDS
        while (lane := free_lane(self.lanes, time.monotonic())) is not None:
            job = self._held or queue.next(until)
            self._held = None
            if job is None:
                return not queue.done and time.monotonic() >= until
            if not self.ledger.fits(job.most):
                if self._tasks:
                    self._held = job  # what is in flight may cost less than was set aside
                else:
                    queue.stop()
                    self.tally.stopped = "budget"
                return False
            self._send(lane, job, queue)
        return False

    def _send(self, lane: Lane, job: Job, queue: Queue) -> None:
        self.ledger.hold(job.most)
        lane.pace.sent()
        job.attempts += 1
        task = asyncio.create_task(self._try(lane, job, queue))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._error = self._error or task.exception()
        self._wake.set()

    async def _try(self, lane: Lane, job: Job, queue: Queue) -> None:
        begun = time.monotonic()
        try:
            reply = await lane.endpoint.complete(job.prompt)
        except RequestFault as fault:
            self.ledger.release(job.most, lost=fault.billed)
            await self._faulted(lane, job, fault, queue, time.monotonic() - begun)
            return
        except asyncio.CancelledError:
            self.ledger.release(job.most, lost=True)
            raise
        now = time.monotonic()
        lane.pace.answered(now - begun, now)
        lane.unreachable = 0
        self.journal.add(reply, lane.where or "")
        self.ledger.release(job.most)
        self.ledger.charge(reply.input_tokens, reply.output_tokens)
        self.tally.count(reply.input_tokens, reply.output_tokens, reply.finish)
        queue.settle(reply.key)

    async def _faulted(self, lane: Lane, job: Job, fault: RequestFault, queue: Queue, seconds: float) -> None:
        now = time.monotonic()
        if fault.fatal or fault.kind == "unreachable":  # no fault of the request
            lane.pace.failed()
            job.attempts -= 1
            queue.again(job)
            if fault.fatal or lane.out_of_reach(now):
                self._bury(lane, fault)
        elif not fault.retry or job.attempts > self.retries.most:
            lane.pace.failed()
            self.journal.fail(job.prompt, fault.kind, fault.reason, job.attempts)
            queue.settle(job.prompt.key)
            self.tally.fail(fault)
        else:
            self.tally.retried += 1
            delay = self.retries.delay(job.attempts, fault.wait)
            if fault.overload:
                lane.pace.rejected(seconds, now, fault.wait)
                self._wake.set()
                await asyncio.sleep(delay)
                lane.pace.rested()
                queue.again(job)
            else:
                lane.pace.failed()
                queue.again(job, now + delay)

    def _bury(self, lane: Lane, fault: RequestFault) -> None:
        """An endpoint that will never answer; its requests go elsewhere."""
        lane.dead = True
        if all(each.dead for each in self.lanes):
            problem = f"cannot be reached any more ({fault.reason})" if fault.kind == "unreachable" else fault.reason
            raise Failure(problem, where=lane.where, remedy="mend it and run the same command again; answers are kept")

    async def _woken(self, queue: Queue) -> None:
        """Wait until a request ends, a wait is over, or an endpoint may be asked again."""
        now = time.monotonic()
        times = [lane.pace.paused_until for lane in self.lanes if not lane.dead and lane.pace.paused_until > now]
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
            self.tally.skipped, self.tally.documents = queue.skipped, queue.documents
            self.tick(self.tally, sum(lane.pace.in_flight for lane in self.lanes))
            if time.monotonic() - synced > SYNC_SECONDS:
                await asyncio.to_thread(self.journal.sync)
                synced = time.monotonic()
