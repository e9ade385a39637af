"""The limit of concurrency against servers of which the best one is known: a simulation of events, without a clock."""

import heapq
import random
from itertools import count

import pytest

from synthmix.generation.concurrency import Concurrency

REQUESTS = 10_000


class Server:
    """Answers in 20 to 50 ms, ``capacity`` requests at once; others wait, or are rejected within a millisecond.

    ``batching``: with so many requests at once an answer takes twice as long. ``faulty``: share of requests that are
    rejected for no reason.
    """

    def __init__(self, capacity: int, *, rejects: bool = False, batching: float = 0.0, faulty: float = 0.0) -> None:
        self.capacity, self.rejects, self.batching, self.faulty = capacity, rejects, batching, faulty

    def throughput(self, concurrency: Concurrency | None = None, limit: int = 0) -> float:
        """Answers a second under ``concurrency``, or with a fixed ``limit``."""
        rng, order = random.Random(0), count()
        events: list[tuple[float, int, str, float]] = []
        queue: list[float] = []
        now, active, flying, asked, done = 0.0, 0, 0, 0, 0

        def later(seconds: float, kind: str, begun: float) -> None:
            heapq.heappush(events, (now + seconds, next(order), kind, begun))

        def work(begun: float) -> None:
            slower = 1 + active / self.batching if self.batching else 1.0
            later(rng.uniform(0.02, 0.05) * slower, "answer", begun)

        while done < REQUESTS:
            while asked < REQUESTS and (concurrency.room(now) if concurrency else flying < limit):
                asked, flying = asked + 1, flying + 1
                if concurrency:
                    concurrency.sent()
                if rng.random() < self.faulty or (active >= self.capacity and self.rejects):
                    later(0.001, "rejection", now)
                elif active < self.capacity:
                    active += 1
                    work(now)
                else:
                    queue.append(now)
            now, _, kind, begun = heapq.heappop(events)
            if kind == "answer":
                active, flying, done = active - 1, flying - 1, done + 1
                if concurrency:
                    concurrency.answered(now - begun, now)
                if queue:
                    active += 1
                    work(queue.pop(0))
            elif kind == "rejection":
                if concurrency:
                    concurrency.rejected(now - begun, now)
                later(rng.uniform(0.05, 0.1), "rested", now)
            else:
                asked, flying = asked - 1, flying - 1
                if concurrency:
                    concurrency.rested()
        return done / now

    def best(self) -> float:
        """With the best of many fixed limits."""
        limits = {8, 16, 32, 64, 128, 256, self.capacity}
        return max(self.throughput(limit=limit) for limit in limits)


@pytest.mark.parametrize("capacity", [5, 16, 38, 64])
@pytest.mark.parametrize("rejects", [False, True])
def test_the_best_limit_is_found_without_being_told(capacity: int, rejects: bool) -> None:
    server = Server(capacity, rejects=rejects)
    assert server.throughput(Concurrency()) > 0.93 * server.best()


@pytest.mark.parametrize("half", [16.0, 64.0])
def test_a_server_that_batches_is_asked_for_much_at_once(half: float) -> None:
    server = Server(512, batching=half)
    assert server.throughput(Concurrency()) > 0.85 * server.best()


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_rejections_that_have_nothing_to_do_with_the_limit_do_not_lower_it(share: float) -> None:
    server = Server(64, faulty=share)
    concurrency = Concurrency()
    assert server.throughput(concurrency) > 0.75 * server.best()
    assert concurrency.limit > 48


def test_the_limit_stays_near_the_capacity_of_a_queue_and_below_that_of_a_wall() -> None:
    queue, wall = Concurrency(), Concurrency()
    Server(32).throughput(queue)
    Server(32, rejects=True).throughput(wall)
    assert 32 <= queue.limit <= 80
    assert 24 <= wall.limit <= 36


def test_rejections_lower_the_limit_to_three_quarters_of_where_they_began() -> None:
    concurrency = Concurrency(start=40)
    for _ in range(40):
        concurrency.sent()
    for _ in range(20):
        concurrency.rejected(0.01, 1.0)
    # The first rejections came with at least 20 requests under way.
    assert concurrency.limit == 0.75 * concurrency.ceiling
    assert 20 <= concurrency.ceiling < 40


def test_no_more_than_most() -> None:
    concurrency = Concurrency(most=10)
    assert Server(64).throughput(concurrency) <= Server(64).throughput(limit=10) * 1.01
    assert concurrency.limit <= 10


def test_a_wait_that_nothing_passes_through_holds_for_all() -> None:
    concurrency = Concurrency(start=8)
    for _ in range(8):
        concurrency.sent()
    for _ in range(8):
        concurrency.rejected(0.01, 1.0, wait=30.0)
    for _ in range(8):
        concurrency.rested()
    assert not concurrency.room(30.9)
    assert concurrency.room(31.1)


def test_a_pause_and_the_load() -> None:
    concurrency = Concurrency(start=4)
    concurrency.pause(2.0)
    assert not concurrency.room(1.0)
    assert concurrency.room(2.0)
    concurrency.sent()
    assert concurrency.load == 0.25
    concurrency.failed()
    assert concurrency.load == 0.0
