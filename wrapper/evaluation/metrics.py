"""Every figure that is told: its name, its unit, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """``name`` is the key in evaluation.json; ``gain`` turns a difference so that more is better."""

    name: str
    title: str
    unit: str
    digits: int
    higher_is_better: bool

    @property
    def gain(self) -> int:
        return 1 if self.higher_is_better else -1

    def show(self, value: float) -> str:
        """``16.2 dB``."""
        return f"{value:.{self.digits}f} {self.unit}".strip()

    def show_difference(self, value: float) -> str:
        return f"{value:+.{self.digits}f} {self.unit}".strip()


METRICS = {
    metric.name: metric
    for metric in (
        Metric("psnr_db", "masked PSNR", "dB", 2, True),
        Metric("ssim", "masked SSIM", "", 3, True),
        Metric("lpips", "masked LPIPS", "", 3, False),
        Metric("seam", "seam", "ΔE", 2, False),
        Metric("colour", "colour", "ΔE", 2, False),
        Metric("sharpness", "sharpness", "octaves", 2, False),
        Metric("identity", "identity", "cosine", 3, True),
        Metric("prompt", "prompt (CLIP score)", "", 2, True),
        Metric("loss", "held-out loss", "", 5, False),
    )
}
"""What the tables show, in their order."""


def present(names: Iterable[str]) -> list[Metric]:
    """The metrics among ``names``, in the tables' order."""
    found = set(names)
    return [metric for name, metric in METRICS.items() if name in found]
