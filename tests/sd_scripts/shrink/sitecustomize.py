"""Put this folder on PYTHONPATH, and sd-scripts' own, unedited scripts build models of a tiny base's size.

Their sizes are globals and literals of their modules. ``LORAWRAP_SHRUNK_SIZES`` names a JSON file with the
sizes to put in their place (`tests.sd_scripts.harness` writes it from a base model's shapes); each module is
changed as soon as it has been imported. Without the variable this file does nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

SIZES = "LORAWRAP_SHRUNK_SIZES"
Change = Callable[[ModuleType, dict[str, Any]], None]


def shrink_unet(module: ModuleType, sizes: dict[str, Any]) -> None:
    """library.original_unet: SD 1.5's U-Net."""
    blocks = tuple(sizes["unet"]["block_out_channels"])
    module.BLOCK_OUT_CHANNELS = blocks
    module.TIMESTEP_INPUT_DIM = blocks[0]
    module.TIME_EMBED_DIM = blocks[0] * 4


def shrink_sdxl_unet(module: ModuleType, sizes: dict[str, Any]) -> None:
    """library.sdxl_original_unet: its widths are globals, its context and depths are literals in calls."""
    unet = sizes["unet"]
    module.MODEL_CHANNELS = unet["block_out_channels"][0]
    module.TIME_EMBED_DIM = module.MODEL_CHANNELS * 4
    module.ADM_IN_CHANNELS = unet.get("projection_class_embeddings_input_dim", 0)
    module.CONTEXT_DIM = unet["cross_attention_dim"]
    depths = unet["transformer_layers_per_block"]
    depth_of = {} if isinstance(depths, int) else dict(zip((2, 10), depths[1:], strict=False))
    real = module.Transformer2DModel

    class Transformer(real):  # type: ignore[misc,valid-type]
        def __init__(self, *args: Any, **values: Any) -> None:
            values["cross_attention_dim"] = unet["cross_attention_dim"]
            values["num_transformer_layers"] = depth_of[values["num_transformer_layers"]]
            super().__init__(*args, **values)

    Transformer.__name__ = real.__name__  # networks.lora finds its targets by class name
    module.Transformer2DModel = Transformer


def shrink_model_util(module: ModuleType, sizes: dict[str, Any]) -> None:
    """library.model_util: SD 1.5's configs, and the VAE of both."""
    unet, vae = sizes["unet"]["block_out_channels"], sizes["vae"]["block_out_channels"]
    module.UNET_PARAMS_MODEL_CHANNELS = unet[0]
    module.UNET_PARAMS_CHANNEL_MULT = [channels // unet[0] for channels in unet]
    module.UNET_PARAMS_CONTEXT_DIM = sizes["unet"]["cross_attention_dim"]
    module.VAE_PARAMS_CH = vae[0]
    module.VAE_PARAMS_CH_MULT = [channels // vae[0] for channels in vae]
    shrink_text(module, sizes)


def shrink_text(module: ModuleType, sizes: dict[str, Any]) -> None:
    """The text encoders' configs, which are literals: told apart by their real widths."""
    keys = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    by_width = dict(zip((768, 1280), sizes["text"], strict=False))
    real = module.CLIPTextConfig

    def config(**values: Any) -> Any:
        tiny = by_width[values["hidden_size"]]
        values |= {key: tiny[key] for key in (*keys, "projection_dim")}
        return real(**values)

    module.CLIPTextConfig = config


def declare_operators(module: ModuleType, sizes: dict[str, Any]) -> None:
    """torchvision of a CUDA build beside a CPU torch: declare the operators that it cannot load."""
    if module._has_ops():
        return
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    module.lorawrap_library = library  # an operator lives as long as its library


CHANGES: dict[str, Change] = {
    "library.original_unet": shrink_unet,
    "library.sdxl_original_unet": shrink_sdxl_unet,
    "library.model_util": shrink_model_util,
    "library.sdxl_model_util": shrink_text,
    "torchvision.extension": declare_operators,
}


class Changing(Loader):
    """Runs a module as ``loader`` does, and then ``change``."""

    def __init__(self, loader: Any, change: Callable[[ModuleType], None]) -> None:
        self.loader, self.change = loader, change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        self.change(module)


class Shrinking(MetaPathFinder):
    """Finds the modules of `CHANGES` where they are, and has them changed after they ran."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        self.sizes = sizes

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        change = CHANGES.get(name)
        spec = PathFinder.find_spec(name, path) if change else None
        if spec is not None and change is not None:
            spec.loader = Changing(spec.loader, lambda module: change(module, self.sizes))
        return spec


if os.environ.get(SIZES):
    sizes = json.loads(Path(os.environ[SIZES]).read_text(encoding="utf-8"))
    sys.meta_path.insert(0, Shrinking(sizes))
