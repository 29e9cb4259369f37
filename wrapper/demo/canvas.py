"""A supersampled drawing board in unit coordinates: (0, 0) is the top left, (1, 1) the bottom right."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from wrapper.demo.palette import RGB

Points = NDArray[np.float64]
Pixels = NDArray[np.uint8]

SUPERSAMPLE = 4
GRADIENT = 10.0
"""How much lighter the top, and darker the bottom, of a background is, in steps of 255."""


def smooth_outline(points: Points, steps: int = 8) -> Points:
    """The closed Catmull-Rom curve through `points` (N, 2) as (N * steps, 2); Catmull & Rom 1974, tau 1/2."""
    before, here = np.roll(points, 1, axis=0), points
    after, beyond = np.roll(points, -1, axis=0), np.roll(points, -2, axis=0)
    t = (np.arange(steps) / steps)[None, :, None]
    here, before, after, beyond = (p[:, None, :] for p in (here, before, after, beyond))
    linear, square = after - before, 2 * before - 5 * here + 4 * after - beyond
    cube = 3 * (here - after) + beyond - before
    return (0.5 * (2 * here + linear * t + square * t**2 + cube * t**3)).reshape(-1, 2)


def turned(points: Points, centre: tuple[float, float], degrees: float) -> Points:
    """`points` turned about `centre`, counter-clockwise as seen on the picture."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return (points - centre) @ np.array([[cos, -sin], [sin, cos]]) + centre


class Canvas:
    """A square picture of `size` pixels that is drawn four times larger and averaged at the end."""

    def __init__(self, size: int, background: RGB) -> None:
        self.size = size
        self.side = size * SUPERSAMPLE
        fall = np.linspace(GRADIENT, -GRADIENT, self.side)[:, None, None]
        self.pixels: Pixels = np.broadcast_to(background + fall, (self.side, self.side, 3))
        self.pixels = np.ascontiguousarray(self.pixels.clip(0, 255).astype(np.uint8))

    def fill(self, colour: RGB, points: Points) -> None:
        """Fill the polygon."""
        cv2.fillPoly(self.pixels, [self._grid(points)], colour, cv2.LINE_AA)

    def line(self, colour: RGB, points: Points, width: float, closed: bool = False) -> None:
        """Draw a line through `points`, `width` in parts of the picture's side."""
        cv2.polylines(self.pixels, [self._grid(points)], closed, colour, self._width(width), cv2.LINE_AA)

    def ellipse(self, colour: RGB, centre: Points, radii: tuple[float, float], ring: float = 0.0) -> None:
        """A filled ellipse, or its outline `ring` wide."""
        x, y = self._grid(centre)
        axes = (self._width(radii[0]), self._width(radii[1]))
        thickness = self._width(ring) if ring else -1
        cv2.ellipse(self.pixels, (int(x), int(y)), axes, 0, 0, 360, colour, thickness, cv2.LINE_AA)

    def glow(self, colour: RGB, points: Points, within: Points, strength: float) -> None:
        """Mix `colour` into the polygon `points` as far as it lies inside the polygon `within`."""
        part = cv2.bitwise_and(self._mask(points), self._mask(within)) > 0
        mixed = self.pixels[part] * (1 - strength) + np.array(colour) * strength
        self.pixels[part] = mixed.astype(np.uint8)

    def turn(self, centre: tuple[float, float], degrees: float) -> None:
        """Turn what has been drawn about `centre`; the border is repeated outwards."""
        matrix = cv2.getRotationMatrix2D((centre[0] * self.side, centre[1] * self.side), degrees, 1)
        frame = (self.side, self.side)
        self.pixels = cv2.warpAffine(self.pixels, matrix, frame, borderMode=cv2.BORDER_REPLICATE)

    def picture(self) -> Pixels:
        """The finished picture, (size, size, 3) RGB."""
        return self._small(self.pixels)

    def region(self, points: Points) -> Pixels:
        """A mask of the polygon, (size, size), 255 where at least half of the pixel lies inside it."""
        return np.where(self._small(self._mask(points)) > 127, 255, 0).astype(np.uint8)

    def _mask(self, points: Points) -> Pixels:
        mask = np.zeros((self.side, self.side), np.uint8)
        cv2.fillPoly(mask, [self._grid(points)], 255)
        return mask

    def _small(self, pixels: Pixels) -> Pixels:
        return cv2.resize(pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)

    def _grid(self, points: Points) -> NDArray[np.int32]:
        return np.round(np.asarray(points) * self.side).astype(np.int32)

    def _width(self, width: float) -> int:
        return max(1, round(width * self.side))
