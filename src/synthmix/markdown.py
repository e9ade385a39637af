"""The parts of a dataset card in the Hugging Face format: YAML front matter, then Markdown.

https://huggingface.co/docs/hub/datasets-cards
"""

from collections.abc import Mapping
from typing import Any

_SIZES = ((1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M"), (1e7, "1M<n<10M"))


def front_matter(values: Mapping[str, Any]) -> str:
    """``values`` as the YAML block that a card begins with."""
    import yaml

    return f"---\n{yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)}---"


def size_category(documents: int) -> str:
    """The hub's name for how many documents there are."""
    return next((label for most, label in _SIZES if documents < most), "n>10M")


def cell(text: str) -> str:
    """``text`` in one line that neither ends a cell nor opens a tag."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")
