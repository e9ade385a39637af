"""How every page's template is read: escaped, and an unknown name is an error."""

from typing import Any


def environment() -> Any:
    """The Jinja environment of the templates in this room."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("synthmix.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
