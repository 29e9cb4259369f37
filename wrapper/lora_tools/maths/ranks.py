"""How many singular values of a layer are kept: a rank, a measure of what remains, or both.

sd-scripts v0.10.1 ``networks/resize_lora.py`` knows the same measures by the same names, but keeps one
singular value more than each asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Measure = Literal["energy", "sv_fro", "sv_cumulative", "sv_ratio"]


@dataclass(frozen=True)
class RankRule:
    """At most ``rank`` (``conv_rank`` for kernels larger than one pixel), and no more than ``measure`` asks.

    ``energy``: the least count whose σ² are ``target`` of all σ²; ``sv_fro``: whose Frobenius norm is
    ``target`` of the whole norm (energy of target²); ``sv_cumulative``: whose σ are ``target`` of the sum of
    all σ; ``sv_ratio``: all σ above the largest / ``target``. None is no limit.
    """

    rank: int | None = None
    conv_rank: int | None = None
    measure: Measure | None = None
    target: float = 1.0

    def most(self, available: int, *, conv: bool) -> int:
        """The most that are kept of ``available`` singular values."""
        cap = self.conv_rank if conv and self.conv_rank is not None else self.rank
        return available if cap is None else min(available, cap)

    def count(self, s: Tensor, *, conv: bool = False, energy: float | None = None) -> int:
        """How many of the singular values ``s``, the largest first, are kept: at least one.

        ``energy`` is the sum of all σ² where ``s`` are not all of them.
        """
        count = len(s) if self.measure is None else self._measured(s.double(), energy)
        return max(1, self.most(min(count, len(s)), conv=conv))

    def _measured(self, s: Tensor, energy: float | None) -> int:
        if self.measure == "sv_ratio":
            return int((s > s[0] / self.target).sum())
        if self.measure == "sv_cumulative":
            return _reached(s, self.target, float(s.sum()))
        target = self.target**2 if self.measure == "sv_fro" else self.target
        return _reached(s**2, target, float((s**2).sum()) if energy is None else energy)


def _reached(values: Tensor, share: float, total: float) -> int:
    """How many of ``values`` it takes to reach ``share`` of ``total``, rounding forgiven."""
    return int((values.cumsum(0) < share * total * (1 - 1e-12)).sum()) + 1
