"""A LoRA with lower ranks: each module's best approximation, its full matrix never made.

sd-scripts v0.10.1 ``networks/resize_lora.py`` does the same with full matrices.
"""

from __future__ import annotations

from collections.abc import Callable

from wrapper.lora_tools.making.opened import OpenedLora
from wrapper.lora_tools.making.result import LoraResult, component_alphas
from wrapper.lora_tools.maths.energies import Energies
from wrapper.lora_tools.maths.factors import is_conv, reduced
from wrapper.lora_tools.maths.ranks import RankRule

Advance = Callable[[], None]


def resize(
    lora: OpenedLora, rule: RankRule, precision: str, advance: Advance = lambda: None
) -> tuple[LoraResult, Energies]:
    """The LoRA with the ranks that ``rule`` gives, none above what it had, and the energy kept."""
    result = LoraResult(component_alphas(most_ranks(lora, rule)), precision)
    energies = Energies()
    for name in sorted(lora.modules):
        change, kept = reduced(lora.change(name), rule)
        result.add(name, change)
        energies.add(name, change.rank, kept)
        advance()
    return result, energies


def most_ranks(lora: OpenedLora, rule: RankRule) -> dict[str, int]:
    """By module, the most that its new rank can be."""
    return {name: rule.most(rank, conv=is_conv(lora.shapes[name])) for name, rank in lora.ranks.items()}
