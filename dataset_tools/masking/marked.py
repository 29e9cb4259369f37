"""Masks out of marked copies: a part made transparent, or painted over in one colour."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import numpy as np

TOLERANCE_DE = 20.0
"""How far from the colour a pixel may be; neighbouring paints of a JPEG differ by less."""
SAME_DE = 3.0
"""Pixels that came nearer to the colour by less were there before; saving a JPEG again moves them less."""
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")


def parse_colour(text: str) -> tuple[int, int, int]:
    """``#ff0000`` → (255, 0, 0). Raises `UserError` for anything else."""
    found = _HEX.fullmatch(text.strip())
    if not found:
        raise UserError(f"'{text}' is not a colour.", "Write it as #RRGGBB, for example #ff0000 for red.")
    red, green, blue = bytes.fromhex(found[1])
    return red, green, blue


def alpha_mask(path: Path) -> np.ndarray:
    """uint8 [H, W] of the picture at ``path``, upright: 255 where it is transparent, as in ComfyUI.

    Raises `UserError` for a picture without transparency.
    """
    import numpy as np

    from dataset_tools.pictures.images import read_alpha

    alpha = read_alpha(path)
    if alpha is None or int(alpha.min()) == 255:
        raise UserError(f"{path}: no part of it is transparent.", "Erase the part to repaint, save as PNG.")
    return np.asarray(255 - alpha)


def colour_mask(
    marked: np.ndarray, original: np.ndarray, colour: tuple[int, int, int], tolerance_de: float
) -> np.ndarray:
    """uint8 [H, W]: 255 where ``marked`` (uint8 [H, W, 3]) was painted over in ``colour``.

    Painted is what is within ``tolerance_de`` of the colour and was not so in the ``original``, so that a red
    mouth is not taken for red paint. The difference is CIE 1976 ΔE*ab, the distance in CIELAB: 2.3 is just
    noticeable, 20 is another paint.
    """
    import numpy as np

    if marked.shape != original.shape:
        raise UserError(
            f"the marked copy is {_size(marked)}, its picture {_size(original)} pixels.",
            "Mark a copy of the same size.",
        )
    nearer = _far(original, colour) - _far(marked, colour)
    painted = (_far(marked, colour) <= tolerance_de) & (nearer > SAME_DE)
    return np.where(painted, 255, 0).astype(np.uint8)


def _far(rgb: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """ΔE*ab of each pixel from ``colour``, float32 [H, W]."""
    import numpy as np

    return np.asarray(np.linalg.norm(_lab(rgb) - _lab(np.array([[colour]], np.uint8)), axis=-1))


def _lab(rgb: np.ndarray) -> np.ndarray:
    import cv2
    import numpy as np

    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def _size(rgb: np.ndarray) -> str:
    return f"{rgb.shape[1]} × {rgb.shape[0]}"
