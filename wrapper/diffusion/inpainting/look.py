"""A dry run: photographs and masks read and checked, and shown, with nothing painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.progress import track
from wrapper.diffusion.inpainting.faults import Fault, at
from wrapper.diffusion.inpainting.inpaint import seen_region
from wrapper.diffusion.inpainting.painting import Ready, Say, read_ready
from wrapper.diffusion.inpainting.preview import check_marked, draw_preview, save_marked
from wrapper.diffusion.inpainting.region import MASKED
from wrapper.diffusion.inpainting.repair import Painter, Repair, fingerprint, is_done


@dataclass
class Looked:
    """What a run would do: a line for each photograph, pictures to paint and to keep, what would fail."""

    lines: list[str] = field(default_factory=list)
    left: int = 0
    kept: int = 0
    faults: list[Fault] = field(default_factory=list)


def look_at(repair: Repair, preview: Path | None, save_mask: Path | None, say: Say) -> str:
    """Write the mask and the preview that are asked for; returns a line about them. Raises `UserError`."""
    from PIL import Image

    for path in (preview, save_mask):
        if path:
            check_marked(path)
    ready = read_ready(repair, repair.variants(), say)
    if save_mask:
        save_marked(save_mask, Image.fromarray(ready.mask))
    if preview:
        save_marked(preview, draw_preview(ready.photo.pixels, ready.mask, repair.settings))
    return describe_ready(ready)


def look_through(painter: Painter, repairs: Sequence[Repair], say: Say) -> Looked:
    """Read every photograph and mask that is still to do."""
    looked, later = Looked(), []
    for repair in track(repairs, "photographs"):
        try:
            done = [is_done(path, fingerprint(painter, repair, p)) for p, path in repair.variants()]
            looked.kept += sum(done)
            if not all(done):
                looked.lines.append(describe_ready(read_ready(repair, (), later.append)))
                looked.left += len(done) - sum(done)
        except UserError as error:
            looked.faults.append(at(repair.image, error))
    for sentence in later:
        say(sentence)
    return looked


def describe_ready(ready: Ready) -> str:
    """``ear.jpg: 6000×4000, 1.2% of it masked; the model sees 900×900 of it, from 3100,800``."""
    height, width = ready.mask.shape
    share = float((ready.mask >= MASKED).mean())
    seen = seen_region(ready.mask, ready.repair.settings)
    part = f"{seen.width}×{seen.height} of it, from {seen.x0},{seen.y0}"
    return f"{ready.repair.image}: {width}×{height}, {share:.1%} of it masked; the model sees {part}"
