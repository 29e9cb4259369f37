"""A Kohya tree as a manifest: ``10_myface woman/`` with images, captions beside them, masks apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dataset_tools.errors import Problems, UserError
from dataset_tools.image_files import image_files, photographs
from dataset_tools.manifests.caption_lines import caption_lines
from dataset_tools.manifests.folder_names import read_name
from dataset_tools.manifests.places import ONLY_WITHIN, Within

CAPTION_SUFFIXES = (".txt", ".caption")
"""What kohya_ss writes, and what sd-scripts reads where nobody says another."""
MASK_FOLDERS = ("masks", "mask", "conditioning")
MOST_REPEATS = 999
"""Above are years: ``2024_holiday`` is a folder of photographs."""


def folder_name(name: str) -> tuple[int, str]:
    """``10_myface woman`` → (10, "myface woman"); 0 where sd-scripts ignores the folder."""
    first, _, rest = name.partition("_")
    try:
        return max(int(first), 0), rest
    except ValueError:
        return 0, ""


def is_kohya_tree(root: Path) -> bool:
    """Whether a folder of images in ``root`` says repeats and token, and no other is named by its buckets."""
    names = {name.partition("/")[0] for name in image_files(root) if "/" in name}
    others = [name for name in names if not _is_training_folder(name)]
    return len(others) < len(names) and not any(read_name(name)[0] for name in others)


def kohya_rows(root: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``(where, values)`` of each image in a training folder; one that lies elsewhere is a problem.

    A mask has its image's name in ``masks/<folder>/``, ``<folder>/masks/`` or ``masks/``, as with
    ``conditioning_data_dir``. Repeats and folder become tags, which the balance can go by.
    """
    images, masks, within = [], {}, Within(root)
    for name in photographs(root):
        place = PurePosixPath(name)
        if _is_mask(place):
            masks[place.with_suffix("")] = name
        else:
            images.append(place)
    for place in images:
        where = f"{root.name}/{place}"
        reason = _ignored(place)
        if reason:
            problems.add(
                where, reason, "Move it, or give its folder repeats in front, as in '10_myface woman'."
            )
            continue
        repeats, tokens = folder_name(place.parts[0])
        values = {"image": place.as_posix(), "tags": {"folder": place.parts[0], "repeats": str(repeats)}}
        caption = _caption(root / place, within, where, problems) or tokens.strip()
        mask = next((masks[key] for key in _mask_places(place) if key in masks), None)
        yield where, {**values, "caption": caption, **({"mask": mask} if mask else {})}


def caption_line(path: Path) -> tuple[str | None, bool]:
    """(the first line, whether there are more) of a caption file; None where there is no file.

    Raises `UserError` for a caption that sd-scripts cannot read, or whose first line is empty.
    """
    if not path.is_file():
        return None, False
    lines = caption_lines(path)
    if not lines or not lines[0].strip():
        raise UserError(f"{path}: the caption is empty.", "Write one, or remove the file.")
    return lines[0].strip(), any(line.strip() for line in lines[1:])


def _is_training_folder(name: str) -> bool:
    repeats, tokens = folder_name(name)
    return 0 < repeats <= MOST_REPEATS and bool(tokens.strip())


def _is_mask(place: PurePosixPath) -> bool:
    return any(part in MASK_FOLDERS for part in place.parts[:2][: len(place.parts) - 1])


def _mask_places(place: PurePosixPath) -> Iterator[PurePosixPath]:
    """Where the mask of an image may lie, its suffix left out."""
    folder, stem = place.parts[0], place.stem
    for masks in MASK_FOLDERS:
        yield PurePosixPath(masks, folder, stem)
        yield PurePosixPath(folder, masks, stem)
        yield PurePosixPath(masks, stem)


def _ignored(place: PurePosixPath) -> str:
    """Why sd-scripts would not train on the image, empty when it would."""
    if len(place.parts) == 1:
        return "lies beside the folders: sd-scripts passes over it."
    if not _is_training_folder(place.parts[0]):
        return f"'{place.parts[0]}' says no repeats: sd-scripts passes over it."
    return "" if len(place.parts) == 2 else f"lies too deep in '{place.parts[0]}': sd-scripts passes over it."


def _caption(image: Path, within: Within, where: str, problems: Problems) -> str | None:
    """The caption beside ``image``, None where there is none; two that differ are a problem."""
    found: list[str] = []
    for suffix in CAPTION_SUFFIXES:
        file = image.with_suffix(suffix)
        if file.is_file() and not within.has(file):
            problems.add(where, f"'{file.name}' is a link that leads out of the folder.", ONLY_WITHIN)
            continue
        try:
            caption, more = caption_line(file)
        except UserError as error:
            problems.add(where, f"'{file.name}': {error.message.rpartition(': ')[2]}", error.hint)
            continue
        if more:
            problems.add(where, f"'{file.name}': only its first line would be read.", "Put all of it there.")
        found += [caption] if caption else []
    if len(set(found)) > 1:
        problems.add(where, "its .txt and .caption differ.", "Remove the one that is out of date.")
    return found[0] if found else None
