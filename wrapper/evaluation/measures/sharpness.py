"""Is the repainted part as sharp as what surrounds it? Pictures are uint8 [H, W, 3], masks bool [H, W]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapper.evaluation.measures.around import inside, ring

if TYPE_CHECKING:
    import numpy as np

FLOOR = 0.25
"""Gradient energy of rounding to whole grey values: below it there is no structure to compare."""


def sharpness_difference(picture: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """How far log2(gradient energy inside / in the ring) is from the truth's, in octaves, ≥ 0.

    Too soft and too grainy count alike; 1 is twice or half the energy. Energy of the gradient as the
    measure of focus: Subbarao, Choi and Nikzad 1993.
    """
    return abs(_relative_energy(picture, mask) - _relative_energy(truth, mask))


def _relative_energy(picture: np.ndarray, mask: np.ndarray) -> float:
    import numpy as np

    energy, around = gradient_energy(picture), ring(mask)
    within = np.log2(energy[inside(mask)].mean() + FLOOR)
    return float(within - np.log2(energy[around].mean() + FLOOR)) if around.any() else float(within)


def gradient_energy(picture: np.ndarray) -> np.ndarray:
    """Squared central differences of the luma (Rec. 601), float32 [H, W]."""
    import cv2

    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype("float32")
    kernel = {"ddepth": cv2.CV_32F, "ksize": 1, "scale": 0.5, "borderType": cv2.BORDER_REFLECT_101}
    return cv2.Sobel(luma, dx=1, dy=0, **kernel) ** 2 + cv2.Sobel(luma, dx=0, dy=1, **kernel) ** 2
