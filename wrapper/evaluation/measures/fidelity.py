"""How like two pictures are inside a mask. Pictures are uint8 [H, W, 3], masks bool [H, W]."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

PEAK = 255.0
MAX_PSNR_DB = 100.0
"""What identical pixels score, so that a mean over pictures stays finite."""
WINDOW_PX, WINDOW_SIGMA = 11, 1.5
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2


def masked_psnr_db(picture: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over the masked pixels: 10 · log10(255² / MSE), at most 100.

    A difference of 255 everywhere gives 0 dB, one of 25.5 gives 20 dB.
    """
    import numpy as np

    difference = picture[mask].astype(np.float64) - truth[mask].astype(np.float64)
    mse = float(np.mean(difference**2))
    return min(MAX_PSNR_DB, float(10 * np.log10(PEAK**2 / mse))) if mse > 0 else MAX_PSNR_DB


def masked_ssim(picture: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """The mean of `ssim_map` over the masked pixels and the channels, in -1..1."""
    return float(ssim_map(picture, truth)[mask].mean())


def ssim_map(picture: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """SSIM at every pixel and channel, float64 [H, W, 3].

    Wang, Bovik, Sheikh and Simoncelli 2004, eq. 13: 11 × 11 Gaussian window, sigma 1.5, K1 0.01, K2 0.03.
    """
    import numpy as np

    a, b = picture.astype(np.float64), truth.astype(np.float64)
    mean_a, mean_b = _windowed(a), _windowed(b)
    var_a, var_b = _windowed(a * a) - mean_a**2, _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    return likeness / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2))


def outside_difference(picture: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> int:
    """The largest difference of any channel outside the mask, 0..255."""
    import numpy as np

    outside = ~mask
    if not outside.any():
        return 0
    return int(np.abs(picture[outside].astype(np.int16) - truth[outside].astype(np.int16)).max())


def _windowed(array: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(array, (WINDOW_PX, WINDOW_PX), WINDOW_SIGMA, borderType=cv2.BORDER_REFLECT)
