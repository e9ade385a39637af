"""What a sheet asks: the one list that the page, the reader of ratings and the agreement go by."""

from dataclasses import dataclass
from typing import Literal

GRADES = (1, 2, 3, 4, 5)
Kind = Literal["pair", "apart", "single"]
Place = Literal["left", "right"]
PLACES: tuple[Place, ...] = ("left", "right")
BETTER = ("left", "same", "right")
WHO_OF_TWO = ("left", "unsure", "right")
WHO_OF_ONE = ("person", "unsure", "model")


@dataclass(frozen=True)
class Choice:
    """One answer: its code in the file of ratings, its words and its key on the page."""

    code: str
    label: str
    key: str


PROBLEMS = (
    Choice("repeats", "Repeats itself", "r"),
    Choice("facts", "Says what is wrong or made up", "f"),
    Choice("lost", "Leaves out what matters", "l"),
    Choice("incoherent", "Does not hang together", "h"),
    Choice("broken_off", "Breaks off", "b"),
    Choice("task_talk", "Speaks of its task, or refuses", "t"),
)


def asked(kind: Kind) -> list[dict[str, object]]:
    """The questions about an item as a whole, as the page takes them: name, words and choices."""
    if kind == "single":
        who = [Choice("person", "A person", "z"), Choice("unsure", "Cannot tell", "x"), Choice("model", "A model", "c")]
        return [_question("person", "Who wrote it?", who)]
    better = [Choice("left", "Left", "a"), Choice("same", "Equal", "s"), Choice("right", "Right", "d")]
    who = [Choice("left", "Left", "z"), Choice("unsure", "Cannot tell", "x"), Choice("right", "Right", "c")]
    return [
        _question("better", "Which is the better text?", better),
        _question("person", "Which one did a person write?", who),
    ]


def _question(name: str, words: str, choices: list[Choice]) -> dict[str, object]:
    return {"name": name, "words": words, "choices": [vars(choice) for choice in choices]}
