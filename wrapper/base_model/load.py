"""Loading a base model's parts, and the pipeline made of them."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataset_tools.errors import UserError
from dataset_tools.system.left_by_systems import visible
from dataset_tools.system.system_faults import system_fault
from wrapper.base_model.architecture import (
    TEXT_FOLDERS,
    new_text_encoder,
    new_unet,
    new_vae,
    read_configs,
)
from wrapper.base_model.detect import BaseInfo, read_json
from wrapper.base_model.kinds import Kind
from wrapper.base_model.single_file import shapes_problem, text_weights, unet_weights, vae_weights
from wrapper.base_model.tokenizer import clip_tokenizers, folder_tokenizer
from wrapper.base_model.weights_file import load_tensors
from wrapper.quiet import quiet_libraries

if TYPE_CHECKING:
    import torch

Task = Literal["txt2img", "img2img", "inpaint"]
LDM_SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "steps_offset": 1,
    "timestep_spacing": "leading",
}
"""The noise schedule that SD 1.5 and SDXL were trained with, for files that don't carry their own."""


@dataclass
class Components:
    """The parts of a base model, in evaluation mode, on the CPU; one or two text encoders and tokenizers."""

    vae: Any
    unet: Any
    text_encoders: list[Any]
    tokenizers: list[Any]
    scheduler_config: dict[str, Any]


@quiet_libraries()
def load_components(info: BaseInfo, dtype: torch.dtype, tokenizer_dir: Path | None = None) -> Components:
    """Load every part in ``dtype``. Raises `UserError` for weights that are missing or don't fit.

    ``tokenizer_dir`` is for single files, which carry no tokenizer.
    """
    if info.single_file:
        return _from_single_file(info, dtype, tokenizer_dir)
    return _from_folder(info, dtype)


def _from_folder(info: BaseInfo, dtype: torch.dtype) -> Components:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    classes = (CLIPTextModel, CLIPTextModelWithProjection)
    encoders = TEXT_FOLDERS[info.kind]

    def part(model_class: Any, name: str, **options: Any) -> Any:
        return load_part(model_class, info.path / name, dtype, allow_pickle=info.allow_pickle, **options)

    return Components(
        vae=part(AutoencoderKL, "vae", torch_dtype=dtype),
        unet=part(UNet2DConditionModel, "unet", torch_dtype=dtype),
        text_encoders=[part(c, name) for c, name in zip(classes, encoders, strict=False)],
        tokenizers=[folder_tokenizer(info.path / n.replace("text_encoder", "tokenizer")) for n in encoders],
        scheduler_config=read_json(info.path / "scheduler" / "scheduler_config.json") or dict(LDM_SCHEDULER),
    )


def load_part(
    model_class: Any, folder: Path, dtype: torch.dtype, *, allow_pickle: bool = False, **options: Any
) -> Any:
    """A model out of its diffusers folder, in evaluation mode, on the CPU.

    A weight that the file lacks is an error, not a random number. Raises `UserError`.
    """
    safe = not (allow_pickle and _only_pickled(folder))
    options |= {"use_safetensors": safe, "local_files_only": True}
    options["variant"] = _variant(folder) if safe else None
    try:
        model, report = model_class.from_pretrained(folder, output_loading_info=True, **options)
    except Exception as error:  # what the libraries raise over a broken model is of every kind
        if system_fault(error) is not None:
            raise
        _refuse_gone(folder)
        why = " ".join(str(error).split())[:200]
        raise UserError(f"{folder}: cannot be loaded ({why}).", "Get the model again.") from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise UserError(
            f"{folder}: lacks {len(missing)} weights, such as {missing[0]}.", "Get the model again."
        )
    return (model if model.dtype == dtype else model.to(dtype)).eval()


def _only_pickled(folder: Path) -> bool:
    return not list(folder.glob("*.safetensors*")) and bool(list(folder.glob("*.bin*")))


def _variant(folder: Path) -> str | None:
    names = [path.name for path in visible(folder.glob("*.safetensors*"))]
    if not names:
        _refuse_gone(folder)
        raise UserError(
            f"{folder}: has no .safetensors weights.",
            "Get the .safetensors version of this model; --allow-pickle opens .bin files, weights only.",
        )
    return None if any(".fp16." not in name for name in names) else "fp16"


def _refuse_gone(folder: Path) -> None:
    """Raise FileNotFoundError when the whole model was there when it was recognised, and is not now."""
    if not folder.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder.parent))


def _from_single_file(info: BaseInfo, dtype: torch.dtype, tokenizer_dir: Path | None) -> Components:
    configs = read_configs(info)
    tokenizers = clip_tokenizers(len(configs.text), configs.text[0]["vocab_size"], tokenizer_dir)
    checkpoint = load_tensors(info.path)
    with on_nothing():
        unet, vae = new_unet(configs.unet), new_vae(configs.vae)
        encoders = [new_text_encoder(config, place) for place, config in enumerate(configs.text)]
    _fill(unet, unet_weights(checkpoint, configs.unet), dtype, info)
    _fill(vae, vae_weights(checkpoint, configs.vae), dtype, info)
    for place, encoder in enumerate(encoders):
        _fill(encoder, text_weights(checkpoint, encoder, info.kind, place), dtype, info)
    return Components(vae, unet, encoders, tokenizers, dict(LDM_SCHEDULER))


def _fill(model: Any, weights: dict[str, Any], dtype: torch.dtype, info: BaseInfo) -> None:
    cast = {name: t.to(dtype) for name, t in weights.items() if not name.endswith("position_ids")}
    try:
        model.load_state_dict(cast, assign=True)
    except RuntimeError as error:
        raise shapes_problem(info.path, error) from error
    model.eval()


@contextmanager
def on_nothing() -> Iterator[None]:
    """Models made here have no memory behind their weights; buffers are real."""
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        yield


@quiet_libraries()
def load_pipeline(
    info: BaseInfo,
    task: Task,
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
    tokenizer_dir: Path | None = None,
    controlnet: Any = None,
) -> Any:
    """The diffusers pipeline for a task, on ``device``, with the safety checker where its weights are there.

    An inpaint pipeline takes 4 and 9 channels; text to image needs 4. ``controlnet`` is a ControlNet or a
    list of them. Raises `UserError`.
    """
    if task == "txt2img" and info.inpaint:
        raise UserError(
            f"{info.path}: is an inpaint base (9 channels), which cannot draw from text alone.",
            "Give a base with 4 channels for text to image.",
        )
    parts = load_components(info, dtype, tokenizer_dir)
    make = pipeline_class(info.kind, task, controlnet is not None)
    named = _sdxl_parts(parts) if info.kind == "sdxl" else _sd15_parts(info, parts)
    if controlnet is not None:
        named["controlnet"] = controlnet
    scheduler = _scheduler(parts.scheduler_config)
    return make(vae=parts.vae, unet=parts.unet, scheduler=scheduler, **named).to(device)


def pipeline_class(kind: Kind, task: Task, controlled: bool = False) -> Any:
    """diffusers' class for a task, with a ControlNet or without."""
    import diffusers

    family = {"sd15": "StableDiffusion", "sdxl": "StableDiffusionXL"}[kind]
    works = {"txt2img": "", "img2img": "Img2Img", "inpaint": "Inpaint"}[task]
    return getattr(diffusers, f"{family}{'ControlNet' if controlled else ''}{works}Pipeline")


def _sd15_parts(info: BaseInfo, parts: Components) -> dict[str, Any]:
    checker, extractor = _safety_checker(info, parts.unet.dtype)
    return {
        "text_encoder": parts.text_encoders[0],
        "tokenizer": parts.tokenizers[0],
        "safety_checker": checker,
        "feature_extractor": extractor,
        "requires_safety_checker": checker is not None,
    }


def _sdxl_parts(parts: Components) -> dict[str, Any]:
    if str(parts.vae.dtype) != "torch.float16":  # only half precision overflows in SDXL's VAE
        parts.vae.register_to_config(force_upcast=False)
    return {
        "text_encoder": parts.text_encoders[0],
        "text_encoder_2": parts.text_encoders[1],
        "tokenizer": parts.tokenizers[0],
        "tokenizer_2": parts.tokenizers[1],
        "add_watermarker": False,
    }


def _scheduler(config: dict[str, Any]) -> Any:
    import diffusers

    with warnings.catch_warnings():  # diffusers 0.42 copies tensors in a way that numpy 2.4 deprecates
        warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
        return getattr(diffusers, config["_class_name"]).from_config(config)


def _safety_checker(info: BaseInfo, dtype: torch.dtype) -> tuple[Any, Any]:
    folder = info.path / "safety_checker"
    pickled = info.allow_pickle and _only_pickled(folder)
    if info.single_file or not (pickled or list(folder.glob("*.safetensors"))):
        return None, None
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPImageProcessor

    checker = load_part(StableDiffusionSafetyChecker, folder, dtype, allow_pickle=pickled)
    return checker, CLIPImageProcessor.from_pretrained(info.path / "feature_extractor", local_files_only=True)
