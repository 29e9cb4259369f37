"""Which tables a comparison has: before and after, one or two axes, or all that a project has to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dataset_tools.errors import UserError
from wrapper.comparison.axes import Axis, read_axis
from wrapper.comparison.kind import Value
from wrapper.comparison.kinds import WITHOUT_AND_WITH
from wrapper.comparison.look import Look
from wrapper.comparison.lora_kinds import BASE_LABEL
from wrapper.comparison.plan import Asked, shots
from wrapper.comparison.shelf import Shelf

WEIGHTS = "weight=0.7-1.0 (+0.1)"


@dataclass(frozen=True)
class Shown:
    """The prompts and seeds that every look is drawn with, unless an axis has others."""

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    negative: str = ""

    def axis(self, others: Sequence[Axis] = ()) -> Axis:
        """All of them; of what another axis varies only the first."""
        names = {axis.name for axis in others}
        prompts = self.prompts[:1] if "prompt" in names else self.prompts
        return shots(prompts, self.seeds[:1] if "seed" in names else self.seeds, self.negative)

    def first_seed(self) -> Axis:
        """Every prompt once."""
        return shots(self.prompts, self.seeds[:1], self.negative)


def wished_tables(basis: Look, shown: Shown, axes: Sequence[Axis]) -> list[Asked]:
    """What --x and --y ask for; without them every prompt and seed before and after."""
    if not axes:
        return [before_and_after(basis, shown)]
    rest = shown.axis(axes)
    if len(axes) == 1:
        return [Asked(basis, axes[0], rest, _only(rest))]
    return [Asked(basis, axes[0], axes[1], rest)]


def before_and_after(basis: Look, shown: Shown) -> Asked:
    """The base alone beside the basis. Raises `UserError` when nothing would differ."""
    if not basis.loras and not any("<" in text for text in shown.prompts):
        raise UserError(
            "There is nothing to compare: no LoRA, and no --x.",
            "Give --lora FILE for before and after, or an axis such as --x cfg=4,5,6.",
        )
    names = [f"{use.path.stem}, weight {use.weight:g}" for use in basis.loras] or ["with LoRA"]
    values = (Value(None, BASE_LABEL), Value(basis.loras, " + ".join(names)))
    rows = shown.axis()
    return Asked(basis, Axis(WITHOUT_AND_WITH, values), rows, _only(rows), "Before and after")


def project_tables(basis: Look, shown: Shown, shelf: Shelf, stage: str) -> list[Asked]:
    """Before and after for all seeds; weights, and the newest run's checkpoints, for the first seed."""
    rows = shown.first_seed()
    weights = read_axis(WEIGHTS, basis, shelf)
    tables = [before_and_after(basis, shown), Asked(basis, weights, rows, _only(rows), "Weight")]
    if len(shelf.checkpoints(stage)) > 1:
        checkpoints = read_axis(f"checkpoint={stage}", basis, shelf)
        tables.append(Asked(basis, checkpoints, rows, _only(rows), "Checkpoints"))
    return tables


def _only(rows: Axis) -> Axis:
    """An axis that adds no table: the rows lay their own values over its one."""
    return Axis(rows.name, rows.values[:1])
