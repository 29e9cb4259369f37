"""A picture of noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dataset_tools.pictures.images import save_png


def save_noise(path: Path, width: int = 64, height: int = 48) -> Path:
    """Save uint8 noise of this size, the same every time, and return ``path``."""
    save_png(path, np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8))
    return path
