"""Folders of photographs as other programs want them, and an import taken to its rendered files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomllib

from dataset_tools.building.dataset import BuiltDataset, Subset
from tests.kohya.projects import make_base, make_image, make_mask
from wrapper.base_model.detect import detect
from wrapper.kohya.imports.project import Import, Said, plan, write
from wrapper.kohya.options import dataset_names, upstream_options
from wrapper.kohya.pages import flatten
from wrapper.kohya.render import Rendered, render
from wrapper.project.load import load_project

BOUND = {
    "pretrained_model_name_or_path",
    "output_dir",
    "output_name",
    "seed",
    "dataset_config",
    "train_data_dir",
    "reg_data_dir",
    "resolution",
    "caption_extension",
    "config_file",
    "num_repeats",
    "class_tokens",
}
"""Keys that a project decides; each has a line on the trail, or is no setting at all."""


def make_folders(root: Path) -> Path:
    """``img/10_ohwx woman`` with four captioned images, ``img/3_ohwx woman`` with two, ``reg/1_woman``."""
    for number in range(4):
        make_image(root / "img/10_ohwx woman" / f"фото {number}.png", caption=f"ohwx woman, number {number}")
    for number in range(2):
        make_image(root / "img/3_ohwx woman" / f"{number}.jpg")
        make_image(root / "reg/1_woman" / f"{number}.png")
    make_image(root / "img/no number" / "0.png")
    return root


def make_masks(root: Path) -> None:
    for number in range(4):
        make_mask(root / "masks" / f"фото {number}.png")


def take_over(source: Path, target: Path, **said: Any) -> tuple[Import, Rendered]:
    """Import ``source`` into ``target``, and render it as if its dataset were built."""
    planned = plan(source, Said(**said))
    write(target, planned)
    project = load_project(target)
    stage = "stage_b" if project.settings.stage_b.enabled else "stage_a"
    subset = Subset(
        image_dir="x",
        num_repeats=1,
        class_tokens="ohwx woman",
        images=1,
        bucket="all",
        mask_dir="masks" if stage == "stage_b" else None,
    )
    built = BuiltDataset(
        size=project.settings.crop.size, stages={stage: [subset]}, holdout=[], refused=[], balance={}, key=""
    )
    sdxl = planned.new.job == "face"
    pipeline = "StableDiffusionXLPipeline" if sdxl else "StableDiffusionPipeline"
    base = detect(make_base(target / "base", 9 if stage == "stage_b" else 4, pipeline))
    return planned, render(stage, project.settings, project.paths, built, base, None, project.origins)


def effective_of(train: dict[str, Any], dataset: dict[str, Any]) -> dict[str, Any]:
    """What sd-scripts trains its first subset with: written values over its defaults."""
    values = {name: option.default for name, option in upstream_options("sdxl_train_network").items()}
    values |= {key: value for key, value in flatten(train).items() if not isinstance(value, dict)}
    first = (dataset.get("datasets") or [{}])[0]
    subset = (first.get("subsets") or [{}])[0]
    inner = {**dataset.get("general", {}), **first, **subset}
    values |= {key: value for key, value in inner.items() if key in dataset_names("general")}
    return values


def effective_rendered(rendered: Rendered) -> dict[str, Any]:
    return effective_of(tomllib.loads(rendered.train_toml), tomllib.loads(rendered.dataset_toml))
