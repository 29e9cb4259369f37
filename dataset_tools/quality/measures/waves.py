"""The power spectrum of a picture, summed over patches that are spread over it."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]
SIDE_PX = 128
PLACES = (
    (0, 1 / 4),
    (0, 3 / 4),
    (1 / 3, 0),
    (1 / 3, 1 / 2),
    (2 / 3, 1 / 4),
    (2 / 3, 3 / 4),
    (1, 0),
    (1, 1 / 2),
)
"""Where the patches lie, as shares of the room that there is: down, across."""


def power_spectrum(luma: Pixels) -> Floats:
    """Sum of the patches' power spectra, [N, N] with N up to `SIDE_PX`, frequency 0 at [N / 2, N / 2].

    Two patches are transformed at once, as a real and an imaginary part: at a frequency and its opposite
    together, the squares are those of both.
    """
    side = min(SIDE_PX, *luma.shape) // 2 * 2
    down, across = luma.shape[0] - side, luma.shape[1] - side
    corners = [(int(row * down), int(column * across)) for row, column in PLACES]
    patches = np.stack([luma[row : row + side, column : column + side] for row, column in corners])
    sums = cv2.reduce(patches.reshape(len(corners), -1), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    waves = np.subtract(patches, (sums / side**2)[:, None], dtype=np.float32)
    waves *= _window(side)
    power = np.zeros((side, side, 2), np.float32)
    for real, imaginary in zip(waves[::2], waves[1::2], strict=True):
        cv2.accumulateSquare(cv2.dft(cv2.merge([real, imaginary])), power)
    return power[..., 0] + power[..., 1]


@cache
def _window(side: int) -> Floats:
    """Of alternating sign, which brings frequency 0 to the middle."""
    window = np.hanning(side) * (-1) ** np.arange(side)
    return np.outer(window, window).astype(np.float32)
