"""A comparison as data: which pictures, in which grids, in which order they are the least work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from wrapper.comparison.axes import Axis, changed
from wrapper.comparison.kind import Value
from wrapper.comparison.kinds import SHOT
from wrapper.comparison.look import Look, resolved
from wrapper.comparison.names import named
from wrapper.diffusion.prompts.prompt import Prompt


@dataclass(frozen=True)
class Grid:
    """``names`` are rows of cells: one row for each value of ``y``, one cell for each of ``x``."""

    title: str
    x: Axis
    y: Axis
    names: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Plan:
    """``cells`` are the looks by name, every look once, in the order of the work."""

    grids: tuple[Grid, ...]
    cells: dict[str, Look]


@dataclass(frozen=True)
class Asked:
    """One table to be laid out: all of ``x`` and ``y`` about ``basis``, and again for each of ``z``."""

    basis: Look
    x: Axis
    y: Axis
    z: Axis
    title: str = ""


def make_plan(asked: Sequence[Asked], lora_folders: Sequence[Path] = ()) -> Plan:
    """Lay out all tables. Looks that are equal become one cell. Raises `UserError` for an idle axis.

    LoRAs that a prompt's tags name are looked up in ``lora_folders``.
    """
    tables = [(one, z) for one in asked for z in one.z.values]
    parts: dict[Look, list[str]] = {}
    for one, z in tables:
        for y, x in product(one.y.values, one.x.values):
            look = _look(one, x, y, z, lora_folders)
            parts.setdefault(look, [_word(one.z, z), _word(one.y, y), _word(one.x, x)])
    names = named(parts)
    grids = tuple(_grid(one, z, names, lora_folders) for one, z in tables)
    return Plan(grids, {names[look]: look for look in in_order(list(names))})


def shots(prompts: Sequence[str], seeds: Sequence[int], negative: str = "") -> Axis:
    """Every prompt with every seed as an axis; labels say what differs."""
    values = []
    for text, seed in product(prompts, seeds):
        words = [text] * (len(prompts) > 1) + [f"seed {seed}"] * (len(seeds) > 1 or len(prompts) == 1)
        values.append(Value(Prompt(text, negative, seed), " · ".join(words)))
    return Axis(SHOT, tuple(dict.fromkeys(values)))


def in_order(looks: Sequence[Look]) -> list[Look]:
    """``looks`` so that files change least, then text encoders' weights, then prompts, then the rest."""
    ranks: dict[Any, int] = {}
    for look in looks:
        for key in _keys(look):
            ranks.setdefault(key, len(ranks))
    return sorted(looks, key=lambda look: (bool(look.loras), *(ranks[key] for key in _keys(look))))


def _keys(look: Look) -> tuple[Any, ...]:
    text = ("prompt", look.prompt.text, look.prompt.negative)
    te = ("te", tuple(te for _, te in look.weights))
    return ("files", look.files), te, text, ("weights", look.weights), ("sampling", look.sampling)


def swaps(looks: Sequence[Look]) -> int:
    """How often LoRA files are put in, in this order; a pipeline begins without any."""
    files = [(), *(look.files for look in looks)]
    return sum(now != before and bool(now) for before, now in pairwise(files))


def rescalings(looks: Sequence[Look]) -> int:
    """How often only the weights of LoRAs change."""
    return sum(one.files == other.files and one.weights != other.weights for one, other in pairwise(looks))


def _look(one: Asked, x: Value, y: Value, z: Value, folders: Sequence[Path]) -> Look:
    return resolved(changed(one.basis, (one.z, one.y, one.x), (z, y, x)), folders)


def _grid(one: Asked, z: Value, names: dict[Look, str], folders: Sequence[Path]) -> Grid:
    rows = tuple(tuple(names[_look(one, x, y, z, folders)] for x in one.x.values) for y in one.y.values)
    title = one.title if len(one.z.values) == 1 else f"{one.title} · {z.label}".strip(" ·")
    return Grid(title, one.x, one.y, rows)


def _word(axis: Axis, value: Value) -> str:
    """The part of a file's name for one value; nothing where the axis has no other."""
    return value.label if len(axis.values) > 1 else ""
