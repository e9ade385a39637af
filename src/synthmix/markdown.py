"""The parts of a dataset card in the Hugging Face format: YAML front matter, then Markdown.

https://huggingface.co/docs/hub/datasets-cards
"""

import re
from collections.abc import Mapping
from typing import Any

from synthmix.console import plain

# What Markdown obeys inside a line; an underscore within a word is none.
_MARKUP = re.compile(r"[\\`*\[\]|]|~~|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_SIZES = ((1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M"), (1e7, "1M<n<10M"))


def front_matter(values: Mapping[str, Any]) -> str:
    """``values`` as the YAML block that a card begins with."""
    import yaml

    return f"---\n{yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)}---"


def size_category(documents: int) -> str:
    """The hub's name for how many documents there are."""
    return next((label for most, label in _SIZES if documents < most), "n>10M")


def cell(text: str) -> str:
    """``text`` in one line that is shown as it stands: in it nothing ends a cell, opens a tag, a link, an image, code
    or emphasis, or reorders the line."""
    line = plain(" ".join(str(text).split()), one_line=True)
    line = _ENTITY.sub("&amp;", _MARKUP.sub(r"\\\g<0>", line))
    return line.replace("<", "&lt;")
