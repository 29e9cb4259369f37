"""Imported folders → photographs and masks as they will lie in the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.manifests.kohya_tree import caption_line
from wrapper.kohya.imports.sources import NO_SUFFIX, Source

PHOTOS, MASKS, MANIFEST = "photos", "masks", "manifest.jsonl"


@dataclass(frozen=True)
class Photograph:
    """One image, relative places in the project, and the caption that sd-scripts reads for it."""

    source: Path
    image: str
    folder: str
    caption: str
    mask_source: Path | None = None

    @property
    def mask(self) -> str | None:
        return f"{MASKS}/{self.folder}/{self.mask_source.name}" if self.mask_source else None


@dataclass(frozen=True)
class Captions:
    """What was found out about a folder's captions."""

    read: int
    from_tokens: int
    ignored: int
    """Images whose ``.txt`` sd-scripts passed over, because ``caption_extension`` names another. They are
    read where nobody chose that, and left alone where somebody did, to train on the folder's name."""
    longer: int
    """Caption files with more lines than the one that is read."""


def photographs(sources: Sequence[Source]) -> list[tuple[Source, str, list[Photograph], Captions]]:
    """What would be written of each training folder, under a name that is unique in the project."""
    found, taken = [], set()
    for source in sources:
        name = source.folder.name
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        found.append((source, name, *_read(source, name)))
    return found


def _read(source: Source, name: str) -> tuple[list[Photograph], Captions]:
    masks = _masks(source.masks) if source.masks else {}
    photos, from_tokens, ignored, longer = [], 0, 0, 0
    for image in source.images():
        caption, more = caption_line(image.with_suffix(source.caption_suffix))
        if caption is None and source.caption_suffix != ".txt" and image.with_suffix(".txt").is_file():
            ignored += 1
            if source.caption_suffix == NO_SUFFIX:
                caption, more = caption_line(image.with_suffix(".txt"))
        longer += more
        from_tokens += caption is None
        place = f"{PHOTOS}/{name}/{image.name}"
        words = source.tokens if caption is None else caption
        photos.append(Photograph(image, place, name, words, masks.get(image.stem)))
    return photos, Captions(len(photos) - from_tokens, from_tokens, ignored, longer)


def _masks(folder: Path) -> dict[str, Path]:
    """Masks by their names without suffix, as sd-scripts pairs them."""
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder of masks.", "Mend conditioning_data_dir.")
    return {path.stem: path for path in Source(folder).images()}
