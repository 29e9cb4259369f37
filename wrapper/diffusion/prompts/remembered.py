"""What a text encoder has said before, for as long as its weights and its LoRAs stay as they are."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

MOST = 256
"""Chunks that are kept: SD 1.5's take 230 kB each."""

_kept: WeakKeyDictionary[Any, _Memory] = WeakKeyDictionary()


class _Memory(dict[Any, Any]):
    """Answers by question. It starts again when it is full."""

    def __init__(self, state: _State) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        if len(self) >= MOST:
            self.clear()
        super().__setitem__(key, value)


class _State:
    """Which weights an encoder had (the very tensors, not copies), and how strongly its LoRAs acted."""

    def __init__(self, encoder: Any) -> None:
        self.weights = list(encoder.parameters())
        self.versions = [(weight._version, weight.dtype) for weight in self.weights]
        self.loras = [_lora_state(layer) for layer in _lora_layers(encoder)]

    def same(self, other: _State) -> bool:
        return (
            len(self.weights) == len(other.weights)
            and all(mine is its for mine, its in zip(self.weights, other.weights, strict=True))
            and self.versions == other.versions
            and self.loras == other.loras
        )


def remembered(encoder: Any) -> dict[Any, Any]:
    """The encoder's answers so far, none after its weights, its LoRAs or their strengths have changed.

    Nothing is kept of an encoder that is learning: an optimizer may change weights without a trace.
    """
    if encoder.training or any(
        weight.requires_grad for layer in _lora_layers(encoder) for weight in layer.lora_A.parameters()
    ):
        return {}
    state = _State(encoder)
    memory = _kept.get(encoder)
    if memory is None or not memory.state.same(state):
        memory = _kept[encoder] = _Memory(state)
    return memory


def _lora_layers(encoder: Any) -> list[Any]:
    """PEFT's layers, told by what they have, without loading PEFT."""
    return [module for module in encoder.modules() if hasattr(module, "lora_A")]


def _lora_state(layer: Any) -> Any:
    return (
        dict(layer.scaling),
        list(layer.active_adapters),
        layer.disable_adapters,
        list(layer.merged_adapters),
    )
