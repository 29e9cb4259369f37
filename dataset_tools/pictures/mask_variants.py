"""Other masks than the one that was drawn: moved, grown, drawn at random, or white all over.

Trainers show them so that a LoRA does not learn one outline. Pure functions of a mask, the settings, a seed.
This module imports nothing of ours: the inpaint script of ``vendor/`` loads this one file in an environment
that has no lorawrap, and so both trainers see the same masks to the pixel.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

Kind = Literal["own", "full", "random"]
REPAINT = 128
"""A pixel from this value on is repainted."""


@dataclass(frozen=True)
class MaskChange:
    """How masks vary. Lengths are pixels of the training size, shares are of all sights (0 … 1).

    An own mask is moved by at most ``jitter_px`` each way and grown by at most ``dilate_px``; ``full_share``
    sees a mask white all over, ``random_share`` one drawn at random. ``variants``: how many different own and
    random masks a cache keeps of each picture.
    """

    jitter_px: int = 0
    dilate_px: int = 0
    full_share: float = 0.0
    random_share: float = 0.0
    variants: int = 8

    @property
    def moves(self) -> bool:
        """True when an own mask is not always shown as it was drawn."""
        return self.jitter_px > 0 or self.dilate_px > 0

    @property
    def active(self) -> bool:
        return self.moves or self.full_share > 0 or self.random_share > 0


@dataclass(frozen=True)
class Variant:
    """One way to see a mask; the same ``seed`` gives the same pixels."""

    kind: Kind = "own"
    seed: int = 0


UNCHANGED, AS_DRAWN = MaskChange(), Variant()


def choose(change: MaskChange, random: Random, *, pooled: bool) -> Variant:
    """The variant of one sight: one of `pool` when ``pooled``, else one that was never seen before."""
    if not change.active:
        return AS_DRAWN
    share = random.random()
    if share < change.full_share:
        return Variant("full")
    kind: Kind = "random" if share < change.full_share + change.random_share else "own"
    if kind == "own" and not change.moves:
        return AS_DRAWN
    return Variant(kind, random.randrange(change.variants if pooled else 2**63))


def pool(change: MaskChange) -> list[Variant]:
    """Every variant that `choose` can give with ``pooled``."""
    numbers = range(change.variants)
    found: list[Variant] = []
    if change.full_share + change.random_share < 1:
        found += [Variant("own", number) for number in numbers] if change.moves else [AS_DRAWN]
    if change.random_share > 0:
        found += [Variant("random", number) for number in numbers]
    return [*found, Variant("full")] if change.full_share > 0 else found


def vary(mask: np.ndarray, change: MaskChange, variant: Variant) -> np.ndarray:
    """uint8 [H, W] at the training size → uint8 [H, W]. The mask's own pixels are part of the seed."""
    if variant.kind == "full":
        return np.full_like(mask, 255)
    random = Random(f"{variant.kind}/{variant.seed}/{zlib.crc32(np.ascontiguousarray(mask).tobytes())}")
    if variant.kind == "random":
        return random_mask(mask.shape, random)
    if not change.moves:
        return mask
    moved = move(mask, change.jitter_px, random)
    return grow(moved, random.randint(0, change.dilate_px))


def move(mask: np.ndarray, most_px: int, random: Random) -> np.ndarray:
    """Moved by up to ``most_px`` along each axis, but never over the picture's edge."""
    down, right = (_shift(mask.max(axis=1 - axis) >= REPAINT, most_px, random) for axis in (0, 1))
    height, width = mask.shape
    moved = np.zeros_like(mask)
    moved[_to(down, height), _to(right, width)] = mask[_to(-down, height), _to(-right, width)]
    return moved


def _shift(filled: np.ndarray, most_px: int, random: Random) -> int:
    """How far a row of pixels, ``filled`` where it is repainted, may go without losing any."""
    places = np.flatnonzero(filled)
    if not len(places):
        return 0
    low, high = -min(most_px, int(places[0])), min(most_px, len(filled) - 1 - int(places[-1]))
    return random.randint(low, high)


def _to(shift: int, length: int) -> slice:
    return slice(max(shift, 0), length + min(shift, 0))


def grow(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """The lightest pixel of a disc around each pixel (grey dilation): soft edges stay as soft."""
    if radius_px == 0:
        return mask
    import cv2

    along = np.arange(-radius_px, radius_px + 1)
    disc = (along[:, None] ** 2 + along**2 <= radius_px**2).astype(np.uint8)
    return cv2.dilate(mask, disc)


def random_mask(shape: Sequence[int], random: Random) -> np.ndarray:
    """uint8 [H, W]: one to three turned ellipses and boxes, each 10 to 60 % of the shorter side across."""
    height, width = shape
    rows, columns = np.mgrid[0:height, 0:width]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(random.randint(1, 3)):
        down, right = rows - random.uniform(0, height - 1), columns - random.uniform(0, width - 1)
        mask[_inside(right, down, min(height, width), random)] = 255
    if not mask.any():  # a picture of a few pixels can fall between two of them
        mask[height // 2, width // 2] = 255
    return mask


def _inside(right: np.ndarray, down: np.ndarray, side_px: int, random: Random) -> np.ndarray:
    """bool [H, W]: a turned ellipse or box around the place where ``right`` and ``down`` are 0."""
    angle = random.uniform(0, math.pi)
    along = (right * math.cos(angle) + down * math.sin(angle)) / (side_px * random.uniform(0.05, 0.3))
    across = (down * math.cos(angle) - right * math.sin(angle)) / (side_px * random.uniform(0.05, 0.3))
    if random.random() < 0.5:
        return along**2 + across**2 <= 1
    return np.maximum(np.abs(along), np.abs(across)) <= 1
