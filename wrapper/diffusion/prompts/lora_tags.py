"""How LoRAs are named on the command line (``FILE:WEIGHT``) and in prompts (``<lora:NAME:WEIGHT>``)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems, UserError
from wrapper.diffusion.prompts.lora_files import find_lora

if TYPE_CHECKING:
    from wrapper.lora.apply import LoraUse

_TAG = re.compile(r"<\s*(\w+)\s*:([^<>]*)>")
_PLACES = ("te", "unet", "dyn")
"""A1111's arguments of a LoRA tag in their order; ``unet`` alone missing is like ``te``."""


def parse_lora_argument(text: str) -> LoraUse:
    """``my lora.safetensors:0.8`` → file and weight; without a number the weight is 1."""
    from wrapper.lora.apply import LoraUse

    name, colon, weight = text.rpartition(":")
    if colon and name and _is_number(weight):
        return LoraUse(Path(name), _weight(weight, text))
    return LoraUse(Path(text), 1.0)


def take_tags(prompt: str, folders: Sequence[Path]) -> tuple[str, list[LoraUse]]:
    """Cut A1111's LoRA tags out of ``prompt``; names are looked up in ``folders`` by `find_lora`.

    ``<lora:NAME>``, ``<lora:NAME:0.8>``, ``<lora:NAME:TE:UNET>``, ``<lora:NAME:te=0.5:unet=0.8>``. Raises one
    `UserError` for names that are not there, weights that are no numbers, dyn, and any other kind of tag.
    """
    return _taken(prompt, lambda name, tag: find_lora(name, folders, tag))


def read_tags(prompt: str) -> tuple[str, list[LoraUse]]:
    """The same, but nothing is looked up: the path of each is the name in its tag."""
    return _taken(prompt, lambda name, _tag: Path(name))


def _taken(prompt: str, find: Callable[[str, str], Path]) -> tuple[str, list[LoraUse]]:
    problems, uses = Problems(), []
    for match in _TAG.finditer(prompt):
        try:
            uses.append(_use(match[1], match[2], match[0], find))
        except UserError as error:
            problems.add(match[0], error.message.removeprefix(f"{match[0]}: "), error.hint)
    problems.raise_if_any()
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


def _use(kind: str, content: str, tag: str, find: Callable[[str, str], Path]) -> LoraUse:
    from wrapper.lora.apply import LoraUse

    name, *arguments = (part.strip() for part in content.split(":"))
    if kind.lower() != "lora" or not name:
        raise UserError(f"{tag}: not a tag that lorawrap knows.", "Write <lora:NAME:WEIGHT>.")
    given = _arguments(arguments, tag)
    if "dyn" in given:
        raise UserError(
            f"{tag}: a dynamic rank (dyn) is not supported.",
            "Leave it out; the LoRA then acts with the rank that it has.",
        )
    te_weight = given.get("te", 1.0)
    return LoraUse(find(name, tag), given.get("unet", te_weight), te_weight)


def _arguments(parts: Sequence[str], tag: str) -> dict[str, float]:
    """``["0.5", "unet=0.8"]`` → ``{"te": 0.5, "unet": 0.8}``, as A1111 reads them: by place or by name."""
    places = iter(_PLACES)
    given: dict[str, float] = {}
    for part in parts:
        name, equals, value = part.rpartition("=")
        key = name.strip() if equals else next(places, None)
        if key not in _PLACES:
            raise UserError(f"{tag}: not a tag that lorawrap knows.", "Write <lora:NAME:TE:UNET>.")
        given[key] = _weight(value.strip(), tag)
    return given


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
