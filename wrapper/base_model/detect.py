"""Which base model is this? Told from JSON files and safetensors headers alone, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError
from wrapper.base_model.kinds import Kind
from wrapper.base_model.weights_file import is_pickled, tensor_shapes

SUPPORTED = "SD 1.5 and SDXL, each with 4 or (inpaint) 9 U-Net channels"
UNET_PREFIX = "model.diffusion_model."
_FIRST_CONV = f"{UNET_PREFIX}input_blocks.0.0.weight"
_PIPELINES: dict[str, Kind] = {"StableDiffusion": "sd15", "StableDiffusionXL": "sdxl"}
_TASKS = ("Pipeline", "Img2ImgPipeline", "InpaintPipeline")
_SD2_CONTEXT = 1024
"""Width of SD 2's text embeddings; SD 1.5 has 768 and SDXL 2048."""


@dataclass(frozen=True)
class BaseInfo:
    """A recognised base model: a diffusers folder or a single file.

    ``allow_pickle`` lets a folder's parts come from .bin files, where there is no .safetensors.
    """

    kind: Kind
    inpaint: bool
    path: Path
    single_file: bool
    in_channels: int
    allow_pickle: bool = False


def resolve(spec: str, inpaint: bool, cache: Path, *, allow_pickle: bool = False) -> BaseInfo:
    """The base model that ``spec`` names: ``demo`` (materialised below ``cache``), else a path.

    ``inpaint`` chooses between the demo's two models; a path is what it is. A pickled model is refused unless
    ``allow_pickle``, and is then opened as weights alone. Raises `UserError`.
    """
    if spec == "demo":
        from wrapper.demo.base_model import materialise

        return detect(materialise(cache)[1 if inpaint else 0])
    path = Path(spec).expanduser()
    if not path.exists():
        raise UserError(
            f"{spec}: there is no such base model.",
            "Give a diffusers folder or a .safetensors file (nothing is downloaded), or 'demo'.",
        )
    return detect(path, allow_pickle=allow_pickle)


def detect(path: Path, *, allow_pickle: bool = False) -> BaseInfo:
    """Recognise the base model at ``path``. Raises `UserError` for everything that is not supported."""
    if path.is_dir():
        return replace(_folder(path), allow_pickle=allow_pickle)
    if is_pickled(path) and not allow_pickle:
        raise UserError(
            f"{path}: is a pickled checkpoint, which can run code when it is opened.",
            "Get the .safetensors version of this model, or give --allow-pickle to open its weights alone.",
        )
    return _single_file(path)


def _folder(path: Path) -> BaseInfo:
    index = read_json(path / "model_index.json")
    if index is None:
        raise UserError(
            f"{path}: is not a diffusers folder, it has no model_index.json.",
            "Give the folder that has unet/, vae/ and text_encoder/ in it.",
        )
    unet = read_json(path / "unet" / "config.json")
    if unet is None:
        raise UserError(f"{path}: has no unet/config.json.", f"Supported are {SUPPORTED}.")
    kind = _folder_kind(path, str(index.get("_class_name")), index)
    _refuse_sd2(path, unet.get("cross_attention_dim"), (read_json(_scheduler(path)) or {}))
    return _base(kind, path, False, unet.get("in_channels", 4))


def _folder_kind(path: Path, pipeline: str, index: Mapping[str, Any]) -> Kind:
    kind = {name + task: kind for name, kind in _PIPELINES.items() for task in _TASKS}.get(pipeline)
    if kind is None:
        raise _unsupported(path, f"a {pipeline.removesuffix('Pipeline')} model")
    encoders = [(index.get(name) or [None])[0] for name in ("text_encoder", "text_encoder_2")]
    if kind == "sdxl" and None in encoders:
        raise _unsupported(path, "an SDXL refiner")
    return kind


def _scheduler(path: Path) -> Path:
    return path / "scheduler" / "scheduler_config.json"


def _refuse_sd2(path: Path, context: Any, scheduler: Mapping[str, Any]) -> None:
    if context == _SD2_CONTEXT or scheduler.get("prediction_type", "epsilon") != "epsilon":
        raise _unsupported(path, "an SD 2 or v-prediction model")


def _single_file(path: Path) -> BaseInfo:
    tensors = tensor_shapes(path)
    first = tensors.get(_FIRST_CONV)
    if first is None:
        raise _unsupported(path, _other_file(tensors))
    kind = _single_file_kind(path, tensors)
    for prefix, part in (("first_stage_model.", "VAE"), (_TEXT_PREFIXES[kind], "text encoder")):
        if not any(name.startswith(prefix) for name in tensors):
            raise UserError(f"{path}: has no {part} in it ({prefix}…).", "Give a full checkpoint.")
    return _base(kind, path, True, first[1])


_TEXT_PREFIXES = {"sd15": "cond_stage_model.transformer.", "sdxl": "conditioner.embedders.1.model."}


def _single_file_kind(path: Path, tensors: Mapping[str, Any]) -> Kind:
    def has(prefix: str) -> bool:
        return any(name.startswith(prefix) for name in tensors)

    if has("cond_stage_model.model."):
        raise _unsupported(path, "an SD 2 model")
    if "v_pred" in tensors:
        raise _unsupported(path, "a v-prediction model")
    if has("conditioner.embedders.0.model."):
        raise _unsupported(path, "an SDXL refiner")
    return "sdxl" if has(f"{UNET_PREFIX}label_emb.") else "sd15"


_MARKS = {
    "a LoRA": ("lora_unet_", "lora_te", "unet.", "text_encoder.", "transformer."),
    "an SD3 model": (f"{UNET_PREFIX}joint_blocks.", "joint_blocks."),
    "a Flux model": (f"{UNET_PREFIX}double_blocks.", "double_blocks."),
    "a VAE alone": ("first_stage_model.", "encoder.", "decoder."),
    "a U-Net alone": ("down_blocks.", "input_blocks."),
}


def _other_file(tensors: Mapping[str, Any]) -> str:
    for what, prefixes in _MARKS.items():
        if any(name.startswith(prefixes) for name in tensors):
            return what
    return "an unknown model"


def _base(kind: Kind, path: Path, single_file: bool, in_channels: int) -> BaseInfo:
    if in_channels not in (4, 9):
        raise _unsupported(path, f"a model whose U-Net has {in_channels} input channels")
    return BaseInfo(kind, in_channels == 9, path, single_file, in_channels)


def _unsupported(path: Path, what: str) -> UserError:
    return UserError(f"{path}: is {what}, which cannot be the base here.", f"Supported are {SUPPORTED}.")


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, None where there is no such file. Raises `UserError` when it is not one."""
    if not path.is_file():
        return None
    try:
        data = from_json(bounded_text(path))
    except ValueError as error:
        raise UserError(f"{path}: is not valid JSON ({error}).", "Get the model again.") from error
    if not isinstance(data, dict):
        raise UserError(f"{path}: is not a JSON object.", "Get the model again.")
    return data
