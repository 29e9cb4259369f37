"""Photographs repainted from files to files: one model for all, each picture saved as soon as it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import RunFailed, UserError
from dataset_tools.manifests.safety import UNDER_18, refuse_negative, refuse_prompt
from dataset_tools.pictures.masks import looks_inverted
from dataset_tools.progress import progress
from wrapper.diffusion.conditions.attached import attached_images
from wrapper.diffusion.conditions.control_image import crop_note
from wrapper.diffusion.inpainting.faults import Fault, at
from wrapper.diffusion.inpainting.feather import feathered_box, lay_back
from wrapper.diffusion.inpainting.inpaint import (
    MOSTLY_NEW,
    check_inpainting,
    check_settings,
    paint,
    seen_region,
    view_of,
)
from wrapper.diffusion.inpainting.mask_request import make_mask
from wrapper.diffusion.inpainting.region import MASKED, resize
from wrapper.diffusion.inpainting.repair import Painter, Repair, fingerprint, is_done, tell
from wrapper.diffusion.pictures.photograph import Photograph, read_photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pictures.sheet import save_sheet
from wrapper.diffusion.pipelines.opening import check_lora_files, open_pipeline
from wrapper.diffusion.pipelines.sampling import OnStep, step_count
from wrapper.diffusion.prompts.prompt import Prompt

if TYPE_CHECKING:
    import numpy as np

    from dataset_tools.progress import Bar

TILE_PX = 384
INVERTED = "The mask is white nearly everywhere: white is the part to repaint. Is the mask inverted?"
MOST_PX = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}
"""The longest side that a format holds."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Painted:
    """A finished picture; ``changed`` is the share of its pixels that are other than before."""

    path: Path
    seed: int
    changed: float


@dataclass
class Outcome:
    """What came of a run: new pictures, those that were there already, sheets, and what went wrong."""

    painted: list[Painted] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Ready:
    """A repair with its photograph and mask (uint8 [H, W]) read, and the pictures that are still to do."""

    repair: Repair
    photo: Photograph
    mask: np.ndarray
    todo: Sequence[tuple[Prompt, Path]]


def paint_all(painter: Painter, repairs: Sequence[Repair], say: Say) -> Outcome:
    """Do all of ``repairs``; one that fails is told of in the outcome, and the others are done.

    A picture that is there already, made from the same things, is kept. The base is loaded once, and not
    before the first photograph and mask are found to be sound. ``say`` gets sentences about photographs.
    """
    check_lora_files([use.path for use in painter.loras])
    for settings in {repair.settings for repair in repairs}:
        check_settings(settings)
    outcome = Outcome()
    later: list[str] = []
    ready = _all_ready(painter, repairs, outcome, later.append)
    first = next((one for one in ready if one), None)
    _say_all(later, say)
    if first:
        pipeline = open_pipeline(
            painter.info, "inpaint", painter.loras, painter.conditions, painter.placement
        )
        steps = step_count(pipeline, first.repair.settings.sampling)
        left = sum(repair.count for repair in repairs) - len(outcome.kept)
        with progress("inpaint", left * steps) as bar:
            work = chain(iter([first]), ready)
            del first
            _paint_each(pipeline, painter, work, outcome, bar, later.append)
    _say_all(later, say)
    return outcome


def read_ready(repair: Repair, todo: Sequence[tuple[Prompt, Path]], say: Say) -> Ready:
    """Read and check the photograph and the mask. Raises `UserError`."""
    photo = read_photograph(repair.image)
    mask = make_mask(repair.mask, photo.pixels)
    _check_age(repair, mask)
    check_inpainting(photo.pixels, mask, repair.prompt, repair.settings)
    _check_sides(repair.out, photo)
    for note in [
        *photo.notes,
        *_lost_notes(repair.out, photo),
        *([INVERTED] if looks_inverted(mask) else []),
    ]:
        say(f"{repair.image}: {note}")
    return Ready(repair, photo, mask, todo)


def _check_age(repair: Repair, mask: np.ndarray) -> None:
    """Under 18 only an ear is repaired, and only for a manifest's row, which has the guardian's consent."""
    if not repair.minor:
        return
    share = float((mask >= MASKED).mean())
    if share >= MOSTLY_NEW:
        raise UserError(
            f"{repair.image}: age {UNDER_18}, and the mask covers {share:.0%} of the picture.",
            "Under 18, only the ear is repaired.",
        )


def _check_sides(out: Path, photo: Photograph) -> None:
    """Raise `UserError` before hours of painting for a picture that the format of ``out`` cannot hold."""
    most = MOST_PX.get(out.suffix.lower())
    longest = max(photo.pixels.shape[:2])
    if most is not None and longest > most:
        raise UserError(
            f"{out}: {longest} pixels are more than the format holds, {most} a side.", "Save it as .png."
        )


def _lost_notes(out: Path, photo: Photograph) -> list[str]:
    """What the format of ``out`` cannot hold."""
    notes = []
    end = out.suffix.lower()
    if end in (".jpg", ".jpeg") and photo.alpha is not None:
        notes.append("JPEG has no transparency: it is left out.")
    if end == ".webp" and photo.grey:
        notes.append("WebP has no grey: it is saved as RGB, without a colour profile for grey.")
    return notes


def refuse_unknown_minor(prompt: Prompt) -> None:
    """Raise `UserError` for a prompt for somebody under 18 where no manifest's row speaks for the subject."""
    refuse_negative(prompt.negative)
    try:
        refuse_prompt(prompt.text)
    except UserError as error:
        hint = f"Age {UNDER_18} needs a manifest's row with the guardian's consent: give --manifest."
        raise UserError(error.message, hint) from error


def _all_ready(
    painter: Painter, repairs: Sequence[Repair], outcome: Outcome, say: Say
) -> Iterator[Ready | None]:
    """Each repair that has something to do, read; None for one that failed."""
    for repair in repairs:
        try:
            todo = [
                (prompt, path)
                for prompt, path in repair.variants()
                if not is_done(path, fingerprint(painter, repair, prompt))
            ]
            outcome.kept += [path for _, path in repair.variants() if path not in {p for _, p in todo}]
            if todo:
                yield read_ready(repair, todo, say)
        except UserError as error:
            outcome.faults.append(at(repair.image, error))
            yield None


def _paint_each(
    pipeline: Any, painter: Painter, work: Iterator[Ready | None], outcome: Outcome, bar: Bar, say: Say
) -> None:
    for ready in work:
        if ready is None:
            continue
        try:
            for note in _control_notes(pipeline, ready):
                say(note)
            for painted in paint_ready(pipeline, painter, ready, bar.advance):
                outcome.painted.append(painted)
            if ready.repair.count > 1:
                outcome.sheets.append(_save_sheet(ready))
        except (UserError, RunFailed) as error:
            outcome.faults.append(at(ready.repair.image, error))
        del ready  # before the next photograph is read


def _control_notes(pipeline: Any, ready: Ready) -> list[str]:
    """What of the control images is cut off because the photograph is of another shape."""
    size = (ready.mask.shape[1], ready.mask.shape[0])
    notes = [crop_note(name, image, size) for name, image in attached_images(pipeline)]
    return [f"{ready.repair.image}: {note}" for note in notes if note]


def paint_ready(pipeline: Any, painter: Painter, ready: Ready, on_step: OnStep) -> Iterator[Painted]:
    """Every picture in turn is laid over the photograph's own pixels, saved, and taken back again."""
    repair, photo, mask = ready.repair, ready.photo, ready.mask
    blur_px = repair.settings.mask_blur_px
    view = view_of(pipeline, photo.pixels, mask, repair.settings)
    box = feathered_box(mask, blur_px)
    before = box.cut(photo.pixels).copy()
    for prompt, path in ready.todo:
        patch = paint(pipeline, view, prompt, repair.settings, on_step)
        patch = _as_grey(patch) if photo.grey else patch
        changed = lay_back(photo.pixels, patch, mask, view.region, blur_px)
        del patch  # it may be as large as the photograph, and saving takes memory, too
        told = tell(painter, repair, prompt, view.region, view.size)
        save_picture(path, photo, told, "compositeWithTrainedAlgorithmicMedia")
        box.cut(photo.pixels)[...] = before
        yield Painted(path, prompt.seed, changed / mask.size)


def _as_grey(patch: np.ndarray) -> np.ndarray:
    """The luminance of [H, W, 3] in each of its channels (ITU-R BT.601, as OpenCV and Pillow take it)."""
    import cv2

    return cv2.cvtColor(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _save_sheet(ready: Ready) -> Path:
    """The photograph and all its pictures side by side: whole, and the part that the model saw."""
    repair = ready.repair
    region = seen_region(ready.mask, repair.settings)
    whole, close = [_tile(ready.photo.pixels)], [_tile(region.cut(ready.photo.pixels))]
    for _, path in repair.variants():
        pixels = read_photograph(path).pixels
        whole.append(_tile(pixels))
        close.append(_tile(region.cut(pixels)))
    heads = ["before", *(f"seed {prompt.seed}" for prompt, _ in repair.variants())]
    rows = [(repair.prompt.text, close)] if repair.settings.area == "masked" else []
    return save_sheet(repair.sheet, [*rows, ("the whole picture", whole)], heads, TILE_PX)


def _tile(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(1.0, TILE_PX / max(height, width))
    return resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale)))).copy()


def _say_all(sentences: list[str], say: Say) -> None:
    while sentences:
        say(sentences.pop(0))
