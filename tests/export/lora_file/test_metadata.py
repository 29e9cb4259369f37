"""Metadata of an exported file: complete for the loaders, harmless for everyone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.loras import plain_layers, save, tensors
from wrapper.export.lora_file.metadata import file_metadata, private_note
from wrapper.export.source import Source, read_source
from wrapper.export.wish import Wish

LAYERS = dict(list(plain_layers("sd15").items())[:4])


def written(metadata: dict[str, str], tmp_path: Path) -> dict[str, str]:
    made = tensors(LAYERS, rank=4, alpha=2.0)
    source = read_source(save(tmp_path / "x.safetensors", made, metadata))
    return file_metadata(Wish(source.path, "ear", trigger="an ear"), source)


def test_a_bare_file_gets_all_that_the_programs_ask_for(tmp_path: Path):
    told = written({}, tmp_path)
    assert told["ss_output_name"] == told["modelspec.title"] == "ear"
    assert (told["ss_network_dim"], told["ss_network_alpha"]) == ("4", "2.0")
    assert told["ss_network_module"] == "networks.lora"
    assert told["ss_base_model_version"] == "sd_v1"
    assert told["ss_v2"] == "False"
    assert told["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert told["modelspec.trigger_phrase"] == "an ear"


@pytest.mark.parametrize("key", ["ss_tag_frequency", "ss_datasets", "ot_config", "prompt", "workflow"])
def test_captions_stay_at_home(key: str, tmp_path: Path):
    told = written({key: '{"a": {"caption": "private words"}}'}, tmp_path)
    assert not any("private words" in value for value in told.values())


def test_scales_of_the_spelling_that_it_came_in_are_left_out(tmp_path: Path):
    assert "lora_adapter_metadata" not in written({"lora_adapter_metadata": '{"unet.r": 4}'}, tmp_path)


def test_a_note_names_what_still_tells_of_its_maker():
    told = {
        "ss_dataset_dirs": '{"10_anna": {"n_repeats": 10}}',
        "ss_sd_model_name": "/home/anna/base.safetensors",
        "ss_training_comment": "for the clinic",
    }
    note = private_note(told, Path("my loras/ear.safetensors"))
    assert "paths in ss_dataset_dirs, ss_sd_model_name; notes in ss_training_comment" in note
    assert "lorawrap lora edit 'my loras/ear.safetensors' --strip paths,notes --out" in note
    assert private_note({"ss_sd_model_name": "base.safetensors", "ss_v2": "False"}, Path("x")) == ""


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("ss_bucket_info", '{"buckets": {}}', True),
        ("ss_bucket_info", "null", False),
        ("ss_dataset_dirs", "[1]", False),
        ("ss_dataset_dirs", "{" * 5000, False),
        ("ss_training_started_at", "1712345678.9", True),
        ("ss_training_started_at", "yesterday", False),
        ("ss_learning_rate", "1e-4", True),
        ("modelspec.thumbnail", "A" * (1 + (1 << 16)), False),
    ],
)
def test_what_would_break_a_programs_view_of_it_is_left_out(key: str, value: str, kept: bool, tmp_path: Path):
    assert (key in written({key: value}, tmp_path)) == kept


@pytest.mark.parametrize(
    ("told", "written_"),
    [("sd_1.5", "sd_1.5"), ("sdxl_base_v1-0", "sd_v1"), ("sd_v2_768_v", "sd_v1"), ("", "sd_v1")],
)
def test_a_base_version_that_is_not_so_is_put_right(told: str, written_: str):
    source = Source(Path("x"), "sd15", {}, {"ss_base_model_version": told, "ss_v2": "True"})
    made = file_metadata(Wish(Path("x"), "ear"), source)
    assert (made["ss_base_model_version"], made["ss_v2"]) == (written_, "False")
