"""One decoded picture → every measure that QC decides by."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.pictures.images import Decoded, Pixels
from dataset_tools.quality.measures.enlarged import enlargement
from dataset_tools.quality.measures.exposure import colour_range, exposure
from dataset_tools.quality.measures.jpeg import blockiness, table_quality
from dataset_tools.quality.measures.moire import moire_peak
from dataset_tools.quality.measures.noise import noise_sigma
from dataset_tools.quality.measures.sharpness import edge_blur, laplacian_variance

ANALYSIS_PX = 1024
"""Sharpness is judged at no more than this short side: what training sees, not what the sensor had."""
SMALL_PX = 64
LEAST_PART_PX = 32
Box = tuple[int, int, int, int]


class Measures(NamedTuple):
    """Numbers with their units; None where the picture gives no answer."""

    width: int
    height: int
    short_side_px: int
    aspect: float
    enlargement: float
    blur_px: float
    motion_px: float
    laplacian_variance: float
    noise_sigma: float
    blockiness: float
    jpeg_quality: int | None
    moire: float
    dark: float
    light: float
    contrast: float
    colour_range: float


def measure(picture: Decoded, box: Box | None = None) -> Measures:
    """Measure a picture; ``box`` (x0, y0, x1, y1 px) is the subject, whose sharpness counts alone."""
    rgb = picture.rgb
    height, width = rgb.shape[:2]
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    noise = noise_sigma(rgb)
    scale = min(1.0, ANALYSIS_PX / min(height, width))
    seen = _scaled(luma, scale)
    seen_noise = noise if scale == 1.0 else noise_sigma(seen[..., None])
    part = _around(seen, box, scale) if box else seen
    blur = edge_blur(part.astype(np.float32), seen_noise)
    light = exposure(seen.astype(np.float32))
    return Measures(
        width=width,
        height=height,
        short_side_px=min(height, width),
        aspect=max(height, width) / min(height, width),
        enlargement=enlargement(rgb),
        blur_px=blur.width_px,
        motion_px=blur.motion_px,
        laplacian_variance=laplacian_variance(seen.astype(np.float32)),
        noise_sigma=noise,
        blockiness=blockiness(luma.astype(np.float32)),
        jpeg_quality=table_quality(picture.quantisation),
        moire=moire_peak(seen.astype(np.float32)),
        dark=light.dark,
        light=light.light,
        contrast=light.contrast,
        colour_range=colour_range(small(rgb, SMALL_PX // 2)),
    )


def small(rgb: Pixels, side_px: int = SMALL_PX) -> Pixels:
    """The picture averaged to ``side_px`` × ``side_px`` whatever its aspect; a smaller side stays."""
    size = min(side_px, rgb.shape[1]), min(side_px, rgb.shape[0])
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _scaled(luma: Pixels, scale: float) -> Pixels:
    if scale == 1.0:
        return luma
    size = round(luma.shape[1] * scale), round(luma.shape[0] * scale)
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA)


def _around(luma: Pixels, box: Box, scale: float) -> npt.NDArray[np.uint8]:
    """The box and half its size around it, cut off at the picture's border."""
    x0, y0, x1, y1 = (round(value * scale) for value in box)
    margin = max(x1 - x0, y1 - y0, 32) // 2
    part = luma[max(y0 - margin, 0) : y1 + margin, max(x0 - margin, 0) : x1 + margin]
    return part if min(part.shape) >= LEAST_PART_PX else luma
