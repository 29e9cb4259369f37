"""The page's part on the dataset: buckets and repeats, samples with mask and caption, what was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from dataset_tools.building.dataset import RECORD_FILE, BuiltDataset, Subset, read_dataset
from dataset_tools.system.left_by_systems import visible
from wrapper.project.layout import ProjectPaths
from wrapper.report.pictures import Picture, overlay, picture

TITLES = {"stage_a": "Stage A · DreamBooth-LoRA", "stage_b": "Stage B · inpaint LoRA"}
SAMPLES_A_STAGE = 8
SAMPLE_PX = 256
MAX_REFUSED = 200


@dataclass(frozen=True)
class Bucket:
    """One Kohya folder: ``share`` is its percentage of what an epoch shows (regularisation aside)."""

    name: str
    folder: str
    images: int
    repeats: int
    shown: int
    share: float
    is_reg: bool


@dataclass(frozen=True)
class Sample:
    image: Picture | None
    name: str
    caption: str
    bucket: str


@dataclass(frozen=True)
class StageData:
    title: str
    buckets: list[Bucket]
    images: int
    an_epoch: int
    imbalance: str
    samples: list[Sample]


@dataclass(frozen=True)
class DatasetPart:
    missing: str = ""
    size: int = 0
    stages: list[StageData] = field(default_factory=list)
    holdout: int = 0
    subjects_held_out: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_more: int = 0
    refused_reasons: list[tuple[str, int]] = field(default_factory=list)


def dataset_part(paths: ProjectPaths) -> DatasetPart:
    """Read ``dataset/dataset.json`` and the folders that it names."""
    if not (paths.dataset / RECORD_FILE).is_file():
        return DatasetPart(missing="The dataset was not built: there is no dataset/dataset.json.")
    built = read_dataset(paths.dataset)
    return DatasetPart(
        size=built.size,
        stages=[_stage(name, built, paths.dataset) for name in built.stages],
        holdout=len(built.holdout),
        subjects_held_out=len({held.subject for held in built.holdout}),
        refused=[(row.image, row.reason) for row in built.refused[:MAX_REFUSED]],
        refused_more=max(0, len(built.refused) - MAX_REFUSED),
        refused_reasons=Counter(row.reason for row in built.refused).most_common(12),
    )


def _stage(name: str, built: BuiltDataset, folder: Path) -> StageData:
    subsets = built.stages[name]
    own = [subset for subset in subsets if not subset.is_reg]
    an_epoch = sum(subset.images * subset.num_repeats for subset in own)
    imbalance = built.balance.get(name, {}).get("imbalance")
    return StageData(
        title=TITLES.get(name, name),
        buckets=[_bucket(subset, an_epoch) for subset in subsets],
        images=sum(subset.images for subset in own),
        an_epoch=an_epoch,
        imbalance="" if imbalance is None else f"{100 * float(imbalance):.1f} %",
        samples=_samples(own, folder),
    )


def _bucket(subset: Subset, an_epoch: int) -> Bucket:
    shown = subset.images * subset.num_repeats
    share = 0.0 if subset.is_reg or not an_epoch else round(100 * shown / an_epoch, 1)
    return Bucket(
        subset.bucket or "all",
        subset.image_dir,
        subset.images,
        subset.num_repeats,
        shown,
        share,
        subset.is_reg,
    )


def _samples(subsets: list[Subset], folder: Path) -> list[Sample]:
    """Images taken in turns from every bucket, so that each is seen."""
    queues = [sorted(visible((folder / subset.image_dir).glob("*.png"))) for subset in subsets]
    turns = [
        (subset, queue[turn])
        for turn in range(max(map(len, queues), default=0))
        for subset, queue in zip(subsets, queues, strict=True)
        if turn < len(queue)
    ]
    return [_sample(subset, path, folder) for subset, path in turns[:SAMPLES_A_STAGE]]


def _sample(subset: Subset, path: Path, folder: Path) -> Sample:
    caption_file = path.with_suffix(".txt")
    caption = (
        caption_file.read_text(encoding="utf-8").strip() if caption_file.is_file() else "(no caption file)"
    )
    if subset.mask_dir is None:
        shown = picture(path, caption, SAMPLE_PX)
    else:
        shown = overlay(path, folder / subset.mask_dir / path.name, f"{caption}, mask tinted", SAMPLE_PX)
    return Sample(shown, path.name, caption, subset.bucket)
