"""An imported project trains as its source did, but for what the trail says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tomllib

from tests.kohya.imports.places import (
    BOUND,
    effective_of,
    effective_rendered,
    make_folders,
    make_masks,
    take_over,
)
from tests.kohya.real_parser import ask
from wrapper.kohya.imports.trail import NOWHERE

DATASET = """
[general]
resolution = 512
shuffle_caption = true
keep_tokens = 1
caption_extension = ".txt"
enable_bucket = true
bucket_reso_steps = 64
min_bucket_reso = 320
[[datasets]]
batch_size = 3
[[datasets.subsets]]
num_repeats = 10
image_dir = "img/10_ohwx woman"
class_tokens = "ohwx woman"
flip_aug = true
"""
PLACES = ("image_dir", "conditioning_data_dir", "subsets")
CASES: dict[str, tuple[str, str]] = {
    "sections": (
        """
        [additional_network_arguments]
        unet_lr = 1e-4
        text_encoder_lr = 5e-5
        network_module = "networks.lora"
        network_dim = 16
        network_alpha = 8
        network_args = ["conv_dim=4", "conv_alpha=1"]
        [optimizer_arguments]
        optimizer_type = "AdamW8bit"
        optimizer_args = ["weight_decay=0.1", "betas=0.9,0.99"]
        learning_rate = 1e-4
        lr_scheduler = "cosine_with_restarts"
        lr_scheduler_num_cycles = 3
        lr_warmup_steps = 20
        [training_arguments]
        output_dir = "/content/out"
        output_name = "face"
        save_every_n_epochs = 1
        train_batch_size = 2
        max_token_length = 225
        max_train_epochs = 10
        seed = 42
        mixed_precision = "fp16"
        dataset_config = "data.toml"
        """,
        DATASET,
    ),
    "flat, with folders": (
        """
        pretrained_model_name_or_path = "sd15.safetensors"
        train_data_dir = "img"
        reg_data_dir = "reg"
        caption_extension = ".txt"
        resolution = "512,512"
        network_module = "networks.lora"
        network_dim = 32
        learning_rate = 1e-4
        max_train_steps = 1500
        prior_loss_weight = 0.8
        min_snr_gamma = 5
        cache_latents = true
        xformers = true
        clip_skip = 2
        """,
        "",
    ),
    "nothing but the least": ('train_data_dir = "img"\nlearning_rate = 2e-5\n', ""),
    "sdxl": (
        """
        train_data_dir = "img"
        resolution = "1024,1024"
        network_module = "networks.lora"
        network_train_unet_only = true
        cache_text_encoder_outputs = true
        no_half_vae = true
        fp8_base = true
        learning_rate = 1e-4
        optimizer_type = "Adafactor"
        optimizer_args = ["scale_parameter=False", "relative_step=False", "warmup_init=False"]
        noise_offset = 0.05
        """,
        "",
    ),
    "wrong things": (
        """
        learning_rate = 1e-5
        learnig_rate = 3
        [a]
        learning_rate = 2e-4
        train_data_dir = "img"
        [a.deep]
        network_dim = 4
        """,
        "",
    ),
    "masks": (
        """
        network_module = "networks.lora"
        masked_loss = true
        max_train_steps = 800
        dataset_config = "data.toml"
        network_dropout = 0.1
        """,
        """
        [[datasets]]
        resolution = [512, 512]
        [[datasets.subsets]]
        image_dir = "img/10_ohwx woman"
        conditioning_data_dir = "masks"
        caption_extension = ".txt"
        num_repeats = 10
        """,
    ),
}


@pytest.fixture(params=CASES, ids=list(CASES))
def imported(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any], Any, Any]:
    """(source, the dataset file's tables, what was planned, what was rendered)."""
    root = make_folders(tmp_path / "чужое 'q' 🙂")
    make_masks(root)
    train, dataset = CASES[request.param]
    (root / "train.toml").write_text(train, encoding="utf-8")
    if dataset:
        (root / "data.toml").write_text(dataset, encoding="utf-8")
    planned, rendered = take_over(root / "train.toml", tmp_path / "project")
    return root / "train.toml", tomllib.loads(dataset), planned, rendered


def told(planned: Any) -> set[str]:
    """Keys that are nowhere, or of the project's own making, and that have no other place."""
    nowhere = {line.key for line in planned.trail.lines if line.place == NOWHERE}
    placed = {line.key for line in planned.trail.lines if line.place != NOWHERE}
    names = {key.rpartition(".")[2] for key in nowhere} | {key.partition(".")[0] for key in nowhere}
    return (names - placed) | {key.strip("()") for key in placed if key.startswith("(")}


def test_every_setting_is_the_same_but_for_what_the_trail_says(imported):
    source, dataset, planned, rendered = imported
    before = effective_of(tomllib.loads(source.read_text(encoding="utf-8")), dataset)
    after = effective_rendered(rendered)
    decided = {key for key, origin in rendered.origins.items() if origin == "project"}
    explained = told(planned) | BOUND | {"logging_dir"} | (decided - set(before))
    different = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    assert different - explained == set()


def test_every_key_of_the_source_has_a_line(imported):
    source, dataset, planned, _ = imported
    keys = {line.key for line in planned.trail.lines}
    for name, value in tomllib.loads(source.read_text(encoding="utf-8")).items():
        for key in value if isinstance(value, dict) else [name]:
            assert key in keys or f"{name}.{key}" in keys
    for table in (dataset.get("general", {}), *(dataset.get("datasets") or ())):
        assert set(table) - {"subsets"} <= keys | {"resolution", "caption_extension"}


@pytest.mark.sd_scripts
def test_sd_scripts_reads_both_alike(imported, tmp_path: Path):
    if not os.environ.get("LORAWRAP_SD_SCRIPTS") or not os.environ.get("LORAWRAP_SD_SCRIPTS_PYTHON"):
        pytest.skip("LORAWRAP_SD_SCRIPTS and LORAWRAP_SD_SCRIPTS_PYTHON do not name sd-scripts")
    source, dataset, planned, rendered = imported
    (tmp_path / "train.toml").write_text(rendered.train_toml, encoding="utf-8")
    (tmp_path / "data.toml").write_text(rendered.dataset_toml, encoding="utf-8")
    script = "sdxl_train_network" if planned.new.job == "face" else "train_network"
    kind = "dataset with masks" if rendered.stage == "stage_b" else "dataset"
    asked = [(script, source), (script, tmp_path / "train.toml"), (kind, tmp_path / "data.toml")]
    if dataset:
        asked.append((kind, source.parent / "data.toml"))
    before, after, read, *source_read = ask(asked)
    before = {**before, **merged(source_read[0] if source_read else {})}
    after = {**after, **merged(read)}
    different = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    assert different - (told(planned) | BOUND | {"logging_dir", *PLACES}) == set()


def merged(sanitized: dict[str, Any]) -> dict[str, Any]:
    """A sanitized dataset file's values for its first subset."""
    dataset = (sanitized.get("datasets") or [{}])[0]
    subset = (dataset.get("subsets") or [{}])[0]
    return {**sanitized.get("general", {}), **dataset, **subset}
