"""``--device --precision --attention --memory --allow-pickle``: where and how a base model is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from wrapper.diffusion.pipelines.placement import Placement

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 or mps."
    ),
    click.option(
        "--precision",
        type=click.Choice(("auto", "fp16", "bf16", "fp32")),
        default="auto",
        show_default=True,
        help="auto: fp16 on CUDA, fp32 elsewhere.",
    ),
    click.option(
        "--attention",
        type=click.Choice(("sdpa", "xformers")),
        default="sdpa",
        show_default=True,
        help="torch's own, or xFormers.",
    ),
    click.option(
        "--memory",
        type=click.Choice(("auto", "full", "balanced", "low")),
        default="auto",
        show_default=True,
        help="full: all models on the GPU; balanced: one at a time (A1111's --medvram); low: one layer at a "
        "time (--lowvram). auto goes by the free memory.",
    ),
    click.option(
        "--allow-pickle",
        is_flag=True,
        help="Open a base in a .ckpt, .pt or .bin file, too: weights only, no code is run.",
    ),
)
_NAMES = ("device", "precision", "attention", "memory")


def device_options(function: F) -> F:
    """Add the options; `placement_of` takes them out of the command's parameters again."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def placement_of(given: dict[str, Any]) -> Placement:
    """Take the device's options out of ``given``; ``allow_pickle`` stays, it belongs to the base."""
    from wrapper.diffusion.pipelines.placement import Placement

    return Placement(**{name: given.pop(name) for name in _NAMES})
