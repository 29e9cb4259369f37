"""What lies in the hole before the model paints: A1111's "Masked content"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wrapper.diffusion.pipelines.sides import SIDE_STEP

if TYPE_CHECKING:
    import numpy as np

Fill = Literal["original", "fill", "noise"]
INFOTEXT: dict[Fill, str] = {"original": "original", "fill": "fill", "noise": "latent noise"}
"""A1111's words (modules/ui.py, 1.10)."""
FINEST_PX = 2


def fill_hole(image: np.ndarray, hole: np.ndarray, fill: Fill, seed: int) -> np.ndarray:
    """uint8 [H, W, 3] with other content where ``hole`` [H, W] is not 0; below strength 1 it shines through.

    ``fill`` spreads the colours about the hole; ``noise`` is random colours, one for each latent.
    """
    if fill == "original":
        return image
    return _noise(image, hole, seed) if fill == "noise" else _spread(image, hole)


def _spread(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Normalised convolution (Knutsson & Westin 1993) from coarse to fine: the finest that reaches rules.

    A pixel that no known one reaches, which happens where all is hole, becomes grey.
    """
    import numpy as np

    known = (hole == 0).astype(np.float32)
    result = np.full(image.shape, 127.5, np.float32)
    cell = 2 ** int(np.log2(max(*image.shape[:2], 2)))
    while cell >= FINEST_PX:
        weight = _blurred(known, cell)[..., None]
        colour = _blurred(image * known[..., None], cell) / np.maximum(weight, 1e-6)
        near = np.clip(2 * weight, 0, 1)
        result = result * (1 - near) + near * colour
        cell //= 2
    return np.where(known[..., None] > 0, image, np.clip(np.rint(result), 0, 255)).astype(np.uint8)


def _blurred(values: np.ndarray, cell_px: int) -> np.ndarray:
    """Means over cells of ``cell_px``, blurred and spread over the picture again; float32 [H, W(, 3)]."""
    import cv2

    height, width = values.shape[:2]
    small = (max(1, width // cell_px), max(1, height // cell_px))
    means = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(means, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)


def _noise(image: np.ndarray, hole: np.ndarray, seed: int) -> np.ndarray:
    import numpy as np

    height, width = image.shape[:2]
    cells = (-(-height // SIDE_STEP), -(-width // SIDE_STEP), 3)
    noise = np.random.default_rng(seed).integers(0, 256, cells, dtype=np.uint8)
    noise = noise.repeat(SIDE_STEP, 0).repeat(SIDE_STEP, 1)[:height, :width]
    return np.where(hole[..., None] > 0, noise, image)
