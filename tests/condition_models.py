"""Tiny random ControlNets, IP-Adapters and models that make control images, for the bases of `models`."""

from __future__ import annotations

import json
from pathlib import Path

from wrapper.lora.names import ldm_path

IMAGE_WIDTH, IMAGE_HIDDEN, IMAGE_SIDE = 24, 32, 32
"""What the tiny image encoder gives: its projection, its hidden states, and the side it looks at."""


def make_control_net(base: Path, folder: Path, seed: int = 0) -> Path:
    """A ControlNet for the base in a diffusers folder, whose last layers are not zero."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    unet = json.loads((base / "unet" / "config.json").read_text())
    net = ControlNetModel.from_config({**unet, "in_channels": 4, "_class_name": "ControlNetModel"})
    for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block):
        torch.nn.init.normal_(layer.weight, std=0.5)
    torch.nn.init.normal_(net.controlnet_cond_embedding.conv_out.weight, std=0.5)
    net.save_pretrained(folder)
    return folder


def make_control_file(folder: Path, file: Path, *, prefix: str | None = "control_model.") -> Path:
    """The ControlNet of a folder as one file: in LDM's layout, or with ``prefix`` None in diffusers'."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "diffusion_pytorch_model.safetensors")
    if prefix is not None:
        tensors = {prefix + _ldm_name(name): tensor for name, tensor in tensors.items()}
    save_file(tensors, file)
    return file


def _ldm_name(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "controlnet_cond_embedding":
        return f"input_hint_block.{_hint_place(parts)}.{parts[-1]}"
    if parts[0] == "controlnet_down_blocks":
        return f"zero_convs.{parts[1]}.0.{parts[2]}"
    if parts[0] == "controlnet_mid_block":
        return f"middle_block_out.0.{parts[1]}"
    module, _, parameter = name.rpartition(".")
    return f"{ldm_path(module)}.{parameter}"


def _hint_place(parts: list[str]) -> int:
    if parts[1] in ("conv_in", "conv_out"):
        return {"conv_in": 0, "conv_out": 14}[parts[1]]
    return 2 + 2 * int(parts[2])


def make_image_encoder(folder: Path) -> Path:
    """A CLIP image encoder."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(5)
    config = CLIPVisionConfig(
        hidden_size=IMAGE_HIDDEN,
        intermediate_size=64,
        projection_dim=IMAGE_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=IMAGE_SIDE,
        patch_size=8,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


def make_ip_adapter(base: Path, file: Path, form: str = "plain", seed: int = 0) -> Path:
    """An IP-Adapter for the base in a diffusers folder: ``plain``, ``full`` or ``plus``."""
    import torch
    from diffusers import UNet2DConditionModel
    from safetensors.torch import save_file

    unet = UNet2DConditionModel.from_pretrained(base / "unet")
    random = torch.Generator().manual_seed(seed)
    width = unet.config.cross_attention_dim
    shapes = {f"image_proj.{name}": shape for name, shape in _projection(form, width).items()}
    crossing = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for place, name in enumerate(crossing):
        hidden = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
        shapes |= {f"ip_adapter.{2 * place + 1}.to_{part}_ip.weight": (hidden, width) for part in "kv"}
    tensors = {name: torch.randn(shape, generator=random) * 0.3 for name, shape in shapes.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file)
    return file


def _projection(form: str, width: int) -> dict[str, tuple[int, ...]]:
    if form == "plain":
        linear = {"proj.weight": (4 * width, IMAGE_WIDTH), "proj.bias": (4 * width,)}
        return {**linear, "norm.weight": (width,), "norm.bias": (width,)}
    if form == "full":
        inner, hidden = IMAGE_HIDDEN, IMAGE_HIDDEN
        feed = {"proj.0.weight": (inner, hidden), "proj.0.bias": (inner,)}
        feed |= {"proj.2.weight": (width, inner), "proj.2.bias": (width,)}
        return {**feed, "proj.3.weight": (width,), "proj.3.bias": (width,)}
    return _resampler(width)


def _resampler(width: int, inner: int = 64) -> dict[str, tuple[int, ...]]:
    """The plus form: four layers of a perceiver."""
    shapes: dict[str, tuple[int, ...]] = {
        "latents": (1, 4, inner),
        "proj_in.weight": (inner, IMAGE_HIDDEN),
        "proj_in.bias": (inner,),
        "proj_out.weight": (width, inner),
        "proj_out.bias": (width,),
        "norm_out.weight": (width,),
        "norm_out.bias": (width,),
    }
    for layer in range(4):
        shapes |= {f"layers.{layer}.{name}": shape for name, shape in _resampler_layer(inner).items()}
    return shapes


def _resampler_layer(inner: int) -> dict[str, tuple[int, ...]]:
    norms = {
        f"{norm}.{part}": (inner,) for norm in ("0.norm1", "0.norm2", "1.0") for part in ("weight", "bias")
    }
    return {
        **norms,
        "0.to_q.weight": (inner, inner),
        "0.to_kv.weight": (2 * inner, inner),
        "0.to_out.weight": (inner, inner),
        "1.1.weight": (4 * inner, inner),
        "1.3.weight": (inner, 4 * inner),
    }


def make_depth_model(folder: Path) -> Path:
    """A DPT (depth) model for transformers."""
    import torch
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessorPil

    torch.manual_seed(3)
    config = DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
        is_hybrid=False,
    )
    DPTForDepthEstimation(config).save_pretrained(folder)
    DPTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def make_pose_model(folder: Path) -> Path:
    """A ViTPose model for transformers."""
    import torch
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation
    from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil

    torch.manual_seed(4)
    backbone = VitPoseBackboneConfig(
        image_size=[64, 48],
        patch_size=[16, 16],
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        out_indices=[2],
        out_features=["stage2"],
    )
    config = VitPoseConfig(backbone_config=backbone, num_labels=17, scale_factor=4)
    VitPoseForPoseEstimation(config).save_pretrained(folder)
    VitPoseImageProcessorPil(size={"height": 64, "width": 48}).save_pretrained(folder)
    return folder
