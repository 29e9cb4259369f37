"""Where a comparison's files lie, and which of its pictures are there already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import Problems, UserError
from dataset_tools.files import check_place
from wrapper.diffusion.pictures.infotext import Infotext, parse_infotext, write_infotext
from wrapper.diffusion.pictures.ours import is_ours
from wrapper.diffusion.pictures.picture import read_parameters

PICTURES = "pictures"
PAGE, RECORD = "compare.html", "compare.json"


@dataclass(frozen=True)
class Album:
    """Below ``folder``: ``compare.html``, ``grid.png`` (``grid-2.png``, …), ``pictures/NAME.png``."""

    folder: Path

    @property
    def page(self) -> Path:
        return self.folder / PAGE

    @property
    def record(self) -> Path:
        return self.folder / RECORD

    def sheet(self, number: int) -> Path:
        """The sheet of the grid ``number``, counted from 0."""
        return self.folder / ("grid.png" if not number else f"grid-{number + 1}.png")

    def picture(self, name: str) -> Path:
        return self.folder / PICTURES / f"{name}.png"

    def check(self, names: Iterable[str]) -> None:
        """Raise `UserError` when a picture cannot be written, or would replace one that is not ours."""
        check_place(self.folder)
        problems = Problems()
        for path in map(self.picture, names):
            if path.exists() and not is_ours(path):
                problems.add(path, "is there already and was not made by lorawrap.", "Give another --out.")
        problems.raise_if_any()


def is_of(path: Path, told: Infotext) -> bool:
    """Whether the picture at ``path`` was drawn with just these parameters; not if it cannot be read."""
    try:
        return read_parameters(path) == parse_infotext(write_infotext(told))
    except (OSError, UserError):
        return False
