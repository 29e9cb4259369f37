"""A transformers model in a folder of the user, with its image processor; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.quiet import quiet_libraries


def load_local(folder: Path, auto_class: str, what: str) -> tuple[Any, Any]:
    """The model, in evaluation mode on the CPU, and its processor. Raises `UserError`."""
    import transformers

    try:
        with quiet_libraries():
            model_class = getattr(transformers, auto_class)
            model = model_class.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"{folder}: does not hold {what} for transformers ({why}).",
            "Give its folder with config.json, preprocessor_config.json and model.safetensors.",
        ) from error
    return model.eval(), processor


def run_local(model: Any, **inputs: Any) -> Any:
    """The model's output, without gradients."""
    import torch

    with torch.inference_mode():
        return model(**inputs)
