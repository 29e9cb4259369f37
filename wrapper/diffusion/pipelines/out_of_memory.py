"""A picture that does not fit into memory: one sentence, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dataset_tools.errors import RunFailed

_MARKS = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says where its error has no type of its own: Apple GPUs, and the CPU's allocator."""


@contextmanager
def enough_memory(pipeline: Any, count: int, size: tuple[int, int]) -> Iterator[None]:
    """Turn every form of running out of memory meanwhile into `RunFailed`; other errors stay as they are."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise _failure(pipeline._execution_device, count, size) from error


def check_memory(pipeline: Any, count: int, size: tuple[int, int]) -> None:
    """Raise `MemoryError` before pictures that cannot fit are begun on a CPU.

    Linux gives memory that it does not have, and later ends the whole program without a word.
    """
    import psutil

    if str(pipeline._execution_device) == "cpu" and least_bytes(pipeline, count, size) > _available(psutil):
        raise MemoryError


def least_bytes(pipeline: Any, count: int, size: tuple[int, int]) -> int:
    """What drawing takes at the very least: one layer's input and output, of the U-Net or of the VAE."""
    factor = pipeline.vae_scale_factor
    pixels, latents = size[0] * size[1], (size[0] // factor) * (size[1] // factor)
    unet = count * latents * pipeline.unet.config.block_out_channels[0] * pipeline.unet.dtype.itemsize
    vae = 0 if pipeline.vae.use_tiling else pixels * pipeline.vae.config.block_out_channels[0]
    return 2 * max(unet, vae * pipeline.vae.dtype.itemsize)


def _available(psutil: Any) -> int:
    return int(psutil.virtual_memory().available + psutil.swap_memory().free)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that there was no more memory, on a GPU or in the computer."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error).lower() for mark in _MARKS)


def _failure(device: Any, count: int, size: tuple[int, int]) -> RunFailed:
    what = "a picture" if count == 1 else f"{count} pictures"
    message = f"The memory of '{device}' is not enough for {what} of {size[0]}×{size[1]}."
    ways = "Draw smaller pictures"
    if str(device) != "cpu":
        ways += ", give --memory balanced or --memory low, or --device cpu"
    return RunFailed(message, f"{ways}. Pictures that were done are kept.")
