"""Whose LoRA is this, for which base, and what of it can be written exactly? Asked of the header alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wrapper.base_model.kinds import Kind
from wrapper.lora.names import kohya_name
from wrapper.lora.spellings.faults import fault_of
from wrapper.lora.spellings.forms import layer_size
from wrapper.lora.spellings.kinds import KindFound, find_kind, tells_width
from wrapper.lora.spellings.models import Other, for_another, not_a_lora, other_model
from wrapper.lora.spellings.parts import ALPHA, ASIDE
from wrapper.lora.spellings.tensor_names import TensorName, read_name
from wrapper.lora.spellings.titles import title
from wrapper.safetensors_header import TensorSpec

Modules = dict[str, dict[str, str]]
"""Kohya name → part → name of the tensor in the file."""
_LEFT_OUT = "_aux."
_EMBEDDING = "bundle_emb."


@dataclass(frozen=True)
class Recognised:
    """What a file's header says of the LoRA in it.

    ``inexact`` is what no plain LoRA can express exactly: the file's own name → why, in words. ``refused``
    is what the file is when it is no LoRA for SD 1.5 or SDXL at all. ``idle`` are tensors that change
    nothing and may be left out.
    """

    spelling: str = ""
    kind: Kind | None = None
    modules: Modules = field(default_factory=dict)
    inexact: dict[str, str] = field(default_factory=dict)
    refused: Other | None = None
    idle: tuple[str, ...] = ()


def recognise(
    specs: Mapping[str, TensorSpec],
    metadata: Mapping[str, str],
    *,
    kind: Kind | None = None,
    second_encoder: bool = False,
) -> Recognised:
    """Recognise the LoRA whose header this is. No tensor is read.

    ``kind`` is taken where the file does not tell one, ``second_encoder`` says that a text encoder without a
    number is SDXL's second.
    """
    names = {name: found for name in specs if (found := read_name(name))}
    if all(found.part in ASIDE for found in names.values()):
        return Recognised(refused=not_a_lora(specs))
    other = other_model(found.module for found in names.values() if found.path is None)
    if other:
        return Recognised(refused=other)
    if second_encoder:
        names = {n: f._replace(slot="te2") if f.slot == "text" else f for n, f in names.items()}
    spelling = title(names.values(), metadata)
    found_kind = find_kind(names.values(), _text_widths(names, specs), metadata, kind)
    if found_kind.kind is None:
        return Recognised(spelling, refused=_no_kind(found_kind, names))
    return _sorted_out(specs, names, spelling, found_kind.kind)


def _text_widths(names: Mapping[str, TensorName], specs: Mapping[str, TensorSpec]) -> list[int]:
    modules: dict[str, dict[str, TensorSpec]] = {}
    for name, found in names.items():
        if tells_width(found):
            modules.setdefault(found.module, {})[found.part] = specs[name]
    whole = [parts for parts in modules.values() if not fault_of(parts)]
    return [layer_size({part: spec.shape for part, spec in parts.items()})[1] for parts in whole]


def _no_kind(found: KindFound, names: Mapping[str, TensorName]) -> Other:
    if found.mixed:
        return Other("has layers of SD 1.5 and of SDXL, so that it fits neither", "Get the file again.")
    if found.other:
        return for_another(found.other)
    if all(name.path is None for name in names.values()):
        first = next(iter(names.values())).module
        return for_another(f"another model (it changes '{first}')")
    return Other(
        "does not tell whether it is for SD 1.5 or SDXL: its layers are in both",
        "Write it into a copy: lorawrap lora edit FILE --out NEW --set ss_base_model_version=sd_v1 "
        "(or sdxl_base_v1-0); 'lorawrap lora convert' also takes --for.",
    )


def _sorted_out(
    specs: Mapping[str, TensorSpec], names: Mapping[str, TensorName], spelling: str, kind: Kind
) -> Recognised:
    inexact = {name: _odd(name) for name in specs if name not in names and not name.startswith(_LEFT_OUT)}
    modules: Modules = {}
    for name, found in sorted(names.items()):
        module = _kohya_module(found, kind)
        if module is None:
            inexact[found.module] = "is no layer of SD 1.5 or SDXL"
        elif found.part in modules.setdefault(module, {}):
            inexact[name] = f"stands in the file twice, as '{modules[module][found.part]}' too"
        else:
            modules[module][found.part] = name
    inexact |= _module_faults(specs, names, modules)
    idle = [name for name in specs if name.startswith(_LEFT_OUT)]
    idle += [parts.pop(ALPHA) for parts in modules.values() if set(parts) == {ALPHA}]
    return Recognised(
        spelling, kind, {name: parts for name, parts in modules.items() if parts}, inexact, None, tuple(idle)
    )


def _module_faults(
    specs: Mapping[str, TensorSpec], names: Mapping[str, TensorName], modules: Modules
) -> dict[str, str]:
    faults = {}
    for parts in modules.values():
        fault = "" if set(parts) == {ALPHA} else fault_of({part: specs[name] for part, name in parts.items()})
        if fault:
            faults[names[next(iter(parts.values()))].module] = fault
    return faults


def _odd(name: str) -> str:
    if name.startswith(_EMBEDDING):
        return "is an embedding packed into the file, which only A1111 and OneTrainer take"
    return "is a tensor that no LoRA has"


def _kohya_module(name: TensorName, kind: Kind) -> str | None:
    """The Kohya name of a tensor's layer, None for one that the kind does not have."""
    if name.path is None:
        return None
    if name.slot == "unet":
        return kohya_name("unet", name.path, kind)
    if kind == "sd15":
        component = "te" if name.slot != "te2" else None
    else:
        component = "te2" if name.slot == "te2" else "te1"
    if component is None or (name.path == "text_projection" and component != "te2"):
        return None
    return kohya_name(component, name.path, kind)  # type: ignore[arg-type]
