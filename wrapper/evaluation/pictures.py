"""Where an evaluation's pictures lie: ``images/inpaint/`` and the sheet of them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_tools.pictures.images import read_rgb, save_png
from wrapper.diffusion.pictures.sheet import save_sheet
from wrapper.evaluation.holdout import HeldOutImage

FOLDER, SHEET = "inpaint", "inpaint_sheet.png"
ORIGINAL, HOLE = "original", "hole"
HEADS = {"original": "original", "hole": "hole", "base": "base", "stage_a": "Stage A", "stage_b": "Stage B"}


class Album:
    """Below ``images``: ``inpaint/<variant>/NAME_seedN.png``, and ``inpaint/NAME.png`` side by side."""

    def __init__(self, images: Path, folder: str = FOLDER) -> None:
        self.images, self.folder = images, folder

    def path(self, variant: str, name: str, seed: int | None) -> Path:
        """Where a picture lies; those without noise have no seed."""
        return (
            self.images
            / self.folder
            / variant
            / (f"{name}.png" if seed is None else f"{name}_seed{seed}.png")
        )

    def relative(self, path: Path) -> str:
        """``path`` as records name it: from the project's folder, with ``/``."""
        return path.relative_to(self.images.parent).as_posix()

    def save_hole(self, image: HeldOutImage) -> Path:
        """Write the original and the hole of ``image``; returns the hole's path."""
        save_png(self.path(ORIGINAL, image.name, None), image.pixels)
        hole = self.path(HOLE, image.name, None)
        save_png(hole, image.hole)
        return hole

    def finish(
        self, images: Sequence[HeldOutImage], variants: Sequence[str], seed: int, kept: set[str]
    ) -> list[dict[str, str]]:
        """Write the rows and the sheet with ``seed``'s pictures, remove those of earlier evaluations.

        Returns per image the path of each variant's picture, and of the row as ``row``.
        """
        columns = [ORIGINAL, *variants]
        heads, rows, listed = [HEADS[name] for name in columns], [], []
        for image in images:
            paths = {name: self._shown(name, image.name, seed) for name in columns}
            pictures = [read_rgb(path) for path in paths.values()]
            row = save_sheet(self.images / self.folder / f"{image.name}.png", [("", pictures)], heads)
            rows.append((image.name, pictures))
            listed.append(
                {"image": image.name, **{name: self.relative(path) for name, path in paths.items()}}
                | {"row": self.relative(row)}
            )
        save_sheet(self.images / SHEET, rows, heads)
        shown = {path for entry in listed for key, path in entry.items() if key != "image"}
        self.remove_others(kept | shown)
        return listed

    def _shown(self, variant: str, name: str, seed: int) -> Path:
        return self.path(variant, name, None if variant in (ORIGINAL, HOLE) else seed)

    def remove_others(self, kept: set[str]) -> None:
        """Take away the pictures of earlier evaluations: all but ``kept``."""
        for path in (self.images / self.folder).rglob("*.png"):
            if self.relative(path) not in kept:
                path.unlink()
