"""Options: what is honoured, and what is refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.trainer.conftest import write_dataset_toml
from wrapper.trainer.config import read_settings
from wrapper.trainer.data.config import read_dataset_config
from wrapper.trainer.option import parse_size
from wrapper.trainer.options import DATASET_OPTIONS, TRAIN_OPTIONS

NEEDED = [
    "--pretrained_model_name_or_path=x",
    "--dataset_config=d.toml",
    "--output_dir=o",
    "--output_name=n",
]


def settings(*argv: str):
    return read_settings([*NEEDED, *argv], "train_network")


def test_sections_are_flattened_and_the_command_line_wins(tmp_path: Path):
    path = tmp_path / "ключи.toml"
    path.write_text('[network]\nnetwork_dim = 4\nnetwork_args = ["conv_dim=2"]\n[training]\nseed = 3\n')
    read = settings("--config_file", str(path), "--network_dim", "8", "--cache_latents")
    assert (read.network_dim, read.seed, read.cache_latents, read.network_args) == (
        8,
        3,
        True,
        ["conv_dim=2"],
    )
    assert read.max_train_steps == 1600


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learnig_rate = 1", "'learnig_rate' is not an option .* Did you mean 'learning_rate'"),
        ("v2 = true", "'v2' is not supported by the embedded trainer: Stable Diffusion 2"),
        ("v_parameterization = true", "v-prediction"),
        ("scale_weight_norms = 1.0", "'scale_weight_norms' is not supported .* network_dropout"),
        ('network_dim = "4"', "'network_dim' must be a whole number, not '4'"),
        ('cache_latents = "false"', "'cache_latents' must be true or false"),
        ('mixed_precision = "fp61"', "'mixed_precision' must be one of 'no', 'fp16', 'bf16'"),
        ('optimizer_type = "Prodigy"', "'optimizer_type' must be one of"),
        ("num_repeats = 3", "'num_repeats' is not an option"),
        ("[a]\nseed = 1\n[b]\nseed = 2", "'seed' is set twice"),
        ("color_aug = true", "'color_aug' is not supported"),
        ("lr_warmup_steps = 5", "no meaning with lr_scheduler 'constant'"),
        ('lr_scheduler = "cosine"\nlr_warmup_steps = 5.0', "share of all steps"),
        ("masked_loss_normalize = true", "needs 'masked_loss'"),
        ("text_encoder_lr = [1e-4, 1e-5]", "takes one number"),
        ("sample_every_n_epochs = 1", "sample images need 'sample_prompts'"),
    ],
)
def test_wrong_options_are_refused_by_name(tmp_path: Path, text: str, message: str):
    path = tmp_path / "train.toml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        settings("--config_file", str(path))
    assert re.search(message, f"{caught.value.message} {caught.value.hint}")


def test_every_problem_is_told_at_once():
    with pytest.raises(UserError) as caught:
        settings("--learnig_rate", "1", "--network_dim", "x", "--seed", "-1", "--v2")
    assert all(name in caught.value.message for name in ("learnig_rate", "network_dim", "seed", "v2"))


def test_neutral_values_of_refused_flags_are_fine():
    flags = [name for name, option in TRAIN_OPTIONS.items() if option.choices == (False,)]
    assert {"v2", "full_fp16", "lowram"} <= set(flags)
    assert all(TRAIN_OPTIONS[name].fault(False) == "" for name in flags)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (512, (512, 512)),
        ("512,768", (512, 768)),
        ([64, 96], (64, 96)),
        ("512x", None),
        (0, None),
        (True, None),
    ],
)
def test_sizes(value: object, size: object):
    assert parse_size(value) == size


def test_dataset_values_come_from_the_nearest_table(tmp_path: Path):
    path = tmp_path / "d.toml"
    path.write_text(
        '[general]\ncaption_extension = ".txt"\nnum_repeats = 2\n[[datasets]]\nresolution = 64\n'
        'num_repeats = 3\n[[datasets.subsets]]\nimage_dir = "a"\n[[datasets.subsets]]\nimage_dir = "b"\n'
        "num_repeats = 4\n"
    )
    [dataset] = read_dataset_config(path, settings("--train_batch_size", "5", "--flip_aug"))
    first, second = dataset.subsets
    assert (first.num_repeats, second.num_repeats) == (3, 4)
    assert (dataset.batch_size, first.flip_aug, first.caption_extension) == (5, True, ".txt")


@pytest.mark.parametrize(
    ("dataset", "subset", "message"),
    [
        ({}, {"num_repeat": 2}, "'num_repeat' is not an option .* Did you mean 'num_repeats'"),
        ({}, {"num_repeats": -3}, "'num_repeats' must be 1 or more"),
        ({}, {"num_repeats": True}, "'num_repeats' must be a whole number"),
        ({}, {"resolution": 64}, "'resolution' belongs into"),
        ({"image_dir": "x"}, {}, "'image_dir' belongs into"),
        ({}, {"alpha_mask": True}, "'alpha_mask' is not supported"),
        ({"prior_loss_weight": 1.0}, {}, "'prior_loss_weight' is not an option"),
        ({"enable_bucket": True, "min_bucket_reso": 256}, {}, "'min_bucket_reso' is over the resolution"),
    ],
)
def test_wrong_dataset_keys_are_refused_by_name(tmp_path: Path, dataset, subset, message: str):
    path = write_dataset_toml(
        tmp_path / "d.toml", {"resolution": 64, **dataset}, [{"image_dir": "a", **subset}]
    )
    with pytest.raises(UserError) as caught:
        read_dataset_config(path, settings())
    assert re.search(message, f"{caught.value.message} {caught.value.hint}")


def test_the_tables_import_nothing_heavy():
    import subprocess
    import sys

    code = "import sys, wrapper.trainer.options; print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert "image_dir" in DATASET_OPTIONS
