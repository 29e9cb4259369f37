"""The LoRA on its own base model: the base's layers, and a picture with it and without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wrapper.export.proofs.proof import Proof
from wrapper.lora.layers import Layer, model_layers

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo

STEPS, SEED, MAX_SIDE_PX = 4, 0, 256
MIN_DIFFERENCE = 1.0 / 255
"""In a picture of 0…1: somewhere at least one of 256 levels."""


def load_base(info: BaseInfo) -> Any:
    """The pipeline of ``info``, for the task that it was made for."""
    from wrapper.diffusion.pipelines.opening import open_pipeline

    return open_pipeline(info, "inpaint" if info.inpaint else "txt2img")


def base_layers(pipeline: Any) -> dict[str, Layer]:
    """Kohya name → layer, for everything in the loaded base that a LoRA may change."""
    from wrapper.lora.apply import pipeline_models

    kind, models = pipeline_models(pipeline)
    return model_layers(models, kind)


def prove_picture(pipeline: Any, info: BaseInfo, lora: Path, prompt: str) -> Proof:
    """Draw the same seed without and with ``lora`` at weight 1; the pictures must differ."""
    import numpy as np

    from wrapper.lora.apply import LoraUse, apply_loras

    without = _draw(pipeline, info, prompt)
    apply_loras(pipeline, [LoraUse(lora, 1.0)])
    difference = np.abs(_draw(pipeline, info, prompt) - without)
    visible = bool(np.isfinite(difference).all() and difference.max() >= MIN_DIFFERENCE)
    detail = (
        f"largest difference {255 * difference.max():.0f} of 255 levels, mean {255 * difference.mean():.1f}"
    )
    return Proof("changes the picture of its base", visible, f"{detail} ({STEPS} steps)")


def _draw(pipeline: Any, info: BaseInfo, prompt: str) -> np.ndarray:
    """A picture [side, side, 3] of 0…1, from latents, so that no checker blackens it."""
    import torch

    side = min(pipeline.unet.config.sample_size * pipeline.vae_scale_factor, MAX_SIDE_PX)
    options: dict[str, Any] = {"image": _grey(side), "mask_image": _hole(side)} if info.inpaint else {}
    with torch.no_grad():
        latents = pipeline(
            prompt,
            height=side,
            width=side,
            num_inference_steps=STEPS,
            generator=torch.Generator().manual_seed(SEED),
            output_type="latent",
            **options,
        ).images
        picture = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    return (picture[0].permute(1, 2, 0) / 2 + 0.5).clamp(0, 1).float().cpu().numpy()


def _grey(side: int) -> Any:
    from PIL import Image

    return Image.new("RGB", (side, side), (128, 128, 128))


def _hole(side: int) -> Any:
    from PIL import Image

    mask = Image.new("L", (side, side), 0)
    mask.paste(255, (side // 4, side // 4, 3 * side // 4, 3 * side // 4))
    return mask
