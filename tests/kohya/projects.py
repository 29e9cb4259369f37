"""A small project that is ready to render: folders of real images, and bases that are recognised."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from dataset_tools.building.dataset import BuiltDataset, Subset, write_dataset
from wrapper.project.load import Project, load_project

SIDE = 64
NAME = "моё 'лицо' 🙂"
TOML = f"""
[project]
name = {json.dumps(NAME, ensure_ascii=False)}
[base]
model = "a base"
inpaint_model = "an inpaint base"
[stage_a]
preset = "cpu"
kohya = {{ max_train_steps = 6, network_dim = 2, train_batch_size = 2, save_every_n_epochs = 1 }}
[stage_b]
preset = "cpu"
kohya = {{ max_train_steps = 4, network_dim = 2, train_batch_size = 2 }}
"""


def make_project(root: Path, more: str = "") -> Project:
    """Four images with captions, masks for them, two regularisation images; ``more`` is added to the TOML."""
    root.mkdir(parents=True, exist_ok=True)
    make_base(root / "a base", channels=4)
    make_base(root / "an inpaint base", channels=9)
    (root / "lorawrap.toml").write_text(TOML + more, encoding="utf-8")
    dataset = root / "dataset"
    stages = {"stage_a": [_photos(dataset, "stage_a"), _class_images(dataset)], "stage_b": []}
    photos = _photos(dataset, "stage_b")
    masks = "stage_b/masks/front/2_myface person"
    for image in sorted((dataset / photos.image_dir).glob("*.png")):
        make_mask(dataset / masks / image.name)
    stages["stage_b"] = [photos.model_copy(update={"mask_dir": masks})]
    built = BuiltDataset(size=SIDE, stages=stages, holdout=[], refused=[], balance={}, key="a key")
    write_dataset(dataset, built)
    return load_project(root)


def make_base(folder: Path, channels: int, pipeline: str = "StableDiffusionPipeline") -> Path:
    """The few JSON files by which a diffusers folder is recognised."""
    (folder / "unet").mkdir(parents=True)
    index = {"_class_name": pipeline}
    if "XL" in pipeline:
        index |= {name: ["transformers", "CLIPTextModel"] for name in ("text_encoder", "text_encoder_2")}
    (folder / "model_index.json").write_text(json.dumps(index))
    config = {"in_channels": channels, "cross_attention_dim": 768}
    (folder / "unet" / "config.json").write_text(json.dumps(config))
    return folder


def make_image(path: Path, size: tuple[int, int] = (SIDE, SIDE), caption: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 60, 30)).save(path)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return path


def make_mask(path: Path, size: tuple[int, int] = (SIDE, SIDE)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.new("L", size, 0)
    mask.paste(255, (10, 10, 30, 30))
    mask.save(path)
    return path


def _photos(dataset: Path, stage: str) -> Subset:
    folder = f"{stage}/train/front/2_myface person"
    for number in range(4):
        make_image(dataset / folder / f"ухо {number}.png", caption=f"myface person, number {number}")
    return Subset(
        image_dir=folder, num_repeats=2, class_tokens="myface person", images=4, bucket="view=front"
    )


def _class_images(dataset: Path) -> Subset:
    folder = "stage_a/reg/1_person"
    for number in range(2):
        make_image(dataset / folder / f"{number}.png", caption="person")
    return Subset(
        image_dir=folder, num_repeats=1, class_tokens="person", images=2, bucket="regularisation", is_reg=True
    )
