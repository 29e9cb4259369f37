"""Does the repainted part have the colour that belongs there? Pictures are uint8 [H, W, 3], masks bool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapper.evaluation.measures.around import inside, ring

if TYPE_CHECKING:
    import numpy as np


def to_lab(picture: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of an sRGB picture, float32 [H, W, 3]: L* in 0..100."""
    import cv2

    return cv2.cvtColor(picture.astype("float32") / 255, cv2.COLOR_RGB2LAB)


def colour_difference(picture: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """ΔE*ab (CIE 1976) between the picture's and the truth's step of mean colour from ring to inside; ≥ 0.

    Both see the same ring when only the mask was repainted. 2.3 is just noticeable (Mahy et al. 1994).
    """
    import numpy as np

    return float(np.linalg.norm(_step(picture, mask) - _step(truth, mask)))


def _step(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    lab, around = to_lab(picture).astype("float64"), ring(mask)
    within = lab[inside(mask)].mean(axis=0)
    return within - lab[around].mean(axis=0) if around.any() else within
