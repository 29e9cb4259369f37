"""Means over square tiles: what a part of the picture is like."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def tile_means(values: npt.NDArray, tile_px: int, rows_px: int | None = None) -> npt.NDArray:
    """[H, W] or [H, W, C] → the mean of each whole tile, ``tile_px`` wide and ``rows_px`` (or as) high."""
    high = rows_px or tile_px
    rows, columns = values.shape[0] // high, values.shape[1] // tile_px
    whole = values[: rows * high, : columns * tile_px]
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)


def strips(pixels: npt.NDArray, rows_px: int, step_px: int) -> npt.NDArray:
    """Every ``step_px`` rows a strip, one below the other: [N · (rows + 2), W, …].

    Each lies in the middle of its step and has one row more above and below, for derivatives: see `inside`.
    """
    first = max((step_px - rows_px) // 2 - 1, 0)
    count = max((pixels.shape[0] - first - rows_px - 2) // step_px + 1, 0)
    starts = range(first, first + count * step_px, step_px)
    return np.concatenate([pixels[start : start + rows_px + 2] for start in starts] or [pixels[:0]])


def inside(values: npt.NDArray, period: int) -> npt.NDArray:
    """What was derived from `strips` of ``period`` rows, without the first and the last row of each."""
    kept = values.reshape(-1, period, *values.shape[1:])[:, 1:-1]
    return kept.reshape(-1, *values.shape[1:])
