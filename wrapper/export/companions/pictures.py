"""The pictures that go with a LoRA: its preview with a workflow in it, and an image with a hole to inpaint.

Where there is no picture to take, a plain card is drawn that says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.export.companions.graphs import Graph, ui_graph
from wrapper.export.targets import TITLES

if TYPE_CHECKING:
    from PIL import Image, PngImagePlugin

    from wrapper.export.source import Source
    from wrapper.export.wish import Wish

CARD_PX = 512
PAPER, INK, FAINT = (226, 228, 232), (40, 44, 52), (104, 110, 120)
WORKFLOW_KEYS = ("prompt", "workflow")
"""The PNG texts in which ComfyUI keeps a graph: API form and editor's form."""


def write_preview(path: Path, wish: Wish, source: Source, graph: Graph) -> None:
    """The preview as PNG with the text that it carries, and ``graph``, so that ComfyUI can open it.

    A picture that has a workflow of its own keeps it.
    """
    from PIL import ImageOps

    from dataset_tools.pictures.images import open_header, pillow_errors

    if wish.preview is None:
        card(wish, source).save(path, "PNG", pnginfo=_chunks({}, graph))
        return
    with wish.preview.open("rb") as stream, pillow_errors(wish.preview):
        opened = open_header(wish.preview, stream)
        opened.load()
        texts = {key: value for key, value in opened.info.items() if isinstance(value, str)}
        texts |= _parameters(wish.preview)
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    upright.info.clear()
    upright.save(path, "PNG", pnginfo=_chunks(texts, graph))


def _parameters(preview: Path) -> dict[str, str]:
    """A1111's parameters, also those of a JPEG or WebP, which keep them elsewhere."""
    from wrapper.diffusion.pictures.infotext import write_infotext
    from wrapper.diffusion.pictures.picture import read_parameters

    found = read_parameters(preview)
    return {"parameters": write_infotext(found)} if found else {}


def _chunks(texts: dict[str, str], graph: Graph) -> PngImagePlugin.PngInfo:
    from PIL import PngImagePlugin

    if not any(key in texts for key in WORKFLOW_KEYS):
        texts = {**texts, "prompt": json.dumps(graph), "workflow": json.dumps(ui_graph(graph))}
    chunks = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        chunks.add_itxt(key, value) if key.startswith("XML:") else chunks.add_text(key, value)
    return chunks


def card(wish: Wish, source: Source) -> Image.Image:
    """Name, kind and trigger on plain paper: no picture of what the LoRA does."""
    lines = [(wish.name, 40, INK), (f"LoRA for {TITLES[source.kind]}", 22, INK)]
    lines += [(f"trigger: {wish.trigger}", 22, INK)] if wish.trigger else []
    return _drawn([*lines, ("a card, not a picture made with it", 18, FAINT)])


def _drawn(lines: list[tuple[str, int, tuple[int, int, int]]]) -> Image.Image:
    """Lines of (text, size, colour), one below the other in the middle of a square card."""
    from PIL import Image, ImageDraw

    from wrapper.diffusion.pictures.sheet import label_font, shortened

    image = Image.new("RGB", (CARD_PX, CARD_PX), PAPER)
    pen, top = ImageDraw.Draw(image), CARD_PX // 2 - sum(size for _, size, _ in lines)
    pen.rectangle((16, 16, CARD_PX - 17, CARD_PX - 17), outline=FAINT)
    for text, size, colour in lines:
        font = label_font(text, size)
        pen.text((CARD_PX // 2, top), shortened(text, CARD_PX - 64, font), colour, font, anchor="ma")
        top += 2 * size
    return image


def write_example(path: Path, example: tuple[Path, Path] | None) -> None:
    """An RGBA PNG whose hole is transparent: ComfyUI's LoadImage takes 1 − alpha for the mask.

    Without an ``example`` a card with a round hole stands in its place, so that the graph runs at once.
    """
    from PIL import Image, ImageChops, ImageDraw

    if example is None:
        rgb = _drawn([("put your own image here", 28, INK), ("the hole is what is painted", 22, FAINT)])
        mask = Image.new("L", rgb.size, 0)
        ImageDraw.Draw(mask).ellipse((320, 320, 470, 470), fill=255)
    else:
        with Image.open(example[0]) as picture, Image.open(example[1]) as hole:
            rgb, mask = picture.convert("RGB"), hole.convert("L")
    rgb.putalpha(ImageChops.invert(mask))
    rgb.save(path, "PNG")
