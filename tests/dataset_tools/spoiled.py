"""Real photographs, and what a camera, a program or a person can do to them."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
from PIL import Image
from skimage import data

from dataset_tools.pictures.inspected import Inspected

Pixels = np.ndarray


def photographs() -> dict[str, Pixels]:
    """Photographs that come with scikit-image, uint8 [H, W, 3]."""
    names = ("astronaut", "camera", "cat", "coffee", "rocket", "coins")
    found = {name: getattr(data, name)() for name in names}
    return {name: p if p.ndim == 3 else np.dstack([p, p, p]) for name, p in found.items()}


def astronaut() -> Pixels:
    return np.ascontiguousarray(data.astronaut())


def inspected(rgb: Pixels) -> Inspected:
    return Inspected(np.ascontiguousarray(rgb), rgb.shape[1], rgb.shape[0])


def blurred(rgb: Pixels, sigma_px: float) -> Pixels:
    return cv2.GaussianBlur(rgb, (0, 0), sigma_px)


def moved(rgb: Pixels, length_px: int) -> Pixels:
    kernel = np.zeros((length_px, length_px), np.float32)
    kernel[length_px // 2] = 1 / length_px
    return cv2.filter2D(rgb, -1, kernel)


def noisy(rgb: Pixels, sigma: float) -> Pixels:
    noise = np.random.default_rng(3).normal(0, sigma, rgb.shape)
    return np.clip(rgb + noise, 0, 255).round().astype(np.uint8)


def jpeg_bytes(rgb: Pixels, quality: int) -> bytes:
    stream = BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def jpeged(rgb: Pixels, quality: int) -> Pixels:
    """What a JPEG of that quality leaves, without its tables."""
    with Image.open(BytesIO(jpeg_bytes(rgb, quality))) as image:
        return np.asarray(image.convert("RGB"))


def rippled(rgb: Pixels, amplitude: float, period_px: float) -> Pixels:
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    wave = amplitude * np.sin(2 * np.pi * (columns * 0.88 + rows * 0.48) / period_px)
    return np.clip(rgb + wave[..., None], 0, 255).astype(np.uint8)


def relit(rgb: Pixels, gain: float, offset: float) -> Pixels:
    return np.clip(rgb * gain + offset, 0, 255).astype(np.uint8)
