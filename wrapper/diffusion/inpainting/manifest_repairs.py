"""A manifest's rows as repairs: prompt, mask and negative are the row's; age and consent are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import data_hash
from dataset_tools.manifests.manifest import Manifest
from dataset_tools.manifests.prompt_age import asks_for_minor
from dataset_tools.manifests.safety import allowed, is_minor
from dataset_tools.manifests.schema import ManifestRow
from dataset_tools.pictures.shapes import Length
from wrapper.diffusion.inpainting.faults import Fault, at
from wrapper.diffusion.inpainting.inpaint import InpaintSettings
from wrapper.diffusion.inpainting.mask_request import MaskRequest, SamRequest
from wrapper.diffusion.inpainting.repair import SEEDS, Repair, check_files
from wrapper.diffusion.prompts.prompt import Prompt


@dataclass(frozen=True)
class RowDefaults:
    """What is the same for all rows, or stands in where a row has none.

    ``mask`` says how masks are inverted, grown, or, with a SAM model and no points, made from ear boxes.
    ``seed`` None is one of its own for each picture, the same every time.
    """

    settings: InpaintSettings
    prompt: str = ""
    negative: str = ""
    mask: MaskRequest = field(default_factory=MaskRequest)
    seed: int | None = None
    count: int = 1


def plan_rows(manifest: Manifest, out: Path, defaults: RowDefaults) -> tuple[list[Repair], list[Fault]]:
    """A repair for each row, its picture below ``out`` by the photograph's name, and the rows that have none.

    Nothing large is read.
    """
    names = _names([row.image for row in manifest.rows])
    repairs: list[Repair] = []
    faults: list[Fault] = []
    for row, name in zip(manifest.rows, names, strict=True):
        try:
            repair = _repair(manifest, row, out / name, defaults)
            check_files(repair)
            repairs.append(repair)
        except UserError as error:
            faults.append(at(manifest.image_path(row), error))
    return repairs, faults


def _repair(manifest: Manifest, row: ManifestRow, out: Path, defaults: RowDefaults) -> Repair:
    if not allowed(row, "inpaint"):
        raise UserError("may not be repainted: its age and consent do not allow it.")
    seed = defaults.seed if defaults.seed is not None else int(data_hash(row.image), 16) % SEEDS
    return Repair(
        manifest.image_path(row),
        _mask(manifest, row, defaults.mask),
        Prompt(_prompt(row, defaults), row.negative or defaults.negative, seed),
        out,
        defaults.settings,
        defaults.count,
        is_minor(row),
    )


def _prompt(row: ManifestRow, defaults: RowDefaults) -> str:
    text = row.prompt or row.caption or defaults.prompt
    if not text:
        raise UserError(
            "the row has no prompt.", "Write one into the manifest, or give --prompt for such rows."
        )
    if "<lora:" in text:
        raise UserError("a LoRA tag in a row's prompt is not taken.", "Give --lora, for all rows.")
    words = asks_for_minor(text, adult=True)
    if words and not is_minor(row):
        raise UserError(f"the prompt says '{words}' although age is {row.age}.")
    return text


def _mask(manifest: Manifest, row: ManifestRow, asked: MaskRequest) -> MaskRequest:
    path = manifest.mask_path(row)
    if path is not None:
        return replace(asked, files=(path,), sam=None)
    if asked.sam is None or row.ear_box is None:
        raise UserError(
            "the row has no mask.",
            "'lorawrap masks' makes masks for a manifest; with --sam, an ear_box will do.",
        )
    x0, y0, x1, y1 = row.ear_box
    box = tuple(Length(float(side)) for side in row.ear_box)
    middle = (Length((x0 + x1) / 2), Length((y0 + y1) / 2))
    return replace(asked, sam=SamRequest(asked.sam.model, points=(middle,), box=box))


def _names(images: Sequence[str]) -> list[str]:
    """``a/ear.jpg`` → ``a/ear.png``, or ``a/ear.jpg.png`` where two photographs would share that."""
    short = [str(Path(image).with_suffix(".png")) for image in images]
    shared = {name for name, count in Counter(short).items() if count > 1}
    return [f"{image}.png" if name in shared else name for image, name in zip(images, short, strict=True)]
