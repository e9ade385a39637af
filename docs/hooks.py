"""What the site changes of its pages: docstrings name functions as Sphinx does, which pages would show as it is."""

import re
from typing import Any

_ROLE = re.compile(r":(?:func|class|mod|attr|meth|data):(?=<code>)")


def on_page_content(html: str, **_: Any) -> str:
    """A page's HTML without the roles before names."""
    return _ROLE.sub("", html)
