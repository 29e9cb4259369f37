"""Standard deviation of the noise, in grey levels, from the quietest tiles."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.quality.measures.tiles import inside, strips, tile_means

Floats = npt.NDArray[np.floating]
TILE_PX = 16
ENOUGH_PX = 80_000
"""Pixels that are looked at, in strips over the whole height: some 300 tiles."""
QUIET = 10.0
"""Percentile over tiles: texture only adds, so the quiet tiles show the noise."""
QUIET_OF_WHITE = 0.91
"""That percentile of the tiles' estimates for white noise of sigma 1 (measured on 1024 × 1024)."""
MOST_CLIPPED = 0.3
LEAST_SIGMA = 1.0
"""What is less is not asked for its texture."""
COLOURED = 0.45
"""From this share on, what differs between the channels is noise, and not the colours of a texture."""
TEXTURE_GROWS = 1.2
"""By how much a texture's response grows when the picture is halved; that of white noise halves."""
RESOLUTION = 16
"""Parts of a grey level that means of whole numbers are kept in: 16 · 2040 still fits into 16 bits."""
_SHARES = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1])
_KEPT = np.sqrt([1, 0.965, 0.915, 0.837, 0.694, 0.564, 0.447, 0.341, 0.247, 0.2])
"""Deviation of normal noise of which that share is cut off at black or white, over its own."""


class Noise(NamedTuple):
    """Sigmas in grey levels: ``sigma`` of a channel, ``luma`` of their weighted sum."""

    sigma: float
    luma: float


def noise_of(rgb: npt.NDArray[np.uint8]) -> Noise:
    """The noise in uint8 [H, W, 3]; 0 for a tiny picture.

    Immerkaer, "Fast Noise Variance Estimation", CVIU 64 (1996), eq. 5: sigma = sqrt(pi/2) / 6 · mean|I * N|,
    here for each tile, made up for what is cut off at black and white. Noise that differs between the
    channels is measured on their differences, where grey texture is gone; else the halved picture tells
    texture from noise.
    """
    if min(rgb.shape[:2]) < 2 * TILE_PX + 4:
        return Noise(0.0, 0.0)
    height, width = rgb.shape[:2]
    step = max(height * TILE_PX // max(ENOUGH_PX // width, TILE_PX), TILE_PX)
    seen = strips(rgb, TILE_PX, step)
    found = _estimates(seen, TILE_PX + 2)
    channels, differences, luma = found[:3].mean(), found[3:5].mean() / np.sqrt(2), found[5]
    if channels < LEAST_SIGMA:
        return Noise(float(channels), float(luma))
    if differences > COLOURED * channels:
        return Noise(float(min(channels, differences)), float(luma))
    halved = _estimates(_halved(seen), TILE_PX // 2 + 1)[:3].mean()
    texture = max(halved**2 - channels**2 / 4, 0.0) / (TEXTURE_GROWS**2 - 1 / 4)
    share = np.sqrt(max(1 - texture / channels**2, 0.0))
    return Noise(float(channels * share), float(luma * share))


def _halved(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    size = pixels.shape[1] // 2, pixels.shape[0] // 2
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _estimates(pixels: npt.NDArray[np.uint8], period: int) -> Floats:
    """Sigmas of R, G, B, R − G, G − B and the luma; a strip is ``period`` rows with two of margin.

    The second Sobel derivative along both axes is Immerkaer's mask.
    """
    planes = cv2.split(pixels)
    channels = [inside(cv2.Sobel(plane, cv2.CV_16S, 2, 2, ksize=3), period) for plane in planes]
    differences = [channels[0] - channels[1], channels[1] - channels[2]]
    luma = (19 * channels[0] + 38 * channels[1] + 7 * channels[2]) >> 6
    shares = [_tiles(inside(_cut_off(plane), period), period) / 255 for plane in planes]
    either = [np.maximum(shares[0], shares[1]), np.maximum(shares[1], shares[2])]
    clipped = [*shares, *either, shares[1]]
    return np.array(
        [_quiet(_sigmas(r, period), c) for r, c in zip([*channels, *differences, luma], clipped, strict=True)]
    )


def _cut_off(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """255 where a pixel is black or white."""
    return cv2.threshold(plane - np.uint8(1), 253, 255, cv2.THRESH_BINARY)[1]


def _sigmas(response: npt.NDArray[np.int16], period: int) -> Floats:
    return np.sqrt(np.pi / 2) / 6 / RESOLUTION * _tiles(np.abs(response) * RESOLUTION, period)


def _tiles(values: npt.NDArray, period: int) -> npt.NDArray:
    """Flat means of tiles as high as a strip, of about `TILE_PX`² pixels each."""
    wide = min(TILE_PX**2 // (period - 2), values.shape[1])
    return tile_means(values, wide, period - 2).ravel()


def _quiet(sigmas: Floats, shares: Floats) -> float:
    kept = shares <= max(MOST_CLIPPED, _low(shares))
    return _low(sigmas[kept] / np.interp(shares[kept], _SHARES, _KEPT)) / QUIET_OF_WHITE


def _low(values: Floats) -> float:
    """The value at `QUIET` percent."""
    place = int(QUIET / 100 * (len(values) - 1) + 0.5)
    return float(np.partition(values, place)[place])
