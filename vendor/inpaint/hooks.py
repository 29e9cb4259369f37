"""Does this version of sd-scripts have the hooks that we use? Known to: v0.9.1, v0.10.1."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from inpaint.refusal import RefusedError

CALL_UNET = (
    "self",
    "args",
    "accelerator",
    "unet",
    "noisy_latents",
    "timesteps",
    "text_conds",
    "batch",
    "weight_dtype",
)
SAMPLE_IMAGES = 10
"""Its parameters: self, accelerator, args, epoch, step, device, VAE, tokenizer, text encoder, U-Net."""
METHODS = ("train", "assert_extra_args", "load_target_model", "call_unet", "sample_images")
NAMES = {
    "library.train_util": (
        "DreamBoothDataset",
        "DreamBoothSubset",
        "BucketManager",
        "trim_and_resize_if_required",
        "load_image",
        "get_my_scheduler",
        "line_to_prompt_dict",
        "get_sai_model_spec",
    ),
    "library.config_util": ("ControlNetDataset", "ControlNetSubset", "load_user_config"),
}


def check_hooks(trainer: type, modules: Iterable[ModuleType], unet: ModuleType, where: str) -> None:
    """Raise `RefusedError` that names what differs."""
    missing = [
        f"{module.__name__}.{name}"
        for module in modules
        for name in NAMES[module.__name__]
        if not hasattr(module, name)
    ]
    missing += [f"NetworkTrainer.{name}" for name in METHODS if not hasattr(trainer, name)]
    if not hasattr(unet, "IN_CHANNELS"):
        missing.append(f"{unet.__name__}.IN_CHANNELS")
    changed = [] if missing else _changed(trainer)
    if missing or changed:
        raise RefusedError(
            f"{where}: this version of sd-scripts differs from v0.9.1 and v0.10.1, which are known: "
            f"{'; '.join([f'{name} is missing' for name in missing] + changed)}; check out one of them."
        )


def _changed(trainer: Any) -> list[str]:
    found = []
    call_unet = tuple(inspect.signature(trainer.call_unet).parameters)
    if call_unet[: len(CALL_UNET)] != CALL_UNET:
        found.append(f"NetworkTrainer.call_unet takes {', '.join(call_unet)}")
    sample_images = tuple(inspect.signature(trainer.sample_images).parameters)
    if len(sample_images) != SAMPLE_IMAGES:
        found.append(f"NetworkTrainer.sample_images takes {', '.join(sample_images)}")
    return found
