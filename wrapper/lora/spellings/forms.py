"""The mathematical forms of a module, by its parts: plain, Tucker, LoHa, LoKr, a full difference.

Each has a ΔW that low-rank factors express exactly; the rank that they then need is known from the shapes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Literal

from wrapper.lora.spellings.parts import ALPHA, DOWN, MID, UP

Form = Literal["plain", "Tucker", "LoHa", "LoKr", "full"]
Shapes = Mapping[str, tuple[int, ...]]
"""A module's shapes by part."""
_HADA = frozenset({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"})
_HADA_CORES = frozenset({"hada_t1", "hada_t2"})


def form_of(parts: Collection[str]) -> Form | None:
    """The form that these parts make, None when they make none or several."""
    found = frozenset(parts) - {ALPHA}
    if found == {DOWN, UP}:
        return "plain"
    if found == {DOWN, UP, MID}:
        return "Tucker"
    if found in (_HADA, _HADA | _HADA_CORES):
        return "LoHa"
    if found == {"diff"}:
        return "full"
    return "LoKr" if _is_lokr(found) else None


def _is_lokr(found: frozenset[str]) -> bool:
    first = found & {"lokr_w1", "lokr_w1_a", "lokr_w1_b"}
    second = found & {"lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2"}
    factors = {"lokr_w2_a", "lokr_w2_b"}
    return (
        found == first | second
        and first in ({"lokr_w1"}, {"lokr_w1_a", "lokr_w1_b"})
        and second in ({"lokr_w2"}, factors, factors | {"lokr_t2"})
    )


def layer_size(shapes: Shapes) -> tuple[int, int]:
    """The layer that a module of a known form changes: outputs, and inputs times the kernel's places."""
    form = form_of(shapes)
    if form == "full":
        return shapes["diff"][0], math.prod(shapes["diff"][1:])
    if form in ("plain", "Tucker"):
        places = math.prod(shapes[MID][2:]) if form == "Tucker" else 1
        return shapes[UP][0], math.prod(shapes[DOWN][1:]) * places
    if form == "LoHa":
        return matrix_size(shapes, "hada_w1")
    first, second = matrix_size(shapes, "lokr_w1"), matrix_size(shapes, "lokr_w2")
    return first[0] * second[0], first[1] * second[1]


def matrix_size(shapes: Shapes, name: str) -> tuple[int, int]:
    """Rows and columns of one of the two matrices of a LoHa or LoKr, whole or in factors: ``lokr_w1``."""
    if name in shapes:
        return shapes[name][0], math.prod(shapes[name][1:])
    first, second, core = shapes[f"{name}_a"], shapes[f"{name}_b"], shapes.get(name.replace("_w", "_t"))
    if core:
        return first[1], math.prod(second[1:]) * math.prod(core[2:])
    return first[0], math.prod(second[1:])


def rank_of(shapes: Shapes) -> int:
    """The rank of the plain module that a module of a known form becomes."""
    form = form_of(shapes)
    if form in ("plain", "Tucker"):
        return shapes[UP][1]
    most = min(layer_size(shapes))
    if form == "full":
        return most
    name = "hada_w" if form == "LoHa" else "lokr_w"
    return min(most, _matrix_rank(shapes, f"{name}1") * _matrix_rank(shapes, f"{name}2"))


def _matrix_rank(shapes: Shapes, name: str) -> int:
    if name in shapes:
        return min(matrix_size(shapes, name))
    core = shapes.get(name.replace("_w", "_t"))
    return core[0] if core else shapes[f"{name}_a"][1]
