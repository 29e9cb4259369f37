"""Which files are pictures of this program, and what they tell."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.diffusion.pictures.infotext import PROGRAM, Infotext
from wrapper.diffusion.pictures.picture import read_parameters


def told_by(path: Path) -> Infotext | None:
    """The parameters in a picture; None for one that has none or cannot be read, as after a crash.

    A pipe, which would hang, is not opened.
    """
    try:
        return read_parameters(path) if path.is_file() else None
    except (OSError, UserError):
        return None


def is_ours(path: Path) -> bool:
    """Whether this program wrote the picture at ``path``."""
    told = told_by(path)
    return bool(told and told.fields.get("Version", "").startswith(PROGRAM.split()[0]))
