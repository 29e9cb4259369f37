"""The block of each module of the real models."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.lora.full_size import full_size_layers
from wrapper.base_model.kinds import Kind
from wrapper.lora_tools.maths.blocks import block_of, block_order

BLOCKS: dict[Kind, list[str]] = {
    "sd15": ["te", "down 0", "down 1", "down 2", "down 3", "mid", "up 0", "up 1", "up 2", "up 3"],
    "sdxl": ["te1", "te2", "down 0", "down 1", "down 2", "mid", "up 0", "up 1", "up 2"],
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_module_is_in_the_block_that_its_path_says(kind: Kind):
    layers = full_size_layers(kind)
    for name, layer in layers.items():
        if layer.component != "unet":
            wanted = layer.component
        elif layer.path.startswith("mid"):
            wanted = "mid"
        else:
            side, number, _ = layer.path.split(".", 2)
            wanted = f"{side.partition('_')[0]} {number}"
        assert block_of(name) == wanted, name
    assert sorted(Counter(map(block_of, layers)), key=block_order) == BLOCKS[kind]
