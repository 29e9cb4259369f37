"""Where the images come from when nobody says, and from where paths count."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.kohya.cases.case import Case, write_case
from wrapper.kohya.check import check
from wrapper.kohya.guess import guess_script
from wrapper.kohya.sources import repeats_of

NAMES = {
    "10_myface woman": 10,
    "1_a_b": 1,
    "10": 10,
    "０５_a": 5,
    " 3 _a": 3,
    "myface": 0,
    "0_a": 0,
    "-2_a": 0,
    "1.5_a": 0,
    "10-a": 0,
    "": 0,
}


@pytest.mark.parametrize(("name", "repeats"), NAMES.items(), ids=lambda value: repr(value))
def test_repeats_are_read_from_the_folder_name(name, repeats):
    assert repeats_of(name) == repeats


def test_a_training_file_may_be_named_without_its_suffix(tmp_path, monkeypatch):
    write_case(Case("", True), tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    assert check(Path("train"), Path("data.toml"), "train_network", "sd-scripts", base=False).ok
    with pytest.raises(UserError, match=r"train\.txt\.toml: there is no such file"):
        check(Path("train.txt"), Path("data.toml"), "train_network", "sd-scripts", base=False)


def test_paths_count_from_the_folder_that_one_starts_in(tmp_path, monkeypatch):
    write_case(Case("", True, train={"dataset_config": '"data.toml"'}), tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    (error,) = check(Path("a/train.toml"), None, "train_network", "sd-scripts", base=False).errors
    assert "Paths are relative to the folder that you start in" in error.hint


GUESSES = {
    "plain": ({}, "train_network"),
    "by name": ({"pretrained_model_name_or_path": '"org/sd_xl_base_1.0"'}, "sdxl_train_network"),
    "by an option": ({"cache_text_encoder_outputs": "true"}, "sdxl_train_network"),
    "by ours": ({"masked_loss_normalize": "true"}, "train_network_inpaint"),
}


@pytest.mark.parametrize(("train", "script"), GUESSES.values(), ids=GUESSES)
def test_the_script_is_guessed(tmp_path, train, script):
    write_case(Case("", True, train=train), tmp_path / "a")
    assert guess_script(tmp_path / "a" / "train.toml") == script
