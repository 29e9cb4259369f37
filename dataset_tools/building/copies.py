"""Copies of photographs that train beside them: mirrored ones, re-lit ones. What is held out has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dataset_tools.building.build_settings import BuildSettings
from dataset_tools.files import data_hash
from dataset_tools.pictures.relight import Light, light_for

MAX_SEED = 1 << 32


@dataclass(frozen=True)
class Copy:
    """What is done to a crop. ``suffix`` begins with a plus sign, which no other name has."""

    suffix: str = ""
    mirrored: bool = False
    light: Light | None = None


ORIGINAL = Copy()
MIRRORED = Copy("+mirrored", mirrored=True)


def copies(images: Iterable[str], settings: BuildSettings) -> Mapping[str, tuple[Copy, ...]]:
    """Training image → itself and its copies, in the order of their making.

    ``relight`` copies are made in all, shared out over the images in an order of the seed's: 3 of 7 images
    get one, of 2 images one gets two. Another image moves few of them.
    """
    order = sorted(set(images), key=lambda image: data_hash([settings.seed, "relight", image]))
    mirrored = (MIRRORED,) if settings.mirror else ()
    each, more = divmod(settings.relight, len(order)) if order else (0, 0)
    return {
        image: (ORIGINAL, *mirrored, *_relit(image, each + (place < more), settings.seed))
        for place, image in enumerate(order)
    }


def _relit(image: str, number: int, seed: int) -> Iterable[Copy]:
    for turn in range(1, number + 1):
        light = light_for(int(data_hash([seed, "light", image, turn]), 16) % MAX_SEED)
        yield Copy(f"+relit{turn}", light=light)
