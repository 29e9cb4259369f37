"""The U-Net's input: nine channels, or four that are widened to nine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import torch
from torch import nn

from inpaint.base import SEEN


@contextmanager
def input_channels(module: ModuleType, count: int) -> Iterator[None]:
    """While it lasts, sd-scripts' ``module`` builds its U-Net with ``count`` input channels."""
    before = module.IN_CHANNELS
    module.IN_CHANNELS = count
    try:
        yield
    finally:
        module.IN_CHANNELS = before


def widen(unet: nn.Module) -> None:
    """Give a 4-channel U-Net five more input channels of zeros: it draws what it drew before."""
    holder, name = (unet, "conv_in") if hasattr(unet, "conv_in") else (unet.input_blocks[0], "0")
    narrow = holder.get_submodule(name)
    wide = nn.Conv2d(SEEN, narrow.out_channels, narrow.kernel_size, padding=narrow.padding)
    wide = wide.to(narrow.weight.device, narrow.weight.dtype)
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, : narrow.in_channels] = narrow.weight
        wide.bias.copy_(narrow.bias)
    setattr(holder, name, wide)
    unet.in_channels = SEEN
