"""What a picture says about itself: A1111's fields for a prompt, a sampling, a base model and LoRAs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.diffusion.pictures.infotext import PROGRAM, Infotext, settle_prompt, short_number
from wrapper.diffusion.pictures.model_hash import base_hash, lora_hash
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.pipelines.schedulers import sampler_fields
from wrapper.diffusion.prompts.prompt import Prompt

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse

NOISE_SOURCE = {"RNG": "CPU"}
"""A1111's name for noise that is drawn on the CPU, and so the same for a seed on every device."""
_NO_TAG = re.compile(r"[<>:,=]")


def describe(
    prompt: Prompt,
    sampling: Sampling,
    size: tuple[int, int],
    info: BaseInfo,
    loras: Sequence[LoraUse] = (),
    extra: Mapping[str, str] | None = None,
) -> Infotext:
    """The parameters of one picture of ``size`` (width, height); LoRAs are written as prompt tags, too."""
    fields = {
        "Steps": str(sampling.steps),
        **sampler_fields(sampling.sampler),
        "CFG scale": short_number(sampling.cfg),
        "Seed": str(prompt.seed),
        "Size": f"{size[0]}x{size[1]}",
        "Model hash": base_hash(info.path),
        "Model": model_name(info),
        **({"Clip skip": str(sampling.clip_skip)} if sampling.clip_skip > 1 else {}),
        **NOISE_SOURCE,
        **(extra or {}),
    }
    if loras:
        fields["Lora hashes"] = ", ".join(f"{tag_name(use.path)}: {lora_hash(use.path)}" for use in loras)
    fields["Version"] = PROGRAM
    tags = [lora_tag(use) for use in loras]
    text = " ".join([settle_prompt(prompt.text), *tags]).strip()
    return Infotext(text, settle_prompt(prompt.negative, "negative prompt"), fields)


def model_name(info: BaseInfo) -> str:
    """A file's name without its end, a folder's whole name."""
    return info.path.stem if info.single_file else info.path.name


def lora_tag(use: LoraUse) -> str:
    """``<lora:NAME:WEIGHT>``, or both weights where the text encoder's is another."""
    weights = [use.weight] if use.te_weight in (None, use.weight) else [use.te_weight, use.weight]
    return f"<lora:{':'.join([tag_name(use.path), *map(short_number, weights)])}>"


def tag_name(path: Path) -> str:
    """The name of a LoRA file as a tag can hold it."""
    return _NO_TAG.sub("", path.stem).strip() or "lora"
