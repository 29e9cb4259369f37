"""What a picture is cut to: around the mask or the ear, else by type, view and file name."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_tools.pictures.buckets import Buckets, Size
from dataset_tools.pictures.masks import mask_box

if TYPE_CHECKING:
    import numpy as np

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are the first ones outside."""

ROOM_ABOVE = {"full": 0.5, "torso": 0.1, "bust": 0.1, "ear": 0.5}
"""Where in the spare height the square lies, by type: 0 at the top, 1 at the bottom. Heads are at the top."""
_NAME_ANCHORS = (
    (re.compile(r"(?:^|[^a-z])(?:head|face|portrait|top|upper)(?:[^a-z]|$)"), 0.0),
    (re.compile(r"(?:^|[^a-z])(?:bottom|lower)(?:[^a-z]|$)"), 1.0),
)
_SIDE = re.compile(r"(?<![a-z])(left|right)(?![a-z])")


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle in source pixels, and the ``target`` size (width, height) that it is brought to.

    Both have one shape, to the rounding. It may reach outside the picture, which is then reflected.
    """

    x: int
    y: int
    width: int
    height: int
    target: Size


def crop_for(
    size_hw: tuple[int, int],
    mask: np.ndarray | None,
    ear_box: Box | None,
    view: str,
    type: str,
    name: str,
    context: float,
    buckets: Buckets,
) -> Crop:
    """The crop of a picture of ``size_hw``, in the shape of the bucket that is nearest to the picture's own.

    Around the mask ([H, W], 255 = repaint) or else the ear's box, ``context`` times its longer side; without
    either, the largest part where ``type``, ``view`` and ``name`` say that the subject is.
    """
    box = (mask_box(mask) if mask is not None else None) or ear_box
    if box is not None:
        return crop_around(size_hw, box, context, buckets)
    return crop_by_words(size_hw, view, type, name, buckets)


def crop_around(size_hw: tuple[int, int], box: Box, context: float, buckets: Buckets) -> Crop:
    """A rectangle around ``box`` with the area of a square of ``context`` times the box's longer side.

    It holds the whole box, is moved into the picture where it fits, and is at most large enough to hold the
    whole picture.
    """
    height, width = size_hw
    x0, y0, x1, y1 = box
    target = buckets.choose((width, height))
    wide, high = _shape(target)
    least = max((x1 - x0) / wide, (y1 - y0) / high, 1.0)
    side = max(min(max(x1 - x0, y1 - y0, 1) * context, max(width / wide, height / high)), least)
    across, down = round(side * wide), round(side * high)
    return Crop(
        _start((x0 + x1) / 2, across, width), _start((y0 + y1) / 2, down, height), across, down, target
    )


def crop_by_words(size_hw: tuple[int, int], view: str, type: str, name: str, buckets: Buckets) -> Crop:
    """The whole figure (reflect-padded) for type full, else the largest part that lies inside."""
    height, width = size_hw
    target = buckets.choose((width, height))
    wide, high = _shape(target)
    side = (max if type == "full" else min)(width / wide, height / high)
    across, down = max(round(side * wide), 1), max(round(side * high), 1)
    from_left, from_top = _anchor_x(view, type, name.lower()), _anchor_y(type, name.lower())
    x, y = round((width - across) * from_left), round((height - down) * from_top)
    return Crop(x, y, across, down, target)


def apply(image: np.ndarray, crop: Crop, *, nearest: bool = False) -> np.ndarray:
    """Cut ``crop`` out of uint8 [H, W] or [H, W, 3] and resize to its target, [height, width(, 3)].

    Outside the picture pixels are reflected. Shrinking averages areas, enlarging is cubic; ``nearest`` keeps
    the values of hard-edged masks. A crop that already has the size is returned pixel for pixel.
    """
    import cv2
    import numpy as np

    cut = _along(_along(image, 0, crop.y, crop.height), 1, crop.x, crop.width)
    if (crop.width, crop.height) == crop.target:
        return cut.copy()
    smooth = cv2.INTER_AREA if crop.width > crop.target[0] else cv2.INTER_CUBIC
    return cv2.resize(
        np.ascontiguousarray(cut), crop.target, interpolation=cv2.INTER_NEAREST_EXACT if nearest else smooth
    )


def _shape(target: Size) -> tuple[float, float]:
    """Width and height of ``target`` over the side of a square of its area: 1, 1 for a square."""
    side = math.sqrt(target[0] * target[1])
    return target[0] / side, target[1] / side


def _start(centre: float, side: int, length: int) -> int:
    """Where a span of ``side`` around ``centre`` begins: inside ``length`` if it fits, else centred on it."""
    if side >= length:
        return (length - side) // 2
    return min(max(round(centre - side / 2), 0), length - side)


def _anchor_x(view: str, type_: str, name: str) -> float:
    """Part of the spare width left of the square. In a front view the subject's left is on the right."""
    side = _SIDE.search(name)
    if type_ != "ear" or side is None or view not in ("front", "back"):
        return 0.5
    on_the_right = (side[1] == "left") == (view == "front")
    return 1.0 if on_the_right else 0.0


def _anchor_y(type_: str, name: str) -> float:
    return next((anchor for words, anchor in _NAME_ANCHORS if words.search(name)), ROOM_ABOVE[type_])


def _along(image: np.ndarray, axis: int, start: int, count: int) -> np.ndarray:
    """``count`` lines from ``start`` on; what lies outside is reflected, what lies inside is not copied."""
    if start >= 0 and start + count <= image.shape[axis]:
        return image[start : start + count] if axis == 0 else image[:, start : start + count]
    return image.take(_reflected(start, count, image.shape[axis]), axis)


def _reflected(start: int, count: int, length: int) -> np.ndarray:
    """Indices [count] from ``start`` on, reflected at both ends without repeating the edge pixel.

    Length 4, start -2, count 8 → 2 1 0 1 2 3 2 1.
    """
    import numpy as np

    if length == 1:
        return np.zeros(count, dtype=np.intp)
    period = 2 * (length - 1)
    folded = np.arange(start, start + count) % period
    return np.where(folded < length, folded, period - folded)
