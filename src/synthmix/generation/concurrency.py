"""How many requests an endpoint gets at once, found while working.

Additive increase and multiplicative decrease (x0.75), as TCP has it (Chiu & Jain 1989), on two signs:

1. Rejections (429, 503) and time-outs. The limit falls to 0.75 of where they began, climbs back half of the way each
   round (BIC, Xu et al. 2004), stays just below, and tries one more ever more rarely. Rejections that stay when less is
   asked have nothing to do with the limit: it is given back.
2. Waiting that is not paid for. While a higher limit brings more throughput it grows, however long the waiting:
   batching servers answer the more slowly the more they do. When it brings less than PAID of what it should, the
   limit goes back to where throughput levelled off and a little above, so that a short queue keeps the server busy.

A round judges only what was sent since the last change: first it lets the older answers come in. A rejected request
keeps its place while it waits for its next try, so that a full server is not stormed.
"""

import math
from dataclasses import dataclass

DECREASE = 0.75
PAID = 0.1  # d ln throughput / d ln limit below which more requests only wait (CHOSEN)
SPARE = 1.15  # of the knee (CHOSEN)
ROUND = 32  # fewest answers that say something about throughput
SLOWER = 2.0  # times the latency at which a smaller limit is tried
EVIDENCE = 16  # expected rejections after which their absence says something
STEP_UP = 1.5  # of the limit, when a higher one is tried
PATIENCE = 64  # most rounds between two trials


@dataclass(frozen=True)
class Level:
    """What a limit brought: answers a second and seconds of waiting."""

    limit: float
    throughput: float
    latency: float


class Concurrency:
    """The limit of one endpoint. Times are seconds of any one clock, given by the caller.

    Attributes:
        limit: requests at once, a real number; ``most``: never more.
        in_flight, resting: requests out now, and rejected ones that keep their place.
        ceiling: where rejections began; infinite while there are none.
        tolerated: share of rejections that stay whatever the limit.
    """

    def __init__(self, start: int = 16, most: int = 512) -> None:
        self.limit, self.most = float(min(start, most)), most
        self.in_flight, self.resting, self.paused_until = 0, 0, 0.0
        self.ceiling, self.tolerated = math.inf, 0.0
        self._phase = self._was = "start"  # then steady; up, down, relief: a trial of another limit
        self._known: Level | None = None
        self._before = (0.0, 0.0)  # the limit before a trial, and its share of rejections
        self._calm, self._patience = 0, 8  # rounds without a change, and how many before the next trial
        self._step = 1.0  # above the ceiling
        self._sent = self._rejected = 0
        self._new_round(0.0)

    @property
    def load(self) -> float:
        """Share of the limit in use: requests go where it is lowest."""
        return (self.in_flight + self.resting) / self.limit

    def room(self, now: float) -> bool:
        """Whether one more request may be sent."""
        return self.in_flight + self.resting < int(self.limit) and now >= self.paused_until

    def sent(self) -> None:
        """A request goes out."""
        self.in_flight += 1
        self._sent += 1

    def answered(self, seconds: float, now: float) -> None:
        """An answer came after ``seconds``."""
        self.in_flight -= 1
        if now - seconds < self._since:
            return  # sent before the last change
        self._pause -= 1
        if self._pause == 0:
            self._from = now
        elif self._pause < 0:
            self._answers += 1
            self._waited += seconds
            if self._phase == "relief":
                if self._answers % max(1, int(self.limit)) == 0:
                    self.limit = self._climbed()
                self._judge_relief(now)
            elif self._answers >= max(ROUND, (1 if self._phase == "start" else 2) * self.limit):
                self._end_round(now)

    def failed(self) -> None:
        """No answer, for a reason that has nothing to do with how much is asked."""
        self.in_flight -= 1

    def rejected(self, seconds: float, now: float, wait: float | None = None) -> None:
        """A rejection or a time-out; ``wait``: its Retry-After. The request keeps its place until ``rested``."""
        self.in_flight -= 1
        self.resting += 1
        self._rejected += now - seconds >= self._since
        if wait and self._rejected >= max(4, 0.5 * self._sent):
            self.paused_until = max(self.paused_until, now + wait)  # nothing gets through
        if self._phase == "relief":
            if now - seconds < self._since:  # of the crowd that led to this: now it is known better how many fit
                self.ceiling = max(1.0, self._before[0] / 2, min(self.ceiling, self.in_flight))
                self.limit = max(1.0, DECREASE * self.ceiling)
            else:
                self._judge_relief(now)
        elif self._sent >= max(16, self.limit / 4) and self._rejected > 3 + (2 * self.tolerated + 0.02) * self._sent:
            self._relieve(now)

    def rested(self) -> None:
        """A rejected request gives up its place."""
        self.resting -= 1

    def pause(self, until: float) -> None:
        """Send nothing before ``until``."""
        self.paused_until = max(self.paused_until, until)

    def _new_round(self, now: float, *, change: bool = True) -> None:
        if change:
            self._since = now
        self._pause = max(1, math.ceil(min(self.limit, max(self.in_flight, 1)))) if change else 1
        self._sent, self._rejected = (0, 0) if change else (self._sent // 2, self._rejected // 2)
        self._answers, self._waited, self._from = 0, 0.0, now

    def _set(self, limit: float, now: float, phase: str) -> None:
        self.limit, self._phase, self._calm = min(max(1.0, limit), self.most), phase, 0
        self._new_round(now)

    def _relieve(self, now: float) -> None:
        """Too many rejections: try whether three quarters of what fits are answered better."""
        self._was = self._phase if self._phase == "start" else "steady"
        self._before = (self.limit, min(1.0, self._rejected / max(self._sent, 1)))
        self.ceiling = max(1.0, min(self.limit, self.in_flight))
        self._patience, self._step, self._known = min(PATIENCE, 2 * self._patience), 1.0, None
        self._set(self.ceiling * DECREASE, now, "relief")

    def _judge_relief(self, now: float) -> None:
        limit, share = self._before
        if self._sent < max(self.limit, EVIDENCE / share):
            return
        found = self._rejected / self._sent
        if found < 0.25 * share:
            self._set(self.limit, now, "steady")
        elif found >= 0.5:
            self._relieve(now)
        else:
            self.tolerated, self.ceiling = max(self.tolerated, found), math.inf
            self._set(limit, now, self._was)

    def _end_round(self, now: float) -> None:
        level = Level(self.limit, self._answers / max(now - self._from, 1e-9), self._waited / self._answers)
        self.tolerated *= 0.99
        known = self._known
        if self._phase == "start":
            if known is None or self._pays(level, known):
                self._known = level
                self._set(2 * self.limit, now, "start" if 2 * self.limit <= self.most else "steady")
            else:
                knee = known.limit * max(1.0, level.throughput / known.throughput)
                self._known = None
                self._set(min(self.limit, SPARE * knee + 1), now, "steady")
        elif self._phase == "up" and known is not None:
            if self._pays(level, known):
                self._known, self._patience = level, 8
                self._set(self.limit * STEP_UP, now, "up" if self.limit < self.most else "steady")
            else:
                self._patience = min(PATIENCE, 2 * self._patience)
                self._set(self._before[0], now, "steady")
        elif self._phase == "down" and known is not None:
            kept = level.throughput >= 0.95 * known.throughput
            self._known = level if kept else known
            self._set(self.limit if kept else self._before[0], now, "steady")
        else:
            self._steady(level, now)

    def _climbed(self) -> float:
        """Half of the way to the ceiling."""
        return self.ceiling if self.ceiling - self.limit < 2 else (self.limit + self.ceiling) / 2

    def _pays(self, level: Level, known: Level) -> bool:
        return level.throughput / known.throughput >= (level.limit / known.limit) ** PAID

    def _steady(self, level: Level, now: float) -> None:
        known = self._known or level
        self._known, self._calm = level, self._calm + 1
        self._before = (self.limit, 0.0)
        if self.limit < self.ceiling < math.inf:
            self._set(self._climbed(), now, "steady")
        elif level.latency > SLOWER * known.latency and level.throughput < known.throughput:
            self._set(self.limit * DECREASE, now, "down")
        elif self._calm >= self._patience and math.isfinite(self.ceiling):
            self.ceiling = max(self.ceiling, self.limit) + self._step
            self._step *= 2  # as long as nobody minds
            self._set(self.ceiling, now, "steady")
        elif self._calm >= self._patience and self.limit < self.most:
            self._set(self.limit * STEP_UP, now, "up")
        else:
            self._new_round(now, change=False)
