"""Values of other programs, turned into what an option takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.manifests.kohya_tree import folder_name
from tests.kohya.imports.places import make_folders
from wrapper.kohya.imports.project import Said, plan
from wrapper.kohya.imports.settings import crop_size
from wrapper.kohya.imports.trail import NOWHERE
from wrapper.kohya.imports.values import convert
from wrapper.kohya.imports.words import split_tokens
from wrapper.kohya.options import upstream_options

OPTIONS = upstream_options("train_network")


@pytest.mark.parametrize(
    ("key", "value", "made", "note"),
    [
        ("learning_rate", 1e-4, 1e-4, ""),
        ("learning_rate", "1e-4", 1e-4, "was '1e-4'"),
        ("network_dim", "16", 16, "was '16'"),
        ("gradient_accumulation_steps", 2.0, 2, ""),
        ("cache_latents", "false", False, "was 'false'"),
        ("persistent_data_loader_workers", 1, True, ""),
        ("optimizer_args", "a=1 'b=2, 3'", ["a=1", "b=2, 3"], "was \"a=1 'b=2, 3'\""),
        ("text_encoder_lr", ["1e-4", "2e-4"], [1e-4, 2e-4], ""),
        ("max_token_length", "225", 225, "was '225'"),
    ],
)
def test_a_value_is_read_as_it_was_meant(key: str, value, made, note: str):
    found = convert(OPTIONS[key], value)
    assert found == (made, note)
    assert type(found[0]) is type(made)


@pytest.mark.parametrize(
    ("key", "value"), [("network_dim", "many"), ("mixed_precision", "fp61"), ("cache_latents", "perhaps")]
)
def test_what_cannot_be_meant_is_refused(key: str, value: str):
    with pytest.raises(ValueError, match="must be"):
        convert(OPTIONS[key], value)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("10_ohwx woman", (10, "ohwx woman")),
        ("3_a_b", (3, "a_b")),
        ("5", (5, "")),
        ("ohwx", (0, "")),
        ("0_ohwx", (0, "ohwx")),
        ("-2_ohwx", (0, "ohwx")),
    ],
)
def test_a_folders_name_has_repeats_and_words(name: str, found: tuple[int, str]):
    assert folder_name(name) == found


@pytest.mark.parametrize(
    ("tokens", "class_word", "found"),
    [
        ("ohwx woman", "woman", ("ohwx", "woman")),
        ("ohwx tall woman", "woman", ("ohwx tall", "woman")),
        ("ohwx tall woman", "", ("ohwx", "tall woman")),
        ("ohwx", "", ("ohwx", "")),
        ("ohwx", "woman", ("ohwx", "")),
    ],
)
def test_tokens_are_a_trigger_and_a_class(tokens: str, class_word: str, found: tuple[str, str]):
    assert split_tokens(tokens, class_word) == found


@pytest.mark.parametrize(
    ("value", "size"),
    [(512, 512), ("1024,1024", 1024), ([768, 768], 768), ("768,512", 640), (500, 512), ("big", 512)],
)
def test_a_resolution_is_the_side_of_a_square(value, size: int):
    side, note = crop_size(value)
    assert side == size
    assert bool(note) is (value in ("768,512", 500, "big"))


def test_subsets_that_differ_keep_one_value_and_the_other_is_told(tmp_path: Path):
    root = make_folders(tmp_path)
    (root / "data.toml").write_text(
        "[[datasets]]\n[[datasets.subsets]]\nimage_dir = 'img/10_ohwx woman'\n"
        "[[datasets.subsets]]\nimage_dir = 'img/3_ohwx woman'\nflip_aug = true\nkeep_tokens = 0\n",
        encoding="utf-8",
    )
    planned = plan(root / "data.toml", Said(trigger="zorn", class_word="head"))
    assert planned.new.settings["kohya_a"] == {"flip_aug": True, "keep_tokens": 0}
    told = {line.key: line for line in planned.trail.lines if line.place == NOWHERE}
    assert told["flip_aug"].value == "None"
    assert planned.photos[-1].caption == "zorn head"


def test_empty_text_is_off_and_equal_rates_are_one(tmp_path: Path):
    root = make_folders(tmp_path)
    (root / "train.toml").write_text(
        'train_data_dir = "img"\nvae = ""\nlogging_dir = "/content/logs"\ntext_encoder_lr = [1e-5, 1e-5]\n',
        encoding="utf-8",
    )
    planned = plan(root / "train.toml", Said())
    assert planned.new.settings["kohya_a"] == {"network_module": "networks.lora", "text_encoder_lr": 1e-5}
