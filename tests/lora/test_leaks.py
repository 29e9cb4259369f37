"""What tells of a LoRA's maker is found wherever trainers put it, and taken out without breaking a loader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wrapper.lora.leaks import TOPICS, gone, leaks, without
from wrapper.lora.private_paths import without_paths

FOLDER, TAG = "10_annasmith woman", "annasmith on the beach"
BUCKETS = {"buckets": {"0": {"resolution": [512, 512], "count": 7}}, "mean_img_ar_error": 0.0}
METADATA: dict[str, Any] = {
    "ss_tag_frequency": {FOLDER: {TAG: 3}},
    "ss_dataset_dirs": {FOLDER: {"n_repeats": 10, "img_count": 7}},
    "ss_reg_dataset_dirs": {},
    "ss_bucket_info": BUCKETS,
    "ss_datasets": [
        {
            "resolution": [512, 512],
            "tag_frequency": {FOLDER: {TAG: 3}},
            "bucket_info": BUCKETS,
            "subsets": [
                {
                    "image_dir": FOLDER,
                    "class_tokens": "annasmith woman",
                    "caption_prefix": None,
                    "img_count": 7,
                },
                {"metadata_file": "annasmith.json", "caption_suffix": "by annasmith", "keep_tokens": 1},
            ],
        }
    ],
    "ss_sd_model_name": "/home/annasmith/models/dreamshaper-8",
    "ss_vae_name": "C:\\Users\\annasmith\\vae.pt",
    "ss_network_args": {"conv_dim": "4", "network_weights": "/home/annasmith/old.safetensors"},
    "ss_training_comment": "annasmith, second try",
    "ss_caption_dropout_rate": "0.1",
    "ss_shuffle_caption": "True",
    "ss_sample_prompts": "annasmith at home",
    "ss_base_model_version": "sd_v1",
    "ss_network_dim": "16",
    "ss_v2": "False",
    "ss_session_id": "1234",
    "ot_config": {
        "workspace_dir": "workspace/annasmith",
        "concepts": [{"path": "D:/annasmith", "seed": 3}],
        "samples": [{"prompt": TAG, "height": 512}],
    },
    "prompt": {"1": {"inputs": {"text": TAG}}},
    "workflow": {"nodes": [TAG]},
    "lora_adapter_metadata": {"unet.lora_alpha": 4, "unet.base_model_name_or_path": "/home/annasmith/base"},
    "modelspec.thumbnail": "data:image/jpeg;base64,/9j/4AAQSkZJRg/annasmith",
    "modelspec.trigger_phrase": "a woman",
    "modelspec.architecture": "stable-diffusion-v1/lora",
    "sshs_model_hash": "ab" * 32,
}


def told() -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in METADATA.items()}


def test_nothing_of_the_person_is_left_and_what_loaders_need_is():
    kept = without(told(), ["captions", "paths", "notes", "pictures"])
    assert "annasmith" not in json.dumps(kept)
    assert "beach" not in json.dumps(kept)
    assert leaks(kept) == []
    untouched = (
        *("ss_bucket_info", "ss_reg_dataset_dirs", "ss_caption_dropout_rate", "ss_shuffle_caption", "ss_v2"),
        *("ss_base_model_version", "modelspec.architecture", "modelspec.trigger_phrase", "sshs_model_hash"),
    )
    assert {key: kept[key] for key in untouched} == {key: told()[key] for key in untouched}


def test_counts_and_settings_stay_beside_what_goes():
    kept = without(told(), ["captions", "paths"])
    assert json.loads(kept["ss_dataset_dirs"]) == {"folder 1": {"n_repeats": 10, "img_count": 7}}
    first, second = json.loads(kept["ss_datasets"])[0]["subsets"]
    assert first == {"image_dir": "folder 1", "caption_prefix": None, "img_count": 7}
    assert second == {"metadata_file": "folder 2", "keep_tokens": 1}
    assert json.loads(kept["ss_datasets"])[0]["bucket_info"] == BUCKETS
    assert json.loads(kept["lora_adapter_metadata"])["unet.lora_alpha"] == 4
    assert json.loads(kept["ss_network_args"]) == {"conv_dim": "4", "network_weights": "old.safetensors"}
    assert (kept["ss_sd_model_name"], kept["ss_vae_name"]) == ("dreamshaper-8", "vae.pt")
    assert json.loads(kept["ot_config"])["samples"] == [{"height": 512}]


def test_captions_alone_leave_the_folders_and_paths_alone_leave_the_captions():
    assert FOLDER in without(told(), ["captions"])["ss_dataset_dirs"]
    assert json.loads(without(told(), ["paths"])["ss_tag_frequency"]) == {"folder 1": {TAG: 3}}


def test_all_leaves_what_programs_need_and_what_is_written_for_readers():
    assert set(without(told(), ["all"])) == {
        *("ss_base_model_version", "ss_network_args", "ss_network_dim", "ss_v2", "lora_adapter_metadata"),
        *("modelspec.architecture", "modelspec.trigger_phrase", "sshs_model_hash"),
    }


@pytest.mark.parametrize("topic", TOPICS)
def test_stripping_twice_is_stripping_once(topic: str):
    once = without(told(), [topic])
    assert without(once, [topic]) == once


def test_each_leak_is_told_with_its_topic():
    found = {(leak.topic, leak.key) for leak in leaks(told())}
    assert {key for topic, key in found if topic == "captions"} == {
        *("ss_tag_frequency", "ss_datasets", "ss_sample_prompts", "ot_config", "prompt", "workflow")
    }
    assert {key for topic, key in found if topic == "notes"} == {"ss_training_comment"}
    assert {key for topic, key in found if topic == "pictures"} == {"modelspec.thumbnail"}
    assert ("paths", "ss_vae_name") in found


@pytest.mark.parametrize("value", ["{broken", "[" * 50_000, '{"a": NaN}', "", "{}", "42"])
def test_values_that_are_no_json_do_no_harm(value: str):
    metadata = {"ss_datasets": value, "other": value}
    assert without(metadata, ["paths"]) == metadata
    assert "other" in without(metadata, ["captions"])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/anna/my models/base 1.safetensors", "base 1.safetensors"),
        ("models/anna/x.ckpt", "x.ckpt"),
        ("see /home/anna/my pics/x.png and more", "see (path) and more"),
        ("--config=/content/drive/MyDrive/anna.toml, next", "--config=(path), next"),
        ("\\\\nas\\anna pictures\\a.png", "(path)"),
        ("C:\\Users\\Анна\\фото", "(path)"),
        ("../anna/pictures", "(path)"),
        ("file:///home/anna/x.png", "(path)"),
        ("~/loras/anna", "(path)"),
    ],
)
def test_paths_go_and_the_names_of_weights_stay(text: str, left: str):
    assert without_paths(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "runwayml/stable-diffusion-v1-5",
        "https://example.com/a/b.html",
        "https://huggingface.co/x/y.safetensors",
        "12/05/2023 and/or 3 / 4 / 5",
        "a pattern (.*\\.)?to_q$",
        "bitsandbytes.optim.adamw.AdamW8bit(weight_decay=0.1)",
    ],
)
def test_what_is_no_path_stays(text: str):
    assert without_paths(text) == text


def test_what_went_of_a_json_value_is_told():
    before = told()["ss_dataset_dirs"]
    assert gone(before, without(told(), ["paths"])["ss_dataset_dirs"]) == [FOLDER]
    assert gone("a text", "another") == []
