"""The sizes of a base model's parts, and the parts built from them, with or without memory behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset_tools.errors import UserError
from wrapper.base_model.detect import BaseInfo, read_json
from wrapper.base_model.kinds import COMPONENTS, Component, Kind
from wrapper.base_model.single_file import shapes_problem, text_configs, unet_config, vae_config
from wrapper.base_model.weights_file import tensor_shapes

TEXT_FOLDERS: dict[Kind, tuple[str, ...]] = {
    "sd15": ("text_encoder",),
    "sdxl": ("text_encoder", "text_encoder_2"),
}


@dataclass(frozen=True)
class Configs:
    """Arguments of `UNet2DConditionModel`, of `AutoencoderKL`, and of each `CLIPTextConfig`."""

    unet: dict[str, Any]
    vae: dict[str, Any]
    text: list[dict[str, Any]]


def read_configs(info: BaseInfo) -> Configs:
    """The configs of a base model: from its JSON files, or from a single file's shapes."""
    if not info.single_file:
        parts = ("unet", "vae", *TEXT_FOLDERS[info.kind])
        unet, vae, *text = (_folder_config(info, part) for part in parts)
        return Configs(unet, vae, text)
    shapes = tensor_shapes(info.path)
    try:
        return Configs(
            unet_config(shapes, info.kind), vae_config(shapes, info.kind), text_configs(shapes, info.kind)
        )
    except (KeyError, IndexError, StopIteration) as error:
        raise shapes_problem(info.path, error) from error


def _folder_config(info: BaseInfo, part: str) -> dict[str, Any]:
    config = read_json(info.path / part / "config.json")
    if config is None:
        raise UserError(f"{info.path}: has no {part}/config.json.", "Get the model again.")
    return config


def new_unet(config: Mapping[str, Any]) -> Any:
    """A `UNet2DConditionModel` of this size, wherever torch's default device is."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel.from_config(dict(config))


def new_vae(config: Mapping[str, Any]) -> Any:
    """An `AutoencoderKL` of this size."""
    from diffusers import AutoencoderKL

    return AutoencoderKL.from_config(dict(config))


def new_text_encoder(config: Mapping[str, Any], place: int) -> Any:
    """A CLIP text encoder of this size; SDXL's second one (``place`` 1) has a projection."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    model_class = CLIPTextModelWithProjection if place else CLIPTextModel
    return model_class(CLIPTextConfig(**config))


def models_on_meta(configs: Configs, kind: Kind) -> dict[Component, Any]:
    """The U-Net and the text encoders by component, without weights: paths and shapes only."""
    import torch

    with torch.device("meta"):
        unet = new_unet(configs.unet)
        encoders = [new_text_encoder(config, place) for place, config in enumerate(configs.text)]
    return dict(zip(COMPONENTS[kind], (unet, *encoders), strict=True))
