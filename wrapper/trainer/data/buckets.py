"""Aspect-ratio buckets: which size an image is trained at, as sd-scripts v0.10.1 decides it.

Sizes are (width, height) in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from wrapper.trainer.data.config import DatasetConfig

Size = tuple[int, int]


@dataclass(frozen=True)
class Placement:
    """An image is resized to ``resized`` and then cut at its centre to ``bucket``."""

    bucket: Size
    resized: Size


def bucket_sizes(resolution: Size, shortest: int, longest: int, step: int) -> list[Size]:
    """Every bucket of at most ``resolution``'s area, sides multiples of ``step``; sorted.

    ``bucket_sizes((64, 64), 32, 96, 32)`` → ``[(32, 96), (64, 64), (96, 32)]``.
    """
    area = resolution[0] * resolution[1]
    square = math.isqrt(area) // step * step
    sizes = {(square, square)}
    for width in range(shortest, longest + 1, step):
        height = min(longest, area // width // step * step)
        if height >= shortest:
            sizes |= {(width, height), (height, width)}
    return sorted(sizes)


def place(size: Size, dataset: DatasetConfig) -> Placement:
    """Where an image of ``size`` goes."""
    if not dataset.enable_bucket:
        return _cover(size, dataset.resolution)
    if dataset.bucket_no_upscale:
        return _shrink_only(size, dataset.resolution, dataset.bucket_reso_steps)
    step = dataset.bucket_reso_steps
    shortest = dataset.min_bucket_reso // step * step
    longest = -(-dataset.max_bucket_reso // step) * step
    return _nearest(size, bucket_sizes(dataset.resolution, shortest, longest, step))


def _nearest(size: Size, buckets: list[Size]) -> Placement:
    """The bucket of the same size, else of the nearest aspect ratio (the first of equals)."""
    if size in buckets:
        return Placement(size, size)
    aspect = size[0] / size[1]
    return _cover(size, min(buckets, key=lambda bucket: abs(bucket[0] / bucket[1] - aspect)))


def _cover(size: Size, bucket: Size) -> Placement:
    """Scale until the bucket is covered, one side exactly."""
    width, height = size
    wide = width / height > bucket[0] / bucket[1]
    scale = bucket[1] / height if wide else bucket[0] / width
    return Placement(bucket, (int(width * scale + 0.5), int(height * scale + 0.5)))


def _shrink_only(size: Size, resolution: Size, step: int) -> Placement:
    """Images over the resolution's area are shrunk to it, smaller ones are cut to multiples of ``step``."""
    resized = size
    area = resolution[0] * resolution[1]
    if size[0] * size[1] > area:
        resized = _shrink(size[0] / size[1], area, step)
    return Placement((resized[0] // step * step, resized[1] // step * step), resized)


def _shrink(aspect: float, area: int, step: int) -> Size:
    """A size of about ``area``, one side a multiple of ``step``: the side that keeps the aspect better."""
    width = math.sqrt(area * aspect)
    by_width = _round(width, step)
    by_height = _round(area / width, step)
    error_by_width = abs(by_width / _round(by_width / aspect, step) - aspect)
    error_by_height = abs(_round(by_height * aspect, step) / by_height - aspect)
    if error_by_width < error_by_height:
        return by_width, int(by_width / aspect + 0.5)
    return int(by_height * aspect + 0.5), by_height


def _round(length: float, step: int) -> int:
    return int(length + 0.5) // step * step


def crop_box(bucket: Size, size: Size) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the image in the bucket's frame, px, for SDXL's conditioning."""
    aspect = size[0] / size[1]
    if bucket[0] / bucket[1] > aspect:
        width, height = bucket[1] * aspect, float(bucket[1])
    else:
        width, height = float(bucket[0]), bucket[0] / aspect
    left, top = (bucket[0] - width) // 2, (bucket[1] - height) // 2
    return left, top, left + width, top + height
