"""What the training stages share: pictures as tensors, the learning rate, the average, printed lines."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from wrapper.demo.canvas import Pixels

WARM_UP_STEPS = 100
EMA_DECAY = 0.998
FINAL_LR = 0.02
"""The share of the learning rate that is left at the end."""


def to_tensor(pictures: Pixels) -> Tensor:
    """(N, H, W, 3) of 0..255 as (N, 3, H, W) of -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def mask_to_tensor(masks: Pixels) -> Tensor:
    """(N, H, W) of 0 or 255 as (N, 1, H, W) of 0 or 1."""
    return torch.from_numpy(np.ascontiguousarray(masks))[:, None].float() / 255


def to_pictures(tensor: Tensor) -> Pixels:
    """(N, 3, H, W) of -1..1 as (N, H, W, 3) of 0..255."""
    return ((tensor.permute(0, 2, 3, 1).float() + 1) * 127.5).round().clamp(0, 255).byte().numpy()


def psnr_db(left: Tensor, right: Tensor, mask: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio of tensors in -1..1, over the whole or inside `mask` (N, 1, H, W)."""
    square = ((left - right) / 2) ** 2
    error = square.mean() if mask is None else (square * mask).sum() / mask.sum() / square.shape[1]
    return float(-10 * torch.log10(error))


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then a cosine down to FINAL_LR of `peak`."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return peak * min(1.0, (step + 1) / WARM_UP_STEPS) * (FINAL_LR + (1 - FINAL_LR) * cosine)


class Average:
    """An exponential moving average of parameters; `with average:` puts it in their place for a while."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = [parameter.data for parameter in parameters]
        self.values = [parameter.clone() for parameter in self.parameters]

    def update(self, step: int) -> None:
        """Move towards the parameters; early on faster, so that the start is forgotten."""
        decay = min(EMA_DECAY, 1 - 1 / (1 + step / 10))
        torch._foreach_lerp_(self.values, self.parameters, 1 - decay)

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for parameter, value in zip(self.parameters, self.values, strict=True):
            kept = parameter.clone()
            parameter.copy_(value)
            value.copy_(kept)


class Reporter:
    """Prints a line every `every` steps: where we are, the mean loss since the last line, when it ends."""

    def __init__(self, name: str, steps: int, every: int, measure: Callable[[], dict[str, float]]) -> None:
        self.name, self.steps, self.every, self.measure = name, steps, every, measure
        self.started = time.monotonic()
        self.losses: list[float] = []
        self.history: list[dict[str, float]] = []

    def due(self, step: int, loss: float) -> bool:
        """Take note of a step; True when a line was printed."""
        self.losses.append(loss)
        if step % self.every and step != self.steps:
            return False
        entry = {"step": step, "loss": sum(self.losses) / len(self.losses), **self.measure()}
        self.losses.clear()
        self.history.append({key: round(value, 5) for key, value in entry.items()})
        passed = time.monotonic() - self.started
        left = passed / step * (self.steps - step)
        figures = ", ".join(f"{key} {value:.4g}" for key, value in entry.items() if key != "step")
        print(f"{self.name}: {step}/{self.steps}, {figures}, {passed:.0f} s, {left:.0f} s left", flush=True)
        return True
