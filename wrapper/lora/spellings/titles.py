"""What a spelling is called: by the program that the metadata name, and by how the tensors are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dataset_tools.data_text import from_json
from wrapper.lora.spellings.kinds import marks_kind
from wrapper.lora.spellings.parts import MID
from wrapper.lora.spellings.tensor_names import TensorName

_BEGINNINGS: tuple[tuple[str, str], ...] = (
    ("hada_", "LyCORIS LoHa"),
    ("lokr_", "LyCORIS LoKr"),
    (MID, "LyCORIS LoCon"),
    ("diff", "LyCORIS full"),
)


def title(names: Iterable[TensorName], metadata: Mapping[str, str]) -> str:
    """The spelling's title, such as ``OneTrainer (Kohya with diffusers' block names)``."""
    found = list(names)
    how = _form(found, metadata) or _how(found)
    program = _program(metadata)
    return f"{program} ({how})" if program else how


def _program(metadata: Mapping[str, str]) -> str:
    if "ot_revision" in metadata or "ot_branch" in metadata:
        return "OneTrainer"
    try:
        software = from_json(metadata.get("software", "{}"))
    except ValueError:
        return ""
    name = software.get("name") if isinstance(software, dict) else None
    return "ai-toolkit" if name == "ai-toolkit" else ""


def _form(names: list[TensorName], metadata: Mapping[str, str]) -> str:
    for beginning, form in _BEGINNINGS:
        if any(name.part.startswith(beginning) for name in names):
            return form
    return "LyCORIS LoCon" if "lycoris" in metadata.get("ss_network_module", "") else ""


def _how(names: list[TensorName]) -> str:
    styles = sorted({name.style for name in names})
    if len(styles) > 1 and set(styles) <= {"diffusers", "attention processors"}:
        styles = ["diffusers"]
    if styles != ["Kohya"]:
        return " and ".join(styles)
    unet = [name for name in names if name.slot == "unet" and name.path]
    is_sdxl = any(name.slot in ("te1", "te2") or marks_kind(name, "sdxl") for name in names)
    if is_sdxl and unet and not any(name.ldm for name in unet):
        return "Kohya with diffusers' block names"
    if not is_sdxl and any(name.ldm for name in unet) and any(name.slot == "te" for name in names):
        return "Kohya with LDM block names"
    return "Kohya"
