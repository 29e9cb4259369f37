"""From trained parts (float32) to the shipped folder: fp16 weights, a pipeline index, a record."""

from __future__ import annotations

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.files import whole_folder, write_json

if TYPE_CHECKING:
    from torch import nn

MAX_BYTES = 20_000_000
PARTS = ("vae", "text_encoder", "unet", "unet_inpaint")


def assemble(trained: Path, out: Path, record: dict[str, object]) -> dict[str, object]:
    """Write the folder `out` from the parts in `trained`; returns `record` with sizes and versions added.

    Raises ValueError where the weights would be larger than 20 MB.
    """
    import diffusers
    from transformers import CLIPTextModel

    classes = {
        "vae": diffusers.AutoencoderKL,
        "text_encoder": CLIPTextModel,
        "unet": diffusers.UNet2DConditionModel,
        "unet_inpaint": diffusers.UNet2DConditionModel,
    }
    with whole_folder(out) as building:
        counts = {}
        for name in PARTS:
            model = classes[name].from_pretrained(trained / name)
            counts[name] = sum(parameter.numel() for parameter in model.parameters())
            _save_half(model, trained / name, building / name)
        for name in ("tokenizer", "scheduler"):
            shutil.copytree(trained / name, building / name, copy_function=shutil.copyfile)
        write_json(building / "model_index.json", _index(diffusers.__version__))
        size = sum(path.stat().st_size for path in building.rglob("*") if path.is_file())
        if size > MAX_BYTES:
            raise ValueError(f"{size} bytes: the base model must stay under {MAX_BYTES}")
        record = {**record, "versions": _versions(), "parameters": counts, "bytes": size}
        write_json(building / "record.json", record)
    return record


def _save_half(model: nn.Module, source: Path, target: Path) -> None:
    """Save `model` in fp16 with the configuration of `source`: its dtype is what it is loaded as."""
    model.half().save_pretrained(target)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)  # where it was made is nobody's business
    write_json(target / "config.json", config)
    for path in target.iterdir():
        path.chmod(0o644)


def _index(diffusers_version: str) -> dict[str, object]:
    return {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": diffusers_version,
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "EulerAncestralDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }


def _versions() -> dict[str, str]:
    packages = ("torch", "diffusers", "transformers", "tokenizers", "numpy", "opencv-python-headless")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
