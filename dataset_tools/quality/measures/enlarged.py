"""Nearest-neighbour enlargement, from rows and columns that repeat the one before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def enlargement(rgb: npt.NDArray[np.uint8]) -> float:
    """By how much uint8 [H, W, 3] was enlarged with repeated pixels, 1 for not at all.

    Columns that belong to a plain margin repeat too: only those between the first and the last change count.
    """
    return float(min(_axis_factor(rgb), _axis_factor(rgb.swapaxes(0, 1))))


def _axis_factor(rgb: npt.NDArray[np.uint8]) -> float:
    changed = np.flatnonzero((rgb[:, 1:] != rgb[:, :-1]).any(axis=(0, 2)))
    if len(changed) < 2:
        return 1.0
    return float((changed[-1] - changed[0]) / (len(changed) - 1))
