"""Pictures that are alike and no copies: sessions, parts of one photograph, skies, pages, blank frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from benchmarks.qc import faults
from benchmarks.qc.photographs import Photograph, Pixels, Rng

SESSIONS, SHOTS, PLAIN = 8, 4, 12
SIDE_PX = 600


def strangers(photographs: Sequence[Photograph], rng: Rng) -> Iterator[tuple[str, Pixels]]:
    """(name, picture): none is a copy of another one."""
    scenes = [cv2.resize(one.rgb, (SIDE_PX, SIDE_PX)) for one in photographs]
    for number in range(SESSIONS):
        yield from ((f"heads {number}-{shot}", one) for shot, one in enumerate(_heads(scenes, rng)))
        yield from ((f"moved {number}-{shot}", one) for shot, one in enumerate(_moved(scenes, rng)))
    for number in range(PLAIN):
        yield f"sky {number}", _sky(rng)
        yield f"blank {number}", faults.noise(np.full((400, 500, 3), rng.integers(255), np.uint8), 3, rng)
        yield f"page {number}", _page(rng)


def quarters(photograph: Photograph) -> Iterator[tuple[str, Pixels]]:
    """Four parts without a common pixel."""
    height, width = photograph.rgb.shape[0] // 2, photograph.rgb.shape[1] // 2
    for number in range(4):
        top, left = height * (number // 2), width * (number % 2)
        yield f"{photograph.name} part {number}", photograph.rgb[top : top + height, left : left + width]


def _heads(scenes: Sequence[Pixels], rng: Rng) -> Iterator[Pixels]:
    """Another head each time, before one background."""
    ground, *others = rng.permutation(len(scenes))[: SHOTS + 1]
    for other in others:
        inside = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        centre = 300 + int(rng.integers(-40, 41)), 330 + int(rng.integers(-30, 31))
        axes = int(rng.uniform(70, 150)), int(rng.uniform(90, 180))
        cv2.ellipse(inside, centre, axes, 0, 0, 360, 1.0, -1)
        head = np.roll(scenes[other], rng.integers(SIDE_PX, size=2), (0, 1))
        yield faults.noise(_laid(head, scenes[ground], cv2.GaussianBlur(inside, (0, 0), 2)), 2, rng)


def _moved(scenes: Sequence[Pixels], rng: Rng) -> Iterator[Pixels]:
    """One head that moves and turns before one background, the camera almost still."""
    ground, other = rng.permutation(len(scenes))[:2]
    head = cv2.resize(scenes[other], (400, 400))
    inside = np.zeros((400, 400), np.float32)
    cv2.ellipse(inside, (200, 200), (110, 150), 0, 0, 360, 1.0, -1)
    for step in rng.permutation(SHOTS) - (SHOTS - 1) / 2:
        pose = cv2.getRotationMatrix2D((200, 200), rng.uniform(-12, 12), rng.uniform(0.9, 1.1))
        pose[:, 2] += 100 + 30 * step + rng.uniform(-6, 6), 120 + rng.uniform(-40, 40)
        placed, mask = (cv2.warpAffine(one, pose, (SIDE_PX, SIDE_PX)) for one in (head, inside))
        shaken = np.roll(scenes[ground], rng.integers(-4, 5, size=2), (0, 1))
        yield faults.noise(_laid(placed, shaken, cv2.GaussianBlur(mask, (0, 0), 2)), 3, rng)


def _laid(top: Pixels, ground: Pixels, share: npt.NDArray[np.float32]) -> Pixels:
    mixed = top * share[..., None] + ground * (1 - share[..., None])
    return mixed.round().clip(0, 255).astype(np.uint8)


def _sky(rng: Rng) -> Pixels:
    levels = np.linspace(rng.uniform(90, 160), rng.uniform(180, 240), 500)[:, None, None]
    sky = np.broadcast_to(levels * np.array([0.8, 0.92, 1.0]), (500, 700, 3))
    return faults.noise(sky.round().astype(np.uint8), rng.uniform(0, 4), rng)


def _page(rng: Rng) -> Pixels:
    page, font = Image.new("RGB", (600, 800), "white"), ImageFont.load_default(18)
    for line in range(30):
        words = ("".join(map(chr, rng.integers(97, 123, rng.integers(2, 10)))) for _ in range(9))
        ImageDraw.Draw(page).text((50, 40 + line * 24), " ".join(words), fill=(20, 20, 20), font=font)
    return np.asarray(page)
