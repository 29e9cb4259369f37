"""How wide the edges are, in pixels: noise, plain areas and a soft background do not count as blur."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.quality.measures.noise import tile_means

Luma = npt.NDArray[np.float32]
FINE_PX, COARSE_PX = 1.0, 2.0
"""Sigmas of the two Gaussian derivatives."""
TILE_PX = 16
WIDEST_PX = 8.0
STRUCTURE = 4.0
"""Least squared gradient at the coarse scale, (grey levels / px)², of a tile that has an edge."""
SHARP_PART = 25.0
"""Percentile over tiles: a subject is sharp when a quarter of the picture's edges is."""


class Blur(NamedTuple):
    """Edge widths as sigmas in pixels, 0 to `WIDEST_PX`; the widest where there is no edge at all."""

    width_px: float
    motion_px: float


def laplacian_variance(luma: Luma) -> float:
    """Variance of the 3 × 3 Laplacian (Pech-Pacheco et al., ICPR 2000): reported, since noise fools it."""
    return float(cv2.Laplacian(luma, cv2.CV_32F).var())


def edge_blur(luma: Luma, noise: float) -> Blur:
    """Blur of [H, W] from gradient energy at two scales, the energy of noise with sigma ``noise`` taken off.

    An edge of width s has, behind a Gaussian derivative of sigma a, the energy 1 / sqrt(s² + a²)
    (Elder & Zucker, PAMI 20 (1998); Zhuo & Sim, Pattern Recognition 44 (2011)); two scales give s.
    ``motion_px`` is the width in the direction where the picture is softest.
    """
    fine, coarse = (_tensors(luma, sigma, noise) for sigma in (FINE_PX, COARSE_PX))
    energy = coarse[..., 0] + coarse[..., 1]
    floor = STRUCTURE + _noise_energy(COARSE_PX, noise)
    edged = energy > floor
    if not edged.any():
        return Blur(WIDEST_PX, WIDEST_PX)
    ratios = (fine[..., 0] + fine[..., 1])[edged] / energy[edged]
    widths, weights = _width(ratios), np.sqrt(energy[edged])
    width = _weighted_percentile(widths, weights, SHARP_PART)
    sharp = widths <= max(width, np.median(widths))
    shares = weights[sharp] / energy[edged][sharp]
    return Blur(width, _softest(_total(fine[edged][sharp], shares), _total(coarse[edged][sharp], shares)))


def _tensors(luma: Luma, sigma: float, noise: float) -> Luma:
    """Mean structure tensor (xx, yy, xy) of each tile, without noise: [rows, columns, 3]."""
    smooth = cv2.GaussianBlur(luma, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    means = np.stack(
        [tile_means(part, min(TILE_PX, *luma.shape)) for part in (dx * dx, dy * dy, dx * dy)], axis=-1
    )
    means[..., :2] -= _noise_energy(sigma, noise) / 2
    return np.maximum(means, [1e-6, 1e-6, -np.inf])


def _noise_energy(sigma: float, noise: float) -> float:
    """Squared gradient, both axes, that white noise leaves: noise² · (sum of the squared taps)."""
    reach = int(4 * sigma + 1)
    taps = np.exp(-np.square(np.arange(-reach, reach + 1)) / (2 * sigma**2))
    taps /= taps.sum()
    slope = np.convolve(taps, [0.5, 0, -0.5])
    return 2 * noise**2 * float(np.square(slope).sum() * np.square(taps).sum())


def _width(ratio: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Energy ratio fine / coarse → edge sigma in pixels, 0 to `WIDEST_PX`."""
    squared = np.square(np.maximum(ratio, 1.0 + 1e-6))
    widths = np.sqrt(np.maximum(COARSE_PX**2 - squared * FINE_PX**2, 0) / (squared - 1))
    return np.minimum(widths, WIDEST_PX)


def _weighted_percentile(values: npt.NDArray, weights: npt.NDArray, percent: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, percent / 100 * reached[-1])])


def _total(tensors: Luma, weights: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Weighted sum of (xx, yy, xy) as a 2 × 2 matrix."""
    xx, yy, xy = (tensors * weights[:, None]).sum(axis=0)
    return np.array([[xx, xy], [xy, yy]], np.float64)


def _softest(fine: npt.NDArray[np.floating], coarse: npt.NDArray[np.floating]) -> float:
    """Width from the smaller generalised eigenvalue of the two tensors."""
    ridge = 1e-3 * np.trace(coarse) * np.eye(2)
    values = np.linalg.eigvals(np.linalg.solve(coarse + ridge, fine + ridge)).real
    return float(_width(np.array(values.min())))
