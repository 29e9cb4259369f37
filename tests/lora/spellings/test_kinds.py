"""Which base a LoRA is for, which program wrote it, and what a file is that is no LoRA of SD 1.5 or SDXL."""

from __future__ import annotations

import json
import re

import pytest

from wrapper.lora.spellings.recognise import recognise
from wrapper.safetensors_header import TensorSpec

PAIR = {"lora_A.weight": (4, 64), "lora_B.weight": (64, 4)}
FIRST_UP = "lora_unet_up_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
"""In SDXL, and in a small SD 1.5 of three levels, such as the demo's base."""
MIDDLE = "unet.mid_block.attentions.0.transformer_blocks.0"


def _specs(modules):
    return {
        f"{module}.{part}": TensorSpec("F16", shape, 0, 0)
        for module, parts in modules.items()
        for part, shape in parts.items()
    }


def _reads_text(width):
    return _specs({f"{MIDDLE}.attn2.to_k": {"lora_A.weight": (4, width), "lora_B.weight": (64, 4)}})


@pytest.mark.parametrize(
    ("specs", "metadata", "asked", "kind"),
    [
        (_reads_text(768), {}, None, "sd15"),
        (_reads_text(2048), {}, None, "sdxl"),
        (_reads_text(64), {"ss_base_model_version": "sdxl_base_v1-0"}, "sd15", "sdxl"),
        (_reads_text(64), {"modelspec.architecture": "stable-diffusion-v1/lora"}, None, "sd15"),
        (_reads_text(64), {}, "sdxl", "sdxl"),
        (_specs({"lora_te_text_model_encoder_layers_0_mlp_fc1": PAIR}), {}, "sdxl", "sd15"),
        (_specs({"lora_te1_text_model_encoder_layers_0_mlp_fc1": PAIR}), {}, None, "sdxl"),
        (_specs({"text_encoder_2.text_model.encoder.layers.0.mlp.fc1": PAIR}), {}, None, "sdxl"),
        (_specs({"lora_unet_middle_block_1_proj_in": PAIR}), {}, None, "sdxl"),
        (_specs({"lora_unet_mid_block_attentions_0_proj_in": PAIR}), {}, None, "sd15"),
        (_specs({"unet.down_blocks.0.attentions.0.proj_in": PAIR}), {}, "sdxl", "sd15"),
        (_specs({FIRST_UP: PAIR}), {}, None, "sdxl"),
        (_specs({FIRST_UP: PAIR}), {}, "sd15", "sd15"),
        (_specs({FIRST_UP: PAIR}), {"ss_base_model_version": "sd_v1"}, None, "sd15"),
        (_specs({FIRST_UP: PAIR, "lora_te_text_model_encoder_layers_0_mlp_fc1": PAIR}), {}, None, "sd15"),
    ],
)
def test_the_kind_by_layers_widths_metadata_and_names(specs, metadata, asked, kind):
    assert recognise(specs, metadata, kind=asked).kind == kind


@pytest.mark.parametrize(
    ("specs", "metadata", "says"),
    [
        (_reads_text(1024), {}, "is a LoRA for SD 2, not"),
        (_reads_text(1280), {}, "is a LoRA for the SDXL refiner, not"),
        (_reads_text(64), {"ss_v2": "True"}, "is a LoRA for SD 2, not"),
        (_reads_text(64), {"modelspec.architecture": "flux-1-dev/lora"}, "is a LoRA for FLUX, not"),
        (_reads_text(64), {}, "does not tell whether it is for SD 1.5 or SDXL"),
        (
            _specs({f"{MIDDLE}.attn1.to_q": PAIR, "unet.up_blocks.3.attentions.0.proj_in": PAIR})
            | _specs({"text_encoder_2.encoder.layers.0.mlp.fc1": PAIR}),
            {},
            "has layers of SD 1.5 and of SDXL",
        ),
        (_specs({"lora_unet_double_blocks_0_img_attn_proj": PAIR}), {}, "is a LoRA for FLUX"),
        (_specs({"transformer.single_transformer_blocks.0.attn.to_q": PAIR}), {}, "is a LoRA for FLUX"),
        (
            _specs({"lora_transformer_single_transformer_blocks_0_attn_to_q": PAIR}),
            {},
            "is a LoRA for FLUX",
        ),
        (_specs({"lora_unet_joint_blocks_0_x_block_attn_qkv": PAIR}), {}, "is a LoRA for Stable Diffusion 3"),
        (
            _specs({"transformer.transformer_blocks.0.attn.add_k_proj": PAIR}),
            {},
            "is a LoRA for Stable Diffusion 3",
        ),
        (
            _specs({"down_blocks.0.motion_modules.0.temporal_transformer.proj_in": PAIR}),
            {},
            "is a LoRA for AnimateDiff",
        ),
        (_specs({"diffusion_model.blocks.0.cross_attn.k": PAIR}), {}, "is a LoRA for Wan"),
        (_specs({"transformer.transformer_blocks.0.img_mlp.net.2": PAIR}), {}, "is a LoRA for Qwen-Image"),
        (_specs({"lora_prior_unet_down_blocks_0_0_channelwise_0": PAIR}), {}, "is a LoRA for Stable Cascade"),
        (
            _specs({"base_model.model.model.layers.0.self_attn.q_proj": PAIR}),
            {},
            "is a LoRA for a language model",
        ),
        (
            _specs({"transformer.blobs.0.to_q": PAIR}),
            {},
            r"is a LoRA for another model \(it changes 'transformer\.blobs\.0\.to_q'\), not",
        ),
        (_specs({"lllite_unet_input_blocks_4_1_x": {"down.0.weight": (4, 4)}}), {}, "is a ControlNet-LLLite"),
        (_specs({"string_to_param": {"*": (1, 768)}}), {}, "is an embedding"),
        ({"emb_params": TensorSpec("F16", (1, 768), 0, 0)}, {}, "is an embedding"),
        (_specs({"control_model.input_blocks.0.0": {"weight": (4, 4)}}), {}, "is a ControlNet, not"),
        (_specs({"image_proj.proj": {"weight": (4, 4)}}), {}, "is an IP-Adapter"),
        (
            _specs({"model.diffusion_model.input_blocks.0.0": {"weight": (4, 4)}}),
            {},
            "is a whole checkpoint, not a LoRA",
        ),
        (_specs({"double_blocks.0.img_attn.norm.key_norm": {"scale": (4,)}}), {}, "is no LoRA that is known"),
        (_specs({"down_blocks.0.resnets.0.conv1": {"weight": (4, 4)}}), {}, "holds a U-Net's own weights"),
        (_specs({"decoder.conv_norm_out": {"weight": (4,)}}), {}, "is a VAE"),
        (_specs({"text_model.embeddings.token_embedding": {"weight": (4, 4)}}), {}, "is a text encoder"),
        ({"unet:0:up": TensorSpec("F16", (4, 4), 0, 0)}, {}, "is a LoRA in cloneofsimo's old form"),
        (
            {"z": TensorSpec("F16", (4, 4), 0, 0)},
            {},
            r"is no LoRA that is known here \(its first tensor is 'z'\)",
        ),
        ({}, {}, "has no tensors"),
    ],
)
def test_what_is_no_lora_of_these_bases_is_named(specs, metadata, says):
    refused = recognise(specs, metadata).refused
    assert re.search(says, refused.what)
    assert refused.hint


def test_a_module_in_two_spellings_is_named():
    both = _specs(
        {
            "lora_unet_up_blocks_3_attentions_0_proj_in": {
                "lora_down.weight": (4, 64),
                "lora_up.weight": (64, 4),
            }
        }
    )
    both |= _specs({"unet.up_blocks.3.attentions.0.proj_in": PAIR})
    found = recognise(both, {})
    first = "lora_unet_up_blocks_3_attentions_0_proj_in.lora_down.weight"
    assert found.inexact["unet.up_blocks.3.attentions.0.proj_in.lora_A.weight"] == (
        f"stands in the file twice, as '{first}' too"
    )


@pytest.mark.parametrize(
    ("metadata", "title"),
    [
        ({}, "Kohya"),
        ({"ot_branch": "master", "ot_revision": "1a2b"}, "OneTrainer (Kohya)"),
        ({"software": json.dumps({"name": "ai-toolkit", "version": "0.1"})}, "ai-toolkit (Kohya)"),
        ({"software": "not JSON"}, "Kohya"),
        ({"software": "[]"}, "Kohya"),
        ({"ss_network_module": "lycoris.kohya"}, "LyCORIS LoCon"),
    ],
)
def test_the_metadata_name_the_program(metadata, title):
    specs = _specs(
        {
            "lora_unet_up_blocks_3_attentions_0_proj_in": {
                "lora_down.weight": (4, 64),
                "lora_up.weight": (64, 4),
            }
        }
    )
    assert recognise(specs, metadata).spelling == title


@pytest.mark.parametrize(
    ("part", "title"),
    [("hada_w1_a", "LyCORIS LoHa"), ("lokr_w1", "LyCORIS LoKr"), ("lora_mid.weight", "LyCORIS LoCon")],
)
def test_the_parts_name_lycoris_forms(part, title):
    specs = _specs({"lora_unet_up_blocks_3_resnets_0_conv1": {part: (4, 4)}})
    assert recognise(specs, {}).spelling == title
