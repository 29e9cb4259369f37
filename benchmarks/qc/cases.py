"""What is measured: photographs as they are, hard but good ones, and spoiled ones with known amounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from zlib import crc32

import cv2
import numpy as np

from benchmarks.qc import faults
from benchmarks.qc.photographs import Photograph, Pixels, Rng

LEAST_PX = 256
"""Short side of the smallest view of a photograph that cases are made from."""
MAKERS: dict[str, Callable[[Pixels, Rng], Iterator[Made]]] = {}


class Made(NamedTuple):
    """``content``: pixels, to be kept without loss, or the bytes of a JPEG file.

    ``code``: why QC should reject it, "" for a good picture, None where opinions differ.
    """

    kind: str
    code: str | None
    content: Pixels | bytes
    sigma: float | None = None
    quality: int | None = None


class Case(NamedTuple):
    name: str
    split: str
    made: Made


def cases(photograph: Photograph) -> Iterator[Case]:
    """All cases of one photograph, the same on every machine; of others, one view."""
    views = list(_views(photograph.rgb).items())
    if photograph.split == "others":
        views = [views[crc32(photograph.name.encode()) % len(views)]]
    for view, rgb in views:
        for group, make in MAKERS.items():
            rng = np.random.default_rng(crc32(f"{photograph.name} {view} {group}".encode()))
            for number, made in enumerate(make(rgb, rng)):
                yield Case(f"{photograph.name}-{view}-{group}-{number:02d}", photograph.split, made)


def _views(rgb: Pixels) -> dict[str, Pixels]:
    """The photograph, a part of it, and a smaller copy of it."""
    height, width = rgb.shape[:2]
    part = rgb[height // 8 : height * 7 // 8, width // 5 : width * 19 // 20]
    smaller = cv2.resize(rgb, (round(width * 0.72), round(height * 0.72)), interpolation=cv2.INTER_AREA)
    found = {"whole": rgb, "part": np.ascontiguousarray(part), "smaller": smaller}
    return {name: view for name, view in found.items() if min(view.shape[:2]) >= LEAST_PX}


def _maker(make: Callable[[Pixels, Rng], Iterator[Made]]) -> Callable[[Pixels, Rng], Iterator[Made]]:
    MAKERS[make.__name__.strip("_")] = make
    return make


@_maker
def _good(rgb: Pixels, rng: Rng) -> Iterator[Made]:
    yield Made("good", "", rgb)
    yield Made("good", "", rgb[:, ::-1])
    yield Made("good jpeg", "", faults.jpeg(rgb, int(rng.integers(88, 97))))
    yield Made("good bokeh", "", faults.behind(rgb, rng.uniform(3, 8), subject_soft=False))
    yield Made("good grain", "", faults.noise(rgb, rng.uniform(2, 4), rng))
    yield Made("good dim", "", faults.relit(rgb, rng.uniform(0.6, 0.75), 0))
    yield Made("good haze", "", faults.relit(rgb, 0.65, 60))
    yield Made("good plain", "", _on_plain_ground(rgb, rng))
    yield Made("good studio", "", _on_white_ground(rgb, rng))
    yield Made("good high key", "", faults.relit(rgb, 0.6, 85))


def _on_plain_ground(rgb: Pixels, rng: Rng) -> Pixels:
    """The picture small before a sky: a gradient with hardly any noise."""
    height, width = rgb.shape[:2]
    levels = np.linspace(rng.uniform(120, 160), rng.uniform(190, 235), height)[:, None, None]
    ground = np.broadcast_to(levels * np.array([0.85, 0.95, 1.0]), rgb.shape)
    ground = np.clip(ground + rng.normal(0, 0.8, rgb.shape), 0, 255)
    inside = np.zeros((height, width), np.float32)
    centre, axes = (width // 2, round(height * 0.6)), (width // 4, height // 4)
    cv2.ellipse(inside, centre, axes, 0, 0, 360, 1.0, -1)
    share = cv2.GaussianBlur(inside, (0, 0), 1)[..., None]
    return (rgb * share + ground * (1 - share)).round().astype(np.uint8)


def _on_white_ground(rgb: Pixels, rng: Rng) -> Pixels:
    """The middle of the picture, hard-edged and down to the lower border, before pure white."""
    height, width = rgb.shape[:2]
    inside = np.zeros((height, width), np.float32)
    centre = (width // 2, round(height * rng.uniform(0.6, 0.8)))
    cv2.ellipse(inside, centre, (round(width * 0.3), round(height * 0.45)), 0, 0, 360, 1.0, -1)
    share = cv2.GaussianBlur(inside, (0, 0), 0.5)[..., None]
    return (rgb * share + 255 * (1 - share)).round().astype(np.uint8)


@_maker
def _blur(rgb: Pixels, rng: Rng) -> Iterator[Made]:
    for low, high in ((1.0, 1.6), (2.0, 3.0), (3.0, 5.0)):
        sigma = rng.uniform(low, high)
        yield Made("gaussian mild" if high < 2 else "gaussian", None if high < 2 else "blur",
                   faults.gaussian(rgb, sigma))  # fmt: skip
    for length in (rng.uniform(10, 14), rng.uniform(14, 24)):
        yield Made("motion", "blur", faults.motion(rgb, length, rng.uniform(0, np.pi)))
    yield Made("background", "blur", faults.behind(rgb, rng.uniform(3, 6), subject_soft=True))
    for _ in range(2):
        sigma = rng.uniform(5, 18)
        yield Made("noisy sharp", None, faults.noise(rgb, sigma, rng), sigma=sigma)
        soft = faults.gaussian(rgb, rng.uniform(2, 4))
        yield Made("noisy blur", "blur", faults.noise(soft, sigma, rng), sigma=sigma)
    soft = faults.noise(faults.gaussian(rgb, rng.uniform(2.5, 4)), 4, rng)
    yield Made("blur jpeg", "blur", faults.jpeg(soft, 75))


@_maker
def _jpeg(rgb: Pixels, rng: Rng) -> Iterator[Made]:
    qualities = [int(rng.integers(5, 26)), int(rng.integers(26, 60)), int(rng.integers(60, 91))]
    for quality in qualities:
        code = "blockiness" if quality <= 25 else None
        yield Made("jpeg", code, faults.jpeg(rgb, quality), quality=quality)
        left = faults.jpeged(rgb, quality)
        yield Made("jpeg png", code, left, quality=quality)
        top, side = (int(value) for value in rng.integers(1, 8, 2))
        yield Made("jpeg cropped", code, left[top:, side:], quality=quality)
        yield Made("jpeg resaved", code, faults.jpeg(left, int(rng.integers(92, 97))), quality=quality)
        if quality < 60:
            method = str(rng.choice(["bilinear", "bicubic", "lanczos"]))
            yield Made("jpeg resized", code, faults.resized(left, rng.uniform(0.6, 1.7), method))


@_maker
def _noise(rgb: Pixels, rng: Rng) -> Iterator[Made]:
    for low, high in ((3, 8), (8, 16), (18, 26), (26, 40)):
        sigma = rng.uniform(low, high)
        yield Made("noise", "noise" if low >= 18 else None, faults.noise(rgb, sigma, rng), sigma=sigma)
    sigma = rng.uniform(18, 30)
    yield Made("noise luma", "noise", faults.noise(rgb, sigma, rng, colour=False), sigma=sigma)
    sigma = rng.uniform(18, 26)
    dark = faults.relit(rgb, 0.45, 8)
    yield Made("noise dark", "noise", faults.noise(dark, sigma, rng), sigma=sigma)


@_maker
def _resolution(rgb: Pixels, rng: Rng) -> Iterator[Made]:
    for method in faults.RESAMPLINGS:
        factor = float(rng.choice([2, 3, 4, rng.uniform(2, 4)]))
        yield Made("upscaled", "resolution", faults.upscaled(rgb, factor, method))
    yield Made("upscaled mild", None, faults.upscaled(rgb, rng.uniform(1.4, 2), "bicubic"))
    yield Made(
        "tiny", "resolution", faults.resized(rgb, rng.uniform(60, 200) / min(rgb.shape[:2]), "bicubic")
    )


@_maker
def _light(rgb: Pixels, rng: Rng) -> Iterator[Made]:
    yield Made("dark", "exposure", faults.relit(rgb, rng.uniform(0.05, 0.14), 0))
    yield Made("light", "exposure", faults.relit(rgb, rng.uniform(0.8, 1.2), rng.uniform(190, 220)))
    yield Made("light", "exposure", faults.relit(rgb, rng.uniform(0.1, 0.2), 205))
    yield Made("flat", "exposure", faults.relit(rgb, rng.uniform(0.06, 0.12), rng.uniform(70, 150)))
    for low, high in ((0.6, 0.7), (0.7, 0.85)):
        yield Made("blown", "exposure", faults.blown(rgb, rng.uniform(low, high)))


@_maker
def _frame(rgb: Pixels, rng: Rng) -> Iterator[Made]:
    height, width = rgb.shape[:2]
    strip = round(min(height, width) / 4.5)
    if strip * 4.5 <= width:
        yield Made("aspect", "aspect", np.tile(rgb[height // 3 : height // 3 + strip], (1, 2, 1)))
    for sides, level in (("lr", 0), ("tb", 0), ("lrtb", 255), ("lrtb", int(rng.integers(20, 235)))):
        yield Made("border", "framing", faults.bordered(rgb, rng.uniform(0.06, 0.2), level, sides))
    yield Made("grey fill", "content", faults.grey_filled(rgb, rng.uniform(0.15, 0.7)))
    yield Made("grey fill", "content", faults.jpeg(faults.grey_filled(rgb, rng.uniform(0.2, 0.7)), 90))
    yield Made("blank", "content", faults.blank(rgb, rng.uniform(0, 255), rng.uniform(0, 6), rng))
