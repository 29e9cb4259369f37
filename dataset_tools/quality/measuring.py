"""One file → all that is ever asked of it: measures, fingerprint, small copy. No limit is known here."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dataset_tools.errors import UserError
from dataset_tools.image_files import is_foreign
from dataset_tools.pictures.images import read_mask
from dataset_tools.pictures.inspected import decode_to_inspect, read_picture
from dataset_tools.quality.duplicates import Fingerprint, fingerprint
from dataset_tools.quality.freed_memory import keep_freed_memory
from dataset_tools.quality.measure import Box, Measures, measure
from dataset_tools.quality.page.thumbnails import small_copy
from dataset_tools.system.system_faults import system_fault, told


class Task(NamedTuple):
    """A file to measure. ``box`` (x0, y0, x1, y1 px) or ``mask`` say where the subject is.

    ``known``: SHA-256 of contents that need not be measured again; ``thumbnail``: whether one is wanted.
    """

    place: int
    path: Path
    box: Box | None = None
    mask: Path | None = None
    thumbnail: bool = False
    known: tuple[str, ...] = ()


class Facts(NamedTuple):
    """``error``: why there is no picture in the file, without measures then. ``box``: the subject's."""

    measures: Measures | None = None
    box: Box | None = None
    error: str = ""


class Measured(NamedTuple):
    """What came of a `Task`. No ``facts``: the content is one of those known.

    ``content`` and ``mask_content`` are SHA-256 of the files, empty where these could not be read;
    ``problem``: what the manifest says about the picture and cannot be; ``drive``: what its drive says
    against being read, which tells nothing of the picture.
    """

    facts: Facts | None
    content: str = ""
    mask_content: str = ""
    fingerprint: Fingerprint | None = None
    thumbnail: bytes = b""
    problem: str = ""
    drive: str = ""


def measure_file(task: Task) -> Measured:
    """Read, decode and measure one file; what is no whole picture has an error instead of measures."""
    keep_freed_memory()
    try:
        data = read_picture(task.path)
        return _measured(task, data, sha256(data).hexdigest())
    except UserError as error:
        return Measured(Facts(error=_about(task, error)), drive=_drive_says(error))
    except MemoryError:
        return Measured(Facts(error="too little memory to measure it"))


def _measured(task: Task, data: bytes, content: str) -> Measured:
    if content in task.known:
        return Measured(None, content)
    try:
        picture = decode_to_inspect(task.path, data)
    except UserError as error:
        return Measured(Facts(error=f"{_about(task, error)}{_of_kind(task.path)}"), content)
    try:
        mask_content = sha256(read_picture(task.mask)).hexdigest() if task.mask else ""
        box = _subject(task, (picture.height, picture.width))
    except UserError as error:
        return Measured(Facts(), problem=error.message)
    small = small_copy(picture.rgb) if task.thumbnail else b""
    facts = Facts(_plain(measure(picture, box)), box)
    return Measured(facts, content, mask_content, fingerprint(picture.rgb, picture.sizes), small)


def _drive_says(error: UserError) -> str:
    fault = system_fault(error.__cause__) if isinstance(error.__cause__, OSError) else None
    return told(error.__cause__, fault) if error.__cause__ and fault and fault.on_the_disk else ""


def _about(task: Task, error: UserError) -> str:
    return error.message.removeprefix(f"{task.path}: ")


def _of_kind(path: Path) -> str:
    """What to do about a file whose kind is not read at all."""
    if is_foreign(path.name):
        return f": {path.suffix[1:].upper()} is not read, export it as JPEG or PNG"
    return ""


def _plain(measures: Measures) -> Measures:
    """Python's own numbers, which are the same after JSON."""
    return Measures(*(value.item() if isinstance(value, np.generic) else value for value in measures))


def _subject(task: Task, size: tuple[int, int]) -> Box | None:
    """The ear's box, else the box of the mask's white; ``size`` is the picture's (height, width)."""
    height, width = size
    if task.box and (task.box[2] > width or task.box[3] > height):
        raise UserError(f"ear_box {list(task.box)} lies outside the picture of {width} × {height} px")
    white = _white_box(task.mask, size) if task.mask else None
    return task.box or white


def _white_box(path: Path, size: tuple[int, int]) -> Box | None:
    mask = read_mask(path)
    if mask.shape != size:
        found, wanted = (f"{width} × {height}" for height, width in (mask.shape, size))
        raise UserError(f"the mask {path.name} is {found} px, its picture {wanted} px")
    rows, columns = (np.flatnonzero((mask > 127).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
