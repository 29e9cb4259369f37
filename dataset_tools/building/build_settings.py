"""What a build is told, and what it plans, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from dataset_tools.building.dataset import BuiltDataset
from dataset_tools.building.split import HoldoutMode
from dataset_tools.masking.mask_plan import MaskPlan
from dataset_tools.pictures.buckets import Buckets
from dataset_tools.pictures.crop import Crop
from dataset_tools.pictures.relight import Light

Stage = Literal["stage_a", "stage_b"]
Shape = Literal["square", "bucket"]


def buckets_for(size: int, shape: Shape) -> Buckets:
    """What pictures are cut to: a square of ``size`` px, or of its area between 1 : 4 and 4 : 1."""
    return Buckets((size, size), shape == "bucket", lowest=size // 2, highest=size * 2)


@dataclass(frozen=True)
class BuildSettings:
    """The choices of a build. Their defaults live in the project file's schema."""

    size: int
    shape: Shape
    context: float
    mask_source: Literal["manifest", "synthetic", "sam"]
    dilate_px: int
    sam_model: str
    caption_source: Literal["template", "files", "blip"]
    template: str
    trigger: str
    class_word: str
    blip_model: str
    balance_by: tuple[str, ...]
    shares: Mapping[str, float]
    max_repeats: int
    epoch_images: int
    max_images: int
    holdout: HoldoutMode
    holdout_share: float
    seed: int
    mirror: bool
    relight: int
    keep_warned: bool
    stages: tuple[Stage, ...]

    @cached_property
    def buckets(self) -> Buckets:
        return buckets_for(self.size, self.shape)

    @property
    def class_tokens(self) -> str:
        return f"{self.trigger} {self.class_word}"


@dataclass(frozen=True, slots=True)
class Output:
    """One picture to write and what goes with it; folders are relative to the dataset's.

    ``crop`` None: the largest part that fits. ``caption`` None: no caption is written. ``mask_folder`` None:
    no mask.
    """

    folder: str
    name: str
    crop: Crop | None
    mirrored: bool = False
    light: Light | None = None
    caption: str | None = None
    mask_folder: str | None = None

    @property
    def image(self) -> str:
        return f"{self.folder}/{self.name}.png"

    @property
    def caption_file(self) -> str | None:
        return None if self.caption is None else f"{self.folder}/{self.name}.txt"

    @property
    def mask(self) -> str | None:
        return None if self.mask_folder is None else f"{self.mask_folder}/{self.name}.png"


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """One source, decoded once, and all that is made of it. ``size_hw`` None: not known beforehand."""

    source: Path
    size_hw: tuple[int, int] | None
    mask: MaskPlan | None
    outputs: tuple[Output, ...]
    digest: str
    """SHA-256 of the source's bytes."""


@dataclass(frozen=True)
class BuildPlan:
    """Everything that `build.apply` will do. ``built`` is the record that it will leave."""

    dilate_px: int
    images: Sequence[PlannedImage]
    built: BuiltDataset
    notes: tuple[str, ...]
    """What the user should know, though nothing is wrong enough to stop."""
