"""The script's own options: the embedded trainer's names and defaults, and every fault at once."""

from __future__ import annotations

import argparse
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from inpaint.options import Options, add_arguments, dataset_problems, take, unknown_keys
from inpaint.refusal import RefusedError

from wrapper.trainer.options import EXTENSIONS, TRAIN_OPTIONS

ROOT = Path(__file__).parents[2]


def parse(*words: str, **config: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--masked_loss", action="store_true")
    parser.add_argument("--dataset_config", default="data.toml")
    for flag in ("color_aug", "cache_latents", "random_crop"):
        parser.add_argument(f"--{flag}", action="store_true")
    add_arguments(parser)
    return parser.parse_args(list(words), namespace=argparse.Namespace(**config))


def test_both_trainers_know_the_same_options():
    assert {field.name for field in fields(Options)} == set(EXTENSIONS)
    for field in fields(Options):
        assert TRAIN_OPTIONS[field.name].default == field.default
        assert TRAIN_OPTIONS[field.name].type == type(field.default).__name__


def test_options_are_taken_out_of_what_sd_scripts_sees():
    args = parse("--mask_jitter_px", "4", "--masked_loss", "--masked_loss_normalize", full_mask_share=1)
    assert take(args) == Options(masked_loss_normalize=True, mask_jitter_px=4, full_mask_share=1.0)
    assert not {*asdict(Options()), "sdxl", "sd_scripts"} & set(vars(args))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"mask_jitter_px": -1}, "'mask_jitter_px' must be a whole number of 0 or more, not -1"),
        ({"mask_jitter_px": 2.5}, "must be a whole number"),
        ({"mask_dilate_px": True}, "must be a whole number"),
        ({"mask_variants": 0}, "1 or more"),
        ({"full_mask_share": 1.2}, "must be a share from 0 to 1"),
        ({"random_mask_share": "0.5"}, "must be a share"),
        ({"full_mask_share": float("nan")}, "must be a share"),
        ({"full_mask_share": 0.6, "random_mask_share": 0.6}, "together over 1"),
        ({"masked_loss_normalize": True}, "needs 'masked_loss'"),
        ({"masked_loss_normalize": "false", "masked_loss": True}, "must be true or false"),
        ({"dataset_config": None}, "'dataset_config' is missing"),
        ({"random_crop": True}, "'random_crop' does not go with an inpaint LoRA"),
        ({"color_aug": True, "cache_latents": True}, "exclude each other"),
    ],
    ids=str,
)
def test_a_wrong_option_is_named(config: dict[str, object], said: str):
    with pytest.raises(RefusedError, match=said):
        take(parse(**config))


def test_all_faults_are_told_at_once():
    with pytest.raises(RefusedError) as refused:
        take(parse(mask_jitter_px=-1, mask_dilate_px=-2))
    assert "mask_jitter_px" in str(refused.value)
    assert "mask_dilate_px" in str(refused.value)


def test_keys_of_any_section_must_be_options():
    config = {"seed": 1, "optimizer": {"learning_rate": 1e-4, "learning_rte": 1}}
    assert unknown_keys(config, ["seed", "learning_rate"]) == ["learning_rte"]


def test_a_dataset_without_masks_is_refused():
    config = {
        "general": {"random_crop": True},
        "datasets": [{"subsets": [{"image_dir": "a", "conditioning_data_dir": "b"}, {"image_dir": "c"}]}],
    }
    first, second, third = dataset_problems(config, Path("data.toml"))
    assert "'random_crop'" in first
    assert second == (
        "data.toml [[datasets]] 1 [[subsets]] 2: conditioning_data_dir is missing, the folder of its masks"
    )
    assert "[[subsets]] 2: 'random_crop'" in third
    assert dataset_problems({}, Path("data.toml")) == ["data.toml: there is no [[datasets]] in it"]
