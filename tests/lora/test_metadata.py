"""Metadata that A1111, Forge and ComfyUI understand, and no caption unless asked for."""

from __future__ import annotations

import hashlib
import json

import pytest

from wrapper.lora.metadata import base_model_facts, count_tags, training_metadata

SETTINGS = {
    "network_dim": 16,
    "network_alpha": 8.0,
    "steps": 400,
    "noise_offset": None,
    "cache_latents": True,
    "dataset_dirs": {"10_myface woman": {"n_repeats": 10, "img_count": 7}},
    "network_args": {"conv_dim": "4"},
}


def _metadata(kind="sd15", inpaint=False, **options):
    return training_metadata(kind, inpaint, "my lora", SETTINGS, resolution=(512, 768), **options)


def test_every_value_is_a_text_and_tables_are_json():
    told = _metadata()
    assert all(isinstance(value, str) for value in told.values())
    assert json.loads(told["ss_dataset_dirs"]) == SETTINGS["dataset_dirs"]
    assert (told["ss_network_alpha"], told["ss_noise_offset"], told["ss_cache_latents"]) == (
        "8.0",
        "None",
        "True",
    )
    assert told["ss_output_name"] == told["modelspec.title"] == "my lora"
    assert told["modelspec.resolution"] == "512x768"


@pytest.mark.parametrize("inpaint", [False, True])
@pytest.mark.parametrize(
    ("kind", "version", "architecture"),
    [
        ("sd15", "sd_v1", "stable-diffusion-v1/lora"),
        ("sdxl", "sdxl_base_v1-0", "stable-diffusion-xl-v1-base/lora"),
    ],
)
def test_the_keys_that_programs_tell_the_architecture_by(kind, version, architecture, inpaint):
    told = _metadata(kind, inpaint)
    assert told["ss_base_model_version"] == version
    assert told["ss_v2"] == "False"
    assert told["modelspec.architecture"] == architecture
    assert ("inpaint" in told.get("modelspec.tags", "")) == inpaint


def test_captions_get_in_only_when_asked_for():
    assert "tag_frequency" not in str(_metadata())
    frequency = {"10_myface woman": {"smiling": 2}}
    assert json.loads(_metadata(tag_frequency=frequency)["ss_tag_frequency"]) == frequency
    for leak in ("tag_frequency", "datasets"):
        with pytest.raises(ValueError, match="captions"):
            training_metadata("sd15", False, "x", {leak: {}}, resolution=(64, 64))


def test_tags_are_counted_by_folder():
    assert count_tags({"a": ["myface, smiling", "myface , ,hat"], "b": []}) == {
        "a": {"myface": 2, "smiling": 1, "hat": 1},
        "b": {},
    }


def test_a_base_in_a_file_is_named_with_its_hashes_and_a_folder_without(tmp_path):
    path = tmp_path / "модель.safetensors"
    path.write_bytes(bytes(range(256)) * 0x1200)
    data = path.read_bytes()
    assert base_model_facts(path) == {
        "sd_model_name": "модель.safetensors",
        "sd_model_hash": hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8],
        "new_sd_model_hash": hashlib.sha256(data).hexdigest(),
    }
    assert base_model_facts(tmp_path) == {"sd_model_name": tmp_path.name}
