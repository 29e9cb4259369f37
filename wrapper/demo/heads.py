"""Heads, hair, faces and shoulders, drawn from tables of points.

Points are in head units: (0, 0) is the head's centre, x is 1 at its side, y is 1 at the chin. In a
profile, x is 1 towards the nose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wrapper.demo.canvas import Canvas, Points, smooth_outline
from wrapper.demo.palette import EYE_WHITE, FRAME, IRIS, RGB, lips, shade
from wrapper.demo.portraits import Frame

Table = list[tuple[float, float]]

# Right halves of outlines that are symmetric, from the top to the bottom.
_HEAD = [(0, -1), (0.78, -0.78), (1, -0.15), (0.84, 0.50), (0.36, 0.95), (0, 1)]
_SHIRT = [(0, 1.30), (0.60, 1.14), (1.55, 1.30), (1.90, 1.75), (1.90, 2.1), (0, 2.1)]
_NECK = [(0, 0.6), (0.45, 0.6), (0.56, 2), (0, 2)]
_LONG_HAIR = [(0, -1.14), (1.10, -0.66), (1.10, 0.2), (1.24, 1.12), (0, 1.12)]
_LONG_HAIR_BACK = [(0, -0.6), (0.80, -0.3), (0.84, 0.4), (0.96, 1.28), (0, 1.30)]
_FRINGE = [(0, -1.12), (0.92, -0.80), (1.04, -0.14), (0.88, -0.40), (0.55, -0.56), (0, -0.60)]
_BACK_HAIR = [(0, -1.08), (0.84, -0.82), (1.02, -0.15), (0.86, 0.46), (0, 0.68)]
# Whole outlines, x towards the nose.
_PROFILE: Table = [
    (0.80, -0.55), (0.30, -0.98), (-0.55, -0.98), (-1.15, -0.45), (-1.05, 0.25), (-0.55, 0.62), (0.15, 0.92),
    (0.72, 0.98), (0.86, 0.66), (0.90, 0.42), (1.24, 0.30), (1.02, 0.02), (0.92, -0.18),
]  # fmt: skip
_PROFILE_HAIR: Table = [
    (0.84, -0.52), (0.60, -1.02), (-0.45, -1.10), (-1.24, -0.55), (-1.15, 0.32), (-0.70, 0.46),
    (-0.56, -0.10), (-0.45, -0.46), (-0.05, -0.52), (0.20, -0.52), (0.50, -0.60),
]  # fmt: skip
_PROFILE_LONG: Table = [(0.2, -1.0), (-1.25, -0.6), (-1.32, 1.15), (-0.30, 1.15), (-0.1, 0)]
_JAW: Table = [(-0.5, 0.60), (0.15, 0.88), (0.6, 0.95)]


def _mirrored(half: Table) -> Table:
    return half + [(-x, y) for x, y in half[::-1] if x]


@dataclass(frozen=True)
class Head:
    """The drawing board, where the head is on it, its colours. `facing` mirrors the x axis of profiles."""

    canvas: Canvas
    frame: Frame
    skin: RGB
    hair: RGB
    facing: int = 1

    def at(self, points: Table) -> Points:
        """Points in head units as points of the picture, (N, 2)."""
        f = self.frame
        return np.array(points, float) * (self.facing * f.half_width, f.half_height) + (
            f.centre_x,
            f.centre_y,
        )

    def shape(self, colour: RGB, points: Table, smooth: bool = True) -> None:
        """Fill an outline."""
        outline = self.at(points)
        self.canvas.fill(colour, smooth_outline(outline) if smooth else outline)

    def dot(self, colour: RGB, x: float, y: float, radii: tuple[float, float], ring: float = 0.0) -> None:
        """An ellipse whose radii are in head units too."""
        size = (radii[0] * self.frame.half_width, radii[1] * self.frame.half_height)
        self.canvas.ellipse(colour, self.at([(x, y)])[0], size, ring)

    def stroke(self, colour: RGB, points: Table, width: float) -> None:
        """An open line."""
        self.canvas.line(colour, self.at(points), width)


def draw_body(head: Head, shirt: RGB) -> None:
    """Neck and shoulders."""
    head.shape(shade(head.skin, 0.80), _mirrored(_NECK), smooth=False)
    head.shape(shirt, _mirrored(_SHIRT))


def draw_hair_behind(head: Head, style: str, profile: bool) -> None:
    """What lies behind head and ears: long hair."""
    if style == "long":
        head.shape(shade(head.hair, 0.85), _PROFILE_LONG if profile else _mirrored(_LONG_HAIR))


def draw_front(head: Head, style: str, glasses: bool, light: float) -> None:
    """Head, hair and face from the front; `light` from -1 to 1 is the side that the light comes from."""
    outline = smooth_outline(head.at(_mirrored(_HEAD)))
    head.canvas.fill(head.skin, outline)
    centre = np.array([head.frame.centre_x, head.frame.centre_y])
    patch = (outline - centre) * (0.55, 0.9) + centre + (0.4 * light * head.frame.half_width, 0.02)
    head.canvas.glow(shade(head.skin, 1.08), patch, outline, 0.5)
    for side in (-1, 1):
        _draw_eye(head, side * 0.42, 0.20, glasses)
    if glasses:
        head.stroke(FRAME, [(-0.1, -0.02), (0.1, -0.02)], 0.014)
    head.stroke(shade(head.skin, 0.78), [(-0.02, 0.05), (-0.14, 0.36), (0.1, 0.38)], 0.015)
    head.dot(lips(head.skin), 0, 0.62, (0.34, 0.06))
    if style != "bald":
        head.shape(head.hair, _mirrored(_FRINGE))
    if style == "bun":
        head.dot(shade(head.hair, 0.9), 0, -1.13, (0.42, 0.19))


def draw_back(head: Head, style: str) -> None:
    """Head and hair from behind."""
    head.shape(head.skin, _mirrored(_HEAD))
    if style == "bald":
        return
    head.shape(head.hair, _mirrored(_BACK_HAIR))
    if style == "long":
        head.shape(shade(head.hair, 0.92), _mirrored(_LONG_HAIR_BACK))
    if style == "bun":
        head.dot(shade(head.hair, 0.8), 0, -0.86, (0.40, 0.24))


def draw_profile(head: Head, style: str, glasses: bool) -> None:
    """Head, hair and face from the side."""
    head.shape(head.skin, _PROFILE)
    head.stroke(shade(head.skin, 0.80), _JAW, 0.012)
    head.dot(lips(head.skin), 0.74, 0.66, (0.16, 0.045))
    if style != "bald":
        head.shape(head.hair, _PROFILE_HAIR)
    if style == "bun":
        head.dot(shade(head.hair, 0.9), -1.15, -0.72, (0.36, 0.24))
    _draw_eye(head, 0.66, 0.15, glasses)
    if glasses:
        head.stroke(FRAME, [(0.40, -0.03), (-0.1, -0.03)], 0.014)


def _draw_eye(head: Head, x: float, width: float, glasses: bool) -> None:
    level = -0.02
    inner = x + (0.06 if width < 0.2 else 0.0)
    head.dot(EYE_WHITE, x, level, (width, 0.075))
    head.dot(IRIS, inner, level, (width / 2, 0.072))
    brow = [(x - 0.24, level - 0.19), (x, level - 0.23), (x + 0.24, level - 0.19)]
    head.stroke(shade(head.hair, 0.8), brow, 0.018)
    if glasses:
        head.dot(FRAME, x, level, (width + 0.13, 0.18), ring=0.014)
