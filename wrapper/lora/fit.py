"""Does a LoRA fit a base model? Modules, their parts and shapes, told one fault at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dataset_tools.wording import count_of, some
from wrapper.base_model.kinds import Kind
from wrapper.lora.layers import Layer
from wrapper.lora.names import kind_of, marks_kind

TITLES: dict[Kind, str] = {"sd15": "SD 1.5", "sdxl": "SDXL"}
_FOREIGN_PARTS = ("lora_A", "lora_B", "lora.", "lora_linear_layer")
_PLAIN_PARTS = {"lora_down.weight", "lora_up.weight", "alpha"}


def kind_fault(names: Iterable[str], kind: Kind) -> str:
    """What is wrong with a LoRA of these modules on a base of ``kind``; empty when nothing is."""
    modules = list(names)
    found = kind_of(modules)
    if found in (None, kind):
        return ""
    return unknown_fault([name for name in modules if marks_kind(name, found)], found, kind)


def unknown_fault(modules: Sequence[str], found: Kind | None, kind: Kind) -> str:
    """Modules that a base of ``kind`` lacks, of a LoRA that was ``found`` to be for a kind, or not."""
    if found in (None, kind):
        return f"has {count_of(len(modules), 'module')} that the base model lacks ({some(modules)})"
    return (
        f"is a LoRA for {TITLES[found]}, the base model is {TITLES[kind]}: "
        f"{count_of(len(modules), 'module does not', 'modules do not')} fit ({some(modules)})"
    )


def form_fault(modules: Mapping[str, Mapping[str, Any]]) -> str:
    """What keeps these from being plain LoRA modules in Kohya form; empty when nothing does."""
    parts = [part for found in modules.values() for part in found]
    foreign = next((part for part in parts if any(word in part for word in _FOREIGN_PARTS)), None)
    if foreign:
        return f"is a LoRA in diffusers' or PEFT's spelling (…{foreign}), not in Kohya's"
    if modules and not _PLAIN_PARTS & set(parts):
        return "is no LoRA: it has neither lora_down nor lora_up"
    other = sorted(set(parts) - _PLAIN_PARTS)
    if other:
        return f"is not a plain LoRA: it has parts named {some(other)}"
    half = [name for name, found in modules.items() if not _PLAIN_PARTS - {"alpha"} <= set(found)]
    if half:
        lacking = count_of(len(half), "module that lacks", "modules that lack")
        return f"has {lacking} down or up ({some(half)})"
    return "" if modules else "has no modules"


def layer_faults(modules: Mapping[str, Mapping[str, Any]], layers: Mapping[str, Layer]) -> list[str]:
    """Modules that the base model does not have, and modules of another shape than its layers."""
    unknown = sorted(set(modules) - set(layers))
    faults = []
    if unknown:
        faults.append(f"has {count_of(len(unknown), 'module')} that the base model lacks ({some(unknown)})")
    shapes = {
        name: shape_fault(modules[name], layers[name].weight_shape) for name in modules if name in layers
    }
    wrong = [f"{name} {fault}" for name, fault in shapes.items() if fault]
    if wrong:
        faults.append(f"has {count_of(len(wrong), 'module')} of another size: {wrong[0]}")
    return faults


def value_faults(modules: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Modules with tensors (or alphas) that are not finite, such as a run gone to NaN leaves them."""
    broken = [
        name for name, parts in modules.items() if not all(bool(t.isfinite().all()) for t in parts.values())
    ]
    return [f"has values that are not finite ({some(broken)})"] if broken else []


def shape_fault(parts: Mapping[str, Any], weight_shape: tuple[int, ...]) -> str:
    """How down ``(r, in[, h, w])`` and up ``(out, r[, 1, 1])`` differ from a weight ``(out, in[, h, w])``."""
    down, up = (four(parts[f"lora_{part}.weight"].shape) for part in ("down", "up"))
    outputs, *inputs = four(weight_shape)
    rank = down[0]
    if down == (rank, *inputs) and up == (outputs, rank, 1, 1) and rank:
        return ""
    made = (up[0], *down[1:]) if up[1:] == (rank, 1, 1) and rank else f"up {up} of down {down}"
    return f"makes {made}, the layer is {four(weight_shape)}"


def four(shape: Iterable[int]) -> tuple[int, ...]:
    """A linear layer's shape as that of a 1 × 1 convolution: ``(8, 4)`` → ``(8, 4, 1, 1)``."""
    sizes = tuple(shape)
    return sizes + (1,) * (4 - len(sizes))
