"""One photograph to be repainted, as data: what with, where, how often, and where the pictures go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.files import check_place, content_hash, data_hash
from wrapper.diffusion.conditions.conditions import NONE, Conditions, condition_fields
from wrapper.diffusion.inpainting.faults import as_one
from wrapper.diffusion.inpainting.inpaint import InpaintSettings
from wrapper.diffusion.inpainting.mask_request import MaskRequest
from wrapper.diffusion.inpainting.masked_content import INFOTEXT
from wrapper.diffusion.inpainting.region import Region
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.infotext import PROGRAM, Infotext
from wrapper.diffusion.pictures.model_hash import base_hash, lora_hash
from wrapper.diffusion.pictures.ours import is_ours, told_by
from wrapper.diffusion.pictures.picture import check_picture_name
from wrapper.diffusion.pipelines.placement import DEFAULT, Placement
from wrapper.diffusion.prompts.prompt import Prompt

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse

SHORT = 12
SEEDS = 2**32
FINGERPRINT = "Repair hash"
"""The infotext field that is equal when everything that a picture is made from is equal."""


@dataclass(frozen=True)
class Painter:
    """What paints: a base, its LoRAs, what steers it beside the prompt, and where it runs."""

    info: BaseInfo
    loras: tuple[LoraUse, ...] = ()
    conditions: Conditions = NONE
    placement: Placement = field(default_factory=lambda: DEFAULT)


@dataclass(frozen=True)
class Repair:
    """``count`` pictures of one photograph, seeds counting up from the prompt's.

    ``out`` names the format: PNG, lossless WebP or JPEG. ``minor`` when a manifest's row says that the
    subject is under 18.
    """

    image: Path
    mask: MaskRequest
    prompt: Prompt
    out: Path
    settings: InpaintSettings
    count: int = 1
    minor: bool = False

    def variants(self) -> list[tuple[Prompt, Path]]:
        """Every picture's prompt and file: ``out`` itself, or ``NAME-SEED.png`` for several."""
        seeds = [(self.prompt.seed + number) % SEEDS for number in range(self.count)]
        names = [self.out.stem if self.count == 1 else f"{self.out.stem}-{seed}" for seed in seeds]
        return [
            (replace(self.prompt, seed=seed), self.out.with_name(name + self.out.suffix))
            for seed, name in zip(seeds, names, strict=True)
        ]

    @property
    def sheet(self) -> Path:
        """Where several pictures are shown side by side."""
        return self.out.with_name(f"{self.out.stem}_sheet.png")


def check_files(repair: Repair) -> None:
    """Raise one `UserError` for inputs that are not there, and for pictures that must not be written."""
    inputs = [repair.image, *repair.mask.files]
    errors = [UserError(f"{path}: there is no such file.") for path in inputs if not path.is_file()]
    outs = [out for _, out in repair.variants()] + ([repair.sheet] if repair.count > 1 else [])
    for out in outs:
        try:
            check_out(out, inputs)
        except UserError as error:
            errors.append(error)
    if errors:
        raise as_one(errors)


def check_out(out: Path, inputs: list[Path]) -> None:
    """Raise `UserError` for an ``out`` of no known format, of the user's own, or that cannot be written."""
    check_picture_name(out)
    check_place(out)
    if out.exists() and any(path.exists() and path.samefile(out) for path in inputs):
        raise UserError(f"{out}: is the picture to be repainted, or its mask.", "Give another --out.")
    if out.exists() and not is_ours(out):
        raise UserError(f"{out}: is there already and was not made by lorawrap.", "Give another --out.")


def is_done(path: Path, fingerprint: str) -> bool:
    """Whether ``path`` holds the picture with that `fingerprint`."""
    told = told_by(path)
    return bool(told and told.fields.get(FINGERPRINT) == fingerprint)


def fingerprint(painter: Painter, repair: Repair, prompt: Prompt) -> str:
    """A hash of everything that decides about a picture's pixels: contents of files, not their names."""
    mask, loras = repair.mask, painter.loras
    parts = [
        PROGRAM,
        base_hash(painter.info.path),
        [(lora_hash(use.path), use.weight, use.te_weight) for use in loras],
        _stamped(painter.conditions),
        (painter.placement.device, painter.placement.precision),
        content_hash(repair.image),
        [content_hash(path) for path in mask.files],
        asdict(replace(mask, files=())),
        asdict(repair.settings),
        asdict(prompt),
        repair.out.suffix,
    ]
    return data_hash(parts)[:SHORT]


def tell(painter: Painter, repair: Repair, prompt: Prompt, region: Region, size: tuple[int, int]) -> Infotext:
    """The parameters of one picture, as A1111 names them; ``size`` is the working one, as there."""
    settings = repair.settings
    extra = {
        "Denoising strength": f"{settings.sampling.strength:g}",
        "Mask blur": str(settings.mask_blur_px),
        **area_fields(settings, region),
        **condition_fields(painter.conditions),
        "Init image hash": content_hash(repair.image)[:SHORT],
        FINGERPRINT: fingerprint(painter, repair, prompt),
    }
    return describe(prompt, settings.sampling, size, painter.info, painter.loras, extra)


def area_fields(settings: InpaintSettings, region: Region) -> Mapping[str, str]:
    """What was seen and what lay in the hole, in A1111's words (``modules/processing.py``, 1.10)."""
    content = {"Masked content": INFOTEXT[settings.fill]}
    if settings.area == "whole":
        return {"Inpaint area": "Whole picture", **content}
    seen = {"Inpaint area": "Only masked"}
    if settings.padding_px is not None:
        seen["Masked area padding"] = str(settings.padding_px)
    return {**seen, "Masked area size": f"{region.width}x{region.height}", **content}


def _stamped(conditions: Conditions) -> list[Any]:
    """``conditions`` with the size and time of each of their files."""
    paths = [path for control in conditions.controls for path in (control.image, control.model)]
    paths += [path for adapter in conditions.adapters for path in (adapter.file, *adapter.images)]
    facts = [path.stat() for path in paths]
    return [asdict(conditions), [(fact.st_size, fact.st_mtime_ns) for fact in facts]]
