"""The recorded options of sd-scripts, and what the embedded trainer makes of them."""

from __future__ import annotations

import pytest
import tomllib

from wrapper.kohya.options import dataset_names, upstream_dataset_fault, upstream_options
from wrapper.places import shipped
from wrapper.trainer.options import DATASET_OPTIONS, EXTENSIONS, TRAIN_OPTIONS


@pytest.mark.parametrize(("script", "count"), [("train_network", 193), ("sdxl_train_network", 196)])
def test_every_option_of_sd_scripts_is_recorded(script, count):
    assert len(upstream_options(script)) == count


def test_what_the_embedded_trainer_honours_has_sd_scripts_names():
    upstream = {**upstream_options("sdxl_train_network"), **upstream_options("train_network_inpaint")}
    assert set(TRAIN_OPTIONS) - set(upstream) == {"metadata_tag_frequency"} - set(EXTENSIONS)
    known = set().union(*(dataset_names(table) for table in ("general", "datasets", "subsets")))
    assert set(DATASET_OPTIONS) <= known


def test_every_listed_section_key_is_an_option():
    sections = tomllib.loads((shipped("templates") / "kohya" / "sections.toml").read_text())
    known = {**upstream_options("sdxl_train_network"), **upstream_options("train_network_inpaint")}
    listed = [key for keys in sections.values() for key in keys]
    assert set(listed) <= set(known)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("table", "name", "value", "flavour", "fault"),
    [
        ("subsets", "num_repeats", 2, "plain", ""),
        ("subsets", "num_repeats", "2", "plain", "must be a whole number"),
        ("subsets", "num_repeats", True, "plain", "must be a whole number"),
        ("datasets", "validation_split", 1, "plain", "must be a number with a point"),
        ("datasets", "resolution", [512, 768], "plain", ""),
        ("datasets", "resolution", "512", "plain", "must be a whole number or a list of two"),
        ("subsets", "face_crop_aug_range", [1.0, 2.0], "plain", ""),
        ("subsets", "is_reg", True, "masks", "may not stand beside conditioning_data_dir"),
        ("subsets", "class_tokens", "a", "masks", "may not stand beside conditioning_data_dir"),
        ("subsets", "caption_dropout_rate", 1, "masks", ""),
    ],
)
def test_the_dataset_schema_is_sd_scripts_own(table, name, value, flavour, fault):
    found = upstream_dataset_fault(table, name, value, flavour)
    assert found.startswith(fault)
    assert bool(found) == bool(fault)
