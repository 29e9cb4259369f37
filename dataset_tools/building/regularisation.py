"""Class images for prior preservation: squares of the class, captioned with the class word alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_tools.building.build_settings import BuildSettings, Output, PlannedImage
from dataset_tools.building.dataset import Subset
from dataset_tools.building.naming import kohya_folder, names_for
from dataset_tools.captioning.captions import caption_from_file, has_word
from dataset_tools.errors import Problems, UserError
from dataset_tools.files import content_hash
from dataset_tools.image_files import list_folder
from dataset_tools.progress import track

BUCKET = "regularisation"


def find_regularisation(folder: Path, count: int = 0) -> list[Path]:
    """The first ``count`` images (0: all) in ``folder``. Raises `UserError` when there are none."""
    if not folder.is_dir():
        raise UserError(f"regularisation.folder: {folder} is not a folder.")
    found = list_folder(folder).pictures
    if not found:
        raise UserError(f"regularisation.folder: {folder} has no images in it.")
    return [folder / name for name in (found[:count] if count else found)]


def plan_regularisation(
    paths: Sequence[Path], settings: BuildSettings
) -> tuple[list[PlannedImage], Subset | None]:
    """What to write for class images, and their subset. ``NAME.txt`` beside one is its caption.

    Raises `UserError` when such a caption has the trigger word: the class must not learn it.
    """
    if not paths:
        return [], None
    folder = f"stage_a/reg/{kohya_folder(1, settings.class_word)}"
    names, problems = names_for(str(path) for path in paths), Problems()
    planned = []
    for path in track(paths, "Reading class images", len(paths)):
        caption = caption_from_file(path) or f"photo of a {settings.class_word}"
        if has_word(caption, settings.trigger):
            problems.add(
                path, f"its caption has the trigger word '{settings.trigger}', a class image's must not."
            )
        output = Output(folder, names[str(path)], None, caption=caption)
        planned.append(PlannedImage(path, None, None, (output,), content_hash(path)))
    problems.raise_if_any()
    subset = Subset(
        image_dir=folder,
        num_repeats=1,
        class_tokens=settings.class_word,
        is_reg=True,
        images=len(planned),
        bucket=BUCKET,
    )
    return planned, subset
