"""What two models of one architecture differ in, read one pair of tensors at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.lora_tools.base_places import BaseFiles
from wrapper.safetensors_stream import TensorFile, open_tensors

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OpenModel:
    """A model whose weight files are open."""

    files: BaseFiles
    streams: dict[Path, TensorFile]

    def weight(self, layer: str) -> Tensor:
        """A layer's weight, in the model's own precision."""
        place, outputs = self.files.places[layer], self.files.layers[layer].weight_shape[0]
        return place.within(self.streams[place.file].read(place.tensor), outputs)

    def tensors(self) -> dict[str, tuple[Path, str]]:
        """Everything in its files: ``unet/conv_in.weight``, or LDM's names in a single file."""
        top = self.files.info.path
        return {
            name if self.files.info.single_file else f"{path.relative_to(top).parts[0]}/{name}": (path, name)
            for path, stream in self.streams.items()
            for name in stream.header.tensors
        }

    def read(self, place: tuple[Path, str]) -> Tensor:
        return self.streams[place[0]].read(place[1])


@contextmanager
def open_model(files: BaseFiles) -> Iterator[OpenModel]:
    """Open the weight files of a model."""
    with ExitStack() as stack:
        yield OpenModel(files, {path: stack.enter_context(open_tensors(path)) for path in files.headers})


def difference(tuned: Tensor, base: Tensor) -> Tensor | None:
    """tuned − base in float32; None when they are the same numbers, but for rounding to their types."""
    found = tuned.float() - base.float()
    if tuned.dtype == base.dtype:
        return found if bool(found.any()) else None
    return None if bool((found.abs() <= _rounding(tuned) + _rounding(base)).all()) else found


def _rounding(tensor: Tensor) -> Tensor:
    """By how much each number may differ from what was rounded to it: half a unit in its last place."""
    import torch

    kind = torch.finfo(tensor.dtype)
    return kind.eps * tensor.float().abs().clamp(min=kind.smallest_normal) / 2


def others_that_differ(tuned: OpenModel, base: OpenModel, layers: set[str]) -> list[str]:
    """Tensors that differ and hold none of ``layers``; of models in different forms, none can be compared."""
    if tuned.files.info.single_file != base.files.info.single_file:
        return []
    taken = {(base.files.places[name].file, base.files.places[name].tensor) for name in layers}
    mine, theirs = tuned.tensors(), base.tensors()
    return [
        name
        for name, place in theirs.items()
        if place not in taken and name in mine and _differ(tuned.read(mine[name]), base.read(place))
    ]


def _differ(tuned: Tensor, base: Tensor) -> bool:
    if tuned.shape != base.shape:
        return True
    if not tuned.is_floating_point():
        return not bool((tuned == base).all())
    return difference(tuned, base) is not None
