"""What JPEG has done: the quality in the file's tables, and block edges in the pixels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()
"""ITU-T T.81, table K.1, row by row."""
BLOCK_PX = 8
VISIBLE = 0.75
"""Grey levels that keep the ratio small on smooth pictures, whose blocks cannot be seen."""
STEEPEST = 24.0
"""Steps above this, in grey levels, are the picture's own edges."""


def table_quality(tables: Mapping[int, tuple[int, ...]]) -> int | None:
    """IJG quality 1 to 100 nearest to the luminance table, None without tables (Kornblum 2008)."""
    if 0 not in tables:
        return None
    found = np.log(np.clip(np.array(tables[0], float), 1, None))
    return int(np.abs(np.log(_IJG) - found).mean(axis=1).argmin()) + 1


def _ijg_tables() -> npt.NDArray[np.floating]:
    """The table of each quality from 1 to 100 as libjpeg scales it: [100, 64]."""
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return np.clip((LUMINANCE * scale[:, None] + 50) // 100, 1, 255).astype(float)


_IJG = _ijg_tables()


def blockiness(luma: npt.NDArray[np.float32]) -> float:
    """How much steeper the steps at block edges are than inside the blocks: 0 none, 1 about twice as steep.

    Any of the 8 offsets of the grid is found, so a cropped picture counts too. [H, W] in grey levels.
    """
    if min(luma.shape) < 4 * BLOCK_PX:
        return 0.0
    return float(np.mean([_axis_blockiness(luma), _axis_blockiness(luma.T)]))


def _axis_blockiness(luma: npt.NDArray[np.float32]) -> float:
    steps = np.minimum(np.abs(np.diff(luma, axis=1)), STEEPEST).mean(axis=0)
    count = len(steps) // BLOCK_PX * BLOCK_PX
    phases = steps[:count].reshape(-1, BLOCK_PX).mean(axis=0)
    top = int(phases.argmax())
    inside = np.delete(phases, top)
    return float(max(phases[top] - inside.mean() - 2 * inside.std(), 0.0) / (inside.mean() + VISIBLE))
