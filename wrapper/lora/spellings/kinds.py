"""Is a LoRA for SD 1.5 or for SDXL? By its layers, then its widths, its metadata, and how it is named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wrapper.base_model.kinds import Kind
from wrapper.lora.spellings.tensor_names import TensorName

_LAYERS: dict[Kind, re.Pattern[str]] = {
    "sd15": re.compile(
        r"down_blocks\.(?:0\.attentions|2\.downsamplers|3)\.|up_blocks\.(?:3|2\.upsamplers)\."
    ),
    "sdxl": re.compile(r".*\.transformer_blocks\.[1-9]|add_embedding\."),
}
_FIRST_UP = re.compile(r"up_blocks\.0\.attentions")
"""SD 1.5 in full size has no attention there, SDXL has; so has a smaller SD 1.5 of fewer levels."""
_TEXT_WIDTHS: dict[int, str] = {768: "sd15", 2048: "sdxl", 1024: "SD 2", 1280: "the SDXL refiner"}
_READS_TEXT = re.compile(r".*\.attn2\.to_[kv]")
_ARCHITECTURES: tuple[tuple[str, str], ...] = (
    ("flux", "FLUX"),
    ("chroma", "Chroma"),
    ("anima", "Anima"),
    ("sd3", "Stable Diffusion 3"),
    ("stable-diffusion-3", "Stable Diffusion 3"),
    ("stable-cascade", "Stable Cascade"),
    ("hunyuan", "HunyuanImage or HunyuanVideo"),
    ("lumina", "Lumina"),
    ("sd_v2", "SD 2"),
    ("stable-diffusion-v2", "SD 2"),
)
"""How ``ss_base_model_version`` and ``modelspec.architecture`` begin (``library/sai_model_spec.py``)."""


class KindFound(NamedTuple):
    """``kind`` None and ``other`` empty: the file does not tell."""

    kind: Kind | None
    other: str = ""
    mixed: bool = False


def find_kind(
    names: Iterable[TensorName],
    text_widths: Iterable[int],
    metadata: Mapping[str, str],
    fallback: Kind | None = None,
) -> KindFound:
    """The base that a LoRA is for. ``text_widths``: the inputs of its layers that read the text.

    ``fallback`` is what is taken where neither layers, widths, metadata nor the form of the names tell.
    """
    found = list(names)
    other = [_TEXT_WIDTHS[width] for width in text_widths if width in _TEXT_WIDTHS]
    kinds: set[Kind] = {kind for kind in _LAYERS if any(marks_kind(name, kind) for name in found)}
    kinds |= {kind for kind in _LAYERS if kind in other}
    strange = [title for title in other if title not in _LAYERS]
    if strange:
        return KindFound(None, strange[0])
    if len(kinds) > 1:
        return KindFound(None, mixed=True)
    if kinds:
        return KindFound(kinds.pop())
    return _of_metadata(metadata) or KindFound(_of_first_up(found, fallback) or _of_form(found) or fallback)


def marks_kind(name: TensorName, kind: Kind) -> bool:
    """Whether only a base of ``kind`` has this layer."""
    if name.slot == "te2":
        return kind == "sdxl"
    return name.slot == "unet" and bool(name.path and _LAYERS[kind].match(name.path))


def tells_width(name: TensorName) -> bool:
    """Whether the layer's inputs are the text's numbers in the U-Net, whose width tells the kind."""
    return name.slot == "unet" and bool(name.path and _READS_TEXT.fullmatch(name.path))


def _of_metadata(metadata: Mapping[str, str]) -> KindFound | None:
    told = [metadata.get(key, "").lower() for key in ("ss_base_model_version", "modelspec.architecture")]
    if any(name.startswith(("sdxl", "stable-diffusion-xl")) for name in told):
        return KindFound("sdxl")
    if metadata.get("ss_v2") == "True":
        return KindFound(None, "SD 2")
    for start, title in _ARCHITECTURES:
        if any(name.startswith(start) for name in told):
            return KindFound(None, title)
    if any(name.startswith(("sd_v1", "sd_1", "stable-diffusion-v1")) for name in told):
        return KindFound("sd15")
    return None


def _of_first_up(names: list[TensorName], fallback: Kind | None) -> Kind | None:
    """By the first block up: SDXL, unless the base is known, or the text encoder is named as the only one."""
    first = any(name.slot == "unet" and name.path and _FIRST_UP.match(name.path) for name in names)
    return (fallback or "sdxl") if first and not any(name.slot == "te" for name in names) else None


def _of_form(names: list[TensorName]) -> Kind | None:
    """Kohya's own forms: SD 1.5 by diffusers' block names and one text encoder, SDXL by LDM's and two."""
    flat = [name for name in names if name.style == "Kohya"]
    if any(name.slot == "te1" or name.ldm for name in flat):
        return "sdxl"
    return "sd15" if flat else None
