"""A laid-out picture as a PNG, an SVG or a page; the latter two follow the reader's light or dark."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.files import whole_file, write_text
from dataset_tools.printable import one_line
from wrapper.diffusion.pictures.sheet import FONTS
from wrapper.lora_tools.norms.laid_out import Picture
from wrapper.shipped_templates import templates

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

PAGE, INK, SOFT, LINE = "#ffffff", "#23252b", "#565963", "#dcdad2"
COLOURS = ("#1f5fbf", "#d9772b", "#2d8a4e", "#8a3fa8", "#8b8f99")
_SHARPNESS = 2
_PILLOW_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def write_picture(picture: Picture, path: Path) -> None:
    """Write ``picture`` to ``path``, whole or not at all, in the format that its name ends in."""
    ending = path.suffix.lower()
    if ending == ".png":
        _write_png(picture, path)
    else:
        write_text(path, _rendered(picture, f"norms{ending}.j2"))


def _rendered(picture: Picture, template: str) -> str:
    made = templates("svg")
    made.filters["one_line"] = one_line
    return made.get_template(template).render(picture=picture)


def _write_png(picture: Picture, path: Path) -> None:
    """Twice the size, for dense screens, on a white ground: readable whatever stands around it."""
    from PIL import Image, ImageDraw

    page = Image.new("RGB", (picture.width * _SHARPNESS, picture.height * _SHARPNESS), PAGE)
    pen = ImageDraw.Draw(page)
    for rule in picture.rules:
        _fill(pen, rule.x, rule.y, rule.width, 0.5, LINE)
    for box in picture.boxes:
        _fill(pen, box.x, box.y, box.width, box.height, COLOURS[int(box.kind.removeprefix("part"))])
    for word in picture.words:
        text = one_line(word.text)
        place = (word.x * _SHARPNESS, word.y * _SHARPNESS)
        font = _font(word.size * _SHARPNESS, _is_foreign(text))
        colour = INK if word.kind == "ink" else SOFT
        pen.text(place, text, fill=colour, font=font, anchor=_PILLOW_ANCHORS[word.anchor])
    with whole_file(path) as temporary:
        page.save(temporary, "PNG")


def _fill(pen: ImageDraw.ImageDraw, x: float, y: float, width: float, height: float, colour: str) -> None:
    left, top = round(x * _SHARPNESS), round(y * _SHARPNESS)
    right, bottom = round((x + width) * _SHARPNESS) - 1, round((y + height) * _SHARPNESS) - 1
    pen.rectangle((left, top, max(left, right), max(top, bottom)), fill=colour)


def _is_foreign(text: str) -> bool:
    return any(ord(letter) > 0x17F and letter not in "–—…·→" for letter in text)


@cache
def _font(size: int, foreign: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, or one of the system's for letters that it lacks."""
    from PIL import ImageFont

    for name in FONTS if foreign else ():
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
