"""What a picture says about itself: A1111's fields for a prompt, a sampling, a base model and LoRAs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.diffusion.pictures.infotext import PROGRAM, Infotext
from wrapper.diffusion.pipelines.sampling import Prompt, Sampling
from wrapper.lora.hashes import autov3

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse


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
        "Sampler": sampling.sampler,
        "CFG scale": f"{sampling.cfg:g}",
        "Seed": str(prompt.seed),
        "Size": f"{size[0]}x{size[1]}",
        "Model": info.path.stem if info.single_file else info.path.name,
        **(extra or {}),
    }
    if loras:
        fields["Lora hashes"] = ", ".join(f"{use.path.stem}: {short_hash(use.path)}" for use in loras)
    fields["Version"] = PROGRAM
    tags = [_tag(use) for use in loras]
    return Infotext(" ".join([prompt.text, *tags]).strip(), prompt.negative, fields)


def _tag(use: LoraUse) -> str:
    if use.te_weight is None or use.te_weight == use.weight:
        return f"<lora:{use.path.stem}:{use.weight:g}>"
    return f"<lora:{use.path.stem}:{use.te_weight:g}:{use.weight:g}>"


def short_hash(path: Path) -> str:
    """A1111's short hash of a LoRA file."""
    return _hash(path, path.stat().st_mtime_ns)


@cache
def _hash(path: Path, _modified_ns: int) -> str:
    return autov3(path)
