"""Which layer each program puts a LoRA's key on: tables of our own, written from what their loaders do.

``layers`` below is the stated architecture, Kohya name → layer; a table maps every name that the program
takes for a linear or convolution layer to the Kohya name of that layer.
"""

from __future__ import annotations

from collections.abc import Mapping

from wrapper.base_model.kinds import Kind
from wrapper.export.key_maps.a1111 import a1111_map
from wrapper.export.key_maps.comfyui import comfyui_map
from wrapper.export.key_maps.diffusers import diffusers_map
from wrapper.export.targets import TargetName
from wrapper.lora.layers import Layer

KeyMap = Mapping[str, str]


def key_map(target: TargetName, kind: Kind, layers: Mapping[str, Layer]) -> KeyMap:
    """The table of one target. A folder is for every program, and takes the narrowest: A1111's."""
    if target in ("a1111", "folder"):
        return a1111_map(kind, layers)
    if target == "diffusers":
        return diffusers_map(layers)
    return comfyui_map(kind, layers)
