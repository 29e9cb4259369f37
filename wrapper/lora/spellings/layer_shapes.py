"""The shape that down and up have in Kohya's form: matrices for linear layers, kernels for convolutions."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from wrapper.base_model.kinds import Kind
from wrapper.lora.spellings.paths import unet_path

if TYPE_CHECKING:
    from torch import Tensor

_UNET = "lora_unet_"
_THREE = re.compile(r".*\.(?:conv1|conv2|(?:down|up)samplers\.0\.conv)|conv_in|conv_out")
_ONE = re.compile(r".*\.conv_shortcut")
_PROJECTION = re.compile(r".*\.attentions\.\d+\.proj_(?:in|out)")


def kernel_of(module: str, kind: Kind) -> int | None:
    """The side of a layer's kernel by its Kohya name, None for a linear layer.

    >>> kernel_of("lora_unet_mid_block_resnets_0_conv1", "sd15"), kernel_of("lora_te_x", "sd15")
    (3, None)
    """
    path = unet_path(module.removeprefix(_UNET)) if module.startswith(_UNET) else None
    if path is None:
        return None
    if _THREE.fullmatch(path):
        return 3
    one = _ONE.fullmatch(path) or (kind == "sd15" and _PROJECTION.fullmatch(path))
    return 1 if one else None


def as_down(tensor: Tensor, kernel: int | None) -> Tensor:
    """``[r, columns]`` or ``[r, in, h, w]`` in the layer's form; one of another kernel stays as it is."""
    side = kernel or 1
    if tensor.dim() == 4 and tuple(tensor.shape[2:]) != (side, side):
        return tensor
    columns = math.prod(tensor.shape[1:])
    if columns % side**2:
        return tensor
    shape = (
        (tensor.shape[0], columns) if kernel is None else (tensor.shape[0], columns // side**2, side, side)
    )
    return tensor.reshape(shape)


def as_up(tensor: Tensor, kernel: int | None) -> Tensor:
    """``[out, r]`` or ``[out, r, 1, 1]`` in the layer's form."""
    return tensor.reshape(*tensor.shape[:2], *(() if kernel is None else (1, 1)))
