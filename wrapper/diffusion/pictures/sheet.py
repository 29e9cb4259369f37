"""Many small pictures on one: rows with a caption above each, columns with heads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.diffusion.pictures.infotext import PROGRAM, Infotext
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image, ImageFont

Row = tuple[str, Sequence["np.ndarray"]]
TILE_PX, GAP_PX, LINE_PX = 192, 8, 26
PAPER, INK = (250, 249, 246), (40, 40, 44)


def save_sheet(path: Path, rows: Sequence[Row], heads: Sequence[str] = ()) -> Path:
    """Write ``rows`` of uint8 [H, W, 3] pictures as one PNG that is marked as partly generated."""
    import numpy as np

    sheet = Photograph(np.asarray(draw_sheet(rows, heads)))
    told = Infotext("", fields={"Version": PROGRAM})
    save_picture(path, sheet, told, "compositeWithTrainedAlgorithmicMedia")
    return path


def draw_sheet(rows: Sequence[Row], heads: Sequence[str] = ()) -> Image.Image:
    """The sheet: every tile fits a square of `TILE_PX`, drawings are enlarged without smoothing."""
    from PIL import Image, ImageDraw, ImageFont

    columns = max(len(pictures) for _, pictures in rows)
    heights = [(LINE_PX if caption else 0) + TILE_PX + GAP_PX for caption, _ in rows]
    head_px = LINE_PX if heads else 0
    size = (GAP_PX + columns * (TILE_PX + GAP_PX), GAP_PX + head_px + sum(heights))
    sheet = Image.new("RGB", size, PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for column, head in enumerate(heads):
        pen.text((_left(column), GAP_PX), head, INK, font)
    top = GAP_PX + head_px
    for (caption, pictures), height in zip(rows, heights, strict=True):
        if caption:
            pen.text((GAP_PX, top), _shortened(caption, size[0] - 2 * GAP_PX, font), INK, font)
        for column, picture in enumerate(pictures):
            sheet.paste(_tile(picture), (_left(column), top + height - TILE_PX - GAP_PX))
        top += height
    return sheet


def _left(column: int) -> int:
    return GAP_PX + column * (TILE_PX + GAP_PX)


def _tile(picture: np.ndarray) -> Image.Image:
    from PIL import Image

    image = Image.fromarray(picture)
    scale = TILE_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)


def _shortened(text: str, width_px: int, font: ImageFont.FreeTypeFont) -> str:
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text + "…"
