"""``--mask --shape --sam --point --negative-point --box --invert-mask --mask-grow``: what is repainted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from dataset_tools.pictures.shapes import Length
    from wrapper.diffusion.inpainting.mask_request import MaskRequest, SamRequest

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--mask",
        "masks",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="A mask of the picture's size: white is repainted. Repeatable; masks and shapes add up.",
    ),
    click.option(
        "--shape",
        "shapes",
        multiple=True,
        metavar="SHAPE",
        help="Draw the mask: ellipse:CX,CY,RX,RY[,DEGREES], rect:X0,Y0,X1,Y1, polygon:X,Y,X,Y,X,Y,… or "
        "ear:X0,Y0,X1,Y1, in pixels or per cent (25%) of the upright picture. Repeatable.",
    ),
    click.option(
        "--sam",
        metavar="FOLDER",
        help="A Segment Anything model: mask what --point and --box point at (in a manifest, its ear boxes).",
    ),
    click.option("--point", "points", multiple=True, metavar="X,Y", help="A point on it, for --sam."),
    click.option(
        "--negative-point", "negative_points", multiple=True, metavar="X,Y", help="A point that is not."
    ),
    click.option("--box", metavar="X0,Y0,X1,Y1", help="A box about it, for --sam."),
    click.option("--invert-mask", is_flag=True, help="Black is repainted instead of white."),
    click.option(
        "--mask-grow",
        type=click.IntRange(-4096, 4096),
        default=0,
        metavar="PX",
        help="Grow the mask by so many pixels, or shrink it by a negative number.",
    ),
)
_NAMES = ("masks", "shapes", "sam", "points", "negative_points", "box", "invert_mask", "mask_grow")


def mask_options(function: F) -> F:
    """Add the options; `mask_of` takes them out of the command's parameters again."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def mask_of(given: dict[str, Any]) -> MaskRequest:
    """Take the mask's options out of ``given``. Raises `UserError` for what cannot be read."""
    from dataset_tools.pictures.shapes import parse_shape
    from wrapper.diffusion.inpainting.mask_request import MaskRequest

    masks, shapes, sam, points, negative, box, invert, grow_px = (given.pop(name) for name in _NAMES)
    return MaskRequest(
        tuple(masks),
        tuple(parse_shape(text) for text in shapes),
        _sam(sam, points, negative, box),
        invert,
        grow_px,
    )


def _sam(
    model: str | None, points: Sequence[str], negative: Sequence[str], box: str | None
) -> SamRequest | None:
    from wrapper.diffusion.inpainting.mask_request import SamRequest

    if model is None:
        if points or negative or box:
            raise click.UsageError("--point, --negative-point and --box go with --sam FOLDER.")
        return None
    return SamRequest(
        model,
        tuple(_lengths(text, "--point", 2) for text in points),
        tuple(_lengths(text, "--negative-point", 2) for text in negative),
        _lengths(box, "--box", 4) if box else None,
    )


def _lengths(text: str, option: str, count: int) -> tuple[Length, ...]:
    from dataset_tools.pictures.shapes import parse_lengths

    lengths = parse_lengths(text, f"{option} {text}")
    if len(lengths) != count:
        raise click.UsageError(f"{option} {text}: takes {count} numbers.")
    return lengths
