"""Bases, VAEs and LoRAs: what sd-scripts v0.10.1 would load of them, told from headers alone."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kohya.projects import make_base
from wrapper.kohya.checks.models import check_models
from wrapper.kohya.located import Located
from wrapper.kohya.report import Findings

BASE = "pretrained_model_name_or_path"
UNET = "model.diffusion_model."
SD15 = {
    f"{UNET}input_blocks.0.0.weight": (320, 4, 1, 1),
    "first_stage_model.encoder.down.0.x": (1,),
    "cond_stage_model.transformer.text_model.x": (1,),
}
SD2 = SD15 | {"cond_stage_model.model.x": (1,)}
SDXL = {
    f"{UNET}input_blocks.0.0.weight": (320, 4, 1, 1),
    f"{UNET}label_emb.0.0.weight": (1,),
    "first_stage_model.x": (1,),
    "conditioner.embedders.1.model.x": (1,),
}
REFINER = {f"{UNET}input_blocks.0.0.weight": (384, 4, 1, 1), "conditioner.embedders.0.model.x": (1,)}
NINE = SD15 | {f"{UNET}input_blocks.0.0.weight": (320, 9, 1, 1)}
MODULE = "lora_unet_down_blocks_0_attentions_0_proj_in"
TEXT_MODULE = "lora_te_text_model_encoder_layers_0_mlp_fc1"


def write(path: Path, shapes: Mapping[str, tuple[int, ...]], value: float = 0.0) -> Path:
    """A whole .safetensors file of float32."""
    header: dict[str, Any] = {}
    data = b""
    for name, shape in shapes.items():
        count = 1
        for side in shape:
            count *= side
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * count]}
        data += struct.pack(f"<{count}f", *([value] * count))
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def lora(rank: int = 4, module: str = MODULE) -> dict[str, tuple[int, ...]]:
    return {
        f"{module}.alpha": (),
        f"{module}.lora_down.weight": (rank, 3),
        f"{module}.lora_up.weight": (3, rank),
    }


def found(values: dict[str, Any], script: str = "train_network") -> tuple[list[str], list[str]]:
    """Errors and warnings for sd-scripts."""
    findings = Findings()
    values = {"network_module": "networks.lora"} | values
    check_models(Located(Path("t.toml"), {}, {}), values, script, "sd-scripts", findings)
    return [str(one) for one in findings.errors], [str(one) for one in findings.warnings]


def judged(values: dict[str, Any], script: str, error: str, warning: str = "") -> None:
    for sentences, wanted in zip(found(values, script), (error, warning), strict=True):
        assert len(sentences) == bool(wanted), sentences
        assert wanted in "".join(sentences)


SD, XL, INPAINT = "train_network", "sdxl_train_network", "train_network_inpaint"
BASES = {
    "SD 1.5": (SD15, {}, SD, "", ""),
    "SD 1.5 to SDXL": (SD15, {}, XL, "is an SD 1.5 base, which sdxl_train_network.py does not train.", ""),
    "SD 1.5 as SD 2": (SD15, {"v2": True}, SD, "but v2 = true.", ""),
    "SD 2": (SD2, {"v2": True}, SD, "", ""),
    "SD 2 as SD 1.5": (SD2, {}, SD, "is an SD 2 base. Set v2 = true.", ""),
    "SDXL": (SDXL, {}, XL, "", ""),
    "SDXL to SD": (SDXL, {}, SD, "is an SDXL base, which train_network.py does not train.", ""),
    "refiner": (REFINER, {}, XL, "is an SDXL refiner base", ""),
    "inpainting base": (NINE, {}, SD, "is an inpainting base.", ""),
    "inpainting base to inpaint": (NINE, {}, INPAINT, "", ""),
    "SD 1.5 to inpaint": (SD15, {}, INPAINT, "", "its first layer is widened with zeros."),
    "SD 2 to inpaint": (SD2, {}, INPAINT, "does not train", ""),
    "without a VAE": ({k: v for k, v in SD15.items() if "first" not in k}, {}, SD, "has no VAE in it", ""),
    "a LoRA": (lora(), {}, SD, "is a LoRA", ""),
}


@pytest.mark.parametrize(("shapes", "values", "script", "error", "warning"), BASES.values(), ids=BASES)
def test_a_single_file_is_recognised(tmp_path, shapes, values, script, error, warning):
    path = write(tmp_path / "основа 1.safetensors", shapes)
    judged({BASE: str(path)} | values, script, error, warning)


NAMES = {
    "of the hub": ("org/a-model", "", "sd-scripts will ask Hugging Face for it."),
    "of a file": ("model.safetensors", "there is no base model model.safetensors.", ""),
    "of a file in a folder": ("models/x.safetensors", "there is no base model", ""),
    "of a folder": ("/no/such/folder", "there is no base model", ""),
    "of Windows": (r"C:\models\x", "there is no base model", ""),
    "without a slash": ("a-model", "there is no base model", ""),
}


@pytest.mark.parametrize(("name", "error", "warning"), NAMES.values(), ids=NAMES)
def test_a_name_that_is_not_here(name, error, warning):
    judged({BASE: name}, SD, error, warning)


def test_a_diffusers_folder_is_recognised(tmp_path):
    judged({BASE: str(make_base(tmp_path / "a", 4))}, SD, "")
    judged({BASE: str(make_base(tmp_path / "b", 4, "StableDiffusionXLPipeline"))}, SD, "is an SDXL base")
    second = make_base(tmp_path / "c", 4)
    (second / "unet" / "config.json").write_text('{"cross_attention_dim": 1024, "in_channels": 4}')
    judged({BASE: str(second)}, SD, "is an SD 2 base.")
    judged({BASE: str(second), "v2": True}, SD, "")
    judged({BASE: str(tmp_path)}, SD, "is not a diffusers folder")


def test_files_that_are_not_looked_into_or_cannot_be_loaded(tmp_path):
    pickle = tmp_path / "model.ckpt"
    pickle.write_bytes(b"PK\3\4" + bytes(20))
    judged({BASE: str(pickle)}, SD, "", "is not looked into: a pickled checkpoint can run code")
    judged({BASE: str(write(tmp_path / "blob", SD15))}, SD, "is a .safetensors file by another name")
    cut = write(tmp_path / "cut.safetensors", SD15)
    cut.write_bytes(cut.read_bytes()[:-4])
    judged({BASE: str(cut)}, SD, "is not a whole .safetensors file")


def test_links_are_followed_as_sd_scripts_follows_them(tmp_path, monkeypatch):
    """A hub's cache has relative links to files without a suffix."""
    write(tmp_path / "blob", SDXL)
    write(tmp_path / "whole.safetensors", SDXL)
    (tmp_path / "snapshot").mkdir()
    link = tmp_path / "snapshot" / "model.safetensors"
    link.symlink_to("../whole.safetensors")
    judged({BASE: str(link)}, SD, "is an SDXL base")
    judged({BASE: str(link)}, XL, "there is no base model")
    monkeypatch.chdir(tmp_path / "snapshot")
    judged({BASE: str(link)}, XL, "")
    link.unlink()
    link.symlink_to(tmp_path / "blob")
    judged({BASE: str(link)}, XL, "is a .safetensors file by another name")


VAES = {
    "LDM": ({"encoder.down.0.block.0.conv1.weight": (1,)}, ""),
    "in a checkpoint": ({"first_stage_model.decoder.up.0.x": (1,)}, ""),
    "diffusers": ({"encoder.down_blocks.0.x": (1,)}, "give its folder, with config.json."),
    "something else": ({"x": (1,)}, "has no VAE that sd-scripts can load."),
}


@pytest.mark.parametrize(("shapes", "sentence"), VAES.values(), ids=VAES)
def test_a_vae_is_recognised(tmp_path, shapes, sentence):
    judged({"vae": str(write(tmp_path / "vae.safetensors", shapes))}, SD, sentence)


def test_a_vae_elsewhere(tmp_path):
    judged({"vae": str(tmp_path)}, SD, "is no diffusers folder")
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "config.json").write_text("{}")
    judged({"vae": str(tmp_path)}, SD, "")
    judged({"vae": "stabilityai/sd-vae-ft-mse"}, SD, "", "will ask Hugging Face")
    judged({"vae": "vae.pt"}, SD, "there is no VAE vae.pt.")


CONV = "lora_unet_down_blocks_0_resnets_0_conv1"
LOCON = lora() | {
    f"{CONV}.alpha": (),
    f"{CONV}.lora_down.weight": (8, 3, 3, 3),
    f"{CONV}.lora_up.weight": (3, 8, 1, 1),
}
LORAS = {
    "fits": (lora(), {}, SD, "", ""),
    "another rank": (lora(8), {}, SD, "has rank 8, but network_dim is 4.", ""),
    "its own rank": (lora(8), {"network_dim": 8}, SD, "", ""),
    "its own rank from it": (lora(8), {"dim_from_weights": True}, SD, "", ""),
    "another alpha": (lora(), {"network_alpha": 2}, SD, "has alpha 1, network_alpha is 2", ""),
    "with convolutions": (LOCON, {"network_args": ["conv_dim=8"]}, SD, "", ""),
    "with convolutions of another rank": (
        LOCON,
        {"network_args": ["conv_dim=4", "conv_alpha=1"]},
        SD,
        "has rank 8, but conv_dim is 4.",
        "",
    ),
    "with convolutions of another alpha": (
        LOCON,
        {"network_args": ["conv_dim=8", "conv_alpha=4"]},
        SD,
        "has alpha 1, conv_alpha is 4",
        "",
    ),
    "with convolutions that get none": (LOCON, {}, SD, "which are not loaded without conv_dim.", ""),
    "of ranks by block": (
        lora(8),
        {"network_args": ["block_dims=" + ",".join(["8"] * 25)]},
        SD,
        "",
        "block by block are not compared with x.safetensors",
    ),
    "of another base": (lora(), {}, XL, "nothing of x.safetensors is loaded", ""),
    "of another program": (
        {"unet.x.lora_A.weight": (4, 3)},
        {},
        SD,
        "nothing of x.safetensors is loaded",
        "",
    ),
    "of which a part fits": (
        lora() | {f"{MODULE}.dora_scale": (1,)},
        {},
        SD,
        "1 of 4 tensors of x.safetensors are not loaded",
        "",
    ),
    "of which a part is left out": (
        lora() | lora(module=TEXT_MODULE),
        {"network_train_unet_only": True},
        SD,
        "",
        "the text encoder part of x.safetensors is left out",
    ),
    "of LyCORIS": ({"x.hada_w1_a": (1,)}, {"network_module": "lycoris.kohya"}, SD, "", ""),
}


@pytest.mark.parametrize(("shapes", "values", "script", "error", "warning"), LORAS.values(), ids=LORAS)
def test_a_lora_to_start_from_has_to_fit(tmp_path, shapes, values, script, error, warning):
    path = write(tmp_path / "x.safetensors", shapes, value=1.0)
    judged({"network_weights": str(path), "network_dim": 4} | values, script, error, warning)


def test_loras_to_merge_have_to_be_of_the_base(tmp_path):
    one = write(tmp_path / "x.safetensors", lora(8), value=1.0)
    judged({"base_weights": [str(one)]}, SD, "")
    judged({"base_weights": [str(one)]}, XL, "'base_weights': nothing of x.safetensors is loaded")
    judged(
        {"base_weights": [str(one), "gone.safetensors"]}, SD, "'base_weights': there is no gone.safetensors."
    )


def test_other_files(tmp_path):
    judged({"resume": str(tmp_path / "none")}, SD, "'resume': there is no")
    judged({"resume": "me/state", "resume_from_huggingface": True}, SD, "")
    prompts = tmp_path / "prompts.md"
    prompts.write_text("a person")
    judged({"sample_prompts": str(prompts)}, SD, "")
    judged({"sample_prompts": str(prompts), "sample_every_n_epochs": 1}, SD, "so sampling fails.")
    named = prompts.rename(tmp_path / "prompts.txt")
    judged({"sample_prompts": str(named), "sample_every_n_epochs": 1}, SD, "")
