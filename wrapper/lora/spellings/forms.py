"""The mathematical forms of a module, seen in the header alone: plain, Tucker, LoHa, LoKr, a full difference.

Each has a ΔW that low-rank factors express exactly; the rank that they then need is known from the shapes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from wrapper.lora.spellings.parts import ALPHA, DOWN, MID, UP
from wrapper.safetensors_header import TensorSpec

Form = Literal["plain", "Tucker", "LoHa", "LoKr", "full"]
Specs = Mapping[str, TensorSpec]
"""A module's tensors by part."""
MAX_RANK = 256
"""A LoHa, LoKr or full difference that needs more is not written as a LoRA: at this rank SDXL's file already
has about 2 GB, and many of its layers would take fewer numbers as they are."""
FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
_HADA = frozenset({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"})
_HADA_CORES = frozenset({"hada_t1", "hada_t2"})
_ON_THE_BASE = "depends on the base model's own weights"
REASONS: Mapping[str, str] = {
    "dora_scale": f"is a DoRA, which {_ON_THE_BASE}",
    "diff_b": "changes a bias, which a LoRA cannot",
    "w_norm": "changes a normalisation layer, which a LoRA cannot",
    "b_norm": "changes a normalisation layer, which a LoRA cannot",
    **{f"{part}.weight": f"is a GLoRA, which {_ON_THE_BASE}" for part in ("a1", "a2", "b1", "b2", "bm")},
    "weight": f"is an IA³, which {_ON_THE_BASE}",
    "on_input": f"is an IA³, which {_ON_THE_BASE}",
    "oft": f"is an OFT, which {_ON_THE_BASE}",
    "rescale": f"is an OFT, which {_ON_THE_BASE}",
    "base": f"is of a form that {_ON_THE_BASE}",
    "lora_E": "is an AdaLoRA: PEFT makes a LoRA of it with merge_and_unload",
    "lora_embedding": "changes token embeddings, which no LoRA for these programs does",
    "set_weight": "replaces weights, which a LoRA cannot",
    "reshape_weight": "changes the shape of a layer, which a LoRA cannot",
    "scale": "has a scale of its own, which A1111 takes and other programs do not",
    "scalar": "has a scalar of its own, which only its trainer takes",
}


def is_broken(reason: str) -> bool:
    """Whether a reason of `fault_of` is a damaged file, rather than a form that a LoRA cannot express."""
    return reason.startswith(
        ("lacks ", "has a down of ", "has factors ", "has a tensor without ", "stands in ")
    )


def form_of(parts: Specs) -> Form | None:
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


def fault_of(parts: Specs) -> str:
    """Why a module cannot be written exactly as a plain one; empty when it can."""
    reason = next((REASONS[part] for part in sorted(parts) if part in REASONS), "")
    if reason:
        return reason
    form = form_of(parts)
    if form is None:
        return _no_form(parts)
    strange = sorted({spec.dtype for spec in parts.values()} - FLOATS - {"I64", "I32", "I16", "U8"})
    if strange or any(spec.dtype not in FLOATS for part, spec in parts.items() if part != ALPHA):
        return f"holds numbers of type {', '.join(sorted({spec.dtype for spec in parts.values()} - FLOATS))}"
    if ALPHA in parts and math.prod(parts[ALPHA].shape) != 1:
        return f"has an alpha of {math.prod(parts[ALPHA].shape)} numbers"
    if not all(all(spec.shape) for spec in parts.values()):
        return "has a tensor without numbers (rank 0)"
    return _shape_fault(form, parts) or _rank_fault(form, parts)


def _no_form(parts: Specs) -> str:
    plain = {DOWN, UP} & set(parts)
    rest = sorted(set(parts) - {DOWN, UP, MID, ALPHA})
    if len(plain) == 1 and not rest:
        return "lacks its up half" if DOWN in plain else "lacks its down half"
    if not rest:
        return "has neither down nor up"
    return f"has parts that make no known form ({', '.join(rest)})"


def _shape_fault(form: Form, parts: Specs) -> str:
    if form == "full":
        return "" if len(parts["diff"].shape) in (2, 4) else "is a difference of no layer's shape"
    shapes = {part: spec.shape for part, spec in parts.items() if part != ALPHA}
    if any(len(shape) not in (2, 4) for shape in shapes.values()):
        return "has tensors that are no matrices"
    if form == "plain":
        return _pair_fault(shapes[DOWN], shapes[UP])
    return _joint_fault(form, shapes)


def _pair_fault(down: tuple[int, ...], up: tuple[int, ...]) -> str:
    if down[0] != up[1]:
        return f"has a down of rank {down[0]} and an up of rank {up[1]}"
    return "" if set(up[2:]) <= {1} else f"has an up of {up[2]} × {up[3]}"


def _joint_fault(form: Form, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Whether neighbouring factors have the inner sizes that their product needs."""
    if form == "Tucker":
        mid, fits = shapes[MID], len(shapes[MID]) == 4
        fits = fits and mid[:2] == (shapes[UP][1], shapes[DOWN][0])
        fits = fits and set(shapes[UP][2:]) | set(shapes[DOWN][2:]) <= {1}
        return "" if fits else "has factors whose sizes do not fit each other"
    fits = all(_inner_fit(shapes, pair) for pair in _pairs(form, shapes))
    return "" if fits else "has factors whose sizes do not fit each other"


def _pairs(form: Form, shapes: Mapping[str, tuple[int, ...]]) -> list[tuple[str, str, str]]:
    if form == "LoHa":
        return [("hada_w1_a", "hada_w1_b", "hada_t1"), ("hada_w2_a", "hada_w2_b", "hada_t2")]
    pairs = [("lokr_w1_a", "lokr_w1_b", ""), ("lokr_w2_a", "lokr_w2_b", "lokr_t2")]
    return [pair for pair in pairs if pair[0] in shapes]


def _inner_fit(shapes: Mapping[str, tuple[int, ...]], pair: tuple[str, str, str]) -> bool:
    first, second, core = (shapes.get(part) for part in pair)
    if first is None or second is None:
        return False
    if core is None:
        return first[1] == second[0]
    return len(core) == 4 and core[:2] == (first[0], second[0])


def layer_size(parts: Specs) -> tuple[int, int]:
    """The layer that a module of a known form changes: outputs, and inputs times the kernel's places."""
    shapes = {part: spec.shape for part, spec in parts.items()}
    form = form_of(parts)
    if form == "full":
        return shapes["diff"][0], math.prod(shapes["diff"][1:])
    if form in ("plain", "Tucker"):
        places = math.prod(shapes[MID][2:]) if form == "Tucker" else 1
        return shapes[UP][0], math.prod(shapes[DOWN][1:]) * places
    if form == "LoHa":
        return _product_size(shapes, "hada_w1_a", "hada_w1_b", "hada_t1")
    first = _matrix_size(shapes, "lokr_w1")
    second = _matrix_size(shapes, "lokr_w2")
    return first[0] * second[0], first[1] * second[1]


def _matrix_size(shapes: Mapping[str, tuple[int, ...]], name: str) -> tuple[int, int]:
    if name in shapes:
        return shapes[name][0], math.prod(shapes[name][1:])
    return _product_size(shapes, f"{name}_a", f"{name}_b", name.replace("_w", "_t"))


def _product_size(shapes: Mapping[str, tuple[int, ...]], a: str, b: str, core: str) -> tuple[int, int]:
    if core in shapes:
        return shapes[a][1], math.prod(shapes[b][1:]) * math.prod(shapes[core][2:])
    return shapes[a][0], math.prod(shapes[b][1:])


def rank_of(parts: Specs) -> int:
    """The rank of the plain module that a module of a known form becomes."""
    shapes = {part: spec.shape for part, spec in parts.items()}
    form = form_of(parts)
    if form in ("plain", "Tucker"):
        return shapes[UP][1]
    size = min(layer_size(parts))
    if form == "LoHa":
        return min(
            size, _inner_rank(shapes, "hada_w1", "hada_t1") * _inner_rank(shapes, "hada_w2", "hada_t2")
        )
    if form == "LoKr":
        return min(size, _inner_rank(shapes, "lokr_w1", "") * _inner_rank(shapes, "lokr_w2", "lokr_t2"))
    return size


def _inner_rank(shapes: Mapping[str, tuple[int, ...]], name: str, core: str) -> int:
    if core in shapes:
        return shapes[core][0]
    if name in shapes:
        return min(shapes[name][0], math.prod(shapes[name][1:]))
    return shapes[f"{name}_a"][1]


def _rank_fault(form: Form, parts: Specs) -> str:
    rank = rank_of(parts)
    if form in ("plain", "Tucker") or rank <= MAX_RANK:
        return ""
    title = "a full difference" if form == "full" else f"a {form}"
    return f"is {title} that would need rank {rank} as a LoRA (at most {MAX_RANK} is written)"
