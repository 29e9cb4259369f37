"""Holes to learn inpainting on: around ears, or anywhere."""

from __future__ import annotations

import cv2
import numpy as np

from wrapper.demo.canvas import Pixels

ONE_EAR = 0.4
"""How often only one of two visible ears is taken out."""
WHOLE_PICTURE = 0.1
MOST_DILATION_PX = 3


def hole(ears: Pixels, rng: np.random.Generator, around_ears: bool) -> Pixels:
    """A mask (S, S), 255 where the picture is to be repainted; `ears` is the drawing's own ear mask."""
    return _ear_hole(ears, rng) if around_ears else _random_hole(ears.shape[0], rng)


def _ear_hole(ears: Pixels, rng: np.random.Generator) -> Pixels:
    """The ears' regions, at times only one of them, at times a little larger."""
    mask = ears.copy()
    count, labels = cv2.connectedComponents(mask)
    if count > 2 and rng.random() < ONE_EAR:
        mask[labels == rng.integers(1, count)] = 0
    reach = 2 * int(rng.integers(0, MOST_DILATION_PX + 1)) + 1
    return cv2.dilate(mask, np.ones((reach, reach), np.uint8))


def _random_hole(size: int, rng: np.random.Generator) -> Pixels:
    """One to three ellipses or boxes; now and then the whole picture."""
    mask = np.zeros((size, size), np.uint8)
    if rng.random() < WHOLE_PICTURE:
        mask[:] = 255
        return mask
    for _ in range(rng.integers(1, 4)):
        x, y = (int(value) for value in rng.uniform(0.15, 0.85, 2) * size)
        width, height = (int(value) for value in rng.uniform(0.06, 0.25, 2) * size)
        if rng.random() < 0.5:
            cv2.ellipse(mask, (x, y), (width, height), float(rng.uniform(0, 180)), 0, 360, 255, -1)
        else:
            cv2.rectangle(mask, (x - width, y - height), (x + width, y + height), 255, -1)
    return mask
