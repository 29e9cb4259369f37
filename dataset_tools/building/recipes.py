"""What each file of a dataset is made from: files of one recipe are equal, so an earlier one will do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from dataset_tools.building.build_settings import BuildPlan, Output, PlannedImage, buckets_for
from dataset_tools.building.written_files import WrittenFiles
from dataset_tools.files import data_hash
from dataset_tools.pictures.buckets import Buckets

MAKING = 2
"""Raised whenever the same recipe would give other bytes."""
DIGITS = 32


@dataclass(frozen=True)
class Earlier:
    """What the build before left in ``folder``. ``moved``: new name → old name, where these differ."""

    folder: Path
    written: WrittenFiles = field(default_factory=WrittenFiles)
    moved: Mapping[str, str] = field(default_factory=dict)

    def same(self, name: str, recipe: str) -> str | None:
        """The name of the file there that ``name`` would be equal to; each is given once."""
        there = self.written.get(name)
        return name if there and there.recipe == recipe else self.moved.get(name)


def all_recipes(planned: BuildPlan) -> Iterator[tuple[str, str]]:
    """(name, recipe) of every file of a build."""
    for image in planned.images:
        yield from recipes(image, buckets_for(planned.built.size, planned.built.shape), planned.dilate_px)


def recipes(image: PlannedImage, buckets: Buckets, dilate_px: int) -> Iterator[tuple[str, str]]:
    """(name, recipe) of every file that is made of ``image``, in the order of its outputs."""
    for output in image.outputs:
        light = asdict(output.light) if output.light else None
        yield output.image, _recipe("image", image.digest, light, *_cut(image, output, buckets))
        if output.caption_file is not None:
            yield output.caption_file, _recipe("caption", output.caption)
        if output.mask is not None:
            yield output.mask, _recipe("mask", _mask(image), dilate_px, *_cut(image, output, buckets))


def moved(planned: BuildPlan, written: WrittenFiles) -> dict[str, str]:
    """New name → old name of the files that are wanted elsewhere now: another folder, another copy."""
    if not written:
        return {}
    stays = bytearray(len(written))
    for name, recipe in all_recipes(planned):
        number = written.number(name)
        if number is not None and written.written(number).recipe == recipe:
            stays[number] = True
    free = _by_recipe(written, stays)
    if not free:
        return {}
    return {
        name: written.name(free[recipe].pop())
        for name, recipe in all_recipes(planned)
        if free.get(recipe) and not _is(written.number(name), stays)
    }


def _is(number: int | None, flags: bytearray) -> bool:
    return number is not None and bool(flags[number])


def _by_recipe(written: WrittenFiles, stays: bytearray) -> dict[str, list[int]]:
    """The numbers of the files that do not stay as they are."""
    found: dict[str, list[int]] = {}
    for number in range(len(written)):
        recipe = "" if stays[number] else written.written(number).recipe
        if recipe:
            found.setdefault(recipe, []).append(number)
    return found


def _cut(image: PlannedImage, output: Output, buckets: Buckets) -> Iterable[object]:
    """The crop, or what decides on it: the file's name and the sizes to choose from."""
    crop = asdict(output.crop) if output.crop else [image.source.name, buckets.sizes]
    return crop, output.mirrored


def _mask(image: PlannedImage) -> object:
    """A mask from a file hangs on that file alone; one that is drawn, on the picture it is drawn for."""
    assert image.mask is not None
    return [asdict(replace(image.mask, path=None)), None if image.mask.path else image.digest]


def _recipe(*parts: object) -> str:
    return data_hash([MAKING, *parts])[:DIGITS]
