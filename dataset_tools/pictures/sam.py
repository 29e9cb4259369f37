"""Masks by Segment Anything (Kirillov et al. 2023), from points or a box. The model is a local folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import numpy as np

Box = tuple[int, int, int, int]


def sam_mask(
    rgb: np.ndarray,
    points: Sequence[tuple[int, int]],
    box: Box | None,
    model: str | Path,
    negative_points: Sequence[tuple[int, int]] = (),
) -> np.ndarray:
    """The mask of what ``points`` (x, y) and ``box`` point at: uint8 [H, W] for uint8 [H, W, 3].

    ``negative_points`` do not belong to it. Of SAM's three answers the one that it scores highest. Raises
    `UserError` without a prompt or a model.
    """
    import numpy as np
    import torch

    if not points and box is None:
        raise UserError("masks.source = 'sam' needs a point or an ear_box.", "Give the row an ear_box.")
    network, processor = load_sam(str(model))
    inputs = processor(rgb, return_tensors="pt", **_prompts(points, negative_points, box))
    with torch.inference_mode():
        outputs = network(**inputs)
    best = int(outputs.iou_scores[0, 0].argmax())
    masks = processor.image_processor.post_process_masks(
        outputs.pred_masks[:, :, best : best + 1], inputs["original_sizes"], inputs["reshaped_input_sizes"]
    )[0]
    return np.where(masks[0, 0].numpy(), 255, 0).astype(np.uint8)


def _prompts(
    points: Sequence[tuple[int, int]], negative_points: Sequence[tuple[int, int]], box: Box | None
) -> dict[str, Any]:
    """SAM's prompts for one object on one picture; label 1 belongs to it, label 0 does not."""
    prompts: dict[str, Any] = {}
    if points or negative_points:
        both = [*points, *negative_points]
        prompts["input_points"] = [[[list(map(float, point)) for point in both]]]
        prompts["input_labels"] = [[[1] * len(points) + [0] * len(negative_points)]]
    if box is not None:
        prompts["input_boxes"] = [[list(map(float, box))]]
    return prompts


def sam_folder(model: str) -> Path:
    """The folder ``model``. Raises `UserError` when there is no model in it."""
    folder = Path(model).expanduser()
    if not model or not (folder / "config.json").is_file():
        raise UserError(
            f"masks.sam_model: '{model}' is not a folder with a SAM model.",
            "Download one (for example facebook/sam-vit-base) and give its folder.",
        )
    return folder


@lru_cache(maxsize=1)
def load_sam(model: str) -> tuple[Any, Any]:
    """SAM's network and processor from the folder ``model``. Raises `UserError` when it is not one."""
    folder = sam_folder(model)
    from transformers import SamModel, SamProcessor

    try:
        network = SamModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        return network.eval(), SamProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise UserError(f"masks.sam_model: {folder} does not load as SAM: {error}") from error
