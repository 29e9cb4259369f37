"""Can the mask's edge be seen? Pictures are uint8 [H, W, 3], masks bool [H, W]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapper.evaluation.measures.colour import to_lab

if TYPE_CHECKING:
    import numpy as np


def seam_visibility(picture: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """By how much colour jumps more across the mask's edge than in the truth, mean ΔE*ab a pixel, ≥ 0.

    The gradient normal to the edge ∂Ω is what gives a pasted part away (Pérez, Gangnet and Blake 2003).
    A grey square pasted 10 L* too bright on flat grey has 10; the truth itself has 0.
    """
    return max(0.0, edge_jump(picture, mask) - edge_jump(truth, mask))


def edge_jump(picture: np.ndarray, mask: np.ndarray) -> float:
    """Mean ΔE*ab over all pairs of neighbours (4-neighbourhood) of which one is masked; 0 without an edge."""
    import numpy as np

    lab = to_lab(picture)
    across = mask[:, 1:] != mask[:, :-1]
    down = mask[1:] != mask[:-1]
    jumps = [
        np.linalg.norm(lab[:, 1:] - lab[:, :-1], axis=2)[across],
        np.linalg.norm(lab[1:] - lab[:-1], axis=2)[down],
    ]
    found = np.concatenate(jumps)
    return float(found.mean()) if found.size else 0.0
