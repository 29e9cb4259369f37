"""A diffusers folder written as one file in the original LDM layout, as models are handed round."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from wrapper.lora.names import ldm_path

_VAE_WORDS = (
    ("mid_block.resnets.0", "mid.block_1"),
    ("mid_block.resnets.1", "mid.block_2"),
    ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
    ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
    ("mid_block.attentions.0.to_", "mid.attn_1."),
    ("down_blocks", "down"),
    ("up_blocks", "up"),
    ("resnets", "block"),
    ("downsamplers.0", "downsample"),
    ("upsamplers.0", "upsample"),
    ("conv_shortcut", "nin_shortcut"),
    ("conv_norm_out", "norm_out"),
)
_OPEN_CLIP_WORDS = (
    ("text_model.", ""),
    ("embeddings.token_embedding", "token_embedding"),
    ("embeddings.position_embedding.weight", "positional_embedding"),
    ("encoder.layers", "transformer.resblocks"),
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
    ("self_attn", "attn"),
    ("final_layer_norm", "ln_final"),
    ("text_projection.weight", "text_projection"),
)


def make_single_file(folder: Path, file: Path) -> Path:
    """Write the model of a diffusers ``folder`` to ``file`` in LDM layout (fp32) and return ``file``."""
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in _ldm_tensors(folder).items()}, file)
    return file


def ldm_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shapes that the file of a diffusers ``folder`` has."""
    return {name: tuple(tensor.shape) for name, tensor in _ldm_tensors(folder).items()}


def _ldm_tensors(folder: Path) -> dict[str, Any]:
    sdxl = (folder / "text_encoder_2").is_dir()
    parts = [_weights(folder / part) for part in ("unet", "vae", "text_encoder")]
    return ldm_named(*parts, _weights(folder / "text_encoder_2") if sdxl else None)


def ldm_named(
    unet: dict[str, Any], vae: dict[str, Any], text: dict[str, Any], second: dict[str, Any] | None
) -> dict[str, Any]:
    """The weights of the parts under LDM's names; ``second`` is SDXL's second text encoder."""
    clip = "cond_stage_model.transformer." if second is None else "conditioner.embedders.0.transformer."
    tensors = {f"model.diffusion_model.{_unet_name(name, unet)}": tensor for name, tensor in unet.items()}
    tensors |= {f"first_stage_model.{_vae_name(name)}": _vae_value(name, t) for name, t in vae.items()}
    tensors |= {f"{clip}text_model.{name.removeprefix('text_model.')}": t for name, t in text.items()}
    for name, tensor in _open_clip(second or {}).items():
        tensors[f"conditioner.embedders.1.model.{name}"] = tensor
    return tensors


def _weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(next(folder.glob("*.safetensors")))


def _unet_name(name: str, unet: dict[str, Any]) -> str:
    """Upsamplers come third behind an attention, second in a block that has none (SD 1.5's first)."""
    module, _, parameter = name.rpartition(".")
    block = module.partition(".upsamplers.")[0]
    if ".upsamplers." in module and not any(other.startswith(f"{block}.attentions.") for other in unet):
        return f"{ldm_path(module).replace('.2.conv', '.1.conv')}.{parameter}"
    return f"{ldm_path(module)}.{parameter}"


def _vae_name(name: str, levels: int = 4) -> str:
    name = re.sub(r"up_blocks\.(\d+)", lambda match: f"up_blocks.{levels - 1 - int(match[1])}", name)
    for ours, ldm in _VAE_WORDS:
        name = name.replace(ours, ldm)
    return name


def _vae_value(name: str, tensor: Any) -> Any:
    """LDM's attention projections are convolutions of one pixel."""
    projection = ".attentions." in name and name.endswith("weight") and "norm" not in name
    return tensor[:, :, None, None] if projection else tensor


def _open_clip(weights: dict[str, Any]) -> dict[str, Any]:
    import torch

    named: dict[str, Any] = {}
    for name, tensor in weights.items():
        for ours, theirs in _OPEN_CLIP_WORDS:
            name = name.replace(ours, theirs)
        named[name] = tensor.T if name == "text_projection" else tensor
    for name in [name for name in named if ".q_proj." in name]:
        parts = [named.pop(name.replace("q_proj", f"{letter}_proj")) for letter in "qkv"]
        named[name.replace("q_proj.", "in_proj_")] = torch.cat(parts)
    return named
