"""What the harness does not say: what guessing gives, and how likely the right answers are."""

from typing import Any

GUESSED = ("acc", "acc_norm")  # metrics of a choice


def items_of(samples: list[dict[str, Any]]) -> int:
    """Questions asked: a question that several filters read is one."""
    return len({sample["doc_id"] for sample in samples})


def chance_of(metric: str, tasks: list[Any], samples: list[list[dict[str, Any]]]) -> float:
    """Score of guessing: the mean over questions of 1/choices, 0 where an answer is written freely."""
    chances = []
    for task, asked in zip(tasks, samples, strict=True):
        choice = metric in GUESSED and task.OUTPUT_TYPE == "multiple_choice"
        for sample in _once(asked):
            chances.append(1 / len(task.doc_to_choice(sample["doc"])) if choice else 0.0)
    return sum(chances) / len(chances)


def answer_nats(samples: list[list[dict[str, Any]]]) -> float | None:
    """Mean over questions of the right answer's nats per byte; None where some question's right answer is not scored
    by its likelihood."""
    found = []
    for sample in (sample for asked in samples for sample in _once(asked)):
        right = _right(sample)
        if right is None:
            return None
        (_, answer), response = sample["arguments"][right], sample["filtered_resps"][right]
        found.append(-float(response[0]) / max(len(answer.encode()), 1))
    return sum(found) / len(found) if found else None


def _right(sample: dict[str, Any]) -> int | None:
    """Position of the right answer among the sample's requests."""
    requests, target = sample["arguments"], sample["target"]
    scored = all(len(request) == 2 and isinstance(request[1], str) for request in requests)
    responses = sample["filtered_resps"]
    if not scored or not all(isinstance(each, list | tuple) and len(each) == 2 for each in responses):
        return None
    if len(requests) == 1:
        return 0
    if isinstance(target, int) and 0 <= target < len(requests):
        return target
    answers = [answer.strip() for _, answer in requests]
    return answers.index(target.strip()) if isinstance(target, str) and target.strip() in answers else None


def _once(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first filter's samples."""
    return list({sample["doc_id"]: sample for sample in reversed(samples)}.values())[::-1]
