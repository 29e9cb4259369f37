"""Several LoRAs as one: exact, every rank beside the others, or to a rank by SVD of the sum.

Exact: down' = [d₁; d₂], up' = [w₁s₁u₁ w₂s₂u₂] with s = alpha / rank, so that up' @ down' = Σ w·ΔW. To a rank,
sd-scripts v0.10.1 ``networks/svd_merge_lora.py`` does the same, and clamps; its ``merge_lora.py`` puts each
weight on both factors, so that 0.8 counts as 0.64, and joins factors of different LoRAs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dataset_tools.errors import UserError
from wrapper.lora_tools.making.opened import OpenedLora
from wrapper.lora_tools.making.result import LoraResult, component_alphas, file_bytes
from wrapper.lora_tools.maths.energies import Energies
from wrapper.lora_tools.maths.factors import Factors, Kept, is_conv, reduced, summed
from wrapper.lora_tools.maths.ranks import RankRule

Advance = Callable[[], None]


@dataclass(frozen=True)
class Merge:
    """What would be merged: by module, the LoRAs that change it and their ranks together."""

    loras: tuple[OpenedLora, ...]
    ranks: dict[str, int]
    rule: RankRule | None

    def most_ranks(self) -> dict[str, int]:
        """By module, the most that its new rank can be."""
        return {name: self._most_rank(name, rank) for name, rank in self.ranks.items()}

    def _most_rank(self, name: str, rank: int) -> int:
        if self.rule is None:
            return rank
        return self.rule.most(rank, conv=is_conv(self._shape(name)))

    def bytes(self, precision: str) -> int:
        """The size of the result at most."""
        return file_bytes(self.most_ranks(), {name: self._shape(name) for name in self.ranks}, precision)

    def _shape(self, name: str) -> tuple[int, ...]:
        return next(lora.shapes[name] for lora in self.loras if name in lora.modules)

    def change(self, name: str) -> Factors:
        acting = [lora for lora in self.loras if name in lora.modules and lora.weight_of(name)]
        return summed([lora.change(name) for lora in acting])


def plan_merge(loras: Sequence[OpenedLora], rule: RankRule | None = None) -> Merge:
    """What becomes of each module; a LoRA of weight 0 has no part. Raises `UserError` if all are 0."""
    ranks: dict[str, int] = {}
    for lora in loras:
        for name in lora.modules:
            if lora.weight_of(name):
                ranks[name] = ranks.get(name, 0) + lora.ranks[name]
    if not ranks:
        raise UserError("Every weight is 0: nothing would be left.", "Give a LoRA a weight.")
    return Merge(tuple(loras), dict(sorted(ranks.items())), rule)


def merge(plan: Merge, precision: str, advance: Advance = lambda: None) -> tuple[LoraResult, Energies]:
    """The merged LoRA, and what was kept of each module's energy."""
    result, energies = LoraResult(component_alphas(plan.most_ranks()), precision), Energies()
    for name in plan.ranks:
        change, kept = _joined(plan, name)
        result.add(name, change)
        energies.add(name, change.rank, kept)
        advance()
    return result, energies


def _joined(plan: Merge, name: str) -> tuple[Factors, Kept]:
    change = plan.change(name)
    return reduced(change, plan.rule) if plan.rule else (change, Kept(1.0, 1.0))
