"""Which images ``validation_split`` leaves for training, drawn as sd-scripts v0.10.1 draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from dataset_tools.pictures.buckets import Buckets
from wrapper.kohya.checks.sizes import fit
from wrapper.kohya.report import Findings
from wrapper.kohya.steps import DatasetUse, ImageUse
from wrapper.kohya.subsets import SubsetView


def split_uses(
    uses: Sequence[DatasetUse], views: Sequence[SubsetView], values: Mapping[str, Any]
) -> list[DatasetUse]:
    """``uses`` of all images → those of the training part; ``views`` are the subsets of the same datasets.

    Without a seed sd-scripts draws other images each time: the numbers of images are right then, and the
    buckets are those of one draw.
    """
    seed = values.get("seed")
    generator = Random(seed if isinstance(seed, int) else 0)
    datasets: dict[int, list[SubsetView]] = {}
    for view in views:
        datasets.setdefault(view.dataset, []).append(view)
    counted = [members for members in datasets.values() if members[0].buckets()]
    return [
        DatasetUse(_kept(members, use.buckets, share, generator), use.buckets, use.batch_size)
        if (share := share_of(members[0]))
        else use
        for use, members in zip(uses, counted, strict=True)
    ]


def check_held_out(views: Sequence[SubsetView], findings: Findings) -> None:
    """A share of few images rounds to none: then nothing is validated."""
    split = [view for view in views if share_of(view) and not view.is_reg and view.images]
    if split and not any(round(len(view.images) * share_of(view)) for view in split):
        text = f"'validation_split' {share_of(split[0]):g} of so few images holds out none of them."
        findings.warn(split[0].where("validation_split"), text)


def share_of(view: SubsetView) -> float:
    """The share held out of each folder; 0 where the value is none, or there are masks."""
    share = view.get("validation_split")
    held = isinstance(share, float) and 0 < share <= 1 and view.flavour == "plain"
    return share if held else 0.0


def _kept(members: Sequence[SubsetView], buckets: Buckets, share: float, generator: Random) -> list[ImageUse]:
    kept: list[ImageUse] = []
    for view in members:
        paths = list(view.images) if view.repeats > 0 else []
        if not view.is_reg and paths:
            seed = view.get("validation_seed")
            (generator if seed is None else Random(seed)).shuffle(paths)
            paths = paths[: math.ceil(len(paths) * (1 - share))]
        sizes = [size for path in paths if (size := _size(path)) and fit(size, buckets)]
        kept += [ImageUse(size, view.repeats, view.is_reg) for size in sizes]
    return kept


def _size(path: Path) -> tuple[int, int] | None:
    """None for what is no image, which others report."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
