"""ControlNets: a diffusers folder or a single file, checked against the base and loaded.

Zhang et al. 2023, "Adding Conditional Control to Text-to-Image Diffusion Models".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import Problems, UserError
from wrapper.base_model.architecture import read_configs
from wrapper.base_model.detect import BaseInfo, read_json
from wrapper.base_model.kinds import base_title
from wrapper.base_model.load import load_part, on_nothing
from wrapper.diffusion.conditions.conditions import Control
from wrapper.safetensors_header import read_header

if TYPE_CHECKING:
    import torch

LDM_PREFIX = "control_model."
_SHARED = (
    "act_fn",
    "addition_embed_type",
    "addition_time_embed_dim",
    "attention_head_dim",
    "block_out_channels",
    "cross_attention_dim",
    "down_block_types",
    "layers_per_block",
    "mid_block_type",
    "norm_eps",
    "norm_num_groups",
    "num_attention_heads",
    "projection_class_embeddings_input_dim",
    "transformer_layers_per_block",
    "use_linear_projection",
)
"""What a ControlNet in one file has in common with the U-Net of its base."""
_OTHERS = {
    "a ControlNet-LLLite": ("lllite_",),
    "a control-LoRA": ("lora_controlnet",),
    "a union ControlNet": ("control_add_embedding.", "task_embedding"),
    "a T2I-Adapter": ("adapter.", "body."),
    "a LoRA": ("lora_unet_", "lora_te"),
    "a whole base model": ("model.diffusion_model.", "first_stage_model."),
}


def check_control_nets(controls: Sequence[Control], info: BaseInfo) -> None:
    """Raise one `UserError` for all that are no ControlNet, or one for another kind of base than ``info``."""
    problems = Problems()
    text_width = int(read_configs(info).unet["cross_attention_dim"])
    for control in controls:
        path = control.model
        fault = _folder_fault(path) if path.is_dir() else _file_fault(path)
        fault = fault or _width_fault(path, text_width)
        if fault:
            problems.add(path, fault)
    problems.raise_if_any(hint="Give a ControlNet that was made for this kind of base model.")


def _folder_fault(folder: Path) -> str:
    config = read_json(folder / "config.json")
    if config is None:
        return "is no ControlNet's folder: it has no config.json."
    name = str(config.get("_class_name"))
    return "" if name == "ControlNetModel" else f"is a {name}, not a ControlNet."


def _file_fault(file: Path) -> str:
    names = read_header(file).tensors
    other = next((what for what, marks in _OTHERS.items() if any(_marked(n, marks) for n in names)), "")
    if other:
        return f"is {other}, not a ControlNet."
    hints = ("controlnet_cond_embedding.", f"{LDM_PREFIX}input_hint_block.", "input_hint_block.")
    return "" if any(name.startswith(hints) for name in names) else "is no ControlNet."


def _marked(name: str, marks: tuple[str, ...]) -> bool:
    return name.startswith(marks)


def _width_fault(path: Path, text_width: int) -> str:
    if path.is_dir():
        width = (read_json(path / "config.json") or {}).get("cross_attention_dim")
        return _told_width({"cross_attention_dim": width}, text_width)
    tensors = read_header(path).tensors
    return _told_width(
        {n: spec.shape[1] for n, spec in tensors.items() if n.endswith("attn2.to_k.weight")}, text_width
    )


def _told_width(widths: Mapping[str, Any], text_width: int) -> str:
    wrong = {name: width for name, width in widths.items() if width != text_width}
    if not wrong:
        return ""
    name, width = next(iter(wrong.items()))
    made_for, base = base_title(width), base_title(text_width)
    return f"is a ControlNet for {made_for}, the base model is {base} ({name} does not fit)."


def load_control_nets(controls: Sequence[Control], info: BaseInfo, dtype: torch.dtype) -> Any:
    """None, one ControlNet, or a list of several, on the CPU. Raises `UserError` for what doesn't fit."""
    loaded: dict[Path, Any] = {}
    for control in controls:
        if control.model not in loaded:
            loaded[control.model] = _load(control.model, info, dtype)
    nets = [loaded[control.model] for control in controls]
    return nets if len(nets) > 1 else next(iter(nets), None)


def _load(path: Path, info: BaseInfo, dtype: torch.dtype) -> Any:
    from diffusers import ControlNetModel

    if path.is_dir():
        return load_part(ControlNetModel, path, dtype)
    return _from_file(path, info, dtype)


def _from_file(file: Path, info: BaseInfo, dtype: torch.dtype) -> Any:
    """A ControlNet in one file, in diffusers' naming or LDM's; its sizes are those of the base's U-Net."""
    from diffusers import ControlNetModel
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
    from safetensors.torch import load_file

    unet = read_configs(info).unet
    with on_nothing():
        net = ControlNetModel.from_config({key: unet[key] for key in _SHARED if key in unet})
    tensors = load_file(file)
    weights = {**convert_controlnet_checkpoint(tensors, net.config), **_size_embedding(tensors)}
    try:
        net.load_state_dict({name: tensor.to(dtype) for name, tensor in weights.items()}, assign=True)
    except RuntimeError as error:
        why = " ".join(str(error).split())
        raise UserError(
            f"{file}: is not a ControlNet of the base model's size ({why[:300]}).",
            "Give a ControlNet of this kind of base, or its diffusers folder with a config.json.",
        ) from error
    return net.eval()


def _size_embedding(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """SDXL's embedding of sizes under diffusers' names, which its conversion of LDM files leaves out."""
    layers = {"0": "linear_1", "2": "linear_2"}
    return {
        f"add_embedding.{layer}.{part}": tensors[name]
        for prefix in (LDM_PREFIX, "")
        for number, layer in layers.items()
        for part in ("weight", "bias")
        if (name := f"{prefix}label_emb.0.{number}.{part}") in tensors
    }
