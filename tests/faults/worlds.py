"""A small project of drawn photographs with a tiny base, ready for any stage, always at the same place."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.files import content_hash

if TYPE_CHECKING:
    import numpy as np

    from wrapper.demo.world import Photo

SETTINGS = """
[project]
name = "face"
seed = 7
engine = "embedded"

[manifest]
path = "manifest.jsonl"

[base]
model = "../base"
inpaint_model = "../base inpaint"

[qc]
preset = "tiny"

[crop]
size = 64
context = 20.0

[captions]
source = "template"
template = "prompt"
trigger = "myface"
class_word = "person"

[balance]
by = ["view"]
max_repeats = 2

[dataset]
holdout = "manifest"
mirror = true

[regularisation]
source = "folder"
folder = "class photos"
count = 4

[stage_a]
preset = "cpu"
[stage_a.kohya]
max_train_steps = {steps}
save_every_n_steps = 2
save_state = true
cache_latents_to_disk = true
network_dim = 2
network_alpha = 2
learning_rate = 1e-2
train_batch_size = 1

[stage_b]
enabled = false

[generate]
prompts = ["photo of a myface person"]
steps = 2
width = 64
height = 64
seeds = [1]

[inpaint]
steps = 2
work_size = 64
strength = 1.0
padding_px = 64

[evaluate]
seeds = [1]
max_checkpoints = 2
checkpoint_seeds = 1
loss_timesteps = 1

[export]
targets = ["a1111", "comfyui"]
"""
STEPS = 6
LARGE_BYTES = 1 << 20
NAME = "мой 'проект' 🙂"


@dataclass(frozen=True)
class World:
    """``root`` holds the project, its bases and a cache; ``ready`` what stages are begun from."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / NAME

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def has(self, name: str) -> bool:
        """Whether something is remembered under ``name``."""
        return self._kept(name).is_dir()

    def keep(self, name: str) -> None:
        """Remember how the project and the cache are now, under ``name``."""
        for place in (self.project, self.cache):
            _copied(place, self._kept(name) / place.name)

    def back_to(self, name: str) -> None:
        """Make the project and the cache as they were; times of files too."""
        for place in (self.project, self.cache):
            _copied(self._kept(name) / place.name, place)

    def _kept(self, name: str) -> Path:
        return self.root / "kept" / name

    def originals(self) -> dict[str, tuple[str, int]]:
        """What is the user's own: contents and times."""
        return {str(path.relative_to(self.root)): _told(path) for path in sorted(self._own())}

    def _own(self) -> Iterator[Path]:
        for folder in ("photos", "masks", "marked", "class photos"):
            yield from (self.project / folder).iterdir()
        yield from (self.project / name for name in ("manifest.jsonl", "lorawrap.toml"))
        for base in ("base", "base inpaint"):
            yield from (path for path in (self.root / base).rglob("*") if path.is_file())


def _told(path: Path) -> tuple[str, int]:
    large = path.stat().st_size > LARGE_BYTES  # a base's weights: the time of the file must do
    return "" if large else content_hash(path), path.stat().st_mtime_ns


def _copied(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target)


def make_world(root: Path, *, train: int = 5, held_out: int = 2) -> World:
    """Draw the photographs, and write manifest and project file."""
    from wrapper.demo.people import concept_portrait
    from wrapper.demo.portraits import VIEWS
    from wrapper.demo.world import class_photographs, photograph

    world = World(root)
    rng = random.Random(1)
    rows = []
    for index in range(train + held_out):
        view = VIEWS[index % len(VIEWS)]
        split = "train" if index < train else "holdout"
        photo = photograph(f"{view} {index}", concept_portrait(rng, view), split)
        _save(world.project / photo.row["image"], photo.rgb)
        _save(world.project / photo.row["mask"], photo.mask)
        _save(world.project / "marked" / Path(photo.row["image"]).name, _marked(photo))
        rows.append(photo.row)
    for index, rgb in zip(range(4), class_photographs(random.Random(2)), strict=False):
        _save(world.project / "class photos" / f"{index}.png", rgb)
    (world.project / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (world.project / "lorawrap.toml").write_text(SETTINGS.format(steps=STEPS))
    return world


def give_bases(world: World, base: Path, inpaint: Path) -> None:
    """Copy two base models beside the project."""
    shutil.copytree(base, world.root / "base")
    shutil.copytree(inpaint, world.root / "base inpaint")


def _marked(photo: Photo) -> np.ndarray:
    """A copy that is transparent where its mask is white."""
    import numpy as np

    return np.dstack([photo.rgb, 255 - photo.mask])


def _save(path: Path, pixels: object) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
