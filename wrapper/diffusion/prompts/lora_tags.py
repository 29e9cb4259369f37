"""How LoRAs are named on the command line (``FILE:WEIGHT``) and in prompts (``<lora:NAME:WEIGHT>``)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    from wrapper.lora.apply import LoraUse

_TAG = re.compile(r"<\s*(\w+)\s*:([^<>]*)>")
_SUFFIX = ".safetensors"


def parse_lora_argument(text: str) -> LoraUse:
    """``my lora.safetensors:0.8`` → file and weight; without a number the weight is 1."""
    from wrapper.lora.apply import LoraUse

    name, colon, weight = text.rpartition(":")
    if colon and name and _is_number(weight):
        return LoraUse(Path(name), _weight(weight, text))
    return LoraUse(Path(text), 1.0)


def take_tags(prompt: str, folders: Sequence[Path]) -> tuple[str, list[LoraUse]]:
    """Cut A1111's LoRA tags out of ``prompt``; names are looked up as ``NAME.safetensors`` in ``folders``.

    Raises `UserError` for a name that is not there, a weight that is no number, and any other kind of tag.
    """
    uses = [_use(match[1], match[2], match[0], folders) for match in _TAG.finditer(prompt)]
    if not uses:
        return prompt, []
    return re.sub(r"\s{2,}", " ", _TAG.sub("", prompt)).strip(" ,"), uses


def refuse_tags(prompt: str) -> None:
    """Raise `UserError` for a tag where the project itself chooses the LoRA."""
    found = _TAG.search(prompt)
    if found:
        raise UserError(
            f"{found[0]}: a project's prompts are drawn with and without its own LoRA.",
            "Leave the tag out; lorawrap.toml's generate.lora_weight sets the weight.",
        )


def _use(kind: str, content: str, tag: str, folders: Sequence[Path]) -> LoraUse:
    from wrapper.lora.apply import LoraUse

    name, *weights = (part.strip() for part in content.split(":"))
    if kind.lower() != "lora" or not name or len(weights) > 2:
        raise UserError(f"{tag}: not a tag that lorawrap knows.", "Write <lora:NAME:WEIGHT>.")
    numbers = [_weight(weight, tag) for weight in weights]
    te_weight, unet_weight = (numbers[0], numbers[-1]) if numbers else (1.0, 1.0)
    return LoraUse(_find(name, tag, folders), unet_weight, te_weight)


def _find(name: str, tag: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        path = folder / f"{name}{_SUFFIX}"
        if path.is_file() and path.parent == folder:
            return path
    looked = ", ".join(str(folder) for folder in folders)
    raise UserError(
        f"{tag}: there is no {name}{_SUFFIX} in {looked}.", "Or give the file with --lora FILE:WEIGHT."
    )


def _weight(text: str, where: str) -> float:
    if not _is_number(text) or not math.isfinite(float(text)):
        raise UserError(f"{where}: the weight '{text}' is not a number.", "For example 0.8.")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
