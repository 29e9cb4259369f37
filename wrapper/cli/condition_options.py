"""``--control …`` and ``--ip-…``: what steers a picture beside its prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from wrapper.diffusion.conditions.conditions import Conditions, Control, IpAdapter

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--control",
        "controls",
        multiple=True,
        metavar="KIND=IMAGE[:WEIGHT[:START-END]]",
        help="Follow a control image: openpose, depth, normal, canny, …; repeatable. START-END are shares of "
        "the steps, for instance depth=room.png:0.8:0-0.6.",
    ),
    click.option(
        "--control-model",
        "control_models",
        multiple=True,
        metavar="KIND=PATH",
        help="The ControlNet for it: a diffusers folder or a .safetensors file.",
    ),
    click.option(
        "--control-preprocessor",
        "control_preprocessors",
        multiple=True,
        metavar="KIND=MODEL",
        help="Its image is a photograph: make the control image with this model (a folder of a depth or pose "
        "model; canny needs none: canny=canny).",
    ),
    click.option(
        "--ip-adapter",
        "ip_adapters",
        multiple=True,
        metavar="FILE[:SCALE]",
        help="IP-Adapter: look like --ip-image; repeatable.",
    ),
    click.option(
        "--ip-image",
        "ip_images",
        multiple=True,
        metavar="IMAGE",
        help="All of them for one --ip-adapter; with several, one image each, in their order.",
    ),
    click.option("--ip-encoder", metavar="FOLDER", help="The CLIP image encoder of the IP-Adapter."),
)
_NAMES = ("controls", "control_models", "control_preprocessors", "ip_adapters", "ip_images", "ip_encoder")
_STRENGTH = re.compile(
    r"(?s)(?P<file>.+?)(?::(?P<weight>\d*\.?\d+)(?::(?P<start>\d*\.?\d+)-(?P<end>\d*\.?\d+))?)?"
)


def condition_options(function: F) -> F:
    """Add the options; `conditions_of` takes them out of the command's parameters again."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def conditions_of(given: dict[str, Any]) -> Conditions:
    """Take the conditions' options out of ``given``. Raises `click.UsageError` for halves of a pair."""
    from wrapper.diffusion.conditions.conditions import Conditions

    controls, models, preprocessors, adapters, images, encoder = (given.pop(name) for name in _NAMES)
    return Conditions(_controls(controls, models, preprocessors), _adapters(adapters, images, encoder))


def _controls(
    controls: Sequence[str], models: Sequence[str], preprocessors: Sequence[str]
) -> tuple[Control, ...]:
    from wrapper.diffusion.conditions.conditions import Control

    wanted = _by_kind("--control", controls)
    by_kind = _by_kind("--control-model", models)
    prepared = _by_kind("--control-preprocessor", preprocessors)
    _same_kinds(wanted, by_kind, prepared)
    made = []
    for kind, text in wanted.items():
        image, *strength = _strength(text)
        made.append(Control(kind, Path(image), Path(by_kind[kind]), *strength, prepared.get(kind)))
    return tuple(made)


def _strength(text: str) -> tuple[str, float, float, float]:
    """``a.png:0.8:0-0.5`` → file, weight, start, end."""
    match = _STRENGTH.fullmatch(text)
    assert match is not None, "the pattern takes any text"
    return match["file"], float(match["weight"] or 1), float(match["start"] or 0), float(match["end"] or 1)


def _by_kind(option: str, values: Sequence[str]) -> dict[str, str]:
    """``["depth=a.png"]`` → ``{"depth": "a.png"}``."""
    found: dict[str, str] = {}
    for value in values:
        kind, equals, rest = value.partition("=")
        if not (kind and equals and rest):
            raise click.UsageError(f"{option} {value}: write KIND=…, for instance depth=room.png.")
        if kind in found:
            raise click.UsageError(f"{option} {value}: there is a '{kind}' already; call it {kind}2.")
        found[kind] = rest
    return found


def _same_kinds(wanted: dict[str, str], models: dict[str, str], prepared: dict[str, str]) -> None:
    for kind in wanted:
        if kind not in models:
            raise click.UsageError(
                f"--control {kind}=…: give its ControlNet with --control-model {kind}=PATH."
            )
    for option, kinds in (("--control-model", models), ("--control-preprocessor", prepared)):
        for kind in kinds:
            if kind not in wanted:
                raise click.UsageError(f"{option} {kind}=…: give its image with --control {kind}=IMAGE.")


def _adapters(files: Sequence[str], images: Sequence[str], encoder: str | None) -> tuple[IpAdapter, ...]:
    from wrapper.diffusion.conditions.conditions import IpAdapter

    if not files:
        if images or encoder:
            raise click.UsageError("--ip-image and --ip-encoder go with --ip-adapter FILE.")
        return ()
    if not encoder:
        raise click.UsageError("--ip-adapter: give the folder of its CLIP image encoder with --ip-encoder.")
    if not images:
        raise click.UsageError("--ip-adapter: give --ip-image, the picture to look like.")
    if len(files) > 1 and len(images) != len(files):
        raise click.UsageError(
            f"{len(files)} --ip-adapter and {len(images)} --ip-image: give one image each."
        )
    paths = [Path(image) for image in images]
    groups = [tuple(paths)] if len(files) == 1 else [(path,) for path in paths]
    return tuple(
        IpAdapter(Path(file), Path(encoder), group, scale)
        for (file, scale, _, _), group in zip(map(_strength, files), groups, strict=True)
    )
