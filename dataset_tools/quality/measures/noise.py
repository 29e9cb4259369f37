"""Standard deviation of the noise, in grey levels, from the quietest tiles."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.quality.measures.tiles import row_sums, strips

Floats = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]
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
WHITEST = 254
"""Of grey levels from which 1 was taken away: black is then 255."""
_SHARES = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1])
_KEPT = np.sqrt([1, 0.965, 0.915, 0.837, 0.694, 0.564, 0.447, 0.341, 0.247, 0.2])
"""Deviation of normal noise of which that share is cut off at black or white, over its own."""


class Noise(NamedTuple):
    """Sigmas in grey levels: ``sigma`` of a channel, ``luma`` of their weighted sum."""

    sigma: float
    luma: float


def noise_of(rgb: Pixels, luma: Pixels) -> Noise:
    """The noise in uint8 [H, W, 3], whose luma is [H, W]; 0 for a tiny picture.

    Immerkaer, "Fast Noise Variance Estimation", CVIU 64 (1996), eq. 5: sigma = sqrt(pi/2) / 6 · mean|I * N|,
    here for each tile, made up for what is cut off at black and white. Noise that differs between the
    channels is measured on their differences, where grey texture is gone; else the halved picture tells
    texture from noise.
    """
    if min(luma.shape) < 2 * TILE_PX + 4:
        return Noise(0.0, 0.0)
    height, width = luma.shape
    step = max(height * TILE_PX // max(ENOUGH_PX // width, TILE_PX), TILE_PX)
    planes = np.stack([*cv2.split(strips(rgb, TILE_PX, step)), strips(luma, TILE_PX, step)])
    found = _estimates(planes, TILE_PX + 2)
    channels, differences, luma_sigma = found[:3].mean(), found[4:].mean() / np.sqrt(2), float(found[3])
    if channels < LEAST_SIGMA:
        return Noise(float(channels), luma_sigma)
    if differences > COLOURED * channels:
        return Noise(float(min(channels, differences)), luma_sigma)
    halved = _estimates(_halved(planes[:3]), TILE_PX // 2 + 1)[:3].mean()
    texture = max(halved**2 - channels**2 / 4, 0.0) / (TEXTURE_GROWS**2 - 1 / 4)
    share = np.sqrt(max(1 - texture / channels**2, 0.0))
    return Noise(float(channels * share), luma_sigma * float(share))


def _halved(planes: Pixels) -> Pixels:
    """Of [planes, rows, W], whose number of rows is even."""
    count, rows, width = planes.shape
    flat = planes[..., : width // 2 * 2].reshape(count * rows, -1)
    half = cv2.resize(flat, (width // 2, count * rows // 2), interpolation=cv2.INTER_AREA)
    return half.reshape(count, rows // 2, -1)


def _estimates(planes: Pixels, period: int) -> Floats:
    """Sigmas of R, G, B, of the luma where it is there, and of R − G and G − B.

    ``planes`` are [3 or 4, strips · ``period``, W]; a strip has two rows of margin. The second Sobel
    derivative along both axes is Immerkaer's mask.
    """
    count, rows, width = planes.shape
    found = cv2.Sobel(planes.reshape(count * rows, width), cv2.CV_16S, 2, 2, ksize=3).reshape(planes.shape)
    differences = cv2.absdiff(found[:2].ravel(), found[1:3].ravel()).reshape(2, rows, width)
    np.abs(found, out=found)
    means = np.concatenate([_tiles(one.view(np.uint16), period) for one in (found, differences)])
    sigmas = np.float32(np.sqrt(np.pi / 2) / 6) * means
    shifted = planes[:3] - np.uint8(1)
    if shifted.max() < WHITEST:
        return _low(sigmas) / QUIET_OF_WHITE
    shares = _tiles((shifted >= WHITEST).view(np.uint8), period)
    of_luma, either = [shares[1]] * (count - 3), np.maximum(shares[:2], shares[1:])
    cut = np.stack([*shares, *of_luma, *either])
    whole = sigmas / np.interp(cut, _SHARES, _KEPT)
    return np.array([_quiet(one, share) for one, share in zip(whole, cut, strict=True)])


def _tiles(values: npt.NDArray, period: int) -> Floats:
    """Means of tiles as high as a strip, of about `TILE_PX`² pixels each: [planes, tiles]."""
    count, rows, width = values.shape
    inner = values.reshape(count, rows // period, period, width)[:, :, 1:-1]
    sums = np.add.reduce(inner, axis=2, dtype=np.uint16)  # 16 rows of up to 2 · 2,040 each: 65,280
    wide = min(TILE_PX**2 // (period - 2), width)
    parts = sums[..., : width // wide * wide].reshape(count, -1, wide).astype(np.float32)
    return row_sums(parts) / np.float32(wide * (period - 2))


def _quiet(sigmas: Floats, shares: Floats) -> float:
    """Of tiles of which little is cut off."""
    return float(_low(sigmas[shares <= max(MOST_CLIPPED, _low(shares))]) / QUIET_OF_WHITE)


def _low(values: Floats) -> Floats:
    """The value at `QUIET` percent, along the last axis."""
    place = int(QUIET / 100 * (values.shape[-1] - 1) + 0.5)
    return np.partition(values, place, axis=-1)[..., place]
