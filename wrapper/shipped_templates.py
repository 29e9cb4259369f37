"""Our own templates as Jinja2 reads them: a variable that is missing is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapper.places import shipped

if TYPE_CHECKING:
    from jinja2 import Environment

MARKUP = ("html", "svg")
"""The folders in whose templates every value is escaped."""


def templates(folder: str) -> Environment:
    """Those in ``folder`` of ``templates/``. A line that holds nothing but a block leaves no line behind."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(shipped("templates") / folder),
        undefined=StrictUndefined,
        autoescape=folder in MARKUP,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
