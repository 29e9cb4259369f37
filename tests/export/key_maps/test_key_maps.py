"""Which names each program takes, and on which layer they land. The real loaders' counts stand beside."""

from __future__ import annotations

import pytest

from wrapper.base_model.kinds import Kind
from wrapper.export.key_maps import key_map
from wrapper.export.key_maps.a1111 import a1111_module
from wrapper.export.key_maps.architecture import full_size_layers
from wrapper.export.targets import TARGETS

KINDS: tuple[Kind, ...] = ("sd15", "sdxl")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [target for target in TARGETS if target != "diffusers"])
def test_every_layers_own_name_lands_on_it_everywhere(target: str, kind: Kind):
    layers = full_size_layers(kind)
    table = key_map(target, kind, layers)  # type: ignore[arg-type]
    assert {name: table.get(name) for name in layers} == {name: name for name in layers}


@pytest.mark.parametrize(
    ("target", "kind", "count"),
    [
        ("a1111", "sd15", 700),
        ("a1111", "sdxl", 1839),
        ("comfyui", "sd15", 700),
        ("comfyui", "sdxl", 1912),
        ("forge", "sd15", 700),
        ("forge", "sdxl", 1912),
    ],
)
def test_as_many_names_as_the_real_loaders_took(target: str, kind: Kind, count: int):
    """Asked of A1111 1.10.1, ComfyUI 0.3.64 and Forge themselves, with every name that begins with lora_."""
    assert len(key_map(target, kind, full_size_layers(kind))) == count  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "name", "a1111", "comfyui"),
    [
        ("sd15", "lora_unet_input_blocks_1_1_proj_in", True, True),
        ("sd15", "lora_te1_text_model_encoder_layers_0_mlp_fc1", True, True),
        ("sdxl", "lora_unet_down_blocks_1_attentions_0_proj_in", True, True),
        ("sdxl", "lora_te_text_model_encoder_layers_0_mlp_fc1", False, True),
        ("sdxl", "lora_unet_up_blocks_0_upsamplers_0_conv", False, True),
        ("sd15", "lora_te_encoder_layers_0_mlp_fc1", False, False),
        ("sd15", "lora_unet_conv_in", False, False),
        ("sd15", "lora_te2_text_model_encoder_layers_0_mlp_fc1", False, False),
        ("sdxl", "lora_unet_up_blocks_3_attentions_0_proj_in", False, False),
    ],
)
def test_names_that_a_program_takes_and_names_that_it_drops(
    kind: Kind, name: str, a1111: bool, comfyui: bool
):
    layers = full_size_layers(kind)
    assert (name in key_map("a1111", kind, layers)) == a1111
    assert (name in key_map("comfyui", kind, layers)) == comfyui
    assert (name in key_map("folder", kind, layers)) == a1111


@pytest.mark.parametrize(
    ("kind", "name", "module"),
    [
        ("sd15", "lora_unet_mid_block_resnets_1_conv2", "middle_block_2_out_layers_3"),
        ("sd15", "lora_unet_down_blocks_2_downsamplers_0_conv", "input_blocks_9_0_op"),
        ("sd15", "lora_unet_up_blocks_0_upsamplers_0_conv", "output_blocks_2_1_conv"),
        ("sd15", "lora_unet_up_blocks_2_upsamplers_0_conv", "output_blocks_8_2_conv"),
        (
            "sdxl",
            "lora_te2_text_model_encoder_layers_31_mlp_fc2",
            "1_model_transformer_resblocks_31_mlp_c_proj",
        ),
        (
            "sdxl",
            "lora_te1_text_model_encoder_layers_0_mlp_fc2",
            "0_transformer_text_model_encoder_layers_0_mlp_fc2",
        ),
    ],
)
def test_a1111_looks_for_the_module_of_its_own_model(kind: Kind, name: str, module: str):
    assert a1111_module(name, kind) == module
