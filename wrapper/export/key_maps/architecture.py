"""The layers of the full-size base models by Kohya name, written out from the architecture itself.

Nothing here asks the installed diffusers or transformers: this is what an exported LoRA is held against.
Sources: Rombach et al. 2022 (SD 1.5, ``v1-inference.yaml``), Podell et al. 2023 (SDXL, ``sd_xl_base.yaml``),
CLIP ViT-L/14 and OpenCLIP ViT-bigG/14. Paths are diffusers 0.42.1's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wrapper.base_model.kinds import Component, Kind
from wrapper.lora.layers import Layer
from wrapper.lora.names import kohya_name

Shape = tuple[int, ...]


@dataclass(frozen=True)
class UnetPlan:
    """Channels and transformer depth (0: no attention) a level; ``context`` is the width of the text."""

    channels: tuple[int, ...]
    depth: tuple[int, ...]
    context: int
    linear_projection: bool
    layers_per_block: int = 2


@dataclass(frozen=True)
class TextPlan:
    """A CLIP text encoder."""

    layers: int
    hidden: int


UNETS: dict[Kind, UnetPlan] = {
    "sd15": UnetPlan((320, 640, 1280, 1280), (1, 1, 1, 0), 768, linear_projection=False),
    "sdxl": UnetPlan((320, 640, 1280), (0, 2, 10), 2048, linear_projection=True),
}
TEXT_ENCODERS: dict[Kind, dict[Component, TextPlan]] = {
    "sd15": {"te": TextPlan(12, 768)},
    "sdxl": {"te1": TextPlan(12, 768), "te2": TextPlan(32, 1280)},
}


def full_size_layers(kind: Kind) -> dict[str, Layer]:
    """Every layer of the real SD 1.5 or SDXL that a LoRA may change, by Kohya name."""
    parts: dict[Component, Iterator[tuple[str, Shape]]] = {"unet": unet_layers(UNETS[kind])}
    parts |= {component: text_layers(plan) for component, plan in TEXT_ENCODERS[kind].items()}
    return {
        kohya_name(component, path, kind): Layer(component, path, shape)
        for component, layers in parts.items()
        for path, shape in layers
    }


def text_layers(plan: TextPlan) -> Iterator[tuple[str, Shape]]:
    """Six linear layers in each of CLIP's transformer layers."""
    for number in range(plan.layers):
        layer = f"encoder.layers.{number}"
        for name in ("q", "k", "v", "out"):
            yield f"{layer}.self_attn.{name}_proj", (plan.hidden, plan.hidden)
        yield f"{layer}.mlp.fc1", (4 * plan.hidden, plan.hidden)
        yield f"{layer}.mlp.fc2", (plan.hidden, 4 * plan.hidden)


def unet_layers(plan: UnetPlan) -> Iterator[tuple[str, Shape]]:
    """Attention and convolution layers (conv_in, conv_out and the embeddings are no targets)."""
    yield from _down(plan)
    yield from _middle(plan)
    yield from _up(plan)


def _down(plan: UnetPlan) -> Iterator[tuple[str, Shape]]:
    width = plan.channels[0]
    for level, channels in enumerate(plan.channels):
        block = f"down_blocks.{level}"
        for number in range(plan.layers_per_block):
            yield from _resnet(f"{block}.resnets.{number}", width, channels, plan)
            yield from _transformer(f"{block}.attentions.{number}", channels, plan.depth[level], plan)
            width = channels
        if level < len(plan.channels) - 1:
            yield f"{block}.downsamplers.0.conv", (channels, channels, 3, 3)


def _middle(plan: UnetPlan) -> Iterator[tuple[str, Shape]]:
    channels = plan.channels[-1]
    depth = next(depth for depth in reversed(plan.depth) if depth)
    yield from _resnet("mid_block.resnets.0", channels, channels, plan)
    yield from _transformer("mid_block.attentions.0", channels, depth, plan)
    yield from _resnet("mid_block.resnets.1", channels, channels, plan)


def _up(plan: UnetPlan) -> Iterator[tuple[str, Shape]]:
    skips, width = _skip_channels(plan), plan.channels[-1]
    levels = list(zip(plan.channels, plan.depth, strict=True))[::-1]
    for level, (channels, depth) in enumerate(levels):
        block = f"up_blocks.{level}"
        for number in range(plan.layers_per_block + 1):
            yield from _resnet(f"{block}.resnets.{number}", width + skips.pop(), channels, plan)
            yield from _transformer(f"{block}.attentions.{number}", channels, depth, plan)
            width = channels
        if level < len(levels) - 1:
            yield f"{block}.upsamplers.0.conv", (channels, channels, 3, 3)


def _skip_channels(plan: UnetPlan) -> list[int]:
    """Channels of what the down path hands over, in order: conv_in, then each layer and downsampler."""
    *inner, last = plan.channels
    skips = [plan.channels[0]]
    for channels in inner:
        skips += [channels] * (plan.layers_per_block + 1)
    return skips + [last] * plan.layers_per_block


def _resnet(path: str, width_in: int, width_out: int, plan: UnetPlan) -> Iterator[tuple[str, Shape]]:
    yield f"{path}.conv1", (width_out, width_in, 3, 3)
    yield f"{path}.time_emb_proj", (width_out, 4 * plan.channels[0])
    yield f"{path}.conv2", (width_out, width_out, 3, 3)
    if width_in != width_out:
        yield f"{path}.conv_shortcut", (width_out, width_in, 1, 1)


def _transformer(path: str, channels: int, depth: int, plan: UnetPlan) -> Iterator[tuple[str, Shape]]:
    if not depth:
        return
    projection: Shape = (channels, channels) if plan.linear_projection else (channels, channels, 1, 1)
    yield f"{path}.proj_in", projection
    for number in range(depth):
        block = f"{path}.transformer_blocks.{number}"
        for attention, width in (("attn1", channels), ("attn2", plan.context)):
            yield f"{block}.{attention}.to_q", (channels, channels)
            yield f"{block}.{attention}.to_k", (channels, width)
            yield f"{block}.{attention}.to_v", (channels, width)
            yield f"{block}.{attention}.to_out.0", (channels, channels)
        yield f"{block}.ff.net.0.proj", (8 * channels, channels)
        yield f"{block}.ff.net.2", (channels, 4 * channels)
    yield f"{path}.proj_out", projection
