"""LoRA files of any spelling, opened for a tool: all of one kind, all numbers finite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import Problems, UserError
from dataset_tools.wording import some
from wrapper.base_model.kinds import Kind
from wrapper.lora.apply import LoraUse
from wrapper.lora.deltas import DOWN, UP, Parts
from wrapper.lora.fit import TITLES, four
from wrapper.lora.spellings.read import open_any, recognise_file
from wrapper.lora_tools.maths.factors import Factors, component_of, factors_of

_ANOTHER = "Take another checkpoint of that training."


@dataclass(frozen=True)
class OpenedLora:
    """A LoRA under Kohya's names, read module by module; ``notes`` say what was converted.

    ``ranks`` and ``shapes`` (of the layers' weights) are by module.
    """

    use: LoraUse
    kind: Kind
    modules: Mapping[str, Parts]
    ranks: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]
    metadata: dict[str, str]
    notes: tuple[str, ...]

    def change(self, name: str) -> Factors:
        """What it does to the layer ``name`` at its weight."""
        return factors_of(self.modules[name], self.weight_of(name))

    def weight_of(self, name: str) -> float:
        return self.use.weight_of(component_of(name))


def open_lora(path: Path, stack: ExitStack) -> OpenedLora:
    """Open one LoRA at weight 1, until ``stack`` is closed."""
    return open_loras([LoraUse(path)], stack)[0]


def open_loras(uses: Sequence[LoraUse], stack: ExitStack) -> list[OpenedLora]:
    """Open LoRAs that are to be joined, until ``stack`` is closed.

    One that does not tell its kind is of the others'. Raises one `UserError` for all that is wrong with them.
    """
    problems = Problems()
    kind = _told_kind(uses)
    opened = [one for use in uses if (one := _open(use, kind, stack, problems))]
    problems.raise_if_any()
    _require_one_kind(opened)
    _require_equal_shapes(opened)
    return opened


def _told_kind(uses: Sequence[LoraUse]) -> Kind | None:
    """The kind of the first that tells it; what cannot be read is told of when it is opened."""
    for use in uses if len(uses) > 1 else ():
        try:
            kind = recognise_file(use.path)[1].kind
        except UserError:
            continue
        if kind is not None:
            return kind
    return None


def _open(use: LoraUse, kind: Kind | None, stack: ExitStack, problems: Problems) -> OpenedLora | None:
    try:
        read = stack.enter_context(open_any(use.path, kind))
    except UserError as error:
        problems.add(use.path, error.message.removeprefix(f"{use.path}: "), error.hint)
        return None
    broken, uneven, ranks, shapes = [], [], {}, {}
    for name, parts in read.modules().items():
        ranks[name], shapes[name] = parts[DOWN].shape[0], (parts[UP].shape[0], *parts[DOWN].shape[1:])
        if not all(bool(tensor.isfinite().all()) for tensor in parts.values()):
            broken.append(name)
        if parts[UP].shape[1] != ranks[name]:
            uneven.append(name)
    if broken:
        problems.add(use.path, f"has values that are not finite ({some(broken)}).", _ANOTHER)
    if uneven:
        problems.add(use.path, f"has modules whose down and up differ in rank ({some(uneven)}).", _ANOTHER)
    return OpenedLora(use, read.kind, read.modules(), ranks, shapes, read.metadata, read.notes)


def _require_one_kind(opened: Iterable[OpenedLora]) -> None:
    kinds = {one.use.path: TITLES[one.kind] for one in opened}
    if len(set(kinds.values())) > 1:
        told = ", ".join(f"{path} is for {title}" for path, title in kinds.items())
        raise UserError(f"LoRAs of different kinds cannot be joined: {told}.", "Give LoRAs of one kind.")


def _require_equal_shapes(opened: Sequence[OpenedLora]) -> None:
    problems, first = Problems(), {}
    for one in opened:
        for name in one.modules:
            before = first.setdefault(name, one)
            shape, other = four(one.shapes[name]), four(before.shapes[name])
            if shape != other:
                told = f"{name} is for a layer of {shape}, in {before.use.path} of {other}."
                problems.add(one.use.path, told)
                break
    problems.raise_if_any(hint="They were trained on models of different sizes.")
