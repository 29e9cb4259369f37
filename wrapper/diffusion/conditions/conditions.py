"""What steers a picture beside its prompt: ControlNets and IP-Adapters, as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import Problems, did_you_mean

KINDS: dict[str, str] = {
    "openpose": "a drawn skeleton",
    "depth": "near is white",
    "normal": "the direction that each surface faces, as a colour",
    "canny": "edges",
    "softedge": "soft edges",
    "lineart": "drawn lines",
    "scribble": "rough lines",
    "mlsd": "straight lines",
    "seg": "one colour for each kind of thing",
    "shuffle": "a picture's colours without its shapes",
    "tile": "the picture itself",
}
"""What a control image shows. A ControlNet was trained for one of them; its file does not say which."""

_NUMBERED = re.compile(r"([a-z]+)\d*")


@dataclass(frozen=True)
class Control:
    """A ControlNet, and the image that it follows.

    ``model`` is a diffusers folder or a .safetensors file. ``preprocessor`` makes the control image from a
    photograph: ``canny``, or the folder of a depth or pose model; without one ``image`` is ready-made.
    From ``start`` to ``end``, shares of the steps, it acts with ``weight``.
    """

    kind: str
    image: Path
    model: Path
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    preprocessor: str | None = None


@dataclass(frozen=True)
class IpAdapter:
    """An IP-Adapter's weights (.safetensors), its image encoder's folder, and the images to be like."""

    file: Path
    encoder: Path
    images: tuple[Path, ...]
    scale: float = 1.0


@dataclass(frozen=True)
class Conditions:
    """All that steers one picture beside its prompt."""

    controls: tuple[Control, ...] = ()
    adapters: tuple[IpAdapter, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.controls or self.adapters)


NONE = Conditions()


def base_kind(kind: str) -> str:
    """The kind behind a numbered name: ``depth2`` → ``depth``."""
    match = _NUMBERED.fullmatch(kind)
    return match[1] if match else kind


def check_conditions(conditions: Conditions) -> None:
    """Raise one `UserError` for unknown kinds, shares of the steps that are none, and files that lack."""
    problems = Problems()
    for control in conditions.controls:
        _check_control(control, problems)
    for adapter in conditions.adapters:
        if not adapter.images:
            problems.add(adapter.file, "no image to be like.", "Give --ip-image.")
    for path, what, is_folder in _files(conditions):
        if not (path.is_dir() if is_folder else path.exists()):
            problems.add(path, f"there is no such {what}.")
    problems.raise_if_any()


def _check_control(control: Control, problems: Problems) -> None:
    where = f"control '{control.kind}'"
    kind = base_kind(control.kind)
    if kind not in KINDS:
        problems.add(where, "is not a kind of control.", _known_kinds(kind))
    if not 0 <= control.start < control.end <= 1:
        span = f"{control.start:g}-{control.end:g}"
        problems.add(where, f"{span} are no shares of the steps.", "For example 0-0.5, for the first half.")
    if control.weight < 0:
        problems.add(where, f"its weight {control.weight:g} is below 0.")


def _known_kinds(kind: str) -> str:
    return f"{did_you_mean(kind, KINDS)} Known: {', '.join(KINDS)}.".strip()


def _files(conditions: Conditions) -> Iterator[tuple[Path, str, bool]]:
    for control in conditions.controls:
        yield control.model, "ControlNet", False
        yield control.image, "control image", False
        if control.preprocessor not in (None, "canny"):
            yield Path(str(control.preprocessor)), "folder of a preprocessor's model", True
    for adapter in conditions.adapters:
        yield adapter.file, "IP-Adapter", False
        yield adapter.encoder, "folder of an image encoder", True
        for image in adapter.images:
            yield image, "image", False


def condition_fields(conditions: Conditions) -> dict[str, str]:
    """Infotext fields, those of a ControlNet as A1111's extension writes them."""
    fields = {
        f"ControlNet {number}": ", ".join(
            (
                f"Module: {_module(control)}",
                f"Model: {control.model.stem}",
                f"Weight: {control.weight:g}",
                "Resize Mode: Crop and Resize",
                f"Guidance Start: {control.start:g}",
                f"Guidance End: {control.end:g}",
                "Control Mode: Balanced",
            )
        )
        for number, control in enumerate(conditions.controls)
    }
    for number, adapter in enumerate(conditions.adapters):
        count = len(adapter.images)
        fields[f"IP-Adapter {number}"] = (
            f"Model: {adapter.file.stem}, Weight: {adapter.scale:g}, Images: {count}"
        )
    return fields


def _module(control: Control) -> str:
    """A1111's name of the preprocessor: ``none`` for a ready-made image."""
    if control.preprocessor is None:
        return "none"
    return control.preprocessor if control.preprocessor == "canny" else Path(control.preprocessor).name
