"""LoRAs in a pipeline: files are exchanged only when others are wanted, else their weights are set anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wrapper.base_model.kinds import Component
from wrapper.lora.apply import LoraUse, apply_loras, pipeline_models, unload_loras, weights_in_place


class Part(NamedTuple):
    """One adapter in one layer; at weight 1 its scale is ``unit``, which is alpha / rank."""

    component: Component
    layer: Any
    adapter: str
    unit: float


class Swapper:
    """Keeps ``pipeline`` with the LoRAs that were last wanted; it begins without any."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self._files: tuple[Path, ...] = ()
        self._parts: list[list[Part]] = []

    def use(self, wanted: Sequence[LoraUse]) -> None:
        """Put ``wanted`` in, in their order. Raises `UserError` for a LoRA that does not fit."""
        files = tuple(use.path for use in wanted)
        if files != self._files:
            with weights_in_place(self.pipeline):
                self._exchange(files)
        for use, parts in zip(wanted, self._parts, strict=True):
            for part in parts:
                part.layer.scaling[part.adapter] = part.unit * use.weight_of(part.component)

    def _exchange(self, files: Sequence[Path]) -> None:
        if self._files:
            unload_loras(self.pipeline)
        self._files, self._parts = (), []
        for path in files:
            before = {(id(part.layer), part.adapter) for part in self._all_parts()}
            apply_loras(self.pipeline, [LoraUse(path, 1.0)])
            new = [part for part in self._all_parts() if (id(part.layer), part.adapter) not in before]
            self._parts.append(new)
        self._files = tuple(files)

    def _all_parts(self) -> list[Part]:
        from peft.tuners.tuners_utils import BaseTunerLayer

        return [
            Part(component, layer, adapter, layer.scaling[adapter])
            for component, model in pipeline_models(self.pipeline)[1].items()
            for layer in model.modules()
            if isinstance(layer, BaseTunerLayer)
            for adapter in layer.scaling
        ]
