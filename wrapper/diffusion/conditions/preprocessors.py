"""A photograph → a control image: edges by OpenCV, depth, normals and poses by a model of the user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import numpy as np

CANNY = "canny"
CANNY_LOW, CANNY_HIGH = 100, 200
"""Thresholds of the gradient, A1111's; edges between them count where they touch one above."""


def preprocess(pixels: np.ndarray, kind: str, model: str) -> np.ndarray:
    """The control image of ``kind`` for a photograph, both uint8 [H, W, 3].

    ``model`` is ``canny``, or the folder of a depth or pose model for transformers; nothing is downloaded.
    Raises `UserError` for a kind that cannot be made, and for a folder that holds another model.
    """
    if (kind == CANNY) != (model == CANNY):
        raise UserError(
            f"control '{kind}' with preprocessor {model}: do not go together.",
            "Edges are canny=canny; depth, normal and openpose take the folder of a model.",
        )
    if kind == CANNY:
        return edges(pixels)
    if kind in ("depth", "normal"):
        from wrapper.diffusion.conditions.depth import depth_image, depth_of, normal_image

        depth = depth_of(pixels, Path(model))
        return depth_image(depth) if kind == "depth" else normal_image(depth)
    if kind == "openpose":
        from wrapper.diffusion.conditions.pose import draw_pose, find_pose

        return draw_pose(find_pose(pixels, Path(model)), pixels.shape[:2])
    raise UserError(
        f"control '{kind}': its image cannot be made from a photograph here.",
        "Made are canny, depth, normal and openpose; give a ready-made control image for others.",
    )


def edges(pixels: np.ndarray) -> np.ndarray:
    """White edges on black (Canny 1986)."""
    import cv2

    found = cv2.Canny(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), CANNY_LOW, CANNY_HIGH)
    return cv2.cvtColor(found, cv2.COLOR_GRAY2RGB)
