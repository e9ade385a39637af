"""Scores on tasks: what the harness says of a model is what its likelihoods say, and what guessing gives is known."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from synthmix.corpus import load_tokenizer
from synthmix.errors import BadInput
from synthmix.evaluation.harness import ask, load_tasks, wrapped
from synthmix.training.checkpoint import load_checkpoint

pytestmark = [pytest.mark.usefixtures("offline"), pytest.mark.smoke]
Rows = Callable[..., list[dict[str, Any]]]
Write = Callable[..., Path]


@pytest.fixture
def checkpoint(finished: Path) -> Path:
    """A trained model of the tiny study."""
    return next(iter(sorted((finished.parent / "tiny" / "runs").glob("*/checkpoint"))))


def by_hand(checkpoint: Path, rows: list[dict[str, Any]], context: int) -> tuple[float, float]:
    """Share of right answers, and nats per byte of the right ones, from the model's own logits."""
    model, tokenizer = load_checkpoint(checkpoint), load_tokenizer(checkpoint)
    right, nats = 0, []
    for row in rows:
        said = []
        for choice in row["choices"]:
            start = [tokenizer.eos_id, *tokenizer.encode_batch([row["context"]])[0].tolist()]
            ids = [tokenizer.eos_id, *tokenizer.encode_batch([row["context"] + choice])[0].tolist()]
            kept = ids[-(context + 1) :]
            logits = torch.log_softmax(model(torch.tensor([kept[:-1]])).logits[0].float(), dim=-1)
            scores = logits[torch.arange(len(kept) - 1), torch.tensor(kept[1:])]
            said.append(float(scores[-(len(ids) - len(start)) :].sum()))
        right += max(range(len(said)), key=said.__getitem__) == row["answer"]
        nats.append(-said[row["answer"]] / len(row["choices"][row["answer"]].encode()))
    return right / len(rows), sum(nats) / len(nats)


def test_a_score_is_that_of_the_model_s_likelihoods(
    checkpoint: Path, tmp_path: Path, write_task: Write, questions: Rows
) -> None:
    rows = questions(12)
    write_task(tmp_path / "tasks", "words", rows)
    tasks = load_tasks(["words"], include=tmp_path / "tasks")
    for context in (64, 12):  # the second cuts the questions' beginnings off
        score = ask(wrapped(checkpoint, context=context), tasks, "words")
        with torch.no_grad():
            right, nats = by_hand(checkpoint, rows, context)
        assert score.value == pytest.approx(right)
        assert score.answer_nats == pytest.approx(nats, rel=1e-4)
    assert (score.metric, score.items, score.chance, score.id) == ("acc", 12, 0.25, tasks.ids["words"])
    assert score.stderr is not None


def test_chance_counts_the_choices_of_each_question(
    checkpoint: Path, tmp_path: Path, write_task: Write, questions: Rows
) -> None:
    write_task(tmp_path / "tasks", "mixed", [*questions(3), *questions(3, choices=2)])
    tasks = load_tasks(["mixed"], include=tmp_path / "tasks")
    assert ask(wrapped(checkpoint, context=32), tasks, "mixed").chance == pytest.approx((1 / 4 + 1 / 2) / 2)


def test_a_group_is_one_score_and_a_tag_its_tasks(
    checkpoint: Path, tmp_path: Path, write_task: Write, questions: Rows
) -> None:
    write_task(tmp_path / "tasks", "four", questions(4), tag="all_words")
    write_task(tmp_path / "tasks", "two", questions(8, choices=2), tag="all_words")
    weighted = {"metric": "acc", "aggregation": "mean", "weight_by_size": True}
    group = {"group": "both", "task": ["four", "two"], "aggregate_metric_list": [weighted], "metadata": {"version": 1}}
    (tmp_path / "tasks" / "both.yaml").write_text(json.dumps(group))
    model = wrapped(checkpoint, context=32)
    tasks = load_tasks(["both"], include=tmp_path / "tasks")
    both = ask(model, tasks, "both")
    assert (both.items, both.chance) == (12, pytest.approx((4 / 4 + 8 / 2) / 12))
    apart = load_tasks(["all_words"], include=tmp_path / "tasks")
    assert set(apart.names) == {"four", "two"}
    four, two = (ask(model, apart, name) for name in ("four", "two"))
    assert both.value == pytest.approx((4 * four.value + 8 * two.value) / 12)


def test_a_free_answer_has_no_chance(checkpoint: Path, tmp_path: Path, write_task: Write, questions: Rows) -> None:
    free = {"output_type": "generate_until", "doc_to_choice": None, "doc_to_target": "{{choices[answer]}}"}
    free |= {"generation_kwargs": {"until": ["."], "max_gen_toks": 4}, "metric_list": [{"metric": "exact_match"}]}
    write_task(tmp_path / "tasks", "free", questions(3), **free)
    score = ask(wrapped(checkpoint, context=32), load_tasks(["free"], include=tmp_path / "tasks"), "free")
    assert (score.metric, score.chance, score.answer_nats, score.items) == ("exact_match", 0.0, None, 3)


def test_the_id_is_that_of_what_is_asked(tmp_path: Path, write_task: Write, questions: Rows) -> None:
    def ident(rows: list[dict[str, Any]], limit: int | None = None, **changes: Any) -> str:
        shutil.rmtree(tmp_path / "tasks", ignore_errors=True)
        write_task(tmp_path / "tasks", "words", rows, **changes)
        return load_tasks(["words"], include=tmp_path / "tasks", limit=limit).ids["words"]

    first = ident(questions(6))
    assert ident(questions(6)) == first
    others = [ident(questions(5)), ident(questions(6), limit=4), ident(questions(6), doc_to_text="Q: {{context}}")]
    assert len({first, *others}) == 4


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("unknown", "no task is called 'wrods'; did you mean words?"),
        ("nothing like it", "no task is called 'qqqqqqqq'"),
        ("no folder", "--include-path: no such folder; name a folder of task files"),
        ("none named", "no task is named; for example --harness arc_easy,piqa"),
        ("no data", "task words: its data is not there"),
        ("hub", "task words: its data"),
        ("wrong key", "task words: cannot be loaded"),
        ("not installed", 'lm-evaluation-harness is not installed; pip install "synthmix[harness]"'),
    ],
)
def test_bad_input_is_one_clear_line(
    case: str, said: str, tmp_path: Path, write_task: Write, questions: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    include, names = tmp_path / "tasks", ["words"]
    changes: dict[str, dict[str, Any]] = {
        "hub": {"dataset_path": "someone/nothing", "dataset_kwargs": None},
        "wrong key": {"test_split": "tset"},
    }
    write_task(include, "words", questions(3), **changes.get(case, {}))
    if case == "unknown":
        names = ["wrods"]
    elif case == "nothing like it":
        names = ["qqqqqqqq"]
    elif case == "no folder":
        include = tmp_path / "tsaks"
    elif case == "none named":
        names = []
    elif case == "no data":
        (include / "words.jsonl").unlink()
    elif case == "not installed":
        monkeypatch.setitem(__import__("sys").modules, "lm_eval", None)
    if case in ("unknown", "nothing like it"):  # the harness's own thousands of tasks take seconds to read
        import lm_eval.tasks

        manager = lm_eval.tasks.TaskManager(include_path=str(include), include_defaults=False)
        monkeypatch.setattr(lm_eval.tasks, "TaskManager", lambda **_: manager)
    with pytest.raises(BadInput) as caught:
        load_tasks(names, include=include)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_task_that_cannot_be_asked_or_gives_no_score_is_told(
    checkpoint: Path, tmp_path: Path, write_task: Write, questions: Rows
) -> None:
    write_task(tmp_path / "tasks", "words", questions(3))
    with pytest.raises(BadInput, match="an answer may be longer than the 2 tokens that the model reads at once"):
        ask(wrapped(checkpoint, context=2), load_tasks(["words"], include=tmp_path / "tasks"), "words")
    rolling = {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_choice": None}
    rolling |= {"doc_to_target": "{{context}}", "metric_list": [{"metric": "word_perplexity"}]}
    write_task(tmp_path / "tasks", "loss", questions(3), **rolling)
    tasks = load_tasks(["loss"], include=tmp_path / "tasks")
    with pytest.raises(BadInput, match="gives word_perplexity, not a score between 0 and 1; losses on text"):
        ask(wrapped(checkpoint, context=32), tasks, "loss")
