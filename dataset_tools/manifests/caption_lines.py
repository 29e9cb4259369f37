"""The lines of a caption file."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.data_text import NotUtf8, bounded_text
from dataset_tools.errors import UserError


def caption_lines(path: Path) -> list[str]:
    """Every line, empty ones too. Raises `UserError` for what is no UTF-8, and for more than text."""
    try:
        return bounded_text(path, "utf-8-sig").splitlines()
    except NotUtf8 as error:
        raise UserError(f"{path}: {error}.", "Save the caption as UTF-8.") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}.", "A caption is a line of text.") from None
