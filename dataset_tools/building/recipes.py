"""What each file of a dataset is made from: files of one recipe are equal, so an earlier one will do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from dataset_tools.building.build_settings import Output, PlannedImage
from dataset_tools.building.ownership import Written
from dataset_tools.files import data_hash

MAKING = 1
"""Raised whenever the same recipe would give other bytes."""
DIGITS = 32


def recipes(image: PlannedImage, size: int, dilate_px: int) -> Iterator[tuple[str, str]]:
    """(name, recipe) of every file that is made of ``image``, in the order of its outputs."""
    for output in image.outputs:
        light = asdict(output.light) if output.light else None
        yield output.image, _recipe("image", image.digest, light, *_cut(image, output, size))
        if output.caption_file is not None:
            yield output.caption_file, _recipe("caption", output.caption)
        if output.mask is not None:
            yield output.mask, _recipe("mask", _mask(image), dilate_px, *_cut(image, output, size))


def reusable(
    wanted: Mapping[str, str], earlier: Mapping[str, Written], folder: Path
) -> dict[str, tuple[Path, Written]]:
    """New name → the file of the build before, in ``folder``, of the same recipe.

    The file of the same name comes first, and each is used once: no two files of a dataset are one on disk.
    """
    same = {name for name, recipe in wanted.items() if name in earlier and earlier[name].recipe == recipe}
    others: dict[str, list[str]] = {}
    for name, written in earlier.items():
        if written.recipe and name not in same:
            others.setdefault(written.recipe, []).append(name)
    found = {name: (folder / name, earlier[name]) for name in same}
    for name, recipe in wanted.items():
        if name not in same and others.get(recipe):
            old = others[recipe].pop()
            found[name] = (folder / old, earlier[old])
    return found


def _cut(image: PlannedImage, output: Output, size: int) -> list[object]:
    """The crop, or the file's name where that decides on the crop."""
    crop = asdict(output.crop) if output.crop else image.source.name
    return [crop, size, output.mirrored]


def _mask(image: PlannedImage) -> object:
    """A mask from a file hangs on that file alone; one that is drawn, on the picture it is drawn for."""
    assert image.mask is not None
    return [asdict(replace(image.mask, path=None)), None if image.mask.path else image.digest]


def _recipe(*parts: object) -> str:
    return data_hash([MAKING, *parts])[:DIGITS]
