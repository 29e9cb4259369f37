"""Class images for prior preservation: squares of the class, captioned with the class word alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dataset_tools.building.build_settings import BuildSettings, Output, PlannedImage
from dataset_tools.building.dataset import Subset
from dataset_tools.building.naming import kohya_folder, names_for
from dataset_tools.captioning.captions import caption_from_file, has_word
from dataset_tools.errors import Problems, UserError
from dataset_tools.files import content_hash
from dataset_tools.image_files import list_folder
from dataset_tools.pictures.images import open_header, pillow_errors, refuse_odd_file
from dataset_tools.progress import track

BUCKET = "regularisation"


Finder = Callable[[int], Sequence[Path]]
"""Gives class images when it is told how many an epoch needs: found in a folder, or generated."""


def find_regularisation(folder: Path, count: int = 0) -> list[Path]:
    """``count`` images (0: all) in ``folder``, spread over them. Raises `UserError` when there are none."""
    if not folder.is_dir():
        raise UserError(f"regularisation.folder: {folder} is not a folder.")
    found = list_folder(folder).pictures
    if not found:
        raise UserError(f"regularisation.folder: {folder} has no images in it.")
    wanted = min(count or len(found), len(found))
    return [folder / found[number * len(found) // wanted] for number in range(wanted)]


def plan_regularisation(
    paths: Sequence[Path],
    settings: BuildSettings,
    photographs: Mapping[str, str],
    content: Callable[[Path], str] = content_hash,
) -> tuple[list[PlannedImage], Subset | None, list[str]]:
    """What to write for class images, their subset, and notes. ``NAME.txt`` beside one is its caption.

    ``photographs`` are the names of those to learn by their SHA-256. Raises one `UserError` for captions with
    the trigger word, and for class images that are photographs of the subject: neither may be learned so.
    """
    if not paths:
        return [], None, []
    folder = f"stage_a/reg/{kohya_folder(1, settings.class_word)}"
    names, problems = names_for(str(path) for path in paths), Problems()
    planned, small = [], 0
    for path in track(paths, "Reading class images", len(paths)):
        caption = caption_from_file(path) or f"photo of a {settings.class_word}"
        if has_word(caption, settings.trigger):
            problems.add(
                path, f"its caption has the trigger word '{settings.trigger}', a class image's must not."
            )
        digest = content(path)
        if digest in photographs:
            problems.add(path, f"is the photograph {photographs[digest]}: a class image shows somebody else.")
        small += _short_side(path) < settings.size
        output = Output(folder, names[str(path)], None, caption=caption)
        planned.append(PlannedImage(path, None, None, (output,), digest))
    problems.raise_if_any()
    subset = Subset(
        image_dir=folder,
        num_repeats=1,
        class_tokens=settings.class_word,
        is_reg=True,
        images=len(planned),
        bucket=BUCKET,
    )
    return planned, subset, [_enlarged(small, settings.size)] if small else []


def _short_side(path: Path) -> int:
    """Pixels, by the file's header. Raises `UserError` for what is no picture."""
    refuse_odd_file(path)
    with path.open("rb") as stream, pillow_errors(path):
        return min(open_header(path, stream).size)


def _enlarged(count: int, size: int) -> str:
    return f"{count} class images have a side under {size} px and are enlarged, which teaches softness."
