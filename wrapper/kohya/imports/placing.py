"""What an import puts into the project's folder: a command that was cut off has done some of it already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from dataset_tools.errors import UserError
from dataset_tools.files import content_hash, link_or_copy, whole_folder, write_text
from dataset_tools.progress import track
from wrapper.kohya.imports.photographs import MANIFEST, MASKS, PHOTOS, Photograph

PROMPTS = "sample_prompts.txt"
Files = Mapping[str, "Path | str"]
"""Place in a folder → the file that is copied there, or its text."""


def place_all(root: Path, photos: Sequence[Photograph], prompts: str) -> None:
    """Link or copy every image and mask, and write captions, manifest and prompts; the originals stay.

    What is there as it would be written stays. UserError for anything else in these places.
    """
    wanted = {**_folders(photos), **_texts(photos, prompts)}
    left = [name for name, files in wanted.items() if not _is_there(root / name, files)]
    for place in (root / name for name in (*left, *_unwanted(photos))):
        if place.exists():
            raise UserError(f"{place}: is there already.", "Choose an empty folder for the project.")
    for name in left:
        _put(root / name, wanted[name])


def _folders(photos: Sequence[Photograph]) -> dict[str, Files]:
    images: dict[str, Path | str] = {}
    masks: dict[str, Path | str] = {}
    for photo in photos:
        place = PurePosixPath(photo.image).relative_to(PHOTOS)
        images[str(place)] = photo.source
        images[str(place.with_suffix(".txt"))] = f"{photo.caption}\n"
        if photo.mask and photo.mask_source:
            masks[str(PurePosixPath(photo.mask).relative_to(MASKS))] = photo.mask_source
    return {name: files for name, files in ((PHOTOS, images), (MASKS, masks)) if files}


def _texts(photos: Sequence[Photograph], prompts: str) -> dict[str, str]:
    texts = {MANIFEST: "".join(_rows(photos)), PROMPTS: prompts}
    return {name: text for name, text in texts.items() if text}


def _unwanted(photos: Sequence[Photograph]) -> list[str]:
    """Masks that lie there would be taken for those of photographs that have none."""
    return [MASKS] if photos and MASKS not in _folders(photos) else []


def _rows(photos: Sequence[Photograph]) -> Iterator[str]:
    for photo in photos:
        row = {"image": photo.image, "mask": photo.mask, "tags": {"folder": photo.folder}}
        yield json.dumps({key: value for key, value in row.items() if value}, ensure_ascii=False) + "\n"


def _is_there(place: Path, wanted: Files | str) -> bool:
    if isinstance(wanted, str):
        return place.is_file() and _is(place, wanted)
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if not path.is_dir()}
    return found == set(wanted) and all(_is(place / name, what) for name, what in wanted.items())


def _is(path: Path, wanted: Path | str) -> bool:
    if isinstance(wanted, str):
        return path.read_bytes() == wanted.encode("utf-8")
    return path.samefile(wanted) or content_hash(path) == content_hash(wanted)


def _put(place: Path, wanted: Files | str) -> None:
    if isinstance(wanted, str):
        write_text(place, wanted)
        return
    with whole_folder(place) as folder:
        for name, what in track(list(wanted.items()), f"Taking over {place.name}", len(wanted)):
            if isinstance(what, str):
                write_text(folder / name, what)
            else:
                link_or_copy(what, folder / name)
