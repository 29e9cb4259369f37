"""Which images are held out for evaluation, so that no stage ever sees them or a copy of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from dataset_tools.errors import UserError
from dataset_tools.files import data_hash
from dataset_tools.manifests.schema import ManifestRow

HoldoutMode = Literal["manifest", "subject", "image", "none"]


def held_out(
    rows: Sequence[ManifestRow],
    mode: HoldoutMode,
    share: float,
    seed: int,
    groups: Mapping[str, str],
    preferred: Iterable[str] = (),
) -> set[str]:
    """The images to hold out.

    Rows that say ``split`` are taken at their word. ``subject`` and ``image`` choose ``share`` of the other
    subjects, or of the other images: ``groups`` (image → leader of its duplicates) stay together, and where
    there are ``preferred`` images (those with a mask) only they are chosen. The choice hangs on names and
    seed alone: an image added later moves no other one. Raises `UserError` when nothing would be left.
    """
    if mode == "none":
        return set()
    said = {row.image for row in rows if row.split == "holdout"}
    free = [row for row in rows if row.split is None]
    if mode == "manifest" or share == 0 or not free:
        return said
    if mode == "subject":
        return said | _by_subject(free, share, seed)
    return said | _by_image(free, share, seed, groups, set(preferred))


def leaders(duplicate_of: Mapping[str, str | None]) -> dict[str, str]:
    """image → the image that its duplicates all lead to; ``{"b": "a", "c": "b"}`` gives a for each."""
    return {image: _leader(image, duplicate_of) for image in duplicate_of}


def _leader(image: str, duplicate_of: Mapping[str, str | None]) -> str:
    seen = {image}
    while (further := duplicate_of.get(image)) is not None and further not in seen:
        image = further
        seen.add(image)
    return min(seen) if further is not None else image


def _by_subject(rows: list[ManifestRow], share: float, seed: int) -> set[str]:
    chosen = _choose({row.subject for row in rows}, share, seed, "subjects")
    return {row.image for row in rows if row.subject in chosen}


def _by_image(
    rows: list[ManifestRow], share: float, seed: int, groups: Mapping[str, str], preferred: set[str]
) -> set[str]:
    pool = [row for row in rows if row.image in preferred] or rows
    chosen = _choose({groups.get(row.image, row.image) for row in pool}, share, seed, "images")
    return {row.image for row in rows if groups.get(row.image, row.image) in chosen}


def _choose(names: set[str], share: float, seed: int, what: str) -> set[str]:
    count = max(1, round(share * len(names)))
    if count >= len(names):
        raise UserError(
            f"dataset.holdout: {count} of {len(names)} {what} would be held out, and none left to train on.",
            "Lower dataset.holdout_share, or set dataset.holdout to 'manifest' or 'none'.",
        )
    return set(sorted(names, key=lambda name: data_hash([seed, name]))[:count])
