"""A pipeline's conditions: their images read and their embeddings made once, handed to every batch."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wrapper.diffusion.conditions.conditions import Conditions, Control
from wrapper.diffusion.conditions.control_image import Seen, control_image, crop_note, fitted
from wrapper.diffusion.conditions.ip_adapter import embed_images
from wrapper.diffusion.pipelines.classes import ATTACHED
from wrapper.diffusion.telling import tell

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class Attached:
    """Control images, uint8 [H, W, 3], one a control; embeddings [2, images, …] (negative first), one an
    IP-Adapter."""

    controls: Sequence[Control] = ()
    images: Sequence[np.ndarray] = ()
    embeddings: Sequence[Tensor] = ()
    told: set[str] = field(default_factory=set)

    def tell_crops(self, size: tuple[int, int]) -> None:
        """Say once of each control image that it has another shape than ``size`` (width, height)."""
        for control, image in zip(self.controls, self.images, strict=True):
            note = crop_note(control.kind, image, size)
            if note and note not in self.told:
                self.told.add(note)
                tell(note)


def attach(pipeline: Any, conditions: Conditions) -> None:
    """Read the images of ``conditions`` for a pipeline that has their models already."""
    images = [control_image(control) for control in conditions.controls]
    embeddings = embed_images(pipeline, conditions.adapters)
    setattr(pipeline, ATTACHED, Attached(conditions.controls, images, embeddings))


def attached_images(pipeline: Any) -> list[tuple[str, np.ndarray]]:
    """The name and the control image, uint8 [H, W, 3], of every control."""
    found = _attached(pipeline)
    return [(control.kind, image) for control, image in zip(found.controls, found.images, strict=True)]


def condition_inputs(
    pipeline: Any, size: tuple[int, int], guided: bool, seen: Seen | None = None
) -> dict[str, Any]:
    """The pipeline's arguments for a batch of ``size`` (width, height), with or without ``guided`` (CFG > 1).

    ``seen`` is the part of a photograph that the batch shows, None for all of it.
    """
    found = _attached(pipeline)
    inputs: dict[str, Any] = {}
    if found.controls:
        inputs |= _control_inputs(pipeline, found, size, seen)
    if found.embeddings:
        kept = [embedding if guided else embedding[1:] for embedding in found.embeddings]
        inputs["ip_adapter_image_embeds"] = kept
    return inputs


def _attached(pipeline: Any) -> Attached:
    found: Attached | None = getattr(pipeline, ATTACHED, None)
    return found or Attached()


def _control_inputs(
    pipeline: Any, found: Attached, size: tuple[int, int], seen: Seen | None
) -> dict[str, Any]:
    from PIL import Image

    if seen is None:  # with a photograph, it is told of each photograph
        found.tell_crops(size)
    taken = inspect.signature(pipeline.__call__).parameters
    name = "control_image" if "control_image" in taken else "image"
    values: dict[str, list[Any]] = {
        name: [Image.fromarray(fitted(image, size, seen)) for image in found.images],
        "controlnet_conditioning_scale": [control.weight for control in found.controls],
        "control_guidance_start": [control.start for control in found.controls],
        "control_guidance_end": [control.end for control in found.controls],
    }
    several = len(found.controls) > 1
    return {key: value if several else value[0] for key, value in values.items()}
