"""Axes over LoRAs: which file, which of its checkpoints, how strong. They vary the first LoRA of a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dataset_tools.errors import UserError
from wrapper.comparison.kind import Value
from wrapper.comparison.look import Look
from wrapper.comparison.shelf import Shelf, labels
from wrapper.diffusion.prompts.lora_tags import parse_lora_argument
from wrapper.lora.apply import LoraUse

BASE_ALONE = ("none", "off")
BASE_LABEL = "base alone"


def read_loras(fields: Sequence[str], basis: Look, _shelf: Shelf) -> list[Value]:
    """``FILE``, ``FILE:WEIGHT`` or ``none``; without a weight a file has that of the basis."""
    return [Value(None, BASE_LABEL) if _is_base(field) else _lora(field, basis) for field in fields]


def read_checkpoints(fields: Sequence[str], basis: Look, shelf: Shelf) -> list[Value]:
    """Files, names, patterns, runs or ``all``: whatever the shelf knows them by; the base first."""
    weight = basis.loras[0].weight if basis.loras else 1.0
    files = [path for field in fields if not _is_base(field) for path in shelf.find(field)]
    found = [Value(LoraUse(path, weight), label) for path, label in zip(files, labels(files), strict=True)]
    bases = [Value(None, BASE_LABEL) for field in fields if _is_base(field)]
    return bases + found


def take_lora(look: Look, use: LoraUse | None) -> Look:
    """``look`` with another first LoRA, or with the base alone."""
    if use is None:
        return replace(look, loras=(), bare=True)
    return replace(look, loras=(use, *look.loras[1:]))


def take_all(look: Look, uses: tuple[LoraUse, ...] | None) -> Look:
    """``look`` with these LoRAs, or with the base alone."""
    return replace(look, loras=uses or (), bare=uses is None)


def take_weight(look: Look, weight: float) -> Look:
    """``look`` with its first LoRA at this weight, the U-Net's and the text encoders'."""
    if look.bare:
        return look
    if not look.loras:
        raise UserError("There is no LoRA whose weight could be compared.", "Give one with --lora FILE.")
    return replace(look, loras=(LoraUse(look.loras[0].path, weight), *look.loras[1:]))


def _is_base(field: str) -> bool:
    return field.lower() in BASE_ALONE


def _lora(field: str, basis: Look) -> Value:
    use = parse_lora_argument(field)
    if field != str(use.path):
        return Value(use, f"{use.path.stem}, weight {use.weight:g}")
    return Value(replace(basis.loras[0], path=use.path) if basis.loras else use, use.path.stem)
