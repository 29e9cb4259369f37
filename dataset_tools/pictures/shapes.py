"""Masks drawn by words: ``ellipse:50%,40%,10%,15%,20`` in pixels or per cent of the upright picture."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

FORMS = {
    "ellipse": "ellipse:CX,CY,RX,RY[,DEGREES]",
    "rect": "rect:X0,Y0,X1,Y1",
    "polygon": "polygon:X,Y,X,Y,X,Y,…",
    "ear": "ear:X0,Y0,X1,Y1",
}
"""How each kind of shape is written. ``ear`` is a soft, slightly turned ear-shaped ellipse about a box."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(%?)")
_COUNTS = {"ellipse": (4, 5), "rect": (4,), "ear": (4,)}
_MIN_POLYGON = 6
_SHIFT = 4
"""OpenCV takes coordinates in sixteenths of a pixel."""


@dataclass(frozen=True)
class Length:
    """A number of pixels, or per cent of the picture's side."""

    number: float
    per_cent: bool = False

    def pixels(self, side_px: int) -> float:
        return self.number * side_px / 100 if self.per_cent else self.number


@dataclass(frozen=True)
class Shape:
    """One drawn shape: its kind, its lengths in the order of `FORMS`, and ``text`` as the user wrote it."""

    kind: str
    lengths: tuple[Length, ...]
    text: str
    degrees: float = 0.0


def parse_lengths(text: str, where: str) -> tuple[Length, ...]:
    """``10,20%`` → lengths. Raises `UserError` for what is no number; ``where`` names the option."""
    matches = [_NUMBER.fullmatch(part.strip()) for part in text.split(",")]
    bad = [part.strip() for part, match in zip(text.split(","), matches, strict=True) if match is None]
    if bad:
        raise UserError(f"{where}: '{bad[0]}' is not a number.", "Write pixels as 120, per cent as 25%.")
    return tuple(Length(float(m[0].rstrip("%")), bool(m[2])) for m in matches if m is not None)


def parse_shape(text: str) -> Shape:
    """Read a shape in one of `FORMS`. Raises `UserError` for another kind or count of numbers."""
    kind, _, numbers = text.partition(":")
    kind, where = kind.strip().lower(), f"shape '{text}'"
    if kind not in FORMS:
        hint = f"{did_you_mean(kind, FORMS)} Known: {'; '.join(FORMS.values())}.".strip()
        raise UserError(f"{where}: there is no shape '{kind}'.", hint)
    lengths = parse_lengths(numbers, where)
    if not _right_count(kind, len(lengths)):
        raise UserError(f"{where}: {len(lengths)} numbers do not fit.", f"Write {FORMS[kind]}.")
    if kind == "ellipse" and len(lengths) == max(_COUNTS["ellipse"]):
        return Shape(kind, lengths[:4], text, lengths[4].number)
    return Shape(kind, lengths, text)


def draw_shape(shape: Shape, size_hw: tuple[int, int], seed: int = 0) -> np.ndarray:
    """uint8 [H, W], 255 inside ``shape``; ``seed`` is for ears. Raises `UserError` for one outside."""
    import numpy as np

    mask = np.zeros(size_hw, np.uint8)
    corners = _corners(shape, size_hw)
    for corner in corners:
        refuse_outside(corner, size_hw, f"shape '{shape.text}'")
    if shape.kind == "ellipse":
        _draw_ellipse(mask, corners[0], shape)
    elif shape.kind == "polygon":
        _draw_polygon(mask, corners)
    elif shape.kind == "ear":
        _draw_ear(mask, _box(corners, shape), seed)
    else:
        x0, y0, x1, y1 = _box(corners, shape)
        mask[y0:y1, x0:x1] = 255
    return mask


def to_pixels(lengths: Sequence[Length], size_hw: tuple[int, int]) -> list[tuple[float, float]]:
    """Pairs x, y in pixels of a picture of ``size_hw``."""
    height, width = size_hw
    pairs = zip(lengths[::2], lengths[1::2], strict=True)
    return [(x.pixels(width), y.pixels(height)) for x, y in pairs]


def refuse_outside(point: tuple[float, float], size_hw: tuple[int, int], where: str) -> None:
    """Raise `UserError` when ``point`` (x, y) is not on a picture of ``size_hw``."""
    height, width = size_hw
    if not (0 <= point[0] <= width and 0 <= point[1] <= height):
        raise UserError(
            f"{where}: {point[0]:g},{point[1]:g} is outside of the upright picture, {width}×{height} pixels.",
            "Coordinates count from its upper left corner.",
        )


def _right_count(kind: str, count: int) -> bool:
    if kind == "polygon":
        return count >= _MIN_POLYGON and count % 2 == 0
    return count in _COUNTS[kind]


def _corners(shape: Shape, size_hw: tuple[int, int]) -> list[tuple[float, float]]:
    """The points of ``shape`` that must lie on the picture; an ellipse may reach over its edge."""
    return to_pixels(shape.lengths[:2] if shape.kind == "ellipse" else shape.lengths, size_hw)


def _box(corners: Sequence[tuple[float, float]], shape: Shape) -> tuple[int, int, int, int]:
    (x0, y0), (x1, y1) = corners
    if not (x0 < x1 and y0 < y1):
        raise UserError(f"shape '{shape.text}': has no area.", "X0 is left of X1, Y0 above Y1.")
    return round(x0), round(y0), max(round(x1), round(x0) + 1), max(round(y1), round(y0) + 1)


def _draw_ellipse(mask: np.ndarray, centre: tuple[float, float], shape: Shape) -> None:
    import cv2

    ((width, height),) = to_pixels(shape.lengths[2:4], mask.shape)
    if width <= 0 or height <= 0:
        raise UserError(f"shape '{shape.text}': has no area.", "RX and RY are more than 0.")
    axes = (round(width * 2**_SHIFT), round(height * 2**_SHIFT))
    cv2.ellipse(mask, _fixed(centre), axes, shape.degrees, 0, 360, 255, cv2.FILLED, cv2.LINE_8, _SHIFT)


def _draw_polygon(mask: np.ndarray, corners: Sequence[tuple[float, float]]) -> None:
    import cv2
    import numpy as np

    points = np.array([_fixed(corner) for corner in corners], np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_8, _SHIFT)


def _fixed(point: tuple[float, float]) -> tuple[int, int]:
    """OpenCV counts from the middle of the first pixel, we from its corner."""
    return round((point[0] - 0.5) * 2**_SHIFT), round((point[1] - 0.5) * 2**_SHIFT)


def _draw_ear(mask: np.ndarray, box: tuple[int, int, int, int], seed: int) -> None:
    """Drawn in a window about the box: a whole large picture of floats would be gigabytes."""
    from dataset_tools.pictures.masks import synthetic_mask

    x0, y0, x1, y1 = box
    room = math.ceil(max(x1 - x0, y1 - y0) / 2)
    left, top = max(x0 - room, 0), max(y0 - room, 0)
    window = mask[top : y1 + room, left : x1 + room]
    ear = synthetic_mask(window.shape, (x0 - left, y0 - top, x1 - left, y1 - top), seed)
    window[...] = ear
