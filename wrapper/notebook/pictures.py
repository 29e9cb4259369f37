"""Pictures in a cell: small copies in rows, each with a line below it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path

MOST = 60
"""A cell with more pictures than these is slow to open again."""
_FIGURE = (
    '<figure style="margin:0 8px 12px 0;width:{width}px;display:inline-block;vertical-align:top">'
    '<img src="data:image/{kind};base64,{data}" style="width:{width}px;border-top:4px solid {colour}">'
    '<figcaption style="font:12px sans-serif;line-height:1.3">{text}</figcaption></figure>'
)


@dataclass(frozen=True)
class Picture:
    """A file, what is said below it, and the colour of the line above it."""

    path: Path
    text: str = ""
    colour: str = "transparent"


def show(pictures: Sequence[Picture], width: int = 180, title: str = "") -> None:
    """Show the pictures ``width`` pixels wide; one that cannot be read is told by its text alone."""
    from IPython.display import HTML, display

    heading = f'<p style="font:bold 14px sans-serif;margin:6px 0">{escape(title)}</p>' if title else ""
    shown = "".join(_figure(picture, width) for picture in pictures[:MOST])
    more = len(pictures) - MOST
    rest = f'<p style="font:12px sans-serif">and {more} more</p>' if more > 0 else ""
    display(HTML(f"<div>{heading}{shown}{rest}</div>"))


def show_sheet(path: Path, title: str = "", width: int = 1000) -> None:
    """Show one large picture, at most ``width`` pixels wide; a small one is enlarged."""
    from PIL import Image

    with Image.open(path) as opened:
        own = opened.width
    show([Picture(path)], width=min(width, max(own, 420)), title=title)


def _figure(picture: Picture, width: int) -> str:
    kind, data = _small_copy(picture.path, width)
    return _FIGURE.format(
        width=width,
        kind=kind,
        data=base64.b64encode(data).decode(),
        colour=picture.colour,
        text=escape(picture.text),
    )


def _small_copy(path: Path, width: int) -> tuple[str, bytes]:
    """A copy of at most twice ``width``, for sharp screens; a blank for what is no picture."""
    from PIL import Image, ImageOps

    stream = BytesIO()
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (2 * width, 2 * width))
            small = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError):
        small = Image.new("RGB", (width, width), "#dddddd")
    small.thumbnail((2 * width, 4 * width))
    kind = "png" if small.width <= 128 else "jpeg"
    small.save(stream, kind, **({} if kind == "png" else {"quality": 85}))
    return kind, stream.getvalue()
