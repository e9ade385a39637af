"""The sensitivity study's parts: what is looked up is what would be made, and each setting reaches the score."""

from collections.abc import Callable

import numpy as np
import pytest
from benchmarks.valuation.contributors import Recipe, contribute
from benchmarks.valuation.sensitivity import (
    LABELLED,
    TEXT,
    WHOLE,
    RememberedEncoder,
    RememberedTokenizer,
    Setting,
    scores,
    settings,
)
from benchmarks.valuation.sources import Source
from benchmarks.valuation.tasks.task import Task

from synthmix.valuation.pool import Pool
from synthmix.valuation.valuer import Valuer


@pytest.fixture(scope="module")
def task(make_stories: Callable[..., list[str]]) -> Task:
    sources = {
        "real": Source(make_stories(120, first=100), None, natural=True),
        "made": Source(make_stories(120, dialect=1), None),
    }
    made = tuple(contribute(Recipe(60, share, "made"), sources, {}) for share in (0.0, 0.5, 1.0))
    return Task("instruction", (Pool.of("reference", make_stories(40)),), made)


def test_what_is_looked_up_is_what_would_be_made(task: Task) -> None:
    usual = Valuer().fit(task.reference)
    encoder, tokenizer = RememberedEncoder(usual.encoded), RememberedTokenizer(usual.tokenizer)
    texts = task.contributors[0].pool.all().items
    for asked in (texts[:5], texts[3:] + texts[:1], texts[:5]):
        assert np.allclose(encoder.encode(asked), usual.encoded.encode(asked), atol=1e-6)
        assert [list(ids) for ids in tokenizer.encode_batch(asked)] == [
            list(ids) for ids in usual.tokenizer.encode_batch(asked)
        ]
    plain = [usual.score(each.pool).value for each in task.contributors]
    found = scores(task, Setting("default"), Valuer(encoder=encoder, tokenizer=tokenizer))
    assert found[WHOLE] == pytest.approx(plain, abs=1e-6)
    assert found["transfer"][2] > found["transfer"][1] > found["transfer"][0]


def test_each_setting_of_a_text_task_changes_the_score(task: Task) -> None:
    names = [setting.name for setting in settings()]
    assert len(names) == len(set(names))
    assert names[0] == "default"
    usual = scores(task, Setting("default"), Valuer())[WHOLE]
    for setting in settings():
        if setting.tasks == LABELLED or setting.encoder or "items of each" in setting.name or setting.name == "default":
            continue
        assert setting.tasks in ((), TEXT)
        changed = setting.task(task) if setting.task else task
        assert np.abs(scores(changed, setting, Valuer(**setting.changed))[WHOLE] - usual).max() > 1e-6, setting.name
