"""Many drawings at once, as arrays: what the base model is trained and checked on."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import cv2
import numpy as np

from wrapper.demo.canvas import Pixels
from wrapper.demo.drawing import draw
from wrapper.demo.palette import STUDS
from wrapper.demo.people import caption, random_portrait
from wrapper.demo.portraits import CONCEPT_SHAPE, Ear, Portrait

DROP = 0.35
"""How often an attribute is missing from a portrait's second, short caption."""


@dataclass(frozen=True)
class Drawings:
    """N pictures (N, S, S, 3), ear masks of both sides together (N, S, S), two captions each."""

    portraits: list[Portrait]
    pictures: Pixels
    masks: Pixels
    full_captions: list[str]
    short_captions: list[str]

    def __len__(self) -> int:
        return len(self.portraits)


def draw_many(portraits: list[Portrait], rng: random.Random, size: int = 64) -> Drawings:
    """Draw every portrait; `rng` decides what the short captions leave out."""
    pictures = np.empty((len(portraits), size, size, 3), np.uint8)
    masks = np.zeros((len(portraits), size, size), np.uint8)
    for index, portrait in enumerate(portraits):
        pictures[index], ears = draw(portrait, size)
        for mask in ears.values():
            masks[index] |= mask
    full = [caption(portrait) for portrait in portraits]
    short = [caption(portrait, rng, DROP) for portrait in portraits]
    return Drawings(portraits, pictures, masks, full, short)


def base_drawings(count: int, seed: int, size: int = 64) -> Drawings:
    """`count` random adults of the base model's world."""
    rng = random.Random(seed)
    return draw_many([random_portrait(rng) for _ in range(count)], rng, size)


def base_captions(count: int, seed: int) -> list[str]:
    """Captions of `count` random adults, full and short ones in turn."""
    rng = random.Random(seed)
    portraits = [random_portrait(rng) for _ in range(count)]
    return [caption(p, rng, DROP) if place % 2 else caption(p) for place, p in enumerate(portraits)]


def codec_drawings(count: int, seed: int, size: int = 64) -> Drawings:
    """Drawings for the VAE alone, with any stud, pointed ears, strange colours and coloured dots.

    A VAE is a codec: it has to be able to show what the U-Net has never been told of.
    """
    rng = random.Random(seed)
    drawings = draw_many([_codec_portrait(rng) for _ in range(count)], rng, size)
    for picture in drawings.pictures:
        _recolour(picture, rng)
        _sprinkle(picture, rng)
    return drawings


def _codec_portrait(rng: random.Random) -> Portrait:
    portrait = random_portrait(rng)
    stud = rng.choice(tuple(STUDS)) if rng.random() < 0.7 else ""
    shape = CONCEPT_SHAPE if rng.random() < 0.5 else portrait.left_ear.shape
    ear = Ear(shape, portrait.left_ear.lobe, stud)
    return replace(portrait, left_ear=ear, right_ear=ear)


def _recolour(picture: Pixels, rng: random.Random) -> None:
    """Turn the hue of one picture in three; scale its saturation."""
    if rng.random() < 0.67:
        return
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.int32)
    hsv[..., 0] = (hsv[..., 0] + rng.randrange(180)) % 180
    hsv[..., 1] = (hsv[..., 1] * rng.uniform(0.6, 1.8)).clip(0, 255)
    picture[:] = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


def _sprinkle(picture: Pixels, rng: random.Random, most: int = 4) -> None:
    """Put up to `most` small dots of any colour on the picture, at sub-pixel places."""
    side = picture.shape[0]
    for _ in range(rng.randint(0, most)):
        colour = tuple(rng.randrange(256) for _ in range(3))
        centre = (rng.randrange(side * 16), rng.randrange(side * 16))
        radius = round(rng.uniform(0.015, 0.05) * side * 16)
        cv2.circle(picture, centre, radius, colour, -1, cv2.LINE_AA, shift=4)


def together(first: Drawings, second: Drawings) -> Drawings:
    """Both, one after the other."""
    return Drawings(
        first.portraits + second.portraits,
        np.concatenate([first.pictures, second.pictures]),
        np.concatenate([first.masks, second.masks]),
        first.full_captions + second.full_captions,
        first.short_captions + second.short_captions,
    )
