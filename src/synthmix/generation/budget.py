"""Tokens and money, counted and bounded: a budget is never passed, whatever the requests in flight turn out to cost.

Before a request goes out its most possible cost is set aside: as many output tokens as it may have, and an input token
for each byte of its messages (no tokeniser in use makes more) with some for the chat template. A try whose answer is
lost (a time-out, a broken connection) may have been charged, so that it counts with that amount; a file keeps these
across a kill.
"""

from dataclasses import dataclass
from pathlib import Path

from synthmix.errors import BadInput
from synthmix.generation.journal import cut_torn_line, starts
from synthmix.generation.prompts import Prompt
from synthmix.quantities import format_count

TEMPLATE_TOKENS = 256  # that a chat template may add
DEFAULT_OUTPUT = 4096  # when a request has no max_tokens


@dataclass(frozen=True)
class Prices:
    """Money per million tokens."""

    input: float = 0.0
    output: float = 0.0

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """Money for so many tokens."""
        return (self.input * input_tokens + self.output * output_tokens) / 1e6


def most_tokens(prompt: Prompt) -> tuple[int, int]:
    """Input and output tokens that a request can have at the most."""
    shown = sum(len(message["content"].encode()) for message in prompt.messages)
    return shown + TEMPLATE_TOKENS, int(prompt.sampling.get("max_tokens") or DEFAULT_OUTPUT)


class Budget:
    """What was spent and what is set aside.

    Args:
        tokens, money: the budgets; None for none.
        log: where tries are kept whose answer may have been lost, for a budget that holds across a kill. What other
            parts of the job have in files beside it (``spending-<part>.log``) counts too.

    Attributes:
        input_tokens, output_tokens: of answers. lost_input, lost_output: bounds on what lost tries may have cost.
    """

    def __init__(
        self, prices: Prices | None = None, *, tokens: int | None = None, money: float | None = None, log: Path | None
    ) -> None:
        self.prices = prices or Prices()
        self.token_budget, self.money_budget = tokens, money
        self.input_tokens = self.output_tokens = self.lost_input = self.lost_output = 0
        self._held_input = self._held_output = 0
        self._log = None
        if log is not None and (tokens is not None or money is not None):
            log.parent.mkdir(parents=True, exist_ok=True)
            cut_torn_line(log)
            for path in sorted(log.parent.glob(f"{log.stem.partition('-')[0]}-*{log.suffix}")):  # of every part
                self._read(path)
            self._log = log.open("a", buffering=1, encoding="ascii")

    @property
    def money(self) -> float:
        """Spent on answers."""
        return self.prices.cost(self.input_tokens, self.output_tokens)

    def charge(self, input_tokens: int, output_tokens: int) -> None:
        """An answer was paid for."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens

    def fits(self, most: tuple[int, int]) -> bool:
        """Whether a request may go out without any risk of passing a budget."""
        if self._log is None and self.token_budget is None and self.money_budget is None:
            return True
        inputs = self.input_tokens + self.lost_input + self._held_input + most[0]
        outputs = self.output_tokens + self.lost_output + self._held_output + most[1]
        if self.token_budget is not None and inputs + outputs > self.token_budget:
            return False
        return self.money_budget is None or self.prices.cost(inputs, outputs) <= self.money_budget

    def hold(self, most: tuple[int, int]) -> None:
        """Set aside what a request can cost, as it goes out."""
        self._held_input += most[0]
        self._held_output += most[1]
        self._write("-", most)

    def release(self, most: tuple[int, int], *, lost: bool = False) -> None:
        """Its answer came, or it was refused unpaid; ``lost``: it may have been charged for nothing."""
        self._held_input -= most[0]
        self._held_output -= most[1]
        if lost:
            self.lost_input += most[0]
            self.lost_output += most[1]
        else:
            self._write("+", most)

    def keep_part(self, shards: int) -> None:
        """Use one of ``shards`` equal parts of what is left of the budgets."""
        tokens = self.input_tokens + self.output_tokens + self.lost_input + self.lost_output
        money = self.prices.cost(self.input_tokens + self.lost_input, self.output_tokens + self.lost_output)
        if self.token_budget is not None and shards > 1:
            self.token_budget = tokens + (self.token_budget - tokens) // shards
        if self.money_budget is not None and shards > 1:
            self.money_budget = money + (self.money_budget - money) / shards

    def check(self, most: tuple[int, int]) -> None:
        """Refuse to begin.

        Raises:
            BadInput: the budget is spent, or too small for a single request.
        """
        if self.fits(most):
            return
        spent = self.input_tokens + self.output_tokens + self.lost_input + self.lost_output
        money = self.prices.cost(self.input_tokens + self.lost_input, self.output_tokens + self.lost_output)
        over_tokens = self.token_budget is not None and spent + sum(most) > self.token_budget
        key = "budget_tokens" if over_tokens else "budget_money"
        budget = format_count(self.token_budget or 0) if over_tokens else f"{self.money_budget:g}"
        used = format_count(spent) if over_tokens else f"{money:.4g}"
        one = f"{sum(most)} tokens" if over_tokens else f"{self.prices.cost(*most):.4g}"
        problem = f"{used} of {budget} are spent already" if spent else f"{budget} is less than one request may cost"
        raise BadInput(f"{problem} (one request: at most {one})", key=key, remedy="raise it")

    def close(self) -> None:
        """Close the file."""
        if self._log is not None:
            self._log.close()

    def _write(self, sign: str, most: tuple[int, int]) -> None:
        if self._log is not None:
            self._log.write(f"{sign}{most[0]} {most[1]}\n")

    def _read(self, log: Path) -> None:
        """Every try that went out and did not come back counts as lost."""
        for _, line in starts(log):
            inputs, outputs = map(int, line[1:].split())
            sign = 1 if line.startswith(b"-") else -1
            self.lost_input += sign * inputs
            self.lost_output += sign * outputs
