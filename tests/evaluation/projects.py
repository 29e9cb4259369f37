"""A small project on disk: held-out images with masks, two LoRAs, tiny random bases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dataset_tools.building.dataset import BuiltDataset, HeldOut, write_dataset
from dataset_tools.pictures.images import save_png
from tests.diffusion.small_lora import write_small_lora

SIDE = 64
NAMES = ("ухо 1", "it's 2")
STAGES = {"stage_a": 1.0, "stage_b": 3.0}


def make_project(folder: Path, tiny_base: Callable[..., Path], images: int = len(NAMES)) -> Path:
    """Write lorawrap.toml, dataset/ with ``images`` held out, and loras/ into ``folder``; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lorawrap.toml").write_text(
        f"""
[project]
name = "my face"
[base]
model = '{tiny_base("sd15").as_posix()}'
inpaint_model = '{tiny_base("sd15", inpaint=True).as_posix()}'
[generate]
prompts = ["photo of a woman", "photo of a man"]
negative = "waxy"
steps = 2
cfg = 2.0
seeds = [5, 6]
[inpaint]
steps = 2
cfg = 2.0
strength = 0.5
[evaluate]
seeds = [1, 2]
""",
        encoding="utf-8",
    )
    held = [_held_out(folder / "dataset", number) for number in range(images)]
    built = BuiltDataset(size=SIDE, stages={}, holdout=held, refused=[], balance={}, key="k")
    write_dataset(folder / "dataset", built)
    for number, (stage, strength) in enumerate(STAGES.items()):
        write_small_lora(folder / "loras" / f"my face_{stage}.safetensors", seed=number, strength=strength)
    return folder


def _held_out(dataset: Path, number: int) -> HeldOut:
    name = NAMES[number] if number < len(NAMES) else f"лицо {number}"
    random = np.random.default_rng(number)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[20:40, 10 + number : 30] = 255
    image_path, mask_path = f"holdout/images/{name}.png", f"holdout/masks/{name}.png"
    save_png(dataset / image_path, random.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8))
    save_png(dataset / mask_path, mask)
    return HeldOut(
        name=name,
        image=image_path,
        mask=mask_path,
        caption="photo of a woman",
        negative="waxy",
        subject="s",
        age="26-30",
        view="front",
        original=f"{name}.png",
    )
