"""What parts of a picture are like: strips of rows, and structure tensors of square tiles."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]
ENOUGH_PX, LEAST_STRIP_PX = 131_072, 4
"""Pixels whose slopes are taken: of larger pictures, strips of so many rows or more of each row of tiles."""
SOBEL = 8
"""A Sobel derivative over this is a slope in grey levels / px."""


def strips(pixels: npt.NDArray, rows_px: int, step_px: int) -> npt.NDArray:
    """Every ``step_px`` rows a strip, one below the other: [N · (rows + 2), W, …].

    Each lies in the middle of its step and has one row more above and below, for derivatives: see `inside`.
    """
    first = max((step_px - rows_px) // 2 - 1, 0)
    count = max((pixels.shape[0] - first - rows_px - 2) // step_px + 1, 0)
    starts = range(first, first + count * step_px, step_px)
    return np.concatenate([pixels[start : start + rows_px + 2] for start in starts] or [pixels[:0]])


def inside(values: npt.NDArray, rows_px: int) -> npt.NDArray:
    """What was derived from `strips`, without the first and the last row of each: [N, rows, W]."""
    return values.reshape(-1, rows_px + 2, values.shape[1])[:, 1:-1]


class Slopes(NamedTuple):
    """Structure tensors (xx, yy, xy) of tiles, in (grey levels / px)²: [3, rows, columns]."""

    whole: Floats
    even: Floats
    """The part of the tile's mean slope, which shade has too: no edge."""


def tile_slopes(luma: Pixels, tile_px: int) -> Slopes:
    """Of the rows in the middle of each tile, where the picture has more than `ENOUGH_PX`."""
    if min(luma.shape) < tile_px:
        return Slopes(*np.zeros((2, 3, 0, 0), np.float32))
    columns = luma.shape[1] // tile_px
    dx, dy = (slopes[..., : columns * tile_px] for slopes in _slopes(luma, tile_px))
    whole = np.stack([_sums(a, b, columns) for a, b in ((dx, dx), (dy, dy), (dx, dy))])
    pixels = np.float32(dx.shape[1] * tile_px)
    x, y = (row_sums(np.add.reduce(one, 1).reshape(len(one), columns, -1)) / pixels for one in (dx, dy))
    return Slopes(whole / (pixels * SOBEL**2), np.stack([x * x, y * y, x * y]) / np.float32(SOBEL**2))


def _slopes(luma: Pixels, tile_px: int) -> tuple[Floats, Floats]:
    """Sobel derivatives, across and down, in rows of tiles: each [rows, pixels, W]."""
    rows_px = max(ENOUGH_PX * tile_px // luma.size // LEAST_STRIP_PX, 1) * LEAST_STRIP_PX
    if rows_px < tile_px:
        across, down = cv2.spatialGradient(strips(luma, rows_px, tile_px), ksize=3)
        return inside(across, rows_px).astype(np.float32), inside(down, rows_px).astype(np.float32)
    across, down = cv2.spatialGradient(luma, ksize=3)
    whole = slice(luma.shape[0] // tile_px * tile_px)
    shape = (-1, tile_px, luma.shape[1])
    return across[whole].reshape(shape).astype(np.float32), down[whole].reshape(shape).astype(np.float32)


def _sums(a: Floats, b: Floats, columns: int) -> Floats:
    """Of the products, over each tile: [rows, columns]."""
    return row_sums(np.einsum("rpx,rpx->rx", a, b).reshape(len(a), columns, -1))


def row_sums(values: Floats) -> Floats:
    """Along the last axis of a contiguous array.

    Not as a product with ones: on a large one, BLAS would start threads, which go on waiting for the next on
    all processors.
    """
    sums = cv2.reduce(values.reshape(-1, values.shape[-1]), 1, cv2.REDUCE_SUM)
    return sums.reshape(values.shape[:-1])
