"""Aspect-ratio buckets as sd-scripts v0.10.1 chooses them (``BucketManager`` in library/train_util.py)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Buckets:
    """``resolution`` is the area to fill; without ``enabled`` every image goes to that one size.

    ``lowest`` and ``highest`` bound a bucket's sides, ``step`` divides them; all in pixels.
    """

    resolution: Size
    enabled: bool = False
    lowest: int = 256
    highest: int = 1024
    step: int = 64
    no_upscale: bool = False

    @cached_property
    def sizes(self) -> list[Size]:
        """Every bucket to choose from, sorted; ``lowest`` and ``highest`` are moved outward to the step."""
        if not self.enabled:
            return [self.resolution]
        lowest = self.lowest - self.lowest % self.step
        highest = math.ceil(self.highest / self.step) * self.step
        area = self.resolution[0] * self.resolution[1]
        square = int(math.sqrt(area) // self.step) * self.step
        found = {(square, square)}
        for side in range(max(lowest, self.step), highest + 1, self.step):
            other = min(highest, int(area // side // self.step) * self.step)
            if other >= lowest:
                found |= {(side, other), (other, side)}
        return sorted(found)

    def choose(self, size: Size) -> Size:
        """The bucket of an image: its own size if that is one, else the nearest aspect ratio.

        With ``no_upscale`` it is the image's size, made smaller where its area is too large, cut to the step.
        """
        if self.enabled and self.no_upscale:
            width, height = self.shrunk(size)
            return width - width % self.step, height - height % self.step
        if size in self.sizes:
            return size
        ratio = size[0] / size[1]
        return min(self.sizes, key=lambda bucket: abs(bucket[0] / bucket[1] - ratio))

    def shrunk(self, size: Size) -> Size:
        """``size`` itself, or about the resolution's area with one side a multiple of the step."""
        area, ratio = self.resolution[0] * self.resolution[1], size[0] / size[1]
        if size[0] * size[1] <= area:
            return size
        width = self._rounded(math.sqrt(area * ratio))
        height = self._rounded(area / math.sqrt(area * ratio))
        by_width = width / self._rounded(width / ratio)
        by_height = self._rounded(height * ratio) / height
        if abs(by_width - ratio) < abs(by_height - ratio):
            return width, int(width / ratio + 0.5)
        return int(height * ratio + 0.5), height

    def _rounded(self, length: float) -> int:
        whole = int(length + 0.5)
        return whole - whole % self.step
