"""How much of each block's change is kept, for the tables of resize, merge and extract."""

from __future__ import annotations

from dataclasses import dataclass, field

from wrapper.lora_tools.maths.blocks import block_of, block_order
from wrapper.lora_tools.maths.factors import Kept


@dataclass(frozen=True)
class BlockEnergy:
    """One block: its ``modules``, their lowest and highest rank, and what was kept of its energy."""

    block: str
    modules: int
    ranks: tuple[int, int]
    kept: Kept


@dataclass
class Energies:
    """What was kept, module by module."""

    modules: dict[str, tuple[int, Kept]] = field(default_factory=dict)

    def add(self, name: str, rank: int, kept: Kept) -> None:
        self.modules[name] = (rank, kept)

    def by_block(self) -> list[BlockEnergy]:
        """In the order in which the model runs."""
        blocks: dict[str, list[tuple[int, Kept]]] = {}
        for name, one in self.modules.items():
            blocks.setdefault(block_of(name), []).append(one)
        return [_block(block, blocks[block]) for block in sorted(blocks, key=block_order)]

    @property
    def share(self) -> float:
        """Energy kept over all modules, 0 … 1."""
        return _sum([kept for _, kept in self.modules.values()]).share


def _block(block: str, modules: list[tuple[int, Kept]]) -> BlockEnergy:
    ranks = [rank for rank, _ in modules]
    return BlockEnergy(block, len(modules), (min(ranks), max(ranks)), _sum([kept for _, kept in modules]))


def _sum(parts: list[Kept]) -> Kept:
    return Kept(sum(part.kept for part in parts), sum(part.all for part in parts))
