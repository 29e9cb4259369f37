"""A folder of real images with captions, and both files that train it, to be spoiled."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from wrapper.kohya.check import check
from wrapper.kohya.report import Report

SIDE = 64
NAMES = ("ухо 0", "ear 1 🙂")


@dataclass
class Case:
    """``train``, ``dataset``, ``subset`` and ``more`` subsets are what the files say."""

    root: Path
    train: dict[str, Any] = field(default_factory=dict)
    dataset: dict[str, Any] = field(default_factory=dict)
    subset: dict[str, Any] = field(default_factory=dict)
    more: list[dict[str, Any]] = field(default_factory=list)
    script: str = "train_network"

    @property
    def images(self) -> Path:
        return self.root / "мои 'images'"

    @property
    def masks(self) -> Path:
        return self.root / "masks"

    def picture(self, name: str) -> Path:
        return self.images / f"{name}.png"

    @property
    def first(self) -> Path:
        return self.picture(NAMES[0])

    def add(
        self, name: str, size: tuple[int, int] = (SIDE, SIDE), caption: str | None = "a person", **save: Any
    ) -> Path:
        """Another image, saved as its name says."""
        path = self.images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(size).save(path, **save)
        if caption is not None:
            path.with_suffix(".txt").write_text(caption, encoding="utf-8")
        return path

    def add_masks(self, size: tuple[int, int] = (SIDE, SIDE)) -> None:
        self.masks.mkdir(exist_ok=True)
        for name in NAMES:
            draw_mask(size).save(self.masks / f"{name}.png")
        self.subset["conditioning_data_dir"] = str(self.masks)
        self.train["masked_loss"] = True

    def check(self) -> Report:
        base = {"pretrained_model_name_or_path": "a base", "network_module": "networks.lora"}
        base |= {"output_dir": str(self.root / "out"), "output_name": "x"}
        train, dataset = self.root / "train.toml", self.root / "dataset.toml"
        train.write_text(lines(base | {"max_train_steps": 4} | self.train), encoding="utf-8")
        usual = {"resolution": SIDE, "min_bucket_reso": SIDE, "caption_extension": ".txt"}
        first = {"image_dir": str(self.images), "num_repeats": 1} | self.subset
        subsets = [f"[[datasets.subsets]]\n{lines(subset)}" for subset in (first, *self.more)]
        text = f"[[datasets]]\n{lines(usual | self.dataset)}{''.join(subsets)}"
        dataset.write_text(text, encoding="utf-8")
        return check(train, dataset, self.script, "sd-scripts", base=False)

    @property
    def errors(self) -> list[str]:
        return [str(problem) for problem in self.check().errors]

    @property
    def warnings(self) -> list[str]:
        return [str(problem) for problem in self.check().warnings]


Spoil = Callable[[Case], object]


def make_case(root: Path) -> Case:
    case = Case(root)
    for name in NAMES:
        case.add(f"{name}.png")
    return case


def noise(size: tuple[int, int], channels: int = 3) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return Image.fromarray(values)


def draw_mask(size: tuple[int, int], inside: int = 255, outside: int = 0) -> Image.Image:
    mask = Image.new("L", size, outside)
    corner = (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2)
    ImageDraw.Draw(mask).rectangle(corner, fill=inside)
    return mask


def cut_off(path: Path, share: float) -> None:
    """Leave the first ``share`` of a file."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])


def lines(values: dict[str, Any]) -> str:
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
