"""Masks: uint8 [H, W], 255 is the part to repaint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

REPAINT = 128
"""A pixel from this value on is repainted; below it is kept."""
TOO_MUCH = 0.9
"""A mask over more of the picture than this leaves nothing to paint from."""
TOO_LITTLE_PX = 16
MOST_OF_IT, MOST_OF_BORDER = 0.5, 0.95
"""A mask that is white over these shares of the picture and of its border looks inverted."""


@dataclass(frozen=True)
class MaskFindings:
    """What `check_mask` saw: ``problems`` make the mask unusable, ``warnings`` do not."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def mask_box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """The box x0, y0, x1, y1 around the part to repaint, or None when there is no such part."""
    import numpy as np

    repaint = mask >= REPAINT
    columns, rows = np.flatnonzero(repaint.any(axis=0)), np.flatnonzero(repaint.any(axis=1))
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def check_mask(mask: np.ndarray, size_hw: tuple[int, int], where: str) -> MaskFindings:
    """Does ``mask`` fit a picture of ``size_hw``, and does it leave something to repaint and to keep?"""
    if tuple(mask.shape[:2]) != tuple(size_hw):
        return MaskFindings((_sizes(mask.shape, size_hw, where),))
    repaint = mask >= REPAINT
    share = float(repaint.mean())
    if share == 0.0:
        return MaskFindings((f"{where}: the mask is empty; white marks the part to repaint.",))
    if share == 1.0:
        return MaskFindings((f"{where}: the mask is white all over; white marks the part to repaint.",))
    return MaskFindings(warnings=tuple(_warnings(repaint, share, where)))


def synthetic_mask(
    size_hw: tuple[int, int],
    box: tuple[int, int, int, int],
    seed: int,
    *,
    margin: float = 0.15,
    tilt_deg: float = 12.0,
    soft: float = 0.06,
) -> np.ndarray:
    """A soft, rotated, ear-shaped ellipse around ``box``: uint8 [H, W], the same for the same seed.

    An ear is an egg, wider above than at the lobe. ``margin`` (of the box) makes it larger, ``tilt_deg`` is
    the most that it turns either way, ``soft`` is its edge's width in parts of its radius. The seed decides
    the turn and small changes of the outline, so that the outline tells nothing about the ear inside.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = box
    half_width, half_height = ((x1 - x0) / 2 * (1 + margin), (y1 - y0) / 2 * (1 + margin))
    turn = np.deg2rad(rng.uniform(-tilt_deg, tilt_deg))
    half_width, half_height = half_width * rng.uniform(1.0, 1.1), half_height * rng.uniform(1.0, 1.1)
    egg = _Egg(
        ((x0 + x1) / 2, (y0 + y1) / 2),
        (half_width, half_height),
        turn,
        max(soft, 1.0 / max(min(half_width, half_height), 1.0)),
    )
    mask = np.zeros(size_hw, np.uint8)
    rows, columns = egg.reach(size_hw)
    for start in range(rows.start, rows.stop, ROWS_AT_ONCE):
        band = slice(start, min(start + ROWS_AT_ONCE, rows.stop))
        mask[band, columns] = egg.drawn(band, columns)
    return mask


class _Egg(NamedTuple):
    """An ear's outline, in pixels and radians; ``edge`` is its width in parts of the radius."""

    middle: tuple[float, float]
    halves: tuple[float, float]
    turn: float
    edge: float

    def reach(self, size_hw: tuple[int, int]) -> tuple[slice, slice]:
        """The rows and columns outside of which nothing is white."""
        down = 1 + self.edge / 2
        wide, high = self.halves[0] * down / (1 - EGG * down), self.halves[1] * down
        cos, sin = abs(math.cos(self.turn)), abs(math.sin(self.turn))
        far = wide * cos + high * sin, wide * sin + high * cos
        spans = zip(self.middle, far, reversed(size_hw), strict=True)
        columns, rows = (
            slice(min(max(math.floor(at - off), 0), end), min(max(math.ceil(at + off), 0), end))
            for at, off, end in spans
        )
        return rows, columns

    def drawn(self, rows: slice, columns: slice) -> np.ndarray:
        """That part of it, uint8."""
        import numpy as np

        dx = np.arange(columns.start, columns.stop) + 0.5 - self.middle[0]
        dy = np.arange(rows.start, rows.stop)[:, None] + 0.5 - self.middle[1]
        across = (dx * np.cos(self.turn) + dy * np.sin(self.turn)) / self.halves[0]
        down = (dy * np.cos(self.turn) - dx * np.sin(self.turn)) / self.halves[1]
        radius = np.hypot(across * (1 + EGG * down), down)
        inside = np.clip((1 + self.edge / 2 - radius) / self.edge, 0.0, 1.0)
        return np.round(255 * inside).astype(np.uint8)


ROWS_AT_ONCE = 256
"""Of a mask that is drawn: memory is that of a band."""
EGG = 0.18
"""How much narrower the lobe's end is than the middle, and the upper end wider."""


def dilated(mask: np.ndarray, pixels: int) -> np.ndarray:
    """``mask`` [H, W] grown by ``pixels`` in every direction (a disc); 0 leaves it alone."""
    import cv2

    if pixels == 0:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask, disc)


def looks_inverted(mask: np.ndarray) -> bool:
    """Whether ``mask`` is white over most of the picture and all along its border, as an inverted one is."""
    import numpy as np

    repaint = mask >= REPAINT
    border = np.concatenate([repaint[0], repaint[-1], repaint[:, 0], repaint[:, -1]])
    return bool(repaint.mean() > MOST_OF_IT and border.mean() > MOST_OF_BORDER)


def _sizes(shape: tuple[int, ...], size_hw: tuple[int, int], where: str) -> str:
    return (
        f"{where}: the mask is {shape[1]} × {shape[0]} pixels and its image is "
        f"{size_hw[1]} × {size_hw[0]}; they must be equal."
    )


def _warnings(repaint: np.ndarray, share: float, where: str) -> list[str]:
    found = []
    if share > TOO_MUCH:
        found.append(f"{where}: the mask covers {share:.0%} of the picture. Is it inverted?")
    if repaint.sum() < TOO_LITTLE_PX:
        found.append(f"{where}: the mask has {int(repaint.sum())} pixels only.")
    if repaint[[0, -1]].any() or repaint[:, [0, -1]].any():
        found.append(f"{where}: the mask touches the picture's border.")
    return found
