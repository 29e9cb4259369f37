"""``--hires …``: A1111's "Hires. fix"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from wrapper.diffusion.txt2img.hires import Hires

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--hires",
        type=click.FloatRange(1, 8, min_open=True),
        metavar="SCALE",
        help="Draw, enlarge by SCALE, and draw over that: A1111's Hires. fix.",
    ),
    click.option(
        "--hires-upscaler", metavar="NAME", help="Latent (the default), Latent (nearest), Lanczos, …"
    ),
    click.option("--hires-steps", type=click.IntRange(1, 1000), help="Of the second pass; else as many."),
    click.option(
        "--hires-strength",
        type=click.FloatRange(0, 1, min_open=True),
        help="How far the second pass may go from the first: 0.7.",
    ),
)
_FIELDS = {"hires_upscaler": "upscaler", "hires_steps": "steps", "hires_strength": "strength"}


def hires_options(function: F) -> F:
    """Add the options; `hires_of` takes them out of the command's parameters again."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def hires_of(given: dict[str, Any]) -> Hires | None:
    """Take the options out of ``given``. Raises `click.UsageError` for details without ``--hires``."""
    from wrapper.diffusion.txt2img.hires import Hires

    scale = given.pop("hires")
    details = {field: value for name, field in _FIELDS.items() if (value := given.pop(name)) is not None}
    if scale is None and details:
        raise click.UsageError("--hires-… without --hires SCALE.")
    return None if scale is None else Hires(scale, **details)
