"""LoRA files of any spelling, opened for a tool: all of one kind, all numbers finite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems, UserError
from wrapper.base_model.kinds import Kind
from wrapper.lora.apply import LoraUse
from wrapper.lora.deltas import DOWN, UP, Parts
from wrapper.lora.fit import TITLES, four, listed, value_faults
from wrapper.lora.spellings.read import read_any
from wrapper.lora_tools.factors import Factors, component_of, factors_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OpenedLora:
    """A LoRA under Kohya's names; ``notes`` say what was converted."""

    use: LoraUse
    kind: Kind
    modules: dict[str, dict[str, Tensor]]
    metadata: dict[str, str]
    notes: tuple[str, ...]

    def change(self, name: str) -> Factors:
        """What it does to the layer ``name`` at its weight."""
        return factors_of(self.modules[name], self.weight_of(name))

    def weight_of(self, name: str) -> float:
        return self.use.weight_of(component_of(name))

    def rank(self, name: str) -> int:
        return self.modules[name][DOWN].shape[0]

    def shape(self, name: str) -> tuple[int, ...]:
        return _shape(self.modules[name])


def open_lora(path: Path) -> OpenedLora:
    """Open one LoRA at weight 1."""
    return open_loras([LoraUse(path)])[0]


def open_loras(uses: Sequence[LoraUse]) -> list[OpenedLora]:
    """Open LoRAs that are to be joined. Raises one `UserError` for all that is wrong with them."""
    problems = Problems()
    opened = [one for use in uses if (one := _open(use, problems))]
    problems.raise_if_any()
    _require_one_kind(opened)
    _require_equal_shapes(opened)
    return opened


def _open(use: LoraUse, problems: Problems) -> OpenedLora | None:
    try:
        read = read_any(use.path)
    except UserError as error:
        problems.add(use.path, error.message.removeprefix(f"{use.path}: "), error.hint)
        return None
    modules = read.lora.modules()
    for fault in (*value_faults(modules), *_uneven(modules)):
        problems.add(use.path, f"{fault}.", "Take another checkpoint of that training.")
    return OpenedLora(use, read.kind, modules, read.lora.metadata, read.notes)


def _uneven(modules: dict[str, dict[str, Tensor]]) -> list[str]:
    wrong = [name for name, parts in modules.items() if parts[DOWN].shape[0] != parts[UP].shape[1]]
    return [f"has modules whose down and up differ in rank ({listed(wrong)})"] if wrong else []


def _require_one_kind(opened: Iterable[OpenedLora]) -> None:
    kinds = {one.use.path: TITLES[one.kind] for one in opened}
    if len(set(kinds.values())) > 1:
        told = ", ".join(f"{path} is for {title}" for path, title in kinds.items())
        raise UserError(f"LoRAs of different kinds cannot be joined: {told}.", "Give LoRAs of one kind.")


def _require_equal_shapes(opened: Sequence[OpenedLora]) -> None:
    problems, first = Problems(), {}
    for one in opened:
        for name in one.modules:
            shape, before = four(one.shape(name)), first.setdefault(name, one)
            if shape != four(before.shape(name)):
                told = (
                    f"{name} is for a layer of {shape}, in {before.use.path} of {four(before.shape(name))}."
                )
                problems.add(one.use.path, told)
                break
    problems.raise_if_any(hint="They were trained on models of different sizes.")


def _shape(parts: Parts) -> tuple[int, ...]:
    return (parts[UP].shape[0], *parts[DOWN].shape[1:])
