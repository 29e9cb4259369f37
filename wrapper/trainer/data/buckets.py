"""How an image comes to the size of its bucket. Sizes are (width, height) in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from dataset_tools.pictures.buckets import Buckets, Size
from wrapper.trainer.data.config import DatasetConfig


@dataclass(frozen=True)
class Placement:
    """An image is resized to ``resized`` and then cut at its centre to ``bucket``."""

    bucket: Size
    resized: Size


def place(size: Size, dataset: DatasetConfig) -> Placement:
    """Where an image of ``size`` goes."""
    buckets = _buckets(dataset)
    bucket = buckets.choose(size)
    if dataset.enable_bucket and dataset.bucket_no_upscale:
        return Placement(bucket, buckets.shrunk(size))
    return Placement(bucket, size) if size == bucket else _cover(size, bucket)


@lru_cache
def _buckets(dataset: DatasetConfig) -> Buckets:
    return Buckets(
        dataset.resolution,
        dataset.enable_bucket,
        dataset.min_bucket_reso,
        dataset.max_bucket_reso,
        dataset.bucket_reso_steps,
        dataset.bucket_no_upscale,
    )


def _cover(size: Size, bucket: Size) -> Placement:
    """Scale until the bucket is covered, one side exactly."""
    width, height = size
    wide = width / height > bucket[0] / bucket[1]
    scale = bucket[1] / height if wide else bucket[0] / width
    return Placement(bucket, (int(width * scale + 0.5), int(height * scale + 0.5)))


def crop_box(bucket: Size, size: Size) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the image in the bucket's frame, px, for SDXL's conditioning."""
    aspect = size[0] / size[1]
    if bucket[0] / bucket[1] > aspect:
        width, height = bucket[1] * aspect, float(bucket[1])
    else:
        width, height = float(bucket[0]), bucket[0] / aspect
    left, top = (bucket[0] - width) // 2, (bucket[1] - height) // 2
    return left, top, left + width, top + height
