"""Degradations by known amounts: uint8 [H, W, 3] in, uint8 [H, W, 3] out."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Rng = np.random.Generator
RESAMPLINGS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def gaussian(rgb: Pixels, sigma_px: float) -> Pixels:
    """Out of focus, as a Gaussian."""
    return cv2.GaussianBlur(rgb, (0, 0), sigma_px)


def motion(rgb: Pixels, length_px: float, angle: float) -> Pixels:
    """The camera moved on a straight line; ``angle`` in radians."""
    side = int(length_px) | 1
    kernel = np.zeros((side, side), np.float32)
    middle = side // 2
    across, down = np.cos(angle) * length_px / 2, np.sin(angle) * length_px / 2
    ends = [(round((middle + s * across) * 16), round((middle + s * down) * 16)) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, shift=4)
    return cv2.filter2D(rgb, -1, kernel / kernel.sum())


def behind(rgb: Pixels, sigma_px: float, *, subject_soft: bool) -> Pixels:
    """A centred oval subject and its ground, one of them blurred."""
    height, width = rgb.shape[:2]
    mask = np.zeros((height, width), np.float32)
    axes = round(width * 0.3), round(height * 0.38)
    cv2.ellipse(mask, (width // 2, round(height * 0.52)), axes, 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 3)[..., None]
    share = mask if subject_soft else 1 - mask
    return _rounded(gaussian(rgb, sigma_px) * share + rgb * (1 - share))


def noise(rgb: Pixels, sigma: float, rng: Rng, *, colour: bool = True) -> Pixels:
    """White Gaussian noise, of each channel alone or the same in all."""
    channels = 3 if colour else 1
    return _rounded(rgb + rng.normal(0, sigma, (*rgb.shape[:2], channels)))


def jpeg(rgb: Pixels, quality: int) -> bytes:
    """A JPEG file as Pillow writes it (colour at half resolution up to quality 95)."""
    stream = BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def jpeged(rgb: Pixels, quality: int) -> Pixels:
    """What a JPEG leaves in the pixels."""
    with Image.open(BytesIO(jpeg(rgb, quality))) as image:
        return np.asarray(image.convert("RGB"))


def resized(rgb: Pixels, factor: float, method: str) -> Pixels:
    """Resampled by ``factor`` with one of `RESAMPLINGS`."""
    size = max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor))
    return np.asarray(Image.fromarray(rgb).resize(size, RESAMPLINGS[method]))


def upscaled(rgb: Pixels, factor: float, method: str) -> Pixels:
    """Averaged down by ``factor``, then enlarged to about the size that it had."""
    size = round(rgb.shape[1] / factor), round(rgb.shape[0] / factor)
    return resized(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), factor, method)


def relit(rgb: Pixels, gain: float, offset: float) -> Pixels:
    """gain · grey level + offset, clipped."""
    return _rounded(rgb.astype(np.float32) * gain + offset)


def blown(rgb: Pixels, share: float) -> Pixels:
    """So much gain that ``share`` of the frame is white; blacks stay black."""
    least = rgb.min(axis=2)
    return relit(rgb, 255 / max(float(np.quantile(least, 1 - share)), 1.0), 0)


def bordered(rgb: Pixels, share: float, level: int, sides: str) -> Pixels:
    """Bars of one grey level inside the frame; ``sides`` of ``lrtb``, each ``share`` of its axis wide."""
    out = rgb.copy()
    down, across = max(2, round(rgb.shape[0] * share)), max(2, round(rgb.shape[1] * share))
    cuts = {"t": np.s_[:down], "b": np.s_[-down:], "l": np.s_[:, :across], "r": np.s_[:, -across:]}
    for side in sides:
        out[cuts[side]] = level
    return out


def grey_filled(rgb: Pixels, share: float) -> Pixels:
    """The lower ``share`` is the grey that a decoder leaves where the file ended."""
    out = rgb.copy()
    out[round(rgb.shape[0] * (1 - share)) :] = 128
    return out


def blank(rgb: Pixels, level: float, sigma: float, rng: Rng) -> Pixels:
    """One colour with a little noise."""
    return noise(np.full_like(rgb, round(level)), sigma, rng)


def _rounded(values: npt.NDArray[np.floating]) -> Pixels:
    return np.clip(values, 0, 255).round().astype(np.uint8)
