"""Where the weight of each layer lies in a base model's files: a tensor, or a third of one.

Single files have LDM's names (``v1-inference.yaml``, ``sd_xl_base.yaml``); OpenCLIP keeps q, k and v of an
attention in one tensor, one below the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dataset_tools.errors import UserError
from dataset_tools.wording import count_of, some
from wrapper.base_model.architecture import TEXT_FOLDERS, models_on_meta, read_configs
from wrapper.base_model.detect import UNET_PREFIX, BaseInfo
from wrapper.base_model.kinds import COMPONENTS
from wrapper.base_model.single_file import CLIP_PREFIXES, OPEN_CLIP_PREFIX
from wrapper.lora.fit import four
from wrapper.lora.layers import Layer, model_layers
from wrapper.lora.names import ldm_path
from wrapper.safetensors_header import Header, read_header

if TYPE_CHECKING:
    from torch import Tensor

FLOATS = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}
_WEIGHTS = re.compile(r"(?:diffusion_pytorch_model|model)(?P<variant>\.fp16)?(?:-\d+-of-\d+)?\.safetensors")
_QKV = {"self_attn.q_proj": 0, "self_attn.k_proj": 1, "self_attn.v_proj": 2}
_OPEN_CLIP = {"self_attn.out_proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
_PROJECTION = f"{OPEN_CLIP_PREFIX}text_projection"
_SCALES = re.compile(r"(?:^|\.)(?:scaled_fp8|scale_weight|weight_scale|absmax)$")


class Place(NamedTuple):
    """Where a layer's weight lies: all of a tensor, or its ``third`` of three (0 is q, 1 is k, 2 is v).

    ``transposed``: the tensor is (in, out), as OpenCLIP keeps its projection.
    """

    file: Path
    tensor: str
    third: int | None = None
    transposed: bool = False

    def within(self, tensor: Tensor, outputs: int) -> Tensor:
        """The part of ``tensor`` that is this layer's weight of ``outputs`` rows: a view of it."""
        if self.transposed:
            return tensor.T
        first = (self.third or 0) * outputs
        return tensor[first : first + outputs]


@dataclass(frozen=True)
class BaseFiles:
    """A base model's layers by Kohya name, where each lies, and the headers of its weight files."""

    info: BaseInfo
    layers: dict[str, Layer]
    places: dict[str, Place]
    headers: dict[Path, Header]


def base_files(info: BaseInfo) -> BaseFiles:
    """Find every layer that a LoRA can change. Raises `UserError` for a base that lacks or scales some."""
    configs = read_configs(info)
    layers = model_layers(models_on_meta(configs, info.kind), info.kind, outer=True)
    files = weight_files(info)
    headers = {path: read_header(path) for paths in files.values() for path in paths}
    _refuse_scaled(headers)
    table = {
        (part, name): path
        for part, paths in files.items()
        for path in paths
        for name in headers[path].tensors
    }
    places = {
        name: _place(info, layer, table, configs.unet.get("layers_per_block", 2))
        for name, layer in layers.items()
    }
    found = {name: place for name, place in places.items() if place is not None}
    _require_all(info, layers, found, headers)
    return BaseFiles(info, layers, found, headers)


def weight_files(info: BaseInfo) -> dict[str, list[Path]]:
    """The files with the weights of U-Net and text encoders, by folder (empty for a single file)."""
    if info.single_file:
        return {"": [info.path]}
    return {part: _in_folder(info.path / part) for part in ("unet", *TEXT_FOLDERS[info.kind])}


def _in_folder(folder: Path) -> list[Path]:
    """Those in full precision where there are any, else those of the fp16 variant."""
    matches = {path: _WEIGHTS.fullmatch(path.name) for path in sorted(folder.glob("*.safetensors"))}
    full = [path for path, match in matches.items() if match and not match["variant"]]
    found = full or [path for path, match in matches.items() if match]
    if not found:
        raise UserError(f"{folder}: has no .safetensors weights.", "Get the .safetensors version of it.")
    return found


def _place(
    info: BaseInfo, layer: Layer, table: Mapping[tuple[str, str], Path], layers_per_block: int
) -> Place | None:
    names = _ldm_names(info, layer, layers_per_block) if info.single_file else _folder_names(info, layer)
    for part, tensor, third in names:
        if (part, tensor) in table:
            return Place(table[part, tensor], tensor, third, tensor == _PROJECTION)
    return None


def _ldm_names(info: BaseInfo, layer: Layer, layers_per_block: int) -> Iterator[tuple[str, str, int | None]]:
    bare = layer.path.removeprefix("text_model.")
    if layer.component == "unet":
        path = f"{UNET_PREFIX}{ldm_path(layer.path, layers_per_block)}.weight"
        yield "", path, None
        yield "", path.replace(".2.conv.", ".1.conv."), None  # an upsampler that follows no attention
    elif layer.component == "te2":
        yield "", *_open_clip_name(bare)
    else:
        yield "", f"{CLIP_PREFIXES[info.kind]}text_model.{bare}.weight", None


def _open_clip_name(path: str) -> tuple[str, int | None]:
    """``encoder.layers.0.self_attn.k_proj`` → its block's ``attn.in_proj_weight``, third number 1."""
    if path == "text_projection":
        return _PROJECTION, None
    _, _, number, inner = path.split(".", 3)
    block = f"{OPEN_CLIP_PREFIX}transformer.resblocks.{number}."
    if inner in _QKV:
        return f"{block}attn.in_proj_weight", _QKV[inner]
    return f"{block}{_OPEN_CLIP[inner]}.weight", None


def _folder_names(info: BaseInfo, layer: Layer) -> Iterator[tuple[str, str, int | None]]:
    """Text encoders that transformers 5 saved may lack the level ``text_model``."""
    if layer.component == "unet":
        yield "unet", f"{layer.path}.weight", None
        return
    part = TEXT_FOLDERS[info.kind][COMPONENTS[info.kind].index(layer.component) - 1]
    bare = layer.path.removeprefix("text_model.")
    yield part, f"text_model.{bare}.weight", None
    yield part, f"{bare}.weight", None


def _refuse_scaled(headers: Mapping[Path, Header]) -> None:
    for path, header in headers.items():
        scales = [name for name in header.tensors if _SCALES.search(name)]
        if scales:
            raise UserError(
                f"{path}: its weights are quantised, with scales beside them ({some(scales)}).",
                "Give the fp16 or bf16 version of this model.",
            )


def _require_all(
    info: BaseInfo, layers: Mapping[str, Layer], places: Mapping[str, Place], headers: Mapping[Path, Header]
) -> None:
    """Every layer is there, as floating point numbers, in its shape."""
    missing = [name for name in layers if name not in places]
    wrong = [name for name, place in places.items() if not _is_sound(layers[name], place, headers)]
    for what, names in (("lacks the weights of", missing), ("has weights of another form in", wrong)):
        if names:
            raise UserError(
                f"{info.path}: {what} {count_of(len(names), 'layer')} ({some(names)}).",
                "Get the model again.",
            )


def _is_sound(layer: Layer, place: Place, headers: Mapping[Path, Header]) -> bool:
    spec = headers[place.file].tensors[place.tensor]
    outputs, *inputs = four(layer.weight_shape)
    thirds = 1 if place.third is None else 3
    shape = four(reversed(spec.shape)) if place.transposed else four(spec.shape)
    return spec.dtype in FLOATS and shape == (thirds * outputs, *inputs)
