"""Standard deviation of the noise, in grey levels, from the quietest tiles."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

TILE_PX = 16
QUIET = 10.0
"""Percentile over tiles: texture only adds, so the quiet tiles show the noise."""
QUIET_OF_WHITE = 0.91
"""That percentile of the tiles' estimates for white noise of sigma 1 (measured on 1024 × 1024)."""
MOST_CLIPPED = 0.02
_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def noise_sigma(channels: npt.NDArray[np.uint8]) -> float:
    """The noise's sigma in uint8 [H, W, C], mean over channels; 0 for a tiny picture.

    Immerkaer, "Fast Noise Variance Estimation", CVIU 64 (1996), eq. 5: sigma = sqrt(pi/2) / 6 · mean|I * N|,
    here for each tile; tiles with clipped pixels are dropped (their noise is cut off).
    """
    if min(channels.shape[:2]) < TILE_PX + 2:
        return 0.0
    return float(np.mean([_channel_sigma(channels[..., c]) for c in range(channels.shape[2])]))


def _channel_sigma(channel: npt.NDArray[np.uint8]) -> float:
    response = np.abs(cv2.filter2D(channel, cv2.CV_32F, _MASK))[1:-1, 1:-1]
    inside = channel[1:-1, 1:-1]
    clipped = ((inside <= 1) | (inside >= 254)).astype(np.float32)
    sigmas = np.sqrt(np.pi / 2) / 6 * tile_means(response)
    shares = tile_means(clipped)
    kept = sigmas[shares <= max(MOST_CLIPPED, float(np.percentile(shares, QUIET)))]
    return float(np.percentile(kept, QUIET)) / QUIET_OF_WHITE


def tile_means(values: npt.NDArray[np.float32], tile_px: int = TILE_PX) -> npt.NDArray[np.float32]:
    """[H, W] → the mean of each whole tile, [H // tile, W // tile]."""
    rows, columns = values.shape[0] // tile_px, values.shape[1] // tile_px
    whole = np.ascontiguousarray(values[: rows * tile_px, : columns * tile_px])
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
