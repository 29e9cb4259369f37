"""What would break a loader is refused with the reason; all else may be written."""

from __future__ import annotations

import pytest

from wrapper.lora_tools.metadata_rules import remove_fault, required_spec, set_fault, unknown_spec_name


@pytest.mark.parametrize(
    ("key", "value", "kind", "says"),
    [
        ("sshs_model_hash", "00", None, "worked out"),
        ("lora_adapter_metadata", "{}", None, "scale"),
        ("ss_tag_frequency", "woman", None, "JSON object"),
        ("ss_tag_frequency", "[]", None, "JSON object"),
        ("ss_tag_frequency", '{"a": {"b": "c"}}', None, "adds up"),
        ("ss_dataset_dirs", '{"a": 3}', None, "img_count"),
        ("ss_bucket_info", "None", None, "JSON object"),
        ("ss_datasets", "{", None, "JSON"),
        ("ss_output_name", "a:b", None, "call the LoRA"),
        ("ss_output_name", " ", None, "call the LoRA"),
        ("ss_sd_model_name", "{x}", None, "shows it as text"),
        ("ss_training_started_at", "yesterday", None, "seconds"),
        ("ss_v2", "True", None, "SD 2"),
        ("ss_base_model_version", "sdxl_base_v1-0", "sd15", "sd_v1"),
        ("ss_base_model_version", "sd_v1", "sdxl", "sdxl_base"),
        ("modelspec.architecture", "stable-diffusion-v1/lora", "sdxl", "Forge"),
        ("modelspec.thumbnail", "me.png", None, "--thumbnail"),
        ("modelspec.resolution", "512", None, "512x512"),
        ("format", "np", None, "'pt'"),
        ("a", "b\x1b[2J", None, "no text"),
        ("a", "\ud800", None, "no text"),
        ("", "b", None, "no name"),
    ],
)
def test_what_breaks_a_loader_is_refused_with_the_reason(key: str, value: str, kind, says: str):
    assert says in set_fault(key, value, kind)


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("ss_tag_frequency", '{"10_x": {"a": 3}}', "sd15"),
        ("ss_tag_frequency", "{}", "sd15"),
        ("ss_base_model_version", "sd_v1", "sd15"),
        ("ss_base_model_version", "sdxl_base_v1-0", None),
        ("ss_output_name", "моё ухо (2)", None),
        ("ss_training_started_at", "1700000000.5", None),
        ("modelspec.description", "Two lines,\nwith <b> and {braces} 👂", None),
        ("anything", "", None),
    ],
)
def test_all_else_may_be_set(key: str, value: str, kind):
    assert set_fault(key, value, kind) == ""


def test_what_tells_a_program_the_base_stays():
    assert "SDXL" in remove_fault("ss_base_model_version", "sdxl")
    assert remove_fault("ss_base_model_version", "sd15") == ""
    assert "Forge" in remove_fault("modelspec.architecture", "sd15")
    assert "scale" in remove_fault("lora_adapter_metadata", None)
    assert remove_fault("ss_training_comment", "sdxl") == ""


def test_a_model_spec_gets_its_heading():
    assert required_spec({"modelspec.title": "x", "modelspec.architecture": "a"}, "sdxl") == {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
    }
    assert required_spec({"ss_v2": "False"}, "sdxl") == {}
    assert required_spec({"modelspec.title": "x"}, None) == {}


def test_a_mistyped_name_is_remarked_on():
    assert "Did you mean 'title'?" in unknown_spec_name("modelspec.titel")
    assert unknown_spec_name("modelspec.title") == unknown_spec_name("other") == ""
