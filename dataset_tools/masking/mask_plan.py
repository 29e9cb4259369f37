"""Where a mask comes from, and the mask itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataset_tools.files import data_hash
from dataset_tools.pictures.crop import Box
from dataset_tools.pictures.masks import synthetic_mask
from dataset_tools.pictures.sam import sam_mask

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """Where a mask comes from; ``box`` is the part to repaint in source pixels.

    ``digest`` is the SHA-256 of the mask's file, empty for one that is made.
    """

    source: Literal["file", "synthetic", "sam"]
    box: Box
    path: Path | None = None
    digest: str = ""
    seed: int = 0
    model: str = ""


SEEDS = 1 << 32


def plan_drawn(
    source: Literal["synthetic", "sam"], box: Box, name: str, seed: int, sam_model: str
) -> MaskPlan:
    """A mask about the ear's ``box``: by SAM, or drawn, another one for each ``name`` and ``seed``."""
    if source == "sam":
        return MaskPlan("sam", box, model=sam_model)
    return MaskPlan("synthetic", box, seed=int(data_hash([seed, name]), 16) % SEEDS)


def make_mask(how: MaskPlan, rgb: np.ndarray) -> np.ndarray:
    """The mask uint8 [H, W] for ``rgb`` [H, W, 3]: read, drawn, or by SAM from the box and its middle."""
    from dataset_tools.pictures.images import read_mask  # numpy: plans of training hold a `MaskPlan` too

    if how.path is not None:
        return read_mask(how.path)
    if how.source == "synthetic":
        return synthetic_mask(rgb.shape[:2], how.box, how.seed)
    middle = ((how.box[0] + how.box[2]) // 2, (how.box[1] + how.box[3]) // 2)
    return sam_mask(rgb, [middle], how.box, how.model)
