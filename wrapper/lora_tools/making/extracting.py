"""A LoRA out of two models: each layer's difference, approximated by a low rank.

sd-scripts v0.10.1 ``networks/extract_lora_from_models.py`` does the same with full decompositions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from dataset_tools.wording import count_of, some
from wrapper.base_model.detect import BaseInfo
from wrapper.lora.fit import TITLES
from wrapper.lora.names import is_target
from wrapper.lora_tools.bases.base_places import BaseFiles, base_files
from wrapper.lora_tools.making.differences import FilePlace, OpenModel, beside, differ, difference, open_model
from wrapper.lora_tools.making.result import LoraResult, component_alphas
from wrapper.lora_tools.maths.energies import Energies
from wrapper.lora_tools.maths.factors import Factors, Kept, from_svd, is_conv
from wrapper.lora_tools.maths.ranks import RankRule
from wrapper.lora_tools.maths.svd import largest

if TYPE_CHECKING:
    from torch import Tensor

Advance = Callable[[], None]


@dataclass(frozen=True)
class Extraction:
    """Two models of one architecture, the ``layers`` to be compared, and the ranks to be kept.

    ``beside`` are, by name, the places of other tensors, of which only is told whether they differ.
    """

    tuned: BaseFiles
    base: BaseFiles
    layers: tuple[str, ...]
    rule: RankRule
    min_diff: float
    beside: dict[str, tuple[FilePlace, FilePlace]]

    @property
    def steps(self) -> int:
        """How many pairs of tensors are compared."""
        return len(self.layers) + len(self.beside)

    def most_ranks(self) -> dict[str, int]:
        """By layer, the most that its rank can be."""
        return {name: self._most_rank(self.base.layers[name].weight_shape) for name in self.layers}

    def _most_rank(self, shape: tuple[int, ...]) -> int:
        outputs, *inputs = shape
        return self.rule.most(min(outputs, math.prod(inputs)), conv=is_conv(shape))


@dataclass(frozen=True)
class Extracted:
    """The LoRA, what it keeps of the difference, and the tensors that differ and that it does not carry."""

    result: LoraResult
    energies: Energies
    others: list[str]


def plan_extract(tuned: BaseInfo, base: BaseInfo, rule: RankRule, min_diff: float = 0.0) -> Extraction:
    """The layers of both models. Raises `UserError` for models of different architectures.

    With a ``conv_rank`` in ``rule`` convolutions are extracted too. Layers in which no number differs by more
    than ``min_diff`` are left out.
    """
    if (tuned.kind, tuned.in_channels) != (base.kind, base.in_channels):
        told = [f"{one.path} is {TITLES[one.kind]} with {one.in_channels} channels" for one in (tuned, base)]
        raise UserError(
            f"Two models of different kinds: {told[0]}, {told[1]}.", "Give the base it was tuned from."
        )
    files = base_files(tuned), base_files(base)
    _require_equal_layers(*files)
    conv = rule.conv_rank is not None
    layers = [name for name, one in files[1].layers.items() if is_target(one.component, one.path, conv=conv)]
    return Extraction(*files, tuple(layers), rule, min_diff, beside(*files, layers))


def _require_equal_layers(tuned: BaseFiles, base: BaseFiles) -> None:
    names = sorted(set(tuned.layers) | set(base.layers))
    wrong = [name for name in names if _shape(tuned, name) != _shape(base, name)]
    if wrong:
        raise UserError(
            f"{tuned.info.path}: has another architecture than {base.info.path}: "
            f"{count_of(len(wrong), 'layer differs', 'layers differ')} in shape ({some(wrong)}).",
            "Give the base it was tuned from.",
        )


def _shape(files: BaseFiles, name: str) -> tuple[int, ...] | None:
    return files.layers[name].weight_shape if name in files.layers else None


def extract(plan: Extraction, precision: str, advance: Advance = lambda: None) -> Extracted:
    """The LoRA that makes ``base`` into ``tuned``, as far as its ranks go.

    Raises `UserError` when no layer differs.
    """
    result = LoraResult(component_alphas(plan.most_ranks()), precision)
    energies = Energies()
    with open_model(plan.tuned) as tuned, open_model(plan.base) as base:
        for name, change, kept in _changes(plan, tuned, base, advance):
            result.add(name, change)
            energies.add(name, change.rank, kept)
        others = list(_others(plan, tuned, base, advance))
    if not energies.modules:
        raise UserError(_nothing(plan, others), "Is it the model that was tuned?")
    return Extracted(result, energies, others)


def _others(plan: Extraction, tuned: OpenModel, base: OpenModel, advance: Advance) -> Iterator[str]:
    for name, (mine, theirs) in plan.beside.items():
        if differ(tuned.read(mine), base.read(theirs)):
            yield name
        advance()


def _nothing(plan: Extraction, others: list[str]) -> str:
    more = f"; {len(others)} other tensors do ({some(others)})" if others else ""
    return (
        f"{plan.tuned.info.path}: no layer that a LoRA can change differs from {plan.base.info.path}{more}."
    )


def _changes(
    plan: Extraction, tuned: OpenModel, base: OpenModel, advance: Advance
) -> Iterator[tuple[str, Factors, Kept]]:
    for _, group in groupby(plan.layers, _together):
        found = {}
        for name in group:
            found[name] = _change(plan, name, tuned.weight(name), base.weight(name))
            advance()
        if any(found.values()):
            for name, one in found.items():
                yield name, *(one or _none(plan.base.layers[name].weight_shape))


def _together(name: str) -> str:
    """A1111 takes an attention of SDXL's second text encoder only with q, k, v and out all there."""
    return (
        name.partition("_self_attn_")[0] if name.startswith("lora_te2_") and "_self_attn_" in name else name
    )


def _change(plan: Extraction, name: str, tuned: Tensor, base: Tensor) -> tuple[Factors, Kept] | None:
    """The difference of a layer at its rank, None where there is none."""
    found = difference(tuned, base)
    if found is None or float(found.abs().max()) <= plan.min_diff:
        return None
    if not bool(found.isfinite().all()):
        raise UserError(f"{name}: the models differ by numbers that are not finite.", "Give sound models.")
    shape = tuple(found.shape)
    matrix, conv = found.flatten(1), is_conv(shape)
    parts = largest(matrix, plan.rule.most(min(matrix.shape), conv=conv))
    energy = float(matrix.double().square().sum())
    count = plan.rule.count(parts.s, conv=conv, energy=energy)
    return from_svd(parts, count, shape), Kept(float(parts.s[:count].double().square().sum()), energy)


def _none(shape: tuple[int, ...]) -> tuple[Factors, Kept]:
    """A change of nothing."""
    import torch

    outputs, *inputs = shape
    return Factors(torch.zeros(outputs, 1), torch.zeros(1, math.prod(inputs)), shape), Kept(0.0, 0.0)
