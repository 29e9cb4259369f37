"""kohya_ss presets → Kohya's keys, as the GUI itself would hand them to sd-scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.errors import UserError
from tests.kohya.imports.places import effective_rendered, make_folders, take_over
from wrapper.kohya.imports.gui import planned_steps, to_kohya
from wrapper.kohya.imports.trail import NOWHERE, OFF, Trail

LEAST = {"LoRA_type": "Standard"}


def kohya(**preset: Any) -> dict[str, Any]:
    made, _ = to_kohya({**LEAST, **preset}, Trail())
    return {key: value for key, value in made.items() if key != "network_module"}


@pytest.mark.parametrize(
    ("preset", "made"),
    [
        ({"optimizer": "AdamW8bit"}, {"optimizer_type": "AdamW8bit"}),
        (
            {"optimizer_args": 'weight_decay=0.1 "betas=0.9,0.99"'},
            {"optimizer_args": ["weight_decay=0.1", "betas=0.9,0.99"]},
        ),
        ({"optimizer_args": ""}, {}),
        ({"max_resolution": "768,768"}, {"resolution": "768,768"}),
        ({"xformers": "xformers"}, {"xformers": True}),
        ({"xformers": True}, {"xformers": True}),
        ({"xformers": "sdpa"}, {"sdpa": True}),
        ({"xformers": "none"}, {}),
        ({"lr_warmup": 10}, {"lr_warmup_steps": 0.1}),
        ({"lr_warmup": "10", "lr_warmup_steps": 50}, {"lr_warmup_steps": 50}),
        ({"lr_warmup": 0}, {}),
        ({"min_snr_gamma": 0}, {}),
        ({"min_snr_gamma": 5}, {"min_snr_gamma": 5}),
        ({"noise_offset": 0.05, "noise_offset_type": "Original"}, {"noise_offset": 0.05}),
        ({"noise_offset": 0.05, "noise_offset_type": "Multires"}, {}),
        (
            {"multires_noise_iterations": 6, "multires_noise_discount": 0.3, "noise_offset_type": "Multires"},
            {"multires_noise_iterations": 6, "multires_noise_discount": 0.3},
        ),
        ({"multires_noise_iterations": 6, "noise_offset_type": "Original"}, {}),
        ({"text_encoder_lr": "5e-5", "unet_lr": 1e-4}, {"text_encoder_lr": 5e-5, "unet_lr": 1e-4}),
        ({"text_encoder_lr": 0.0, "unet_lr": 1e-4}, {"unet_lr": 1e-4, "network_train_unet_only": True}),
        (
            {"text_encoder_lr": 5e-5, "unet_lr": 0},
            {"text_encoder_lr": 5e-5, "network_train_text_encoder_only": True},
        ),
        ({"text_encoder_lr": 0, "unet_lr": 0, "learning_rate": "0.0001"}, {"learning_rate": "0.0001"}),
        ({"clip_skip": "2", "sdxl": False}, {"clip_skip": "2"}),
        ({"clip_skip": "2", "sdxl": True}, {}),
        ({"sdxl_no_half_vae": True, "sdxl": True}, {"no_half_vae": True}),
        ({"sdxl_no_half_vae": True, "sdxl": False}, {}),
        ({"sdxl_cache_text_encoder_outputs": True, "sdxl": True}, {"cache_text_encoder_outputs": True}),
        ({"max_token_length": "75"}, {}),
        ({"max_token_length": "225"}, {"max_token_length": "225"}),
        ({"max_data_loader_n_workers": "0"}, {"max_data_loader_n_workers": "0"}),
        ({"use_wandb": True}, {"log_with": "wandb"}),
        ({"lora_network_weights": "a.safetensors"}, {"network_weights": "a.safetensors"}),
        ({"keep_tokens": "0", "seed": "", "save_every_n_steps": 0, "full_fp16": False}, {}),
        ({"stop_text_encoder_training": 30, "num_processes": 1}, {}),
        (
            {"additional_parameters": "--flip_aug --huber_c=0.2 --network_args a=1 b=2"},
            {"flip_aug": True, "huber_c": "0.2", "network_args": ["a=1", "b=2"]},
        ),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_each_key_means_what_the_gui_makes_of_it(preset: dict[str, Any], made: dict[str, Any]):
    assert kohya(**preset) == made


@pytest.mark.parametrize(
    ("preset", "module", "args"),
    [
        ({"LoRA_type": "Standard", "conv_dim": 8}, "networks.lora", None),
        ({"LoRA_type": "Standard", "rank_dropout": 0.1}, "networks.lora", ["rank_dropout=0.1"]),
        (
            {"LoRA_type": "Kohya LoCon", "conv_dim": 8, "conv_alpha": 4},
            "networks.lora",
            ["conv_dim=8", "conv_alpha=4"],
        ),
        ({"LoRA_type": "LoRA-FA"}, "networks.lora_fa", None),
        (
            {"LoRA_type": "Kohya DyLoRA", "conv_dim": 1, "unit": 4},
            "networks.dylora",
            ["conv_dim=1", "unit=4"],
        ),
        (
            {"LoRA_type": "LyCORIS/LoHa", "LyCORIS_preset": "attn-mlp", "conv_dim": 4, "use_tucker": False},
            "lycoris.kohya",
            ["preset=attn-mlp", "algo=loha", "conv_dim=4", "use_tucker=False"],
        ),
        (
            {"LoRA_type": "LoCon", "conv_dim": 4},
            "lycoris.kohya",
            ["preset=full", "algo=locon", "conv_dim=4"],
        ),
        ({"network_dim": 8, "loraplus_lr_ratio": 16}, "networks.lora", ["loraplus_lr_ratio=16"]),
    ],
)
def test_the_type_of_lora_is_a_module_and_its_arguments(preset: dict[str, Any], module: str, args: Any):
    made, _ = to_kohya(preset, Trail())
    assert (made["network_module"], made.get("network_args")) == (module, args)


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ({"LoRA_type": "Flux1"}, "is not for SD 1.5 or SDXL"),
        ({**LEAST, "flux1_checkbox": True}, "is for flux1 models"),
        ({"a.jpg": {"tags": "x"}}, "is no LoRA preset of kohya_ss"),
        ({"LoRA_type": "LyCORIS/LoHaa"}, "Did you mean 'LyCORIS/LoHa'?"),
    ],
)
def test_what_cannot_be_trained_here_is_refused(preset: dict[str, Any], said: str):
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        to_kohya(preset, Trail())


def test_steps_are_worked_out_as_the_gui_does():
    """40 images × 12 repeats / batch 4 × 3 epochs, doubled by class images."""
    preset = {"train_batch_size": 4, "gradient_accumulation_steps": "1.0", "epoch": "3"}
    assert planned_steps(preset, 480, False) == 360
    assert planned_steps(preset, 480, True) == 720


def test_a_whole_preset_becomes_a_project_and_every_key_has_a_line(tmp_path: Path):
    root = make_folders(tmp_path / "it's чужое")
    preset = {
        "LoRA_type": "Standard",
        "pretrained_model_name_or_path": "C:/models/sd15.safetensors",
        "train_data_dir": str(root / "img"),
        "reg_data_dir": "reg",
        "output_name": "face",
        "output_dir": "D:/out",
        "max_resolution": "512,512",
        "learning_rate": "0.0001",
        "text_encoder_lr": "5e-05",
        "unet_lr": "0.0001",
        "lr_scheduler": "cosine",
        "lr_warmup": "10",
        "network_dim": 32,
        "network_alpha": 16,
        "train_batch_size": 2,
        "epoch": "2",
        "max_train_steps": "",
        "optimizer": "AdamW8bit",
        "optimizer_args": "",
        "caption_extension": ".txt",
        "seed": "1234",
        "clip_skip": "1",
        "min_snr_gamma": 0,
        "sample_prompts": "ohwx woman --w 512\nohwx woman, smiling",
        "sample_every_n_epochs": 1,
        "model_list": "custom",
        "wandb_api_key": "hush-hush",
        "stop_text_encoder_training": 0,
        "unknown_thing": "x",
    }
    (root / "preset.json").write_text(json.dumps(preset), encoding="utf-8")
    planned, rendered = take_over(root / "preset.json", tmp_path / "new")
    values = effective_rendered(rendered)
    assert values["max_train_steps"] == (4 * 10 + 2 * 3) * 2
    assert values["lr_warmup_steps"] == 0.1
    assert values["learning_rate"] == 0.0001
    assert values["sample_prompts"] == str(tmp_path / "new" / "sample_prompts.txt")
    assert (tmp_path / "new" / "sample_prompts.txt").read_text(encoding="utf-8").count("\n") == 2
    lines = {line.key: line for line in planned.trail.lines}
    assert set(preset) <= {key for name in lines for key in name.split(", ")}
    assert lines["min_snr_gamma"].why == OFF
    assert lines["unknown_thing"].place == NOWHERE
    assert lines["epoch"].why == "as kohya_ss works it out"
    assert "hush-hush" not in planned.trail.table()
    assert "hush-hush" not in (tmp_path / "new" / "lorawrap.toml").read_text(encoding="utf-8")
