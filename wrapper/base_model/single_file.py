"""A checkpoint in one file, in the original LDM layout: its sizes, and its weights under diffusers' names.

Sizes are told from the tensors' shapes, so that a model of any width or depth loads. What shapes don't tell
is fixed by the kind: 8 heads in SD 1.5's U-Net, heads of 64 channels elsewhere, norms of 32 groups.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from dataset_tools.errors import UserError
from wrapper.base_model.detect import UNET_PREFIX
from wrapper.base_model.kinds import Kind

if TYPE_CHECKING:
    from torch import Tensor

VAE_PREFIX = "first_stage_model."
CLIP_PREFIXES: dict[Kind, str] = {
    "sd15": "cond_stage_model.transformer.",
    "sdxl": "conditioner.embedders.0.transformer.",
}
OPEN_CLIP_PREFIX = "conditioner.embedders.1.model."
HEAD_CHANNELS = 64
SD15_HEADS = 8
SCALING_FACTORS: dict[Kind, float] = {"sd15": 0.18215, "sdxl": 0.13025}

T = TypeVar("T")
Shapes = Mapping[str, tuple[int, ...]]


def unet_config(shapes: Shapes, kind: Kind) -> dict[str, Any]:
    """Arguments of `UNet2DConditionModel`, from the shapes of a whole checkpoint."""
    own = _below(shapes, UNET_PREFIX)
    blocks = _unet_blocks(own)
    channels = tuple(channel for channel, _ in blocks)
    attended = [depth > 0 for _, depth in blocks]
    context = next(shape[1] for name, shape in own.items() if name.endswith("attn2.to_k.weight"))
    return {
        "in_channels": own["input_blocks.0.0.weight"][1],
        "down_block_types": tuple("CrossAttnDownBlock2D" if yes else "DownBlock2D" for yes in attended),
        "up_block_types": tuple("CrossAttnUpBlock2D" if yes else "UpBlock2D" for yes in reversed(attended)),
        "block_out_channels": channels,
        "layers_per_block": _count(own, r"input_blocks\.(\d+)\.0\.in_layers\.2\.weight") // len(blocks),
        "transformer_layers_per_block": tuple(max(1, depth) for _, depth in blocks),
        "cross_attention_dim": context,
        "attention_head_dim": _unet_heads(channels, kind),
        "use_linear_projection": len(own["middle_block.1.proj_in.weight"]) == 2,
        **(_added_conditions(own, shapes) if kind == "sdxl" else {}),
    }


def _unet_blocks(own: Shapes) -> list[tuple[int, int]]:
    """Per resolution: output channels, and transformer layers (0 without attention)."""
    blocks = [(0, 0)]
    for number in range(1, _count(own, r"input_blocks\.(\d+)\.")):
        if f"input_blocks.{number}.0.op.weight" in own:
            blocks.append((0, 0))
            continue
        depth = _count(own, rf"input_blocks\.{number}\.1\.transformer_blocks\.(\d+)\.")
        blocks[-1] = (own[f"input_blocks.{number}.0.in_layers.2.weight"][0], depth)
    return blocks


def _unet_heads(channels: tuple[int, ...], kind: Kind) -> int | tuple[int, ...]:
    """Diffusers' ``attention_head_dim``, which for these models is the number of heads."""
    if kind == "sd15":
        return SD15_HEADS
    return tuple(max(1, channel // HEAD_CHANNELS) for channel in channels)


def _added_conditions(own: Shapes, shapes: Shapes) -> dict[str, Any]:
    width = own["label_emb.0.0.weight"][1]
    pooled = shapes[f"{OPEN_CLIP_PREFIX}text_projection"][1]
    return {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": (width - pooled) // 6,
        "projection_class_embeddings_input_dim": width,
    }


def vae_config(shapes: Shapes, kind: Kind) -> dict[str, Any]:
    """Arguments of `AutoencoderKL`."""
    own = _below(shapes, VAE_PREFIX)
    levels = range(_count(own, r"encoder\.down\.(\d+)\."))
    return {
        "down_block_types": ("DownEncoderBlock2D",) * len(levels),
        "up_block_types": ("UpDecoderBlock2D",) * len(levels),
        "block_out_channels": tuple(own[f"encoder.down.{level}.block.0.conv1.weight"][0] for level in levels),
        "layers_per_block": _count(own, r"encoder\.down\.0\.block\.(\d+)\."),
        "latent_channels": own["decoder.conv_in.weight"][1],
        "scaling_factor": SCALING_FACTORS[kind],
    }


def text_configs(shapes: Shapes, kind: Kind) -> list[dict[str, Any]]:
    """Arguments of `CLIPTextConfig` of the one or two text encoders."""
    prefix = f"{CLIP_PREFIXES[kind]}text_model."
    layer = f"{prefix}encoder.layers."
    first = _text_config(
        shapes[f"{prefix}embeddings.token_embedding.weight"],
        shapes[f"{prefix}embeddings.position_embedding.weight"][0],
        shapes[f"{layer}0.mlp.fc1.weight"][0],
        _count(shapes, re.escape(layer) + r"(\d+)\."),
    )
    return [first] if kind == "sd15" else [first, _open_clip_config(shapes)]


def _open_clip_config(shapes: Shapes) -> dict[str, Any]:
    layer = f"{OPEN_CLIP_PREFIX}transformer.resblocks."
    config = _text_config(
        shapes[f"{OPEN_CLIP_PREFIX}token_embedding.weight"],
        shapes[f"{OPEN_CLIP_PREFIX}positional_embedding"][0],
        shapes[f"{layer}0.mlp.c_fc.weight"][0],
        _count(shapes, re.escape(layer) + r"(\d+)\."),
    )
    projection = shapes[f"{OPEN_CLIP_PREFIX}text_projection"][1]
    return {**config, "hidden_act": "gelu", "projection_dim": projection, "pad_token_id": 0}


def _text_config(tokens: tuple[int, ...], positions: int, inner: int, layers: int) -> dict[str, Any]:
    vocabulary, hidden = tokens
    return {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, hidden // HEAD_CHANNELS),
        "max_position_embeddings": positions,
        "projection_dim": hidden,
        "hidden_act": "quick_gelu",
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "pad_token_id": vocabulary - 1,
    }


def unet_weights(checkpoint: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The U-Net's weights under diffusers' names."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    own = {name: tensor for name, tensor in checkpoint.items() if name.startswith(UNET_PREFIX)}
    return convert_ldm_unet_checkpoint(own, config)


def vae_weights(checkpoint: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The VAE's weights under diffusers' names."""
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    own = {name: tensor for name, tensor in checkpoint.items() if name.startswith(VAE_PREFIX)}
    return convert_ldm_vae_checkpoint(own, config)


def text_weights(checkpoint: Mapping[str, Tensor], model: Any, kind: Kind, place: int) -> dict[str, Tensor]:
    """The weights of text encoder ``place`` under the names of the running transformers' ``model``."""
    if place == 0:
        named = _below(checkpoint, CLIP_PREFIXES[kind])
    else:
        from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint

        named = convert_open_clip_checkpoint(model, dict(checkpoint), prefix=OPEN_CLIP_PREFIX)
    nested = hasattr(model, "text_model")
    return {name if nested else name.removeprefix("text_model."): tensor for name, tensor in named.items()}


def _below(named: Mapping[str, T], prefix: str) -> dict[str, T]:
    """What is named under ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}


def _count(names: Mapping[str, Any], pattern: str) -> int:
    """How many different numbers the first group of ``pattern`` takes among the names."""
    return len({match[1] for match in map(re.compile(pattern).match, names) if match})


def shapes_problem(path: object, error: Exception) -> UserError:
    """A checkpoint whose tensors are not those of its architecture."""
    why = " ".join(str(error).split())
    return UserError(f"{path}: its weights are not those of its architecture ({why}).", "Get the file again.")
