"""Where each candidate goes: stages, buckets, folders, crops and names of what is written."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dataset_tools.building.balance import Balance
from dataset_tools.building.build_settings import BuildSettings, Output, PlannedImage, Stage
from dataset_tools.building.candidates import Candidate
from dataset_tools.building.copies import Copy
from dataset_tools.building.dataset import HeldOut, Subset
from dataset_tools.building.naming import bucket_folder, kohya_folder
from dataset_tools.captioning.captions import mirrored_row
from dataset_tools.manifests.safety import allowed
from dataset_tools.manifests.schema import ManifestRow
from dataset_tools.pictures.crop import Crop, crop_for

HELD_IMAGES, HELD_MASKS = "holdout/images", "holdout/masks"


@dataclass(frozen=True, slots=True)
class Placed:
    """A candidate, or a copy of it, in the bucket of a stage."""

    candidate: Candidate
    stage: Stage
    copy: Copy
    bucket: str


def place(candidate: Candidate, made: Sequence[Copy], settings: BuildSettings) -> Iterator[Placed]:
    """The stages and buckets that a candidate and the copies ``made`` of it go to."""
    row = candidate.row
    for stage in settings.stages:
        if not allowed(row, stage) or (stage == "stage_b" and candidate.mask is None):
            continue
        for copy in made:
            shown = mirrored_row(row) if copy.mirrored else row
            yield Placed(candidate, stage, copy, bucket_of(shown, settings.balance_by))


def bucket_of(row: ManifestRow, keys: Sequence[str]) -> str:
    """``clients.back+front`` for two keys, ``all`` for none."""
    return "+".join(row.bucket(key) for key in keys) or "all"


def subsets(stage: Stage, found: Balance, settings: BuildSettings) -> list[Subset]:
    """The Kohya folders of a stage."""
    return [
        Subset(
            image_dir=_folder(stage, "train", bucket, repeats, settings),
            num_repeats=repeats,
            class_tokens=settings.class_tokens,
            mask_dir=_folder(stage, "masks", bucket, repeats, settings) if stage == "stage_b" else None,
            images=found.images[bucket] // repeats,
            bucket=bucket,
        )
        for bucket, repeats in found.repeats.items()
    ]


def planned_images(
    usable: Iterable[Candidate],
    placed: Callable[[Candidate], Iterable[Placed]],
    held: Container[str],
    names: Mapping[str, str],
    balances: Mapping[Stage, Balance],
    settings: BuildSettings,
) -> Iterator[PlannedImage]:
    """Every source with all that is made of it, in the manifest's order."""
    for candidate in usable:
        name = names[candidate.row.image]
        made = [
            _training_output(item, name, balances[item.stage].repeats[item.bucket], settings)
            for item in placed(candidate)
        ]
        if candidate.row.image in held:
            made = [_held_output(candidate, name, settings)]
        if made:
            mask = candidate.mask if any(output.mask for output in made) else None
            yield PlannedImage(candidate.path, candidate.size_hw, mask, tuple(made), candidate.digest)


def crop_of(candidate: Candidate, settings: BuildSettings, around: bool) -> Crop:
    """Around the mask or the ear's box when ``around``, else as the row's words say.

    Stage A learns the whole figure, so only its close-ups are cut around the ear.
    """
    row = candidate.row
    box = (candidate.mask.box if candidate.mask else row.ear_box) if around else None
    words = (row.view, row.type, row.image)
    return crop_for(candidate.size_hw, None, box, *words, settings.context, settings.buckets)


def held_out_record(candidate: Candidate, name: str) -> HeldOut:
    """What evaluation is told of a held-out candidate."""
    row = candidate.row
    return HeldOut(
        name=name,
        image=f"{HELD_IMAGES}/{name}.png",
        mask=f"{HELD_MASKS}/{name}.png" if candidate.mask else None,
        caption=candidate.caption,
        negative=row.negative,
        subject=row.subject,
        age=row.age,
        view=row.view,
        original=row.image,
    )


def _folder(stage: Stage, kind: str, bucket: str, repeats: int, settings: BuildSettings) -> str:
    """``stage_a/train/<bucket>/<repeats>_<trigger> <class>``."""
    return f"{stage}/{kind}/{bucket_folder(bucket)}/{kohya_folder(repeats, settings.class_tokens)}"


def _training_output(item: Placed, stem: str, repeats: int, settings: BuildSettings) -> Output:
    candidate, copy, masked = item.candidate, item.copy, item.stage == "stage_b"
    return Output(
        folder=_folder(item.stage, "train", item.bucket, repeats, settings),
        name=stem + copy.suffix,
        crop=crop_of(candidate, settings, masked or candidate.row.type == "ear"),
        mirrored=copy.mirrored,
        light=copy.light,
        caption=candidate.mirrored_caption if copy.mirrored else candidate.caption,
        mask_folder=_folder(item.stage, "masks", item.bucket, repeats, settings) if masked else None,
    )


def _held_output(candidate: Candidate, name: str, settings: BuildSettings) -> Output:
    around = candidate.mask is not None or candidate.row.type == "ear"
    masks = HELD_MASKS if candidate.mask else None
    return Output(HELD_IMAGES, name, crop_of(candidate, settings, around), mask_folder=masks)
