"""Captions by BLIP (Li et al. 2022) from a local folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import numpy as np

MAX_NEW_TOKENS = 40
READ = (".json", ".txt", ".safetensors")
"""Endings of the files that transformers reads of a model: settings, words, weights."""


def blip_caption(rgb: np.ndarray, model: str | Path) -> str:
    """What BLIP says about uint8 [H, W, 3], greedily decoded. Raises `UserError` without a model."""
    import torch

    network, processor = load_blip(str(model))
    inputs = processor(images=rgb, return_tensors="pt")
    with torch.inference_mode():
        tokens = network.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
    return str(processor.decode(tokens[0], skip_special_tokens=True)).strip()


def blip_identity(model: str | Path, content: Callable[[Path], str]) -> list[object]:
    """All that a caption hangs on but the picture. Raises `UserError` without a model.

    ``content`` gives a file's SHA-256.
    """
    there = sorted(path for path in _folder(str(model)).iterdir() if path.suffix in READ)
    return ["blip", MAX_NEW_TOKENS, [[path.name, content(path)] for path in there if path.is_file()]]


@lru_cache(maxsize=1)
def load_blip(model: str) -> tuple[Any, Any]:
    """BLIP's network and processor from the folder ``model``. Raises `UserError` when it is not one."""
    folder = _folder(model)
    from transformers import BlipForConditionalGeneration, BlipProcessor

    try:
        model_class = BlipForConditionalGeneration
        network = model_class.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        return network.eval(), BlipProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise UserError(f"captions.blip_model: {folder} does not load as BLIP: {error}") from error


def _folder(model: str) -> Path:
    folder = Path(model).expanduser()
    if not model or not (folder / "config.json").is_file():
        raise UserError(
            f"captions.blip_model: '{model}' is not a folder with a BLIP model.",
            "Download one (for example Salesforce/blip-image-captioning-base) and give its folder, "
            "or set captions.source to 'template' or 'files'.",
        )
    return folder
