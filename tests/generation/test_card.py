import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthmix.generation.card import RISKS, dataset_card, write_card
from synthmix.generation.filtering import Dropped
from synthmix.generation.measures import Pair
from synthmix.generation.quality import quality_report
from synthmix.generation.template import load_template

DROPPED = [
    Dropped(reason="refusal", documents=3, bytes=120, share=0.03, also=1),
    Dropped(reason="copied", documents=7, bytes=900, share=0.07, also=0),
]


def card(**changes: Any) -> str:
    about: dict[str, Any] = {
        "name": "web, rewritten: 'hq' | <b>",
        "template": load_template("hq"),
        "generator": {
            "model": "small-1B",
            "sampling": {"temperature": {"uniform": [0.6, 1.0]}},
            "seed": 7,
            "endpoint": None,
        },
        "source": {"name": "web", "id": "c0ffee", "license": "CC-BY-4.0"},
        "files": ["data/00000.jsonl.gz", "data/00001.jsonl.gz"],
        "documents": 90,
        "tokens": 12_345,
        "dropped": DROPPED,
        "read": 100,
    }
    return dataset_card(**{**about, **changes})


def front(text: str) -> dict[str, Any]:
    match = re.match(r"\A---\n(.*?)\n---\n", text, re.DOTALL)
    assert match is not None
    return yaml.safe_load(match[1])


def test_the_front_matter_parses_and_says_what_the_hub_asks_for() -> None:
    found = front(card(language="de", license="cc-by-4.0"))
    assert found["language"] == ["de"]
    assert found["license"] == "cc-by-4.0"
    assert found["pretty_name"] == "web, rewritten: 'hq' | <b>"
    assert {"synthetic", "hq"} <= set(found["tags"])
    assert found["size_categories"] == ["n<1K"]
    [config] = found["configs"]
    assert config["data_files"] == [{"split": "train", "path": ["data/00000.jsonl.gz", "data/00001.jsonl.gz"]}]


@pytest.mark.parametrize(
    ("documents", "label"), [(0, "n<1K"), (1_000, "1K<n<10K"), (99_999, "10K<n<100K"), (10**9, "n>10M")]
)
def test_sizes_are_the_hubs(documents: int, label: str) -> None:
    assert front(card(documents=documents))["size_categories"] == [label]


def test_the_body_says_how_it_was_made_and_what_was_left_out() -> None:
    text = card(failed=2, truncated=4)
    template = load_template("hq")
    assert template.id in text
    assert template.body.strip() in text
    assert "| model | small-1B |" in text
    assert "| sampling | temperature: uniform: 0.6, 1.0 |" in text
    assert "endpoint" not in text.split("## What")[0].split("# How")[1].split("### Source")[0], (
        "what is not there is not shown"
    )
    assert "| license | CC-BY-4.0 |" in text
    assert "Of 100 documents 90 were kept. 2 more have a request that failed" in text
    assert "4 answers ran into their token limit" in text
    assert "| refusal | 3 | 3.00 % | 120 | 1 |" in text
    assert all(risk in text for risk in RISKS)
    assert "# web, rewritten: 'hq' \\| &lt;b>\n" in text, "names cannot break the page"
    assert card(dropped=[row.model_dump() for row in DROPPED]) == card()


def test_quality_numbers_are_shown_with_their_intervals() -> None:
    report = quality_report(
        {"hq": [Pair(f"The ladder {i} has 12 rungs.", f"Ladder {i}: 12 rungs.") for i in range(40)]}
    )
    text = card(quality=report)
    assert "## Quality" in text
    assert "## Quality" not in card()
    assert "| Numbers kept (%) |  | 100 (" in text
    assert "| measure | source | hq | what it is |" in text


def test_a_template_with_a_fence_stays_in_its_block(tmp_path: Path) -> None:
    path = tmp_path / "t.jinja"
    path.write_text("---\nname: t\n---\n{% block system %}{% endblock %}{% block user %}```{{ text }}```{% endblock %}")
    text = card(template=load_template(path))
    assert "\n````jinja\n" in text
    write_card(
        tmp_path / "README.md",
        name="n",
        template=load_template(path),
        generator={},
        source={},
        files=["a"],
        documents=1,
    )
    assert "Not recorded." in (tmp_path / "README.md").read_text()
