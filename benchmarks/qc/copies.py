"""Copies of a photograph that are still the same picture: uint8 [H, W, 3] in, uint8 [H, W, 3] out."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.qc import faults
from benchmarks.qc.photographs import Pixels, Rng

Copy = Callable[[Pixels, Rng], Pixels]


def _webp(rgb: Pixels, quality: int) -> Pixels:
    stream = BytesIO()
    Image.fromarray(rgb).save(stream, "WEBP", quality=quality)
    with Image.open(stream) as image:
        return np.asarray(image.convert("RGB"))


def _curve(rgb: Pixels, gamma: float) -> Pixels:
    return np.clip(255 * (rgb / 255.0) ** gamma, 0, 255).round().astype(np.uint8)


def _tinted(rgb: Pixels, *gains: float) -> Pixels:
    return np.clip(rgb * np.array(gains), 0, 255).round().astype(np.uint8)


def _grey(rgb: Pixels) -> Pixels:
    return cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _cropped(rgb: Pixels, left: float, top: float, right: float, bottom: float) -> Pixels:
    """Without such shares of its sides."""
    height, width = rgb.shape[:2]
    rows = slice(round(height * top), round(height * (1 - bottom)))
    return np.ascontiguousarray(rgb[rows, round(width * left) : round(width * (1 - right))])


def _cropped_anywhere(rgb: Pixels, share: float, rng: Rng) -> Pixels:
    left, top = rng.uniform(0, share, 2)
    return _cropped(rgb, left, top, share - left, share - top)


def _framed(rgb: Pixels, across: float, down: float, level: int) -> Pixels:
    height, width = rgb.shape[:2]
    sides = round(height * down), round(height * down), round(width * across), round(width * across)
    return cv2.copyMakeBorder(rgb, *sides, cv2.BORDER_CONSTANT, value=(level,) * 3)


def _tilted(rgb: Pixels, degrees: float) -> Pixels:
    """Turned by a small angle, and cropped to what is left of it."""
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    margin = abs(np.sin(np.radians(degrees))) / 2 * max(height / width, width / height)
    return _cropped(cv2.warpAffine(rgb, turn, (width, height)), *[margin] * 4)


def _written_over(rgb: Pixels, rng: Rng, lines: int, opacity: int, size: float) -> Pixels:
    picture = Image.fromarray(rgb).convert("RGBA")
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    font = ImageFont.load_default(max(8, rgb.shape[1] * size))
    for _ in range(lines):
        place = rng.uniform(0, 0.5) * rgb.shape[1], rng.uniform(0.05, 0.8) * rgb.shape[0]
        ImageDraw.Draw(layer).text(place, "© sample 2024", fill=(255, 255, 255, opacity), font=font)
    return np.asarray(Image.alpha_composite(picture, layer).convert("RGB"))


def _sharpened(rgb: Pixels) -> Pixels:
    return cv2.addWeighted(rgb, 2.0, cv2.GaussianBlur(rgb, (0, 0), 2), -1.0, 0)


COPIES: dict[str, Copy] = {
    "JPEG 90": lambda rgb, _: faults.jpeged(rgb, 90),
    "JPEG 40": lambda rgb, _: faults.jpeged(rgb, 40),
    "JPEG 10": lambda rgb, _: faults.jpeged(rgb, 10),
    "WebP 60": lambda rgb, _: _webp(rgb, 60),
    "half the size": lambda rgb, _: faults.resized(rgb, 0.5, "bicubic"),
    "a quarter": lambda rgb, _: faults.resized(rgb, 0.25, "bilinear"),
    "twice the size": lambda rgb, _: faults.resized(rgb, 2, "lanczos"),
    "wider": lambda rgb, _: cv2.resize(rgb, None, fx=1.25, fy=1),
    "gamma 0.5": lambda rgb, _: _curve(rgb, 0.5),
    "gamma 2": lambda rgb, _: _curve(rgb, 2),
    "brighter": lambda rgb, _: faults.relit(rgb, 1, 60),
    "darker": lambda rgb, _: faults.relit(rgb, 1, -60),
    "less contrast": lambda rgb, _: faults.relit(rgb, 0.5, 64),
    "more contrast": lambda rgb, _: faults.relit(rgb, 1.8, -102),
    "white balance": lambda rgb, _: _tinted(rgb, 1.25, 1.0, 0.7),
    "grey": lambda rgb, _: _grey(rgb),
    "sepia": lambda rgb, _: _tinted(_grey(rgb), 1.07, 0.74, 0.43),
    "mirrored": lambda rgb, _: rgb[:, ::-1],
    "upside down": lambda rgb, _: rgb[::-1],
    "turned 90": lambda rgb, _: np.rot90(rgb),
    "turned 180": lambda rgb, _: np.rot90(rgb, 2),
    "turned 270": lambda rgb, _: np.rot90(rgb, 3),
    "cropped 10 %": lambda rgb, rng: _cropped_anywhere(rgb, 0.1, rng),
    "cropped 20 %": lambda rgb, rng: _cropped_anywhere(rgb, 0.2, rng),
    "cropped 30 %": lambda rgb, rng: _cropped_anywhere(rgb, 0.3, rng),
    "cropped 30 % around": lambda rgb, _: _cropped(rgb, 0.15, 0.15, 0.15, 0.15),
    "cropped 30 % left": lambda rgb, _: _cropped(rgb, 0.3, 0, 0, 0),
    "white frame": lambda rgb, _: _framed(rgb, 0.1, 0.1, 255),
    "black frame": lambda rgb, _: _framed(rgb, 0.2, 0.2, 0),
    "letterbox": lambda rgb, _: _framed(rgb, 0, 0.25, 0),
    "pillarbox": lambda rgb, _: _framed(rgb, 0.25, 0, 128),
    "bars over it": lambda rgb, _: faults.bordered(rgb, 0.12, 0, "tb"),
    "soft": lambda rgb, _: faults.gaussian(rgb, 3),
    "noisy": lambda rgb, rng: faults.noise(rgb, 20, rng),
    "sharpened": lambda rgb, _: _sharpened(rgb),
    "mirrored, cropped, JPEG": lambda rgb, rng: faults.jpeged(
        _cropped_anywhere(np.ascontiguousarray(rgb[:, ::-1]), 0.2, rng), 50
    ),
    "turned, cropped": lambda rgb, rng: _cropped_anywhere(np.rot90(rgb), 0.2, rng),
    "small, grey, JPEG": lambda rgb, _: faults.jpeged(_grey(faults.resized(rgb, 0.5, "bilinear")), 30),
    "frame, gamma, JPEG": lambda rgb, _: faults.jpeged(_curve(_framed(rgb, 0.08, 0.08, 255), 0.5), 70),
}
"""What QC promises to find."""
BEYOND: dict[str, Copy] = {
    "tilted by 3 degrees": lambda rgb, _: _tilted(rgb, 3),
    "tilted by 6 degrees": lambda rgb, _: _tilted(rgb, -6),
    "written over": lambda rgb, rng: _written_over(rgb, rng, 1, 255, 0.09),
    "watermark": lambda rgb, rng: _written_over(rgb, rng, 4, 115, 0.12),
}
"""Copies too, reported apart."""
