"""An endpoint with its pace, a request on its way, and when to try again."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from synthmix.generation.pace import Pace
from synthmix.generation.prompt import Endpoint, Prompt

PAUSE = (1.0, 30.0)  # seconds for which an endpoint that cannot be reached is left alone, first and at most
PAUSES = 8  # of them in a row, about two minutes, before it is given up


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


@dataclass(order=True)
class Job:
    """A request on its way, ordered by the time from which it may be sent. ``most``: tokens it may cost."""

    due: float
    order: int
    prompt: Prompt
    most: tuple[int, int]
    attempts: int = 0


@dataclass
class Lane:
    """One endpoint. ``dead``: it will never answer. ``unreachable``: times in a row."""

    endpoint: Endpoint
    pace: Pace
    dead: bool = False
    unreachable: int = 0

    def out_of_reach(self, now: float) -> bool:
        """Leave it alone for a while, longer each time; whether that was tried often enough. What is in flight to it
        fails together and counts once."""
        if now >= self.pace.paused_until:
            self.unreachable += 1
            self.pace.pause(now + min(PAUSE[1], PAUSE[0] * 2 ** min(self.unreachable - 1, 10)))
        return self.unreachable > PAUSES

    @property
    def where(self) -> str | None:
        """Its address, for messages."""
        return self.endpoint.identity.get("endpoint")


def free_lane(lanes: Sequence[Lane], now: float) -> Lane | None:
    """The endpoint with room that is used least."""
    free = [lane for lane in lanes if not lane.dead and lane.pace.room(now)]
    return min(free, key=lambda lane: lane.pace.load) if free else None
