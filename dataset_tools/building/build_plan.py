"""The plan of a build: who trains, who is held out, how buckets are evened out. Nothing is written here."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from dataset_tools.building.balance import BALANCED, Balance, balance
from dataset_tools.building.build_settings import BuildPlan, BuildSettings, PlannedImage, Stage
from dataset_tools.building.candidates import Candidate, candidates
from dataset_tools.building.copies import copies
from dataset_tools.building.dataset import BuiltDataset, Refused
from dataset_tools.building.naming import check_tokens, names_for
from dataset_tools.building.placement import Placed, held_out_record, place, planned_images, subsets
from dataset_tools.building.regularisation import Finder, plan_regularisation
from dataset_tools.building.split import held_out, leaders
from dataset_tools.errors import UserError
from dataset_tools.files import data_hash
from dataset_tools.manifests.manifest import Manifest

if TYPE_CHECKING:
    from dataset_tools.quality.qc_record import QcRecord

VERSION = 4
"""Raised whenever the same inputs would give other files."""
MOST_DOUBTS = 10
TITLES: Mapping[str, str] = {"stage_a": "Stage A", "stage_b": "Stage B"}


def plan(
    manifest: Manifest,
    records: Sequence[QcRecord],
    settings: BuildSettings,
    regularisation: Finder | None = None,
) -> BuildPlan:
    """Plan the Kohya folders. Reads images and masks, writes nothing; class images are asked for last.

    Raises `UserError` for QC records of other images, masks that do not fit, missing captions, a stage that
    comes out without images, and a split that leaves none to train on.
    """
    check_tokens(settings.trigger, settings.class_word)
    usable, refused, doubts = candidates(manifest, records, settings)
    training, held, doubles = split(usable, records, settings)
    made = copies((candidate.row.image for candidate in training), settings)
    placed = [item for one in training for item in place(one, made[one.row.image], settings)]
    balances = _balances(placed, settings)
    stages = {stage: subsets(stage, balances[stage], settings) for stage in settings.stages}
    class_images = regularisation(balances["stage_a"].total) if regularisation and "stage_a" in stages else ()
    digests = {candidate.digest: candidate.row.image for candidate in usable}
    reg_images, reg_subset, said = plan_regularisation(class_images, settings, digests)
    if reg_subset:
        stages["stage_a"].append(reg_subset)
    names = names_for(candidate.row.image for candidate in usable)
    images = (*planned_images(usable, placed, held, names, balances, settings), *reg_images)
    built = BuiltDataset(
        size=settings.size,
        shape=settings.shape,
        stages=dict(stages),
        holdout=[held_out_record(candidate, names[candidate.row.image]) for candidate in held],
        refused=[*refused, *doubles],
        balance={stage: balance_record(found) for stage, found in balances.items()},
        key="",
    )
    built = built.model_copy(update={"key": content_key(images, built, settings)})
    notes = (*_listed(doubts), *said, *_notes(built, balances, settings))
    return BuildPlan(settings.dilate_px, images, built, notes)


def split(
    usable: Sequence[Candidate], records: Sequence[QcRecord], settings: BuildSettings
) -> tuple[list[Candidate], list[Candidate], list[Refused]]:
    """Training, held out, and what is in neither because a duplicate of it is held out."""
    groups = leaders({record.path: record.duplicate_of for record in records})
    masked = [candidate.row.image for candidate in usable if candidate.mask]
    rows = [candidate.row for candidate in usable]
    preferred = masked if "stage_b" in settings.stages else ()
    chosen = held_out(rows, settings.holdout, settings.holdout_share, settings.seed, groups, preferred)
    held_groups = {groups[image] for image in chosen}
    training, held, doubles = [], [], []
    for candidate in usable:
        image = candidate.row.image
        if image in chosen:
            held.append(candidate)
        elif groups[image] in held_groups:
            doubles.append(Refused(image=image, reason="a duplicate of it is held out"))
        else:
            training.append(candidate)
    return training, held, doubles


def _balances(placed: Sequence[Placed], settings: BuildSettings) -> dict[Stage, Balance]:
    """Each stage's repeats. A share may name a bucket that only one of the stages has."""
    counts = {stage: Counter(i.bucket for i in placed if i.stage == stage) for stage in settings.stages}
    known = {bucket for found in counts.values() for bucket in found}
    shares = {bucket: share for bucket, share in settings.shares.items() if bucket in known}
    unknown = {bucket: share for bucket, share in settings.shares.items() if bucket not in known}
    return {
        stage: _balance(stage, found, {**_of(found, shares), **unknown}, settings)
        for stage, found in counts.items()
    }


def _of(counts: Counter[str], shares: Mapping[str, float]) -> dict[str, float]:
    return {bucket: share for bucket, share in shares.items() if bucket in counts}


def _balance(
    stage: Stage, counts: Counter[str], shares: Mapping[str, float], settings: BuildSettings
) -> Balance:
    if not counts:
        raise UserError(
            f"{TITLES[stage]} has no images: {_why_empty(stage)}.",
            f"Mend the manifest, or set {stage}.enabled = false.",
        )
    in_order = dict(sorted(counts.items()))
    try:
        return balance(in_order, shares, settings.max_repeats, settings.epoch_images, settings.max_images)
    except UserError as error:
        raise UserError(f"{TITLES[stage]}: {error.message}", error.hint) from error


def _why_empty(stage: Stage) -> str:
    if stage == "stage_b":
        return "no usable row has a mask (masks.source makes them from ear_box when it is not 'manifest')"
    return "every row was refused, held out, or is of a subject under 18"


def balance_record(found: Balance) -> dict[str, Any]:
    """A `Balance` as the dataset's record keeps it."""
    counts = {bucket: found.images[bucket] // found.repeats[bucket] for bucket in found.repeats}
    return {"counts": counts, **asdict(found)}


def content_key(images: Sequence[PlannedImage], built: BuiltDataset, settings: BuildSettings) -> str:
    """The content of every source and all that is done to it; where the sources lie does not matter."""
    record = built.model_dump(mode="json", exclude={"key"})
    key = hashlib.sha256(data_hash([VERSION, settings.dilate_px, record]).encode())
    for image in images:
        mask = asdict(replace(image.mask, path=None)) if image.mask else None
        made = [image.digest, mask, [asdict(output) for output in image.outputs]]
        key.update(data_hash(made).encode())
    return key.hexdigest()


def _listed(doubts: Sequence[str]) -> Iterator[str]:
    """The first few, and where to see all."""
    yield from doubts[:MOST_DOUBTS]
    if len(doubts) > MOST_DOUBTS:
        yield f"and {len(doubts) - MOST_DOUBTS} masks more are doubtful: 'lorawrap masks MANIFEST' names all."


def _notes(built: BuiltDataset, balances: Mapping[Stage, Balance], settings: BuildSettings) -> Iterator[str]:
    for stage, found in balances.items():
        if found.imbalance > BALANCED + 1e-9:
            yield (
                f"{TITLES[stage]} is not even: the most favoured bucket still gets {found.imbalance:.0%} "
                f"more than the least favoured one, and {found.misplaced:.1%} of an epoch is in the wrong "
                f"bucket (balance.max_repeats is {settings.max_repeats}{_bound(settings)})."
            )
    yield from _class_image_notes(built, balances)
    if not built.holdout:
        yield "No image is held out, so nothing can be measured: see dataset.holdout."
    elif "stage_b" in settings.stages and not any(held.mask for held in built.holdout):
        yield "No held-out image has a mask, so inpainting cannot be measured."


def _bound(settings: BuildSettings) -> str:
    return f", balance.max_images {settings.max_images}" if settings.max_images else ""


def _class_image_notes(built: BuiltDataset, balances: Mapping[Stage, Balance]) -> Iterator[str]:
    """A trainer shows as many class images as images of an epoch: it repeats them, or leaves some out."""
    there = sum(subset.images for subset in built.stages.get("stage_a", ()) if subset.is_reg)
    needed = balances["stage_a"].total if there else 0
    if there < needed:
        often = f"each is shown about {needed / there:.1f} times an epoch"
        yield f"{there} class images for an epoch of {needed}: {often}. {needed} would be shown once."
    elif there > needed:
        yield f"{there} class images for an epoch of {needed}: {there - needed} of them are not used."
