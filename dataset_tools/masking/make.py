"""Carry out the plan of masks: make what is to be made, check every mask, draw the sheets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from dataset_tools.masking.agreement import disagreement
from dataset_tools.masking.marked import alpha_mask, colour_mask
from dataset_tools.masking.mask_plan import make_mask
from dataset_tools.masking.plan import MaskJob, MaskPlans, MaskSettings
from dataset_tools.masking.sheets import Tile, tile_of, write_sheets
from dataset_tools.pictures.images import read_mask, read_rgb, save_png
from dataset_tools.pictures.masks import check_mask, dilated, mask_box
from dataset_tools.pictures.sam import load_sam
from dataset_tools.progress import track
from dataset_tools.system.system_faults import disk_fault

if TYPE_CHECKING:
    import numpy as np

SHEETS = "masks_overview"
PAIRING = "A mask is NAME_mask.png beside NAME, or the same path below masks/ as PNG."


@dataclass
class Made:
    """What came of it: ``problems`` make a mask unusable, and none is written; ``warnings`` do not.

    ``kept`` were there already, just as they would be made.
    """

    written: list[Path] = field(default_factory=list)
    kept: int = 0
    checked: int = 0
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)


def make_masks(plans: MaskPlans, settings: MaskSettings, sheets: Path) -> Made:
    """Make and check every mask of ``plans``; the sheets go into the folder ``sheets``.

    Raises `UserError` for a SAM model that does not load, and for a disk that fails or is full; what is wrong
    with one mask is in `Made`. No mask that is there is written over.
    """
    if settings.source == "sam":
        load_sam(settings.sam_model)
    made = Made(problems=[f"{mask}: belongs to no picture. {PAIRING}" for mask in plans.alone])
    made.sheets = list(write_sheets(sheets, SHEETS, _tiles(plans, settings, made)))
    return made


def _tiles(plans: MaskPlans, settings: MaskSettings, made: Made) -> Iterator[Tile]:
    for job in track(plans.jobs, "Masks", len(plans.jobs)):
        try:
            yield job.picture.name, _tile(job, settings, made)
        except UserError as error:
            if disk_fault(error):
                raise
            made.problems.append(error.message)


def _tile(job: MaskJob, settings: MaskSettings, made: Made) -> np.ndarray:
    rgb = read_rgb(job.picture.path)
    mask = _mask(job, rgb, settings)
    findings = check_mask(mask, rgb.shape[:2], str(job.mask))
    if findings.problems:
        raise UserError(findings.problems[0])
    if job.makes:
        _put(mask, job.mask, made)
    made.warnings += [*findings.warnings, *_odd(mask, job)]
    made.checked += 1
    return tile_of(rgb, mask)


def _put(mask: np.ndarray, path: Path, made: Made) -> None:
    """Write ``mask``, unless it is there: made by a command that was cut off, or by hand."""
    import numpy as np

    if not path.exists():
        save_png(path, mask)
        made.written.append(path)
    elif np.array_equal(read_mask(path), mask):
        made.kept += 1
    else:
        raise UserError(
            f"{path}: is there already, another than is made now, and is not written over. "
            "Name another folder with --out."
        )


def _mask(job: MaskJob, rgb: np.ndarray, settings: MaskSettings) -> np.ndarray:
    if job.how is not None:
        return dilated(make_mask(job.how, rgb), settings.grow_px)
    if job.marked is None:
        return read_mask(job.mask)
    if settings.source == "alpha":
        return dilated(alpha_mask(job.marked), settings.grow_px)
    try:
        painted = colour_mask(read_rgb(job.marked), rgb, settings.colour, settings.tolerance_de)
    except UserError as error:
        raise UserError(f"{job.marked}: {error.message}", error.hint) from error
    return dilated(painted, settings.grow_px)


def _odd(mask: np.ndarray, job: MaskJob) -> Iterator[str]:
    box = mask_box(mask)
    if box is not None and job.picture.ear_box is not None:
        said = disagreement(box, job.picture.ear_box, str(job.mask))
        if said:
            yield said
