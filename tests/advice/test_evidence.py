"""What else a study knows: its task scores, where they say something."""

from collections.abc import Callable

import pytest

from synthmix.advice.advise import advise
from synthmix.interval import Interval
from synthmix.report import sentences
from synthmix.results import Results, TaskFound, TaskShare, Warn

Make = Callable[..., Results]


def task(verdict: str, *codes: str) -> TaskFound:
    """A task whose best share is 80 % where that by loss is a third."""
    share = TaskShare.model_validate(
        {
            "synthetic": "hq", "params": 1_000_000, "tokens": 9_000_000, "is_question": False,
            "by_loss": Interval(mid=1 / 3, low=0.3, high=0.4), "by_score": Interval(mid=0.8, low=0.7, high=0.9),
            "flat_loss": None, "flat_score": None, "common": None, "verdict": verdict, "reason": "made",
            "measured": [], "shares": [], "mean": [], "low": [], "high": [],
        }
    )  # fmt: skip
    return TaskFound(
        task="facts", metric="acc", items=100, chance=0.25, runs=9, formula="", parameters={}, r2=None, loss=[],
        mean=[], low=[], high=[], answers=[], shares=[share],
        warnings=[Warn(code=code, message="made") for code in codes],
    )  # fmt: skip


@pytest.mark.usefixtures("one_law")
@pytest.mark.parametrize(
    ("found", "said", "code"),
    [
        (task("disagree"), "they disagree (made).", "tasks_disagree"),
        (task("not determined"), "whether they agree is not determined (made).", None),
        (task("disagree", "task_at_chance"), "facts: no run scores above chance", "loss_only"),
    ],
    ids=["disagree", "open", "at chance"],
)
def test_task_scores_are_heard_where_they_say_something(
    found: TaskFound, said: str, code: str | None, make: Make
) -> None:
    results = make(tasks=[found.model_dump()])
    advice = advise("3M", "30M", synthetic=["hq,price=1"], study=results)
    assert advice.decision is not None
    assert any(said in line for line in sentences.evidence(results.model_copy(update={"decision": advice.decision})))
    codes = {caveat.code for caveat in advice.decision.caveats}
    assert (code in codes) if code else "loss_only" not in codes
