"""LoRA files in the spellings of PEFT and diffusers, read under Kohya's names.

Forms: ``unet.<path>.lora_A.weight`` (PEFT), ``.lora.down.weight`` and ``.lora_linear_layer.down.weight``
(diffusers before PEFT), ``<path>.processor.to_q_lora.down.weight`` (diffusers' attention processors); and
Kohya's own form with diffusers' block names. Names are looked up in the base's own table of layers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from wrapper.base_model.kinds import Kind
from wrapper.lora.file import Lora
from wrapper.lora.layers import Layer

ADAPTER_METADATA = "lora_adapter_metadata"
"""Where diffusers (0.34 and later) keeps each component's LoraConfig, as JSON: ``unet.lora_alpha``, …"""

_PREFIX = r"(?:base_model\.model\.)?(?:(?P<part>unet|text_encoder_2|text_encoder)\.)?(?:base_model\.model\.)?"
_FORMS = (
    re.compile(_PREFIX + r"(?P<path>.+)\.lora_(?P<side>[AB])(?:\.\w+)?\.weight"),
    re.compile(_PREFIX + r"(?P<path>.+)\.(?:lora|lora_linear_layer)\.(?P<side>down|up)\.weight"),
    re.compile(_PREFIX + r"(?P<path>.+)\.processor(?P<short>\.to_\w+)_lora\.(?P<side>down|up)\.weight"),
    re.compile(_PREFIX + r"(?P<path>.+)\.(?P<side>alpha)"),
)
_SIDES = {"A": "lora_down.weight", "down": "lora_down.weight", "B": "lora_up.weight", "up": "lora_up.weight"}
_MARKS = re.compile(r"\.lora_[AB]\b|\.lora\.(?:down|up)\.|\.lora_linear_layer\.|_lora\.(?:down|up)\.")
_COMPONENTS: dict[Kind, dict[str, str]] = {
    "sd15": {"unet": "unet", "text_encoder": "te"},
    "sdxl": {"unet": "unet", "text_encoder": "te1", "text_encoder_2": "te2"},
}
_KIND_MARKS: dict[Kind, re.Pattern[str]] = {
    "sd15": re.compile(r"unet\.(?:down_blocks\.0\.attentions|(?:down|up)_blocks\.3)\."),
    "sdxl": re.compile(r"text_encoder_2\.|unet\..*\.transformer_blocks\.[1-9]"),
}


class Tensor(NamedTuple):
    """One tensor of a foreign file: ``unet`` or a text encoder, the module's path, and its part."""

    component: str
    path: str
    part: str


@dataclass(frozen=True)
class Renamed:
    """A LoRA under Kohya's names.

    ``unknown`` are modules that the base lacks, ``odd`` are tensors that no plain LoRA has, both under their
    own names; ``kind`` is what the file's own names are for.
    """

    lora: Lora
    unknown: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    kind: Kind | None = None


def is_foreign(names: Mapping[str, Any]) -> bool:
    """Whether tensor names are PEFT's or diffusers'."""
    return any(_MARKS.search(name) for name in names)


def under_kohya_names(lora: Lora, kind: Kind, layers: Mapping[str, Layer]) -> Renamed:
    """``lora`` under the names of ``layers``; one that has them already, or is no LoRA, stays as it is."""
    if is_foreign(lora.tensors):
        return _renamed(lora, kind, layers)
    names = _block_names(layers)
    modules = {name.partition(".")[0] for name in lora.tensors}
    if modules <= set(layers) or not all(module in layers or module in names for module in modules):
        return Renamed(lora)
    parts = {name: name.partition(".") for name in lora.tensors}
    tensors = {f"{names.get(m, m)}.{part}": lora.tensors[name] for name, (m, _, part) in parts.items()}
    return Renamed(Lora(tensors, lora.metadata))


def _renamed(lora: Lora, kind: Kind, layers: Mapping[str, Layer]) -> Renamed:
    settings = _settings(lora.metadata)
    table = {(layer.component, _bare(layer.path)): name for name, layer in layers.items()}
    read = {name: read_name(name) for name in lora.tensors}
    tensors: dict[str, Any] = {}
    unknown: dict[str, None] = {}
    for name, found in read.items():
        if found is None:
            continue
        module = table.get((_COMPONENTS[kind].get(found.component, ""), _bare(found.path)))  # type: ignore[arg-type]
        if module is None:
            unknown[f"{found.component}.{found.path}"] = None
        else:
            tensors |= _parts(module, found, lora.tensors[name], settings, tensors)
    odd = tuple(name for name, found in read.items() if found is None)
    return Renamed(Lora(tensors, lora.metadata), tuple(unknown), odd, _kind(lora.tensors))


def _parts(
    module: str, found: Tensor, value: Any, settings: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    """A tensor under its new name, and with a down the alpha that the file's settings give it."""
    import torch

    parts = {f"{module}.{found.part}": value}
    alpha = _alpha(settings, found, value) if found.part == "lora_down.weight" else None
    if alpha is not None and f"{module}.alpha" not in known:
        parts[f"{module}.alpha"] = torch.tensor(alpha)
    return parts


def read_name(name: str) -> Tensor | None:
    """A foreign tensor's name taken apart, None for one that is none.

    >>> read_name("unet.mid_block.attentions.0.proj_in.lora_A.weight")
    Tensor(component='unet', path='mid_block.attentions.0.proj_in', part='lora_down.weight')
    """
    for form in _FORMS:
        match = form.fullmatch(name)
        if match:
            path = match["path"] + (match.groupdict().get("short") or "")
            path = f"{path}.0" if path.endswith(".to_out") else path
            return Tensor(match["part"] or "unet", path, _SIDES.get(match["side"], "alpha"))
    return None


def _bare(path: str) -> str:
    """A text encoder's path without the level that newer transformers leave out."""
    return path.removeprefix("text_model.")


def _block_names(layers: Mapping[str, Layer]) -> dict[str, str]:
    """Names made of the running library's paths, as diffusers' own conversion writes them → Kohya's."""
    return {f"lora_{layer.component}_{layer.path.replace('.', '_')}": name for name, layer in layers.items()}


def _kind(names: Mapping[str, Any]) -> Kind | None:
    kinds = [kind for kind, mark in _KIND_MARKS.items() if any(mark.search(name) for name in names)]
    return kinds[0] if len(kinds) == 1 else None


def _settings(metadata: Mapping[str, str]) -> dict[str, Any]:
    """diffusers' LoraConfigs; other metadata say nothing of a scale."""
    try:
        found = json.loads(metadata.get(ADAPTER_METADATA, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _alpha(settings: Mapping[str, Any], tensor: Tensor, down: Any) -> float | None:
    """The alpha of one module by its component's LoraConfig, None where it says nothing."""
    patterns = settings.get(f"{tensor.component}.alpha_pattern") or {}
    alpha = settings.get(f"{tensor.component}.lora_alpha")
    for pattern, value in patterns.items():
        if re.fullmatch(rf"(.*\.)?({pattern})", tensor.path):
            alpha = value
            break
    if alpha is None:
        return None
    rank = down.shape[0]
    return float(alpha) * (rank**0.5 if settings.get(f"{tensor.component}.use_rslora") else 1)
