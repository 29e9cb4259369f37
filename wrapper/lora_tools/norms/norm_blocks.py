"""Norms of modules summed up by where they act: a place of the model, and a part of it there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from wrapper.lora_tools.norms.norms import ModuleNorm, total

PARTS = ("self-attention", "cross-attention", "feed-forward", "projection", "convolution")
_SDXL_SIDES = {"input": "down", "output": "up", "middle": "mid"}
_UNET = re.compile(
    r"lora_unet_(?:(?P<side>down|up|mid)_blocks?(?:_(?P<block>\d+))?_(?P<kind>attentions|resnets|\w+samplers)_(?P<layer>\d+)"
    r"|(?P<ldm>input|output|middle)_blocks?_(?P<number>\d+))"
)
_LAYERS_PER_LEVEL = 3


@dataclass
class Place:
    """A place of the model, such as ``down 1.0``, and the modules that change it."""

    name: str
    modules: list[ModuleNorm] = field(default_factory=list)

    @property
    def norm(self) -> float:
        return total(self.modules)

    def part_norm(self, part: str) -> float:
        """‖ΔW‖ of one of `PARTS` here; their squares add up to that of `norm`."""
        return total(one for one in self.modules if part_of(one.name) == part)

    @property
    def effective_rank(self) -> float:
        """The mean over the modules that act."""
        acting = [one.effective_rank for one in self.modules if one.norm > 0]
        return sum(acting) / len(acting) if acting else 0.0


def by_place(norms: Iterable[ModuleNorm]) -> list[Place]:
    """Places in the order in which the model runs: text encoders, down, mid, up."""
    places: dict[str, Place] = {}
    for one in norms:
        name = place_of(one.name)
        places.setdefault(name, Place(name)).modules.append(one)
    return sorted(places.values(), key=lambda place: _order(place.name))


def place_of(module: str) -> str:
    """Where a module acts, by its Kohya name: block and layer, counted for SDXL as for SD 1.5.

    >>> place_of("lora_unet_up_blocks_1_attentions_2_proj_in"), place_of("lora_unet_input_blocks_4_1_proj_in")
    ('up 1.2', 'down 1.0')
    >>> place_of("lora_unet_middle_block_1_proj_in"), place_of("lora_te2_text_model_encoder_layers_0_mlp_fc1")
    ('mid', 'te2')
    """
    match = _UNET.match(module)
    if not match:
        return module.split("_", 2)[1]
    if match["ldm"]:
        return _ldm_place(match["ldm"], int(match["number"]))
    if match["side"] == "mid":
        return "mid"
    layer = (
        "2" if match["kind"] == "upsamplers" else "1" if match["kind"] == "downsamplers" else match["layer"]
    )
    return f"{match['side']} {match['block']}.{layer}"


def _ldm_place(side: str, number: int) -> str:
    """LDM's row of blocks: a level is two layers and a sampler going down, three layers going up."""
    if side == "middle":
        return "mid"
    number -= side == "input"
    level, layer = divmod(number, _LAYERS_PER_LEVEL)
    if side == "input" and layer == _LAYERS_PER_LEVEL - 1:
        layer -= 1  # the sampler
    return f"{_SDXL_SIDES[side]} {level}.{layer}"


def part_of(module: str) -> str:
    """Which of `PARTS` a module belongs to."""
    if "_attn2_" in module:
        return "cross-attention"
    if "_attn1_" in module or "_self_attn_" in module:
        return "self-attention"
    if "_ff_net_" in module or "_mlp_fc" in module:
        return "feed-forward"
    return "projection" if module.endswith(("_proj_in", "_proj_out", "_text_projection")) else "convolution"


def _order(place: str) -> tuple[int, str]:
    return ({"down": 1, "mid": 2, "up": 3}.get(place.split()[0], 0), place)
