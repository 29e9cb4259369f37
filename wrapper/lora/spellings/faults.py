"""Why a module cannot be written exactly as a plain LoRA: of another nature, too large, or damaged."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wrapper.lora.spellings.forms import Form, Shapes, form_of, matrix_size, rank_of
from wrapper.lora.spellings.parts import ALPHA, DOWN, MID, UP
from wrapper.safetensors_header import TensorSpec

Specs = Mapping[str, TensorSpec]
"""A module's tensors by part."""
MAX_RANK = 256
"""A LoHa, LoKr or full difference that needs more is not written as a LoRA: at this rank SDXL's file already
has about 2 GB, and many of its layers would take fewer numbers as they are."""
FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
_WHOLE_NUMBERS = frozenset({"I64", "I32", "I16", "I8", "U8"})
_MISFIT = "has factors whose sizes do not fit each other"
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


def fault_of(parts: Specs) -> str:
    """Why a module cannot be written exactly as a plain one; empty when it can."""
    reason = next((REASONS[part] for part in sorted(parts) if part in REASONS), "")
    form = form_of(parts)
    if reason or form is None:
        return reason or _no_form(parts)
    shapes = {part: spec.shape for part, spec in parts.items()}
    return _number_fault(parts) or _shape_fault(form, shapes) or _rank_fault(form, shapes)


def _no_form(parts: Specs) -> str:
    plain = {DOWN, UP} & set(parts)
    rest = sorted(set(parts) - {DOWN, UP, MID, ALPHA})
    if len(plain) == 1 and not rest:
        return "lacks its up half" if DOWN in plain else "lacks its down half"
    if not rest:
        return "lacks both its halves"
    return f"has parts that make no known form ({', '.join(rest)})"


def _number_fault(parts: Specs) -> str:
    strange = [
        s.dtype for p, s in parts.items() if s.dtype not in FLOATS | (_WHOLE_NUMBERS if p == ALPHA else set())
    ]
    if strange:
        return f"holds numbers of type {', '.join(sorted(set(strange)))}"
    if ALPHA in parts and math.prod(parts[ALPHA].shape) != 1:
        return f"has an alpha of {math.prod(parts[ALPHA].shape)} numbers"
    return "" if all(all(spec.shape) for spec in parts.values()) else "has a tensor without numbers (rank 0)"


def _shape_fault(form: Form, shapes: Shapes) -> str:
    if any(len(shape) not in (2, 4) for part, shape in shapes.items() if part != ALPHA):
        return "has tensors that are no matrices"
    if form == "plain":
        return _pair_fault(shapes[DOWN], shapes[UP])
    if form == "Tucker":
        return "" if _tucker_fits(shapes[DOWN], shapes[MID], shapes[UP]) else _MISFIT
    names = {"LoHa": ("hada_w1", "hada_w2"), "LoKr": ("lokr_w1", "lokr_w2")}.get(form, ())
    if not all(_factors_fit(shapes, name) for name in names):
        return _MISFIT
    same = form != "LoHa" or matrix_size(shapes, "hada_w1") == matrix_size(shapes, "hada_w2")
    return "" if same else _MISFIT


def _pair_fault(down: tuple[int, ...], up: tuple[int, ...]) -> str:
    if down[0] != up[1]:
        return f"has a down of rank {down[0]} and an up of rank {up[1]}"
    return "" if set(up[2:]) <= {1} else f"has an up of {up[2]} × {up[3]}"


def _tucker_fits(down: tuple[int, ...], mid: tuple[int, ...], up: tuple[int, ...]) -> bool:
    return len(mid) == 4 and mid[:2] == (up[1], down[0]) and {*up[2:], *down[2:]} <= {1}


def _factors_fit(shapes: Shapes, name: str) -> bool:
    """Whether the factors of one matrix have the inner sizes that their product needs."""
    if name in shapes:
        return True
    first, second, core = shapes[f"{name}_a"], shapes[f"{name}_b"], shapes.get(name.replace("_w", "_t"))
    if core:
        return len(core) == 4 and len(first) == 2 and core[:2] == (first[0], second[0])
    return first[1] == second[0] and set(first[2:]) <= {1}


def _rank_fault(form: Form, shapes: Shapes) -> str:
    rank = rank_of(shapes)
    if form in ("plain", "Tucker") or rank <= MAX_RANK:
        return ""
    title = "a full difference" if form == "full" else f"a {form}"
    return f"is {title} that would need rank {rank} as a LoRA (at most {MAX_RANK} is written)"
