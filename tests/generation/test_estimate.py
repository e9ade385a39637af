"""What a job will take, from a part of its requests, against all of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from synthmix.corpus.sources import Document
from synthmix.generation import preview as room
from synthmix.generation.preview import Estimate, estimate
from synthmix.generation.prompts import Reply
from synthmix.generation.requests import JobPlan
from synthmix.generation.settings import GenerateConfig
from synthmix.generation.template import load_template


@pytest.fixture
def estimated(make_stories: Callable[..., list[str]], tmp_path: Path) -> Callable[..., Estimate]:
    lengths = (30, 60, 400, 90)  # words: the long ones are cut into chunks
    texts = [make_stories(1, first=i, words=lengths[i % 4])[0] for i in range(80)]
    documents = [Document(text, "web", f"web-{i}") for i, text in enumerate(texts)]

    def made(kind: str) -> Estimate:
        config = GenerateConfig(
            generate=kind, model="m", endpoint=["http://127.0.0.1:9"], rollouts=2, chunk_tokens=150, price_out=1.0
        )
        plan = JobPlan(config, load_template(kind), documents, tmp_path)
        pairs = []
        for prompt, _ in zip(plan.requests(), range(6), strict=False):
            size = max(4, len(prompt.source) // 4)
            pairs.append((prompt, Reply(prompt.key, "be " * size, "stop", size + 50, size, "m", 0.5)))
        return estimate(plan, pairs, kept=0.5)

    return made


@pytest.mark.parametrize("kind", ["hq", "textbook"])
def test_a_part_of_the_requests_tells_of_all(
    kind: str, estimated: Callable[..., Estimate], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = estimated(kind)
    monkeypatch.setattr(room, "LOOKED_AT", 50)
    part = estimated(kind)
    assert part.documents == whole.documents == 80
    for name in ("requests", "input_tokens", "output_tokens", "written_tokens", "cost", "seconds"):
        assert getattr(part, name) == pytest.approx(getattr(whole, name), rel=0.15), name
    assert part.requests >= 2 * 80
    assert part.written_tokens == pytest.approx(part.output_tokens / 2, abs=1)
