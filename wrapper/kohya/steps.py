"""How many steps a run takes, counted as sd-scripts v0.10.1 does before it starts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dataset_tools.pictures.buckets import Buckets, Size
from dataset_tools.wording import count_of


@dataclass(frozen=True)
class ImageUse:
    """One image file, ``size`` in pixels, and how often an epoch uses it."""

    size: Size
    repeats: int = 1
    is_reg: bool = False


@dataclass(frozen=True)
class DatasetUse:
    """One ``[[datasets]]`` entry."""

    images: Sequence[ImageUse]
    buckets: Buckets
    batch_size: int = 1


@dataclass(frozen=True)
class StepCount:
    """``uses`` and ``reg_uses`` count images an epoch, repeats included; ``buckets`` maps ``WxH`` to uses."""

    images: int
    reg_images: int
    uses: int
    reg_uses: int
    batches_per_epoch: int
    steps_per_epoch: int
    epochs: int
    steps: int
    buckets: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        regularised = f" + {self.reg_uses} regularisation images" if self.reg_uses else ""
        return (
            f"{count_of(self.steps, 'step')}: "
            f"{count_of(self.uses, 'image')} an epoch with repeats{regularised}, "
            f"{count_of(self.batches_per_epoch, 'batch', 'batches')}, "
            f"{count_of(self.steps_per_epoch, 'step')} an epoch, {count_of(self.epochs, 'epoch')}"
        )


def count_steps(
    datasets: Sequence[DatasetUse],
    max_train_steps: int = 1600,
    max_train_epochs: int | None = None,
    accumulation: int = 1,
    processes: int = 1,
) -> StepCount:
    """Count the steps of a run; ``max_train_epochs`` beats ``max_train_steps``, as in sd-scripts.

    No images give zero batches and zero steps: sd-scripts then ends at once with "No data found".
    """
    used = [(dataset, with_regularisation(dataset.images)) for dataset in datasets]
    filled = [_fill(dataset, images) for dataset, images in used]
    batches = sum(
        math.ceil(count / dataset.batch_size)
        for (dataset, _), buckets in zip(used, filled, strict=True)
        for count in buckets.values()
    )
    steps_per_epoch = math.ceil(batches / processes / accumulation)
    steps = max_train_epochs * steps_per_epoch if max_train_epochs else max_train_steps
    everything = [image for _, images in used for image in images]
    return StepCount(
        images=sum(not image.is_reg for image in everything),
        reg_images=sum(image.is_reg for image in everything),
        uses=sum(image.repeats for image in everything if not image.is_reg),
        reg_uses=sum(image.repeats for image in everything if image.is_reg),
        batches_per_epoch=batches,
        steps_per_epoch=steps_per_epoch,
        epochs=math.ceil(steps / steps_per_epoch) if batches else 0,
        steps=steps if batches else 0,
        buckets={f"{w}x{h}": count for (w, h), count in sorted(sum(filled, Counter()).items())},
    )


def with_regularisation(images: Sequence[ImageUse]) -> list[ImageUse]:
    """The images of one dataset that are used: regularisation images are cut or repeated to their number.

    In turn, each adds its repeats; when all have, each is repeated once more, until the regularisation
    images are at least as many as the others (``DreamBoothDataset.__init__``).
    """
    train = [image for image in images if not image.is_reg]
    reg = [image for image in images if image.is_reg]
    wanted = sum(image.repeats for image in train)
    used: list[ImageUse] = []
    count = 0
    for image in reg:
        if count >= wanted:
            break
        used.append(image)
        count += image.repeats
    rounds, rest = divmod(max(wanted - count, 0), len(used)) if used else (0, 0)
    repeated = [
        replace(image, repeats=image.repeats + rounds + (place < rest)) for place, image in enumerate(used)
    ]
    return train + repeated


def _fill(dataset: DatasetUse, images: Sequence[ImageUse]) -> Counter[Size]:
    """How many uses an epoch has in each bucket."""
    filled: Counter[Size] = Counter()
    for image in images:
        filled[dataset.buckets.choose(image.size)] += image.repeats
    return filled
