"""Depth by a model for transformers (DPT, Depth Anything, …), and normals from its gradients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wrapper.diffusion.conditions.local_model import load_local, run_local

if TYPE_CHECKING:
    import numpy as np

RELIEF = 0.5
"""How far the nearest point lies before the furthest, as a share of the longer side: about a head's."""
_METRIC = ("zoedepth", "glpn", "depth_pro")
"""Models that give distances; all others give nearness."""


def depth_of(pixels: np.ndarray, folder: Path) -> np.ndarray:
    """Nearness of a photograph uint8 [H, W, 3]: float32 [H, W], 1 is the nearest point, 0 the furthest."""
    import numpy as np
    from torch.nn.functional import interpolate

    model, processor = load_local(folder, "AutoModelForDepthEstimation", "a depth model")
    found = run_local(model, **processor(images=pixels, return_tensors="pt")).predicted_depth
    sized = interpolate(found[None].float(), size=pixels.shape[:2], mode="bicubic", align_corners=False)
    return nearness(np.asarray(sized[0, 0]), metric=_is_metric(model.config))


def nearness(values: np.ndarray, *, metric: bool) -> np.ndarray:
    """A model's answer [H, W] brought to 0..1; with ``metric`` it is distances, whose inverse is nearness.

    >>> nearness(np.array([[1.0, 2.0, 4.0]]), metric=True)
    array([[1.        , 0.33333333, 0.        ]])
    """
    import numpy as np

    near = 1 / np.maximum(values, 1e-3) if metric else values
    span = float(near.max() - near.min())
    return (near - near.min()) / span if span else np.zeros_like(near)


def _is_metric(config: Any) -> bool:
    return config.model_type in _METRIC or getattr(config, "depth_estimation_type", "") == "metric"


def depth_image(depth: np.ndarray) -> np.ndarray:
    """Near is white: uint8 [H, W, 3]."""
    import numpy as np

    return np.repeat(np.rint(depth * 255).astype(np.uint8)[..., None], 3, axis=2)


def normal_image(depth: np.ndarray) -> np.ndarray:
    """The direction that each point faces, uint8 [H, W, 3]: red to the left, green upwards, blue to us.

    ControlNet 1.1's convention. Of the surface h(x, y) the normal is (-p, -q, 1) / √(p² + q² + 1) with the
    gradient (p, q) = (∂h/∂x, ∂h/∂y) (Woodham 1980, section 2).
    """
    import numpy as np

    height = depth.astype(np.float64) * RELIEF * max(depth.shape)
    down, right = np.gradient(height)
    facing = np.stack([right, down, np.ones_like(height)], axis=-1)
    unit = facing / np.linalg.norm(facing, axis=-1, keepdims=True)
    return np.rint((unit + 1) * 127.5).astype(np.uint8)
