"""A picture's own parameters as a `Wish`: what drew it, as far as that can be done again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pictures.picture import read_parameters
from wrapper.diffusion.pipelines.schedulers import sampler_name
from wrapper.diffusion.prompts.lora_tags import read_tags
from wrapper.diffusion.txt2img.hires import Hires
from wrapper.diffusion.txt2img.shot import CONDITIONS_HASH
from wrapper.diffusion.txt2img.wish import Wish

if TYPE_CHECKING:
    from wrapper.lora.apply import LoraUse

_TAGS_BEHIND = re.compile(r"(?: ?<lora:[^<>]*>)+$")
PROGRAM_NAME = "lorawrap"
_FOLLOWED = {
    *("Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Clip skip", "RNG", "Version"),
    *("Model hash", "Model", "Lora hashes", "Denoising strength"),
    *("Hires upscale", "Hires steps", "Hires upscaler"),
}
_HARMLESS = {
    "Emphasis": "Original",
    "Hires sampler": "Use same sampler",
    "Batch size": None,
    "Batch pos": None,
}
"""Fields that ask for nothing else than what is done here, with that value or with any."""
_REPAINTED = ("Mask blur", "Inpaint area", "Masked content", "Init image hash")


@dataclass(frozen=True)
class Recalled:
    """A picture's ``wish`` without LoRAs, what it calls its models, and what cannot be followed.

    ``loras`` have the names in their tags for paths; ``lora_hashes`` are pairs of name and hash.
    """

    path: Path
    wish: Wish
    made_here: bool
    base_hash: str = ""
    base_name: str = ""
    loras: tuple[LoraUse, ...] = ()
    lora_hashes: tuple[tuple[str, str], ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def recall(path: Path) -> Recalled:
    """Read a picture of ours or of A1111's. Raises `UserError` for one without parameters, or repainted."""
    told = _read(path)
    fields = told.fields
    if any(name in fields for name in _REPAINTED):
        raise UserError(
            f"{path}: is a repainted photograph.", "Give photograph and mask to 'lorawrap inpaint' again."
        )
    made_here = fields.get("Version", "").startswith(PROGRAM_NAME)
    text, loras = read_tags(told.prompt)
    if made_here:  # what it drew, to the letter: the tags were written behind it
        text = _TAGS_BEHIND.sub("", told.prompt)
    conditions = {name: value for name, value in fields.items() if _is_condition(name)}
    hashes = [part.partition(":") for part in fields.get("Lora hashes", "").split(",") if ":" in part]
    return Recalled(
        path=path,
        wish=_wish(path, replace(told, prompt=text)),
        made_here=made_here,
        base_hash=fields.get("Model hash", ""),
        base_name=fields.get("Model", ""),
        loras=tuple(loras),
        lora_hashes=tuple((name.strip(), digest.strip()) for name, _, digest in hashes),
        conditions=conditions,
        ignored=_ignored(fields, made_here),
    )


def _read(path: Path) -> Infotext:
    if not path.is_file():
        raise UserError(f"{path}: there is no such picture.")
    try:
        told = read_parameters(path)
    except OSError as error:
        raise UserError(f"{path}: is not a picture that can be read.") from error
    if told is None or not {"Steps", "Seed"} <= set(told.fields):
        raise UserError(
            f"{path}: carries no generation parameters.",
            "Many sites and programs strip them: take the file as it was first written.",
        )
    return told


def _wish(path: Path, told: Infotext) -> Wish:
    fields = told.fields
    try:
        size = re.fullmatch(r"(\d+)x(\d+)", fields["Size"])
        assert size is not None
        return Wish(
            text=told.prompt,
            negative=told.negative,
            seed=int(fields["Seed"]),
            width=int(size[1]),
            height=int(size[2]),
            sampler=sampler_name(fields["Sampler"], fields.get("Schedule type", "")),
            steps=int(fields["Steps"]),
            cfg=float(fields["CFG scale"]),
            clip_skip=int(fields.get("Clip skip", "1")),
            hires=_hires(fields),
        )
    except (KeyError, ValueError, AssertionError) as error:
        raise UserError(f"{path}: its generation parameters are damaged ({error}).") from error


def _hires(fields: Mapping[str, str]) -> Hires | None:
    if "Hires upscale" not in fields:
        return None
    return Hires(
        scale=float(fields["Hires upscale"]),
        upscaler=fields.get("Hires upscaler", "Latent"),
        steps=int(fields.get("Hires steps", "0")),
        strength=float(fields.get("Denoising strength", "0.7")),
    )


def _is_condition(name: str) -> bool:
    return name.startswith(("ControlNet ", "IP-Adapter ")) or name == CONDITIONS_HASH


def _ignored(fields: Mapping[str, str], made_here: bool) -> tuple[str, ...]:
    """What the picture asks for and is not followed, in words."""
    found = [
        f"{name}: {value}"
        for name, value in fields.items()
        if name not in _FOLLOWED and not _is_condition(name) and _HARMLESS.get(name, "") not in (None, value)
    ]
    if not made_here:
        conditions = [name for name in fields if _is_condition(name)]
        noise = [] if fields.get("RNG") == "CPU" else ["noise that was drawn on the GPU (RNG)"]
        found = [*found, *conditions, *noise]
    return tuple(found)
