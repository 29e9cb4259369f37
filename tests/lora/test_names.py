"""Kohya names come from the architecture, whatever the running libraries call their modules."""

from __future__ import annotations

import pytest

from tests.lora.full_size import full_size_layers
from wrapper.base_model.architecture import models_on_meta, read_configs
from wrapper.base_model.detect import detect
from wrapper.lora.forms import has_known_form
from wrapper.lora.layers import model_layers
from wrapper.lora.names import is_target, kind_of, kohya_name, kohya_names, ldm_path


@pytest.mark.parametrize(
    ("kind", "conv", "counts"),
    [
        ("sd15", False, {"unet": 192, "te": 72}),
        ("sd15", True, {"unet": 278, "te": 72}),
        ("sdxl", False, {"unet": 722, "te1": 72, "te2": 192}),
        ("sdxl", True, {"unet": 788, "te1": 72, "te2": 192}),
    ],
)
def test_full_size_models_have_as_many_modules_as_sd_scripts_trains(kind, conv, counts):
    layers = full_size_layers(kind, conv=conv)
    found = {component: 0 for component in counts}
    for layer in layers.values():
        found[layer.component] += 1
    assert found == counts
    assert kind_of(layers) == kind


@pytest.mark.parametrize(
    ("kind", "component", "path", "name"),
    [
        (
            "sd15",
            "unet",
            "down_blocks.0.attentions.0.proj_in",
            "lora_unet_down_blocks_0_attentions_0_proj_in",
        ),
        (
            "sd15",
            "te",
            "encoder.layers.3.self_attn.q_proj",
            "lora_te_text_model_encoder_layers_3_self_attn_q_proj",
        ),
        ("sd15", "te", "text_model.encoder.layers.3.mlp.fc1", "lora_te_text_model_encoder_layers_3_mlp_fc1"),
        ("sdxl", "te2", "encoder.layers.3.mlp.fc1", "lora_te2_text_model_encoder_layers_3_mlp_fc1"),
        (
            "sdxl",
            "unet",
            "down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_out.0",
            "lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_out_0",
        ),
        ("sdxl", "unet", "mid_block.attentions.0.proj_out", "lora_unet_middle_block_1_proj_out"),
        ("sdxl", "unet", "mid_block.resnets.1.conv2", "lora_unet_middle_block_2_out_layers_3"),
        ("sdxl", "unet", "up_blocks.0.upsamplers.0.conv", "lora_unet_output_blocks_2_2_conv"),
        ("sdxl", "unet", "down_blocks.1.downsamplers.0.conv", "lora_unet_input_blocks_6_0_op"),
        (
            "sdxl",
            "unet",
            "up_blocks.2.resnets.2.conv_shortcut",
            "lora_unet_output_blocks_8_0_skip_connection",
        ),
        ("sdxl", "unet", "down_blocks.0.resnets.1.time_emb_proj", "lora_unet_input_blocks_2_0_emb_layers_1"),
    ],
)
def test_a_module_has_the_name_that_other_programs_know(kind, component, path, name):
    assert kohya_name(component, path, kind) == name


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_a_tiny_model_gets_names_of_the_same_form_and_leads_back(kind, tiny_base):
    models = models_on_meta(read_configs(detect(tiny_base(kind))), kind)
    paths = {component: [path for path, _ in model.named_modules()] for component, model in models.items()}
    places = kohya_names(paths, kind)
    assert kind_of(places) == kind
    for name, place in places.items():
        assert kohya_name(place.component, place.path, kind) == name
        assert models[place.component].get_submodule(place.path) is not None


def test_the_same_names_come_out_of_nested_and_flat_text_encoders():
    flat = "encoder.layers.0.self_attn.out_proj"
    assert kohya_name("te1", flat, "sdxl") == kohya_name("te1", f"text_model.{flat}", "sdxl")


@pytest.mark.parametrize(
    "path",
    [
        "conv_in",
        "conv_out",
        "time_embedding.linear_1",
        "add_embedding.linear_1",
        "down_blocks.0.attentions.0.norm",
        "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.1",
        "down_blocks.0.resnets.0.norm1",
    ],
)
def test_the_first_convolution_and_norms_are_never_targets(path):
    assert not is_target("unet", path, conv=True)


def test_layers_carry_their_shapes(tiny_base):
    layers = model_layers(models_on_meta(read_configs(detect(tiny_base("sd15"))), "sd15"), "sd15")
    conv = layers["lora_unet_down_blocks_1_resnets_0_conv1"]
    assert conv.weight_shape == (32, 32, 3, 3)
    assert layers["lora_te_text_model_encoder_layers_0_mlp_fc1"].weight_shape == (256, 64)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["lora_te_text_model_encoder_layers_0_mlp_fc1"], "sd15"),
        (["lora_unet_mid_block_attentions_0_proj_in"], "sd15"),
        (["lora_te1_text_model_encoder_layers_0_mlp_fc1"], "sdxl"),
        (["lora_unet_middle_block_1_proj_in"], "sdxl"),
        (["lora_unet_middle_block_1_proj_in", "lora_te_text_model_encoder_layers_0_mlp_fc1"], None),
        (["something"], None),
    ],
)
def test_names_alone_tell_the_kind(names, kind):
    assert kind_of(names) == kind


def test_an_unknown_path_and_a_foreign_component_are_bugs():
    with pytest.raises(ValueError, match="no LDM name"):
        ldm_path("down_blocks.x")
    with pytest.raises(ValueError, match="no component"):
        kohya_name("te1", "encoder.layers.0.mlp.fc1", "sd15")


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_every_layer_of_the_real_models_has_a_known_form(kind):
    assert all(has_known_form(name, kind) for name in full_size_layers(kind))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lora_te_encoder_layers_0_mlp_fc1", "sd15"),
        ("lora_unet_conv_in", "sd15"),
        ("lora_unet_input_blocks_0_0", "sdxl"),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1", "sdxl"),
        ("lora_unet_down_blocks_0_attentions_0_norm", "sd15"),
    ],
)
def test_names_that_other_programs_drop_are_not_known(name, kind):
    assert not has_known_form(name, kind)
