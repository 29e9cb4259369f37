"""``weight=0.7,0.8`` → an axis: values that each change a `Look` in one way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dataset_tools.errors import Problems, UserError, did_you_mean
from wrapper.comparison.kind import Kind, Value
from wrapper.comparison.kinds import KINDS, OWN_KINDS
from wrapper.comparison.look import Look
from wrapper.comparison.shelf import Shelf
from wrapper.value_lists import split_values


@dataclass(frozen=True)
class Axis:
    """A row or a column of pictures for each of ``values``; ``name`` is that of its kind."""

    name: str
    values: tuple[Value, ...]

    @property
    def kind(self) -> Kind:
        return (KINDS | OWN_KINDS)[self.name]


def changed(look: Look, axes: Sequence[Axis], values: Sequence[Value]) -> Look:
    """``look`` with one value of each axis, each kind in its turn."""
    for axis, value in sorted(zip(axes, values, strict=True), key=lambda one: one[0].kind.order):
        look = axis.kind.change(look, value.value)
    return look


def read_axes(texts: Sequence[str | None], basis: Look, shelf: Shelf) -> list[Axis]:
    """The axes that ``--x`` and ``--y`` ask for. ``basis`` is what they vary.

    Raises one `UserError` for unknown kinds, missing or wrong values, and two axes of one kind.
    """
    problems, axes = Problems(), []
    for flag, text in zip(("--x", "--y"), texts, strict=True):
        if text is None:
            continue
        try:
            axes.append(read_axis(text, basis, shelf))
        except UserError as error:
            problems.add(f"{flag} {text}", error.message, error.hint)
    problems.raise_if_any()
    _refuse_twins([axis.name for axis in axes])
    return axes


def read_axis(text: str, basis: Look, shelf: Shelf) -> Axis:
    """``KIND=VALUES``; values that are equal are one."""
    told, _, listed = text.partition("=")
    name = _find(told)
    fields = split_values(listed)
    if not fields or "" in fields:
        raise UserError(
            "a value is empty." if fields else "no values.", f"For example {KINDS[name].example}."
        )
    return Axis(name, tuple(dict.fromkeys(KINDS[name].read(fields, basis, shelf))))


def _find(told: str) -> str:
    """The kind that is meant, by its own name or A1111's, however it is spelled."""
    spoken = {
        _plain(word): name for name, kind in KINDS.items() for word in (name, kind.title, *kind.aliases)
    }
    wanted = _plain(told)
    if wanted not in spoken:
        near = did_you_mean(wanted, spoken)
        raise UserError(f"there is no axis '{told.strip()}'.", f"{near} Known: {', '.join(KINDS)}.".strip())
    return spoken[wanted]


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("-", " ").replace("_", " ").split())


def _refuse_twins(names: Sequence[str]) -> None:
    if len(names) < 2:
        return
    if names[0] == names[1]:
        raise UserError(f"--x and --y are both '{names[0]}'.", f"Two of {', '.join(KINDS)}.")
    if set(names) == {"lora", "checkpoint"}:
        raise UserError("--x and --y both choose the LoRA file.", "Give one of lora and checkpoint.")
