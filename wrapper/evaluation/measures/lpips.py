"""LPIPS (Zhang, Isola, Efros, Shechtman and Wang 2018, eq. 1) with the user's weights, AlexNet or VGG16.

The weights are the user's own files: the network's, as torchvision saves it (``features.0.weight`` …), and
the heads' (``lin0.model.1.weight`` …), or one file with both, as ``lpips.LPIPS(...).state_dict()`` has them
(``net.slice1.0.weight`` …).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

_HEAD = re.compile(r"lin(\d)\.model\.\d\.weight")
_CONVOLUTION = re.compile(r"(?:net\.slice\d|features)\.(\d+)\.(weight|bias)")
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""The scaling layer of LPIPS v0.1, for pictures in −1..1."""
EPSILON = 1e-10


@dataclass(frozen=True)
class Layer:
    """A convolution at ``place`` in torchvision's ``features``, then ReLU; before it a maximum over ``pool``.

    ``pool`` is (kernel, stride) or None; ``tapped`` layers are compared.
    """

    place: int
    stride: int = 1
    padding: int = 1
    pool: tuple[int, int] | None = None
    tapped: bool = True


ALEX = (
    Layer(0, stride=4, padding=2),
    Layer(3, padding=2, pool=(3, 2)),
    Layer(6, pool=(3, 2)),
    Layer(8),
    Layer(10),
)
_POOL = (2, 2)
VGG = (
    *(Layer(0, tapped=False), Layer(2)),
    *(Layer(5, pool=_POOL, tapped=False), Layer(7)),
    *(Layer(10, pool=_POOL, tapped=False), Layer(12, tapped=False), Layer(14)),
    *(Layer(17, pool=_POOL, tapped=False), Layer(19, tapped=False), Layer(21)),
    *(Layer(24, pool=_POOL, tapped=False), Layer(26, tapped=False), Layer(28)),
)
LEAST_SIDE_PX = 32


class Lpips:
    """The distance of two pictures, place by place. ``heads``: the five layers' weights [1, C, 1, 1]."""

    def __init__(
        self, layers: Sequence[Layer], weights: Mapping[str, Tensor], heads: Sequence[Tensor]
    ) -> None:
        self.layers, self.weights, self.heads = layers, weights, heads

    def masked(self, picture: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
        """The mean distance of uint8 pictures [H, W, 3] over the masked pixels; 0 for equal ones."""
        return float(self.map(picture, truth)[mask].mean())

    def map(self, picture: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """The distance at every pixel [H, W]: each layer's map enlarged (bilinear), and added up."""
        import torch
        from torch.nn.functional import interpolate

        if min(picture.shape[:2]) < LEAST_SIDE_PX:
            raise UserError(
                f"A picture of {picture.shape[1]} × {picture.shape[0]} px is too small for LPIPS.",
                f"It takes {LEAST_SIDE_PX} px and more a side; leave out lpips_weights.",
            )
        with torch.no_grad():
            pairs = zip(self._features(picture), self._features(truth), self.heads, strict=True)
            maps = [((a - b) ** 2 * head).sum(dim=1, keepdim=True) for a, b, head in pairs]
            size = picture.shape[:2]
            enlarged = [interpolate(one, size=size, mode="bilinear", align_corners=False) for one in maps]
        return sum(enlarged)[0, 0].numpy()

    def _features(self, picture: np.ndarray) -> list[Tensor]:
        """Unit-length features [1, C, h, w] of every tapped layer."""
        import torch
        from torch.nn import functional

        value = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        value = (value - torch.tensor(SHIFT).view(1, 3, 1, 1)) / torch.tensor(SCALE).view(1, 3, 1, 1)
        found = []
        for layer in self.layers:
            if layer.pool:
                value = functional.max_pool2d(value, *layer.pool)
            kernel, bias = self.weights[f"{layer.place}.weight"], self.weights[f"{layer.place}.bias"]
            value = functional.conv2d(value, kernel, bias, layer.stride, layer.padding).relu()
            if layer.tapped:
                found.append(value / (value.square().sum(dim=1, keepdim=True).sqrt() + EPSILON))
        return found


def load_lpips(files: Sequence[Path]) -> Lpips:
    """Read ``.safetensors``, ``.pth`` or ``.pt`` files (tensors only). `UserError` for what is not whole."""
    tensors: dict[str, Tensor] = {}
    for path in files:
        tensors |= _read(path)
    weights = {
        ".".join(found.groups()): t for n, t in tensors.items() if (found := _CONVOLUTION.fullmatch(n))
    }
    heads = {int(found[1]): t for name, t in tensors.items() if (found := _HEAD.fullmatch(name))}
    names = " and ".join(str(path) for path in files)
    layers = VGG if "28.weight" in weights else ALEX
    missing = [str(layer.place) for layer in layers if f"{layer.place}.weight" not in weights]
    if missing or not {0, 1, 2, 3, 4} <= set(heads):
        what = f"the network's layers {', '.join(missing)}" if missing else "the five heads (lin0 … lin4)"
        raise UserError(
            f"{names}: {what} of LPIPS are missing.",
            "Give AlexNet's or VGG16's weights as torchvision saves them, and the lpips package's heads.",
        )
    return Lpips(layers, weights, _fitting([heads[n] for n in range(5)], layers, weights, names))


def _fitting(
    heads: Sequence[Tensor], layers: Sequence[Layer], weights: Mapping[str, Tensor], names: str
) -> list[Tensor]:
    channels = [weights[f"{layer.place}.weight"].shape[0] for layer in layers if layer.tapped]
    if [head.numel() for head in heads] != channels:
        raise UserError(
            f"{names}: the heads are not this network's.", "Heads of AlexNet and VGG16 differ: take its own."
        )
    return [head.float().reshape(1, -1, 1, 1) for head in heads]


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise UserError(f"{path}: there is no such file of LPIPS weights.")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        from wrapper.safetensors_header import read_header

        read_header(path)
        return load_file(path)
    return _unpickle(path)


def _unpickle(path: Path) -> dict[str, Tensor]:
    """Tensors only: whatever else a pickle holds is refused, not run."""
    import pickle

    import torch

    from wrapper.base_model.weights_file import require_safe_torch

    require_safe_torch(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:
        raise UserError(f"{path}: is not a file of tensors ({str(error).splitlines()[0]}).") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: is not a file of tensors by name.")
    return {str(name): value.float() for name, value in found.items() if torch.is_tensor(value)}
