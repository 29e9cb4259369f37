"""Held-out images are drawn as sd-scripts draws them."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import pytest

from tests.kohya.cases.case import write_file
from wrapper.kohya.check import check

SIZES = [(64, 64), (128, 64), (64, 128), (192, 64), (64, 192)]


@pytest.mark.parametrize("seeds", [(1, None), (2, 5), (None, 5)], ids=["seed", "both", "its own"])
def test_the_buckets_are_those_of_the_images_that_are_left(tmp_path, monkeypatch, seeds):
    seed, own = seeds
    for number, size in enumerate(SIZES):
        write_file(tmp_path / f"photos/{number}.png", size)
        write_file(tmp_path / f"photos/{number}.txt", "a cat")
    extra = f"validation_seed = {own}" if own is not None else ""
    write_file(tmp_path / "data.toml", DATASET.format(extra))
    write_file(tmp_path / "train.toml", TRAIN + (f"seed = {seed}\n" if seed is not None else ""))
    monkeypatch.chdir(tmp_path)
    report = check(Path("train.toml"), Path("data.toml"), "train_network", "sd-scripts", base=False)
    drawn = list(SIZES)
    Random(seed if own is None else own).shuffle(drawn)
    left = drawn[: math.ceil(len(drawn) * 0.6)]
    assert report.errors == []
    assert set(report.steps.buckets) == {f"{width}x{height}" for width, height in left}
    assert report.steps.steps == 3


TRAIN = """
pretrained_model_name_or_path = "base.safetensors"
output_dir = "out"
network_module = "networks.lora"
max_train_epochs = 1
cache_latents = true
"""
DATASET = """
[[datasets]]
resolution = [192, 64]
enable_bucket = true
bucket_no_upscale = true
min_bucket_reso = 64
validation_split = 0.4
{}
[[datasets.subsets]]
image_dir = "photos"
caption_extension = ".txt"
"""
