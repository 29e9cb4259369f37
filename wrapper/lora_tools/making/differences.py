"""What two models of one architecture differ in, read one pair of tensors at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.lora_tools.bases.base_places import BaseFiles
from wrapper.safetensors_stream import TensorFile, open_tensors

if TYPE_CHECKING:
    from torch import Tensor


_PART = 1 << 22
FilePlace = tuple[Path, str]
"""A tensor: its file, and its name there."""


@dataclass(frozen=True)
class OpenModel:
    """A model whose weight files are open."""

    files: BaseFiles
    streams: dict[Path, TensorFile]

    def weight(self, layer: str) -> Tensor:
        """A layer's weight, in the model's own precision."""
        place, outputs = self.files.places[layer], self.files.layers[layer].weight_shape[0]
        return place.within(self.streams[place.file].read(place.tensor), outputs)

    def read(self, place: FilePlace) -> Tensor:
        return self.streams[place[0]].read(place[1])


@contextmanager
def open_model(files: BaseFiles) -> Iterator[OpenModel]:
    """Open the weight files of a model."""
    with ExitStack() as stack:
        yield OpenModel(files, {path: stack.enter_context(open_tensors(path)) for path in files.headers})


def difference(tuned: Tensor, base: Tensor) -> Tensor | None:
    """tuned − base in float32; None when they are the same numbers, but for rounding to their types."""
    import torch

    if tuned.dtype == base.dtype and torch.equal(tuned, base):
        return None
    found = tuned.float() - base.float()
    if tuned.dtype == base.dtype:
        return found
    return None if bool((found.abs() <= _rounding(tuned) + _rounding(base)).all()) else found


def _rounding(tensor: Tensor) -> Tensor:
    """By how much each number may differ from what was rounded to it: half a unit in its last place."""
    import torch

    kind = torch.finfo(tensor.dtype)
    return kind.eps * tensor.float().abs().clamp(min=kind.smallest_normal) / 2


def beside(
    tuned: BaseFiles, base: BaseFiles, layers: Iterable[str]
) -> dict[str, tuple[FilePlace, FilePlace]]:
    """Where both models have the tensors that hold none of ``layers``; none for models in different forms."""
    if tuned.info.single_file != base.info.single_file:
        return {}
    taken = {(base.places[name].file, base.places[name].tensor) for name in layers}
    mine, theirs = _tensors(tuned), _tensors(base)
    return {
        name: (mine[name], place) for name, place in theirs.items() if place not in taken and name in mine
    }


def _tensors(files: BaseFiles) -> dict[str, FilePlace]:
    """Everything in a model's files: ``unet/conv_in.weight``, or LDM's names in a single file."""
    top, single = files.info.path, files.info.single_file
    return {
        name if single else f"{path.relative_to(top).parts[0]}/{name}": (path, name)
        for path, header in files.headers.items()
        for name in header.tensors
    }


def differ(tuned: Tensor, base: Tensor) -> bool:
    """Whether any two numbers are more than roundings of the same; asked part by part, to hold little."""
    if tuned.shape != base.shape or tuned.is_floating_point() != base.is_floating_point():
        return True
    if not tuned.is_floating_point():
        return not bool((tuned == base).all())
    parts = zip(tuned.flatten().split(_PART), base.flatten().split(_PART), strict=True)
    return any(difference(*part) is not None for part in parts)
