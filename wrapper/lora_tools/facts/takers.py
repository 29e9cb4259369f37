"""Which program takes a LoRA file whole as it is, judged by its header and its alphas.

Facts about the programs (A1111 1.10.1, ComfyUI 0.3.64, Forge, diffusers 0.42.1): A1111 drops unknown names
without a word, and takes the second text encoder's attention only with q, k, v and out; Forge refuses a file
with more than 12 unknown keys; diffusers knows no LyCORIS forms and takes one alpha for a whole attention.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import NamedTuple

from dataset_tools.wording import count_of
from wrapper.lora.layers import Layer
from wrapper.lora.spellings.forms import form_of
from wrapper.lora.spellings.parts import DOWN, UP
from wrapper.lora.spellings.recognise import Recognised
from wrapper.safetensors_header import Header

KeyMap = Mapping[str, str]
"""What a program calls a module in a LoRA file → the Kohya name of the layer that it lands on."""
FORGE_TAKES = 12
_ATTENTION = re.compile(r"(lora_te2_.+_self_attn)_")
_UNET_ATTENTION = re.compile(r"(.+_(?:attn[12]|self_attn))_")


class Verdict(NamedTuple):
    """``whole``: every layer is reached, as strongly as meant."""

    program: str
    whole: bool
    detail: str


def comfyui_names(table: KeyMap, layers: Mapping[str, Layer]) -> dict[str, str]:
    """``table`` and the dotted names that ComfyUI takes besides: diffusers' before PEFT, and LyCORIS'."""
    return {**table, **{taken: name for name, layer in layers.items() for taken in _dotted(layer)}}


def _dotted(layer: Layer) -> Iterator[str]:
    if layer.component != "unet":
        number = "_2" if layer.component == "te2" else ""
        yield f"text_encoder{number}.text_model.{layer.path.removeprefix('text_model.')}"
        return
    path = layer.path.replace(".to_", ".processor.to_")
    path = path.removesuffix(".0") if path.endswith(".to_out.0") else path
    yield from (path, f"unet.{path}", f"lycoris_{layer.path.replace('.', '_')}")


def other_size(found: Recognised, header: Header, layers: Mapping[str, Layer]) -> bool:
    """Whether a LoRA is for a base of other widths than ``layers``, of which programs cannot be asked."""
    return any(
        _widths(parts, header) != layers[module].weight_shape[:2]
        for module, parts in found.modules.items()
        if module in layers and {DOWN, UP} <= parts.keys()
    )


def _widths(parts: Mapping[str, str], header: Header) -> tuple[int, ...]:
    """Outputs and inputs of the layer that a module changes."""
    return header.tensors[parts[UP]].shape[:1] + header.tensors[parts[DOWN]].shape[1:2]


def verdicts(
    found: Recognised, header: Header, alphas: Mapping[str, float], maps: Mapping[str, KeyMap]
) -> list[Verdict]:
    """One verdict a program: those of ``maps`` by their tables, and diffusers'."""
    if found.refused or not found.modules:
        return []
    told = [_by_map(program, found, table) for program, table in maps.items()]
    return [*told, _diffusers(found, header, alphas)]


def _by_map(program: str, found: Recognised, table: KeyMap) -> Verdict:
    lost = {module: own for module, parts in found.modules.items() if table.get(own := _own(parts)) != module}
    if program == "A1111":
        lost |= {module: _own(found.modules[module]) for module in _half_attentions(found.modules)}
    keys = sum(len(found.modules[module]) for module in lost)
    reached = len(found.modules) - len(lost)
    if not lost:
        every = f"all {count_of(reached, 'layer')}"
        odd = "not judged: it has what no plain LoRA has"
        return Verdict(program, not found.inexact, odd if found.inexact else every)
    if program == "Forge" and keys > FORGE_TAKES:
        return Verdict(program, False, f"refused: it does not know {keys} keys")
    first = next(iter(lost.values()))
    return Verdict(program, False, f"{reached} of {len(found.modules)} layers; not '{first}'")


def _own(parts: Mapping[str, str]) -> str:
    """What the file calls a module: the names of its tensors as far as they are the same."""
    names = [name.split(".") for name in parts.values()]
    if len(names) == 1:
        return ".".join(names[0][:-1])
    same = takewhile(lambda pieces: len(set(pieces)) == 1, zip(*names, strict=False))
    return ".".join(pieces[0] for pieces in same).removesuffix(".lora")


def _half_attentions(modules: Mapping[str, object]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for module in modules:
        if match := _ATTENTION.match(module):
            groups.setdefault(match[1], []).append(module)
    return [module for group in groups.values() if len(group) != 4 for module in group]


def _diffusers(found: Recognised, header: Header, alphas: Mapping[str, float]) -> Verdict:
    specs = ({part: header.tensors[name] for part, name in parts.items()} for parts in found.modules.values())
    other = sum(form_of(parts) != "plain" for parts in specs)
    if found.inexact or other:
        return Verdict("diffusers", False, f"{len(found.modules) - other} of {len(found.modules)} layers")
    if "PEFT" in found.spelling and any("alpha" in parts for parts in found.modules.values()):
        return Verdict("diffusers", False, "refused: alphas beside PEFT's names")
    if "Kohya" in found.spelling and (mixed := _mixed(alphas)):
        mixed_words = count_of(mixed, "attention")
        return Verdict("diffusers", False, f"all layers, {mixed_words} at another strength: mixed alphas")
    return Verdict("diffusers", True, f"all {count_of(len(found.modules), 'layer')}")


def _mixed(alphas: Mapping[str, float]) -> int:
    """Attentions whose layers have several alphas."""
    groups: dict[str, set[float]] = {}
    for module, alpha in alphas.items():
        if match := _UNET_ATTENTION.match(module):
            groups.setdefault(match[1], set()).add(alpha)
    return sum(len(values) > 1 for values in groups.values())
