"""One decoded picture → every measure that QC decides by."""

from __future__ import annotations

from typing import NamedTuple

import cv2

from dataset_tools.pictures.images import Pixels
from dataset_tools.pictures.inspected import Inspected
from dataset_tools.pictures.pyramid import Pyramid, halved
from dataset_tools.quality.measures.block_grid import NO_GRID, Grid, block_grid
from dataset_tools.quality.measures.exposure import clipped, exposure, tone_range
from dataset_tools.quality.measures.frame import bars, grey_fill
from dataset_tools.quality.measures.jpeg import hidden_quality, table_quality
from dataset_tools.quality.measures.moire import moire_peak
from dataset_tools.quality.measures.noise import noise_of
from dataset_tools.quality.measures.profiles import colour_profile, profiles, spectra
from dataset_tools.quality.measures.resolution import UNKNOWN, Resolution, resolution
from dataset_tools.quality.measures.sharpness import edge_width_px, laplacian_variance, softness
from dataset_tools.quality.measures.waves import power_spectrum

SMALL_PX = 32
LEAST_PART_PX = 96
LEAST_PERIODIC_PX = 64
Box = tuple[int, int, int, int]


class Measures(NamedTuple):
    """Numbers with their units; None where the picture gives no answer."""

    width: int
    height: int
    short_side_px: int
    aspect: float
    repeated: float
    enlarged: float
    enlargement: float
    blur_px: float
    motion_px: float
    laplacian_variance: float
    noise_sigma: float
    blockiness: float
    resized_blocks: float
    jpeg_quality: int | None
    moire: float
    dark: float
    light: float
    clipped: float
    contrast: float
    colour_range: float
    bars: float
    grey_fill: float


def measure(picture: Inspected, box: Box | None = None) -> Measures:
    """Measure a picture; ``box`` (x0, y0, x1, y1 px) is the subject, whose sharpness counts alone."""
    sizes = picture.sizes
    noise = noise_of(sizes.rgb, sizes.luma)
    scale = sizes.luma.shape[1] / picture.width
    soft = softness(_subject(sizes, box, scale) if box else sizes, noise.luma)
    grid, detail, moire = _traces(sizes.rgb, sizes.luma)
    light = exposure(sizes.half)
    return Measures(
        width=picture.width,
        height=picture.height,
        short_side_px=min(picture.width, picture.height),
        aspect=max(picture.width, picture.height) / min(picture.width, picture.height),
        repeated=detail.repeated,
        enlarged=detail.enlarged,
        enlargement=detail.factor,
        blur_px=edge_width_px(soft.all_over),
        motion_px=edge_width_px(soft.one_way),
        laplacian_variance=laplacian_variance(sizes.luma),
        noise_sigma=noise.sigma,
        blockiness=grid.strength,
        resized_blocks=grid.resized,
        jpeg_quality=_quality(picture, sizes, grid),
        moire=moire,
        dark=light.dark,
        light=light.light,
        clipped=clipped(sizes.half),
        contrast=light.contrast,
        colour_range=tone_range(halved(sizes.quarter, max(min(sizes.quarter.shape) // SMALL_PX, 1))),
        bars=bars(sizes.half),
        grey_fill=grey_fill(sizes.quarter),
    )


def _traces(rgb: Pixels, luma: Pixels) -> tuple[Grid, Resolution, float]:
    """What is periodic in uint8 [H, W, 3], its luma [H, W]: blocks, interpolation, moiré; nothing if tiny."""
    if min(luma.shape) < LEAST_PERIODIC_PX:
        return NO_GRID, UNKNOWN, 0.0
    across, down = profiles(luma)
    found, of_colour = spectra(across, down, colour_profile(rgb)).divided(2)
    power = power_spectrum(luma)
    grid = block_grid(across, down, found, of_colour)
    return grid, resolution(across, down, found, power), moire_peak(power)


def _quality(picture: Inspected, sizes: Pyramid, grid: Grid) -> int | None:
    """The lowest quality that the file or its pixels tell of; a reduced picture's pixels tell nothing.

    A JPEG is asked for one earlier saving; of another file, whose own grid is nowhere, more is tried.
    """
    qualities = [table_quality(picture.quantisation)]
    if sizes.luma.shape[1] == picture.width:
        phases = grid.phases[:1] if picture.quantisation else grid.phases
        qualities.append(hidden_quality(sizes.rgb, [(0, 0), *phases]))
    return min((quality for quality in qualities if quality is not None), default=None)


def _subject(sizes: Pyramid, box: Box, scale: float) -> Pyramid:
    """The box and half its size around it, cut off at the picture's border; all when that is too small."""
    x0, y0, x1, y1 = (round(value * scale) for value in box)
    margin = max(x1 - x0, y1 - y0, LEAST_PART_PX // 2) // 2
    across = slice(max(x0 - margin, 0), x1 + margin)
    down = slice(max(y0 - margin, 0), y1 + margin)
    part = sizes.rgb[down, across]
    if min(part.shape[:2]) < LEAST_PART_PX:
        return sizes
    luma = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    half = halved(luma)
    return Pyramid(part, luma, half, halved(half))
