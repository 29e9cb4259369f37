"""Dataset files: their tables, keys, values, and what they do to the training file."""

from __future__ import annotations

import json

from PIL import Image

from tests.kohya.cases.case import DATASET, Case

SUBSET = '[[datasets.subsets]]\nimage_dir = "{}"\n'
TWO = {"more/q0.png": (64, 64), "more/q0.txt": "a dog"}


def data(id: str, trains: bool, text: str, said: str = "", **more: object) -> Case:
    """A case whose dataset file is ``text``; ``$`` stands for the subset with the two photos."""
    return Case(f"dataset {id}", trains, said, dataset=text.replace("$", SUBSET.format("photos")), **more)  # type: ignore[arg-type]


def in_general(id: str, trains: bool, line: str, said: str = "", **more: object) -> Case:
    return data(id, trains, f"[general]\n{line}\n{DATASET}", said, **more)


def in_subset(id: str, trains: bool, line: str, said: str = "", **more: object) -> Case:
    return data(id, trains, f"{DATASET}{line}\n", said, **more)


SHAPES = [
    data("empty", False, "", "there is no [[datasets]] table"),
    data("without datasets", False, "[general]\nresolution = 64\n", "there is no [[datasets]] table"),
    data("a table for an array", False, "[datasets]\nresolution = 64\n", "must be an array of tables"),
    data("without subsets", False, "[[datasets]]\nresolution = 64\n", "it has no [[datasets.subsets]]"),
    data("unknown table", False, f"[generel]\nshuffle_caption = true\n{DATASET}", "Did you mean 'general'?"),
    data("inline", True, 'datasets = [{ resolution = 64, subsets = [{ image_dir = "photos" }] }]\n'),
    data(
        "spaces in headers",
        True,
        "[[ datasets ]]\nresolution = 64\n[[ datasets . subsets ]]\nimage_dir = 'photos'\n",
    ),
    data(
        "JSON",
        True,
        json.dumps({"datasets": [{"resolution": 64, "subsets": [{"image_dir": "photos"}]}]}),
        dataset_name="data.json",
    ),
    data(
        "JSON, unknown key",
        False,
        json.dumps({"datasets": [{"reso": 64, "subsets": [{"image_dir": "photos"}]}]}),
        "'reso' is not an option",
        dataset_name="data.json",
    ),
    data(
        "neither TOML nor JSON by name", False, DATASET, "neither .toml nor .json", dataset_name="data.yaml"
    ),
    Case(
        "dataset named in the training file",
        True,
        train={"dataset_config": '"d.toml"'},
        dataset=None,
        files={"d.toml": DATASET},
    ),
    Case(
        "dataset that is not there",
        False,
        "there is no such file",
        {"dataset_config": '"d.toml"'},
        dataset=None,
    ),
    Case("dataset named twice", True, train={"dataset_config": '"data.toml"'}),
]

KEYS = [
    in_subset("unknown key", False, "num_repeat = 2", "Did you mean 'num_repeats'?"),
    in_general("unknown key in general", False, "shufle_caption = true", "Did you mean 'shuffle_caption'?"),
    in_subset("key of the other file", False, "prior_loss_weight = 1.0", "belongs in the training file"),
    in_general("train_batch_size", False, "train_batch_size = 2", "belongs in the training file"),
    in_general("is_reg in general", False, "is_reg = true", "does not stand in [general]"),
    in_subset("resolution in a subset", False, "resolution = 64", "does not stand in [subsets]"),
    in_subset("no image_dir", False, "[[datasets.subsets]]\nnum_repeats = 2", "'image_dir' is missing."),
    data("resolution in general", True, "[general]\nresolution = 64\n[[datasets]]\n$"),
    data("resolution of the training file", True, "[[datasets]]\n$", train={"resolution": '"64,64"'}),
    data("no resolution", False, "[[datasets]]\n$", "'resolution' is missing."),
    data("two numbers", True, DATASET.replace("64", "[64, 64]")),
    data("three numbers", False, DATASET.replace("64", "[64, 64, 64]"), "'resolution' must be"),
    data("resolution as text", False, DATASET.replace("64", '"64"'), "'resolution' must be"),
    data("resolution with a point", False, DATASET.replace("64", "64.0"), "'resolution' must be"),
    in_subset("repeats as text", False, 'num_repeats = "2"', "'num_repeats' must be a whole number"),
    in_subset("repeats with a point", False, "num_repeats = 2.0", "'num_repeats' must be a whole number"),
    in_subset("a flag as text", False, 'flip_aug = "true"', "'flip_aug' must be true or false"),
    in_subset("a flag as a number", False, "flip_aug = 1", "'flip_aug' must be true or false"),
    in_subset("dropout as a whole number", True, "caption_dropout_rate = 0"),
    in_general("split as a whole number", False, "validation_split = 0", "'validation_split' must be"),
    in_general(
        "multiplier as a whole number", False, "network_multiplier = 1", "'network_multiplier' must be"
    ),
    in_general("multiplier", True, "network_multiplier = 1.0"),
    in_subset("a range", True, "face_crop_aug_range = [1.0, 2.0]", train={"cache_latents": "false"}),
    in_subset(
        "a range of whole numbers", False, "face_crop_aug_range = [1, 2]", "'face_crop_aug_range' must be"
    ),
    in_subset("attributes", True, "custom_attributes = { a = 1 }"),
    in_general("interpolation", True, 'resize_interpolation = "cubic"'),
    in_general("wrong interpolation", False, 'resize_interpolation = "best"', "'resize_interpolation'"),
    in_general("batch size 0", False, "batch_size = 0", "'batch_size' must be 1"),
    in_general("batch size", True, "batch_size = 2", steps=2),
]

EPOCH = {"max_train_steps": None, "max_train_epochs": "1"}
USES = [
    in_subset(
        "repeats", True, "num_repeats = 3", train={"max_train_steps": None, "max_train_epochs": "1"}, steps=6
    ),
    in_subset("no repeats", False, "num_repeats = 0", "'num_repeats' is 0"),
    in_subset("negative repeats", False, "num_repeats = -3", "'num_repeats' is -3"),
    Case(
        "repeats of the training file",
        True,
        train={"dataset_repeats": "3", "max_train_steps": None, "max_train_epochs": "1"},
        steps=6,
    ),
    Case(
        "accumulation",
        True,
        train={"gradient_accumulation_steps": "2", "max_train_steps": None, "max_train_epochs": "2"},
        steps=2,
    ),
    Case("class_tokens of the training file", True, train={"class_tokens": '"a cat"'}),
    Case(
        "batch size of the training file, unused",
        False,
        "'train_batch_size' is never used",
        {"train_batch_size": "2"},
        dataset=f"[general]\nbatch_size = 1\n{DATASET}",
        silent=True,
    ),
    Case(
        "extension of the training file, unused",
        False,
        "'caption_extension' is never used",
        {"caption_extension": '".txt"'},
        dataset=f"{DATASET}caption_extension = '.cap'\n",
        files={"photos/p0.cap": "a", "photos/p1.cap": "b"},
        silent=True,
    ),
    Case("the same resolution in both files", True, train={"resolution": '"64,64"'}),
    Case(
        "a resolution that is not used",
        False,
        "'resolution' is never used",
        {"resolution": '"128,128"'},
        silent=True,
    ),
    Case(
        "folders beside a dataset file",
        False,
        "'train_data_dir' is ignored",
        {"train_data_dir": '"photos"'},
        silent=True,
    ),
    Case("no folder beside a dataset file", True, train={"train_data_dir": '""'}, not_asked=True),
    in_subset(
        "the same folder twice",
        False,
        '[[datasets.subsets]]\nimage_dir = "photos"\nnum_repeats = 2',
        "the same folder",
        silent=True,
    ),
    in_subset("two folders", True, '[[datasets.subsets]]\nimage_dir = "more"', files=TWO),
    data("the same folder in two datasets", True, f"{DATASET}[[datasets]]\nresolution = 128\n$"),
    in_subset(
        "a folder that is not there",
        False,
        '[[datasets.subsets]]\nimage_dir = "none"',
        "there is no folder",
        silent=True,
    ),
    in_subset(
        "an empty folder",
        False,
        '[[datasets.subsets]]\nimage_dir = "none"',
        "has no images",
        files={"none": None},
        silent=True,
    ),
    in_subset(
        "regularisation",
        True,
        '[[datasets.subsets]]\nimage_dir = "more"\nis_reg = true',
        files=TWO,
        train={"max_train_steps": None, "max_train_epochs": "1"},
        steps=4,
    ),
    in_subset("regularisation alone", False, "is_reg = true", "regularisation images only"),
    data(
        "regularisation in a dataset of its own",
        False,
        f'{DATASET}[[datasets]]\nresolution = 64\n[[datasets.subsets]]\nimage_dir = "more"\nis_reg = true\n',
        "regularisation images only",
        files=TWO,
        silent=True,
    ),
]

BUCKETS = [
    data("a resolution of 100", True, DATASET.replace("64", "100")),
    in_subset(
        "a folder in two spellings",
        True,
        '[[datasets.subsets]]\nimage_dir = "./photos"\ncaption_extension = ".txt"',
        train=EPOCH,
        steps=4,
    ),
    in_general("buckets", True, "enable_bucket = true\nmin_bucket_reso = 64"),
    in_general("buckets above the resolution", False, "enable_bucket = true", "is below min_bucket_reso"),
    in_general(
        "buckets below the resolution",
        False,
        "enable_bucket = true\nmin_bucket_reso = 64\nmax_bucket_reso = 32\nbucket_reso_steps = 32",
        "bucket",
    ),
    in_general(
        "steps of 10",
        False,
        "enable_bucket = true\nmin_bucket_reso = 64\nbucket_reso_steps = 10",
        "must be a multiple of 64",
    ),
    in_general(
        "steps of 32",
        False,
        "enable_bucket = true\nmin_bucket_reso = 64\nbucket_reso_steps = 32",
        "must be a multiple of 64",
    ),
    in_general(
        "steps of 32, SDXL",
        True,
        "enable_bucket = true\nmin_bucket_reso = 64\nbucket_reso_steps = 32",
        script="sdxl_train_network",
    ),
    in_general(
        "steps of 0",
        False,
        "enable_bucket = true\nmin_bucket_reso = 64\nbucket_reso_steps = 0",
        "must be a multiple of 64",
    ),
    in_general("steps of 10 without buckets", True, "bucket_reso_steps = 10"),
    in_general("no upscaling", True, "enable_bucket = true\nmin_bucket_reso = 64\nbucket_no_upscale = true"),
    in_general("no upscaling without buckets", True, "bucket_no_upscale = true"),
    in_general(
        "images of many sizes",
        True,
        "enable_bucket = true\nmin_bucket_reso = 64\nmax_bucket_reso = 256\nbatch_size = 2",
        files={f"photos/p{i}.png": (64 + 32 * i, 96) for i in range(6)}
        | {f"photos/p{i}.txt": "a" for i in range(6)},
        train={"max_train_steps": None, "max_train_epochs": "1"},
    ),
]


def mask(path: object) -> None:
    image = Image.new("L", (64, 64))
    image.paste(255, (8, 8, 24, 24))
    image.save(path)  # type: ignore[arg-type]


def with_alpha(path: object) -> None:
    image = Image.effect_noise((64, 64), 60).convert("RGBA")
    alpha = Image.new("L", (64, 64))
    alpha.paste(255, (8, 8, 24, 24))
    image.putalpha(alpha)
    image.save(path)  # type: ignore[arg-type]


MASKS = {"masks/p0.png": mask, "masks/p1.png": mask}
MASKED = 'conditioning_data_dir = "masks"'
LOSS = {"masked_loss": "true"}
MASK_CASES = [
    in_subset("masks", True, MASKED, files=MASKS, train=LOSS),
    in_subset("masks without the loss", False, MASKED, "needs masked_loss", files=MASKS),
    in_subset(
        "masks beside is_reg",
        False,
        f"{MASKED}\nis_reg = true",
        "may not stand beside",
        files=MASKS,
        train=LOSS,
    ),
    in_subset(
        "masks beside class_tokens",
        False,
        f"{MASKED}\nclass_tokens = 'a'",
        "may not stand beside",
        files=MASKS,
        train=LOSS,
    ),
    in_subset(
        "masks beside alpha_mask",
        False,
        f"{MASKED}\nalpha_mask = true",
        "may not stand beside",
        files=MASKS,
        train=LOSS,
    ),
    in_subset(
        "masks in one subset of two",
        False,
        f'{MASKED}\n[[datasets.subsets]]\nimage_dir = "more"',
        "the others of its dataset have",
        files=MASKS | TWO,
        train=LOSS,
    ),
    data(
        "masks in one dataset of two",
        True,
        f'{DATASET}{MASKED}\n[[datasets]]\nresolution = 64\n[[datasets.subsets]]\nimage_dir = "more"\n',
        files=MASKS | TWO,
        train=LOSS,
    ),
    in_subset(
        "masks and a split",
        False,
        MASKED,
        "'validation_split' fails with masks",
        files=MASKS,
        train={**LOSS, "validation_split": "0.5"},
    ),
    in_subset(
        "masks and a random crop",
        False,
        f"{MASKED}\nrandom_crop = true",
        "'random_crop'",
        files=MASKS,
        train={**LOSS, "cache_latents": "false"},
    ),
    in_subset("a mask is missing", False, MASKED, "have no mask", files={"masks/p0.png": mask}, train=LOSS),
    in_subset(
        "a mask too many",
        False,
        MASKED,
        "belong to no image",
        files={**MASKS, "masks/q.png": mask},
        train=LOSS,
    ),
    in_subset(
        "alpha", True, "alpha_mask = true", files={"photos/p0.png": with_alpha, "photos/p1.png": with_alpha}
    ),
    in_subset(
        "alpha and the loss",
        True,
        "alpha_mask = true",
        files={"photos/p0.png": with_alpha, "photos/p1.png": with_alpha},
        train=LOSS,
    ),
]
CASES = [*SHAPES, *KEYS, *USES, *BUCKETS, *MASK_CASES]
