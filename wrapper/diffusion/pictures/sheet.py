"""Many small pictures on one: rows with a caption above each, columns with heads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.diffusion.pictures.infotext import PROGRAM, Infotext
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pictures.provenance import DigitalSource

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image, ImageFont

Row = tuple[str, Sequence["np.ndarray"]]
TILE_PX, GAP_PX, LINE_PX, FONT_PX = 192, 8, 26, 15
MOST_HEAD_LINES = 3
PAPER, INK = (250, 249, 246), (40, 40, 44)
FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "arial.ttf", "Arial.ttf", "Arial Unicode.ttf")
"""Fonts of the system that have more letters than Pillow's own, which knows Latin ones."""


def save_sheet(
    path: Path,
    rows: Sequence[Row],
    heads: Sequence[str] = (),
    tile_px: int = TILE_PX,
    told: Infotext | None = None,
    source: DigitalSource = "compositeWithTrainedAlgorithmicMedia",
) -> Path:
    """Write ``rows`` of uint8 [H, W, 3] pictures as one PNG, marked as (partly) generated.

    ``told`` are the parameters to be read in it; fewer than three would not be taken for any.
    """
    import numpy as np

    sheet = Photograph(np.asarray(draw_sheet(rows, heads, tile_px)))
    save_picture(path, sheet, told or _told(rows), source)
    return path


def _told(rows: Sequence[Row]) -> Infotext:
    count = sum(len(pictures) for _, pictures in rows)
    return Infotext("", fields={"Contact sheet": "True", "Pictures": str(count), "Version": PROGRAM})


def draw_sheet(rows: Sequence[Row], heads: Sequence[str] = (), tile_px: int = TILE_PX) -> Image.Image:
    """The sheet: every tile fits a square of ``tile_px``, drawings are enlarged without smoothing."""
    from PIL import Image, ImageDraw

    columns = max(len(pictures) for _, pictures in rows)
    heights = [(LINE_PX if caption else 0) + tile_px + GAP_PX for caption, _ in rows]
    font = label_font("".join([*heads, *(caption for caption, _ in rows)]))
    wrapped = [_wrapped(head, tile_px, font) for head in heads]
    head_px = LINE_PX * max(map(len, wrapped), default=0)
    size = (GAP_PX + columns * (tile_px + GAP_PX), GAP_PX + head_px + sum(heights))
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, lines in enumerate(wrapped):
        for number, line in enumerate(reversed(lines), start=1):
            pen.text((_left(column, tile_px), GAP_PX + head_px - number * LINE_PX), line, INK, font)
    top = GAP_PX + head_px
    for (caption, pictures), height in zip(rows, heights, strict=True):
        if caption:
            pen.text((GAP_PX, top), shortened(caption, size[0] - 2 * GAP_PX, font), INK, font)
        for column, picture in enumerate(pictures):
            sheet.paste(_tile(picture, tile_px), (_left(column, tile_px), top + height - tile_px - GAP_PX))
        top += height
    return sheet


def _left(column: int, tile_px: int) -> int:
    return GAP_PX + column * (tile_px + GAP_PX)


def _tile(picture: np.ndarray, tile_px: int) -> Image.Image:
    from PIL import Image

    image = Image.fromarray(picture)
    scale = tile_px / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)


def label_font(text: str, size_px: int = FONT_PX) -> ImageFont.FreeTypeFont:
    """Pillow's own font; for letters that it lacks, the first of the system's that is there."""
    from PIL import ImageFont

    foreign = any(ord(letter) > 0x17F and letter not in "–—…·→" for letter in text)
    return (_system_font(size_px) if foreign else None) or ImageFont.load_default(size_px)


@cache
def _system_font(size_px: int) -> ImageFont.FreeTypeFont | None:
    from PIL import ImageFont

    for name in FONTS:
        try:
            return ImageFont.truetype(name, size_px)
        except OSError:
            continue
    return None


def _wrapped(text: str, width_px: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """``text`` in lines of whole words, the last one shortened where there are too many."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width_px or not lines[-1] or len(lines) == MOST_HEAD_LINES:
            lines[-1] = longer
        else:
            lines.append(word)
    return [shortened(line, width_px, font) for line in lines if line]


def shortened(text: str, width_px: int, font: ImageFont.FreeTypeFont) -> str:
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text + "…"
