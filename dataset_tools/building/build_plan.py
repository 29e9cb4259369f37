"""The plan of a build: who trains, who is held out, how buckets are evened out. Nothing is written here."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

from dataset_tools.building.balance import BALANCED, Balance, balance
from dataset_tools.building.build_settings import BuildPlan, BuildSettings, PlannedImage, Stage
from dataset_tools.building.candidates import Candidate, Content, QcWord, candidates, qc_words
from dataset_tools.building.copies import copies
from dataset_tools.building.dataset import BuiltDataset, Refused
from dataset_tools.building.naming import check_tokens, names_for
from dataset_tools.building.placement import Placed, held_out_record, place, planned_images, subsets
from dataset_tools.building.regularisation import Finder, plan_regularisation
from dataset_tools.building.split import held_out, leaders
from dataset_tools.errors import UserError
from dataset_tools.files import content_hash, data_hash
from dataset_tools.known_answers import Ask, ask_anew
from dataset_tools.manifests.manifest import Manifest
from dataset_tools.packed import Packed
from dataset_tools.quality.since import Changed, unchanged

if TYPE_CHECKING:
    from dataset_tools.quality.qc_record import QcRecord

VERSION = 4
"""Raised whenever the same inputs would give other files."""
MOST_DOUBTS = 10
DOUBLE = "a duplicate of it is held out"
TITLES: Mapping[str, str] = {"stage_a": "Stage A", "stage_b": "Stage B"}


def plan(
    manifest: Manifest,
    records: Iterable[QcRecord],
    settings: BuildSettings,
    regularisation: Finder | None = None,
    content: Content = content_hash,
    changed: Changed = unchanged,
    ask: Ask = ask_anew,
) -> BuildPlan:
    """Plan the Kohya folders. Reads images and masks, writes nothing; class images are asked for last.

    ``records`` are read once and ``content`` gives a file's SHA-256; what is held of an image in memory is
    some hundred bytes. ``changed`` tells of images that are no longer those of the ``records``; ``ask`` knows
    what an earlier plan found out of the same masks and pictures.

    Raises `UserError` for QC records of other or changed images, masks that do not fit, missing captions, a
    stage that comes out without images, and a split that leaves none to train on.
    """
    check_tokens(settings.trigger, settings.class_word)
    said = qc_words(manifest, records, settings)
    usable, refused, doubts = candidates(manifest, said, settings, content, changed, ask)
    chosen, doubled = split(usable, said, settings)
    training = _Training(usable, chosen | doubled.keys(), settings)
    balances = _balances(training.counts(), settings)
    stages = {stage: subsets(stage, balances[stage], settings) for stage in settings.stages}
    class_images = regularisation(balances["stage_a"].total) if regularisation and "stage_a" in stages else ()
    digests = {one.digest: one.row.image for one in usable} if class_images else {}
    reg_images, reg_subset, reg_notes = plan_regularisation(class_images, settings, digests, content)
    if reg_subset:
        stages["stage_a"].append(reg_subset)
    names = names_for(candidate.row.image for candidate in usable)
    images = Packed(planned_images(usable, training.placed, chosen, names, balances, settings))
    for reg_image in reg_images:
        images.append(reg_image)
    held = (candidate for candidate in usable if candidate.row.image in chosen)
    built = BuiltDataset(
        size=settings.size,
        shape=settings.shape,
        stages=dict(stages),
        holdout=[held_out_record(candidate, names[candidate.row.image]) for candidate in held],
        refused=[*refused, *(Refused(image=image, reason=DOUBLE) for image in doubled)],
        balance={stage: balance_record(found) for stage, found in balances.items()},
        key="",
    )
    built = built.model_copy(update={"key": content_key(images, built, settings)})
    notes = (*_listed(doubts), *reg_notes, *_notes(built, balances, settings))
    return BuildPlan(settings.dilate_px, images, built, notes)


class _Row(NamedTuple):
    """What the split has to know of a candidate."""

    image: str
    subject: str
    split: str | None


def split(
    usable: Iterable[Candidate], said: Mapping[str, QcWord], settings: BuildSettings
) -> tuple[set[str], dict[str, None]]:
    """The images held out, and in order those in no part because a duplicate of them is held out."""
    groups = leaders({image: word.duplicate_of for image, word in said.items()})
    rows, masked = [], []
    for one in usable:
        rows.append(_Row(one.row.image, intern(one.row.subject), one.row.split))
        masked.extend([one.row.image] if one.mask else [])
    preferred = masked if "stage_b" in settings.stages else ()
    chosen = held_out(rows, settings.holdout, settings.holdout_share, settings.seed, groups, preferred)
    held_groups = {groups[image] for image in chosen}
    doubled = (row.image for row in rows if row.image not in chosen and groups[row.image] in held_groups)
    return chosen, dict.fromkeys(doubled)


class _Training:
    """The candidates but those left ``out``, with their copies."""

    def __init__(self, usable: Sequence[Candidate], out: Container[str], settings: BuildSettings) -> None:
        self._usable, self._out, self._settings = usable, out, settings
        images = (candidate.row.image for candidate in usable if candidate.row.image not in out)
        self._copies = copies(images, settings)

    def placed(self, candidate: Candidate) -> Iterator[Placed]:
        """Where a candidate and its copies go: nowhere for one that is left out."""
        if candidate.row.image not in self._out:
            yield from place(candidate, self._copies[candidate.row.image], self._settings)

    def counts(self) -> dict[Stage, Counter[str]]:
        """Pictures by stage and bucket."""
        counts: dict[Stage, Counter[str]] = {stage: Counter() for stage in self._settings.stages}
        for candidate in self._usable:
            for item in self.placed(candidate):
                counts[item.stage][item.bucket] += 1
        return counts


def _balances(counts: Mapping[Stage, Counter[str]], settings: BuildSettings) -> dict[Stage, Balance]:
    """Each stage's repeats. A share may name a bucket that only one of the stages has."""
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
            f"Look at QC's page and at the manifest, or set {stage}.enabled = false.",
        )
    in_order = dict(sorted(counts.items()))
    try:
        return balance(in_order, shares, settings.max_repeats, settings.epoch_images, settings.max_images)
    except UserError as error:
        raise UserError(f"{TITLES[stage]}: {error.message}", error.hint) from error


def _why_empty(stage: Stage) -> str:
    if stage == "stage_b":
        return "no usable row has a mask (masks.source makes them from ear_box when it is not 'manifest')"
    return "every row was rejected by QC or refused, is held out, or is of a subject under 18"


def balance_record(found: Balance) -> dict[str, Any]:
    """A `Balance` as the dataset's record keeps it."""
    counts = {bucket: found.images[bucket] // found.repeats[bucket] for bucket in found.repeats}
    return {"counts": counts, **asdict(found)}


def content_key(images: Iterable[PlannedImage], built: BuiltDataset, settings: BuildSettings) -> str:
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
