"""Ears: their outlines, how they are drawn, and the region to repaint, which is the same for every ear."""

from __future__ import annotations

import cv2
import numpy as np

from wrapper.demo.canvas import Canvas, Points, smooth_outline
from wrapper.demo.palette import RGB, STUDS, shade
from wrapper.demo.portraits import CONCEPT_SHAPE, Ear

# In ear units: y from -1 (top) to 1 (bottom), x from 0 (where the ear is attached) to 1 (outward).
_ROUND_TOP = [
    (0, -0.80),
    (0.24, -1.0),
    (0.62, -1.02),
    (0.92, -0.78),
    (1.0, -0.36),
    (0.90, 0.04),
    (0.72, 0.36),
]
_POINTED_TOP = [
    (0, -0.70),
    (0.28, -0.95),
    (0.70, -1.45),
    (1.06, -1.78),
    (1.0, -1.0),
    (0.95, -0.42),
    (0.72, 0.36),
]
_LOBES = {
    "detached": [
        (0.66, 0.58),
        (0.68, 0.84),
        (0.48, 1.08),
        (0.22, 1.08),
        (0.07, 0.88),
        (0.12, 0.70),
        (0, 0.60),
    ],
    "attached": [(0.54, 0.64), (0.34, 0.88), (0.14, 1.04), (0, 1.12)],
    "small": [(0.54, 0.52), (0.34, 0.65), (0.12, 0.66), (0, 0.60)],
}
_WIDTHS = {"protruding": 1.32, CONCEPT_SHAPE: 1.32, "average": 0.92, "flat": 0.58}
_PROFILE_WIDTHS = {"protruding": 1.30, CONCEPT_SHAPE: 1.30, "average": 1.02, "flat": 0.74}
_LOBE_CENTRES = {"detached": 0.86, "attached": 0.80, "small": 0.54}
ASPECT = 0.74
"""Width of an ear's unit over its half height."""
MAX_SCALE = 1.06
"""The largest `ear_scale` of a random portrait: the region to repaint is made for it."""
_MARGIN = (1.25, 1.10)


def ear_outline(ear: Ear, outward: int, profile: bool) -> Points:
    """The closed outline (N, 2) in ear units; `outward` is +1 or -1, towards the picture's right or left."""
    top = _POINTED_TOP if ear.shape == CONCEPT_SHAPE else _ROUND_TOP
    width = (_PROFILE_WIDTHS if profile else _WIDTHS)[ear.shape]
    points = np.array(top + _LOBES[ear.lobe], dtype=float)
    return smooth_outline(points * (width * outward * ASPECT, 1.0))


def draw_ear(
    canvas: Canvas, ear: Ear, root: Points, half_height: float, outward: int, skin: RGB, profile: bool
) -> None:
    """Draw `ear` with its attachment at `root`."""
    outline = ear_outline(ear, outward, profile) * half_height + root
    canvas.fill(shade(skin, 0.97), outline)
    canvas.line(shade(skin, 0.58), outline, 0.009, closed=True)
    centre = outline.mean(axis=0)
    bowl = (outline - centre) * (0.58, 0.60) + centre - (0, 0.06 * half_height)
    canvas.fill(shade(skin, 0.78), bowl)
    canal = (outline - centre) * (0.22, 0.30) + centre + (0, 0.02 * half_height)
    canvas.fill(shade(skin, 0.58), canal)
    if ear.stud:
        _draw_stud(canvas, ear, root, half_height, outward, profile)


def ear_region(root: Points, half_height: float, outward: int, profile: bool) -> Points:
    """The polygon to repaint: the hull of every ear that could be there, so it tells nothing of this one."""
    shapes = [Ear(shape, "detached") for shape in ("protruding", CONCEPT_SHAPE)]
    outlines = np.vstack([ear_outline(shape, outward, profile) for shape in shapes])
    lobe = np.array([[0.0, 1.2], [0.30 * outward, 1.2]])
    points = np.vstack([outlines, lobe]).astype(np.float32)
    hull = cv2.convexHull(points)[:, 0].astype(float) * half_height * MAX_SCALE
    middle = (hull.min(axis=0) + hull.max(axis=0)) / 2
    return (hull - middle) * _MARGIN + middle + root


def _draw_stud(
    canvas: Canvas, ear: Ear, root: Points, half_height: float, outward: int, profile: bool
) -> None:
    width = (_PROFILE_WIDTHS if profile else _WIDTHS)[ear.shape]
    offset = np.array([outward * ASPECT * 0.36 * width, _LOBE_CENTRES[ear.lobe]])
    radius = half_height * (0.27 if ear.shape == CONCEPT_SHAPE else 0.21)
    colour = STUDS[ear.stud]
    canvas.ellipse(colour, root + offset * half_height, (radius, radius))
    canvas.ellipse(shade(colour, 0.62), root + offset * half_height, (radius, radius), ring=0.005)
