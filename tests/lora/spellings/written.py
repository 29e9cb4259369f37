"""LoRA files in the spellings of programs, written out by hand, each with the ΔW that its program computes.

The formulas stand here as each program's source has them, on whole matrices in float64, and share nothing
with the code that is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
Tensor = torch.Tensor
Tensors = dict[str, Tensor]
Made = tuple[Tensors, Tensor]
"""Parts by name, and the ΔW ``(out, in, …)`` that they mean."""


def random(*shape: int, seed: int = 0, dtype: Any = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape) * 31)
    return torch.randn(*shape, generator=generator).to(dtype)


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> Path:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: t.contiguous() for name, t in tensors.items()}, path, dict(metadata or {}) or None)
    return path


def plain(shape: tuple[int, ...], rank: int = 3, alpha: float | None = 1.5) -> Made:
    """``networks/lora.py``: alpha / rank · up @ down."""
    outputs, *inputs = shape
    down, up = random(rank, *inputs), random(outputs, rank, *[1] * (len(inputs) - 1), seed=1)
    delta = (up.double().flatten(1) @ down.double().flatten(1)).reshape(shape)
    parts = {"lora_down.weight": down, "lora_up.weight": up}
    if alpha is None:
        return parts, delta
    return {**parts, "alpha": torch.tensor(alpha)}, delta * alpha / rank


def tucker(shape: tuple[int, ...], rank: int = 3, alpha: float = 2.0) -> Made:
    """LyCORIS ``functional/general.py`` `tucker_weight_from_conv`."""
    outputs, inputs, *kernel = shape
    down, up = random(rank, inputs, 1, 1), random(outputs, rank, 1, 1, seed=1)
    mid = random(rank, rank, *kernel, seed=2)
    flat = (t.double().flatten(1) for t in (up, down))
    delta = torch.einsum("mnkl,im,nj->ijkl", mid.double(), *flat) * alpha / rank
    named = {"lora_down.weight": down, "lora_up.weight": up, "lora_mid.weight": mid}
    return {**named, "alpha": torch.tensor(alpha)}, delta


def loha(shape: tuple[int, ...], rank: int = 2, alpha: float = 1.0, core: bool = False) -> Made:
    """LyCORIS ``functional/loha.py``: two products, multiplied number by number."""
    outputs, inputs, *kernel = shape
    columns = inputs if core else inputs * (kernel[0] * kernel[1] if kernel else 1)
    parts, product = {"alpha": torch.tensor(alpha)}, torch.ones(1, dtype=torch.float64)
    for number in (1, 2):
        first = random(rank, outputs, seed=number) if core else random(outputs, rank, seed=number)
        second = random(rank, columns, seed=number + 10)
        parts |= {f"hada_w{number}_a": first, f"hada_w{number}_b": second}
        if core:
            parts[f"hada_t{number}"] = middle = random(rank, rank, *kernel, seed=number + 20)
            factors = (middle.double(), second.double(), first.double())
            product = product * torch.einsum("ijkl,jr,ip->prkl", *factors)
        else:
            product = product * (first.double() @ second.double()).reshape(shape)
    return parts, product * alpha / rank


def lokr(
    shape: tuple[int, ...], alpha: float = 1.0, first: int = 0, second: int = 2, core: bool = False
) -> Made:
    """LyCORIS ``modules/lokr.py``: the Kronecker product; ``first``, ``second``: ranks, 0 for whole ones."""
    outputs, inputs, *kernel = shape
    parts: Tensors = {"alpha": torch.tensor(alpha)}
    whole1, parts1 = _kron_factor("lokr_w1", (4, 2), first, 1)
    whole2, parts2 = _kron_factor("lokr_w2", (outputs // 4, inputs // 2, *kernel), second, 5, core)
    if kernel:
        whole1 = whole1[:, :, None, None]
    divided = second or first
    scale = alpha / divided if divided else 1.0
    return {**parts, **parts1, **parts2}, torch.kron(
        whole1.clone(memory_format=torch.contiguous_format),
        whole2.clone(memory_format=torch.contiguous_format),
    ) * scale


def _kron_factor(
    name: str, shape: tuple[int, ...], rank: int, seed: int, core: bool = False
) -> tuple[Tensor, Tensors]:
    rows, inputs, *kernel = shape
    if not rank:
        whole = random(*shape, seed=seed)
        return whole.double(), {name: whole}
    if core:
        a, b = random(rank, rows, seed=seed), random(rank, inputs, seed=seed + 1)
        t = random(rank, rank, *kernel, seed=seed + 2)
        whole = torch.einsum("ijkl,jr,ip->prkl", t.double(), b.double(), a.double())
        return whole, {f"{name}_a": a, f"{name}_b": b, name.replace("_w", "_t"): t}
    columns = inputs * (kernel[0] * kernel[1] if kernel else 1)
    a, b = random(rows, rank, seed=seed), random(rank, columns, seed=seed + 1)
    return (a.double() @ b.double()).reshape(shape), {f"{name}_a": a, f"{name}_b": b}


def full(shape: tuple[int, ...]) -> Made:
    """LyCORIS ``modules/full.py``: the difference itself."""
    delta = random(*shape)
    return {"diff": delta}, delta.double()


FORMS: dict[str, Callable[[tuple[int, ...]], Made]] = {
    "plain": plain,
    "plain, no alpha": lambda shape: plain(shape, alpha=None),
    "LoHa": loha,
    "LoHa of more rank than the layer": lambda shape: loha(shape, rank=5),
    "LoKr, small factor whole": lokr,
    "LoKr, both factored": lambda shape: lokr(shape, first=1),
    "LoKr, large factor whole": lambda shape: lokr(shape, first=1, second=0),
    "LoKr, both whole": lambda shape: lokr(shape, second=0, alpha=3.0),
    "full": full,
}
CONV_FORMS: dict[str, Callable[[tuple[int, ...]], Made]] = {
    "Tucker": tucker,
    "LoHa with cores": lambda shape: loha(shape, core=True),
    "LoKr with a core": lambda shape: lokr(shape, core=True),
}


def named(module: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{module}.{part}": tensor for part, tensor in parts.items()}


def delta_of(parts: Mapping[str, Tensor]) -> Tensor:
    """What a plain module of Kohya's form changes, in float64."""
    down, up = parts["lora_down.weight"].double(), parts["lora_up.weight"].double()
    scale = float(parts["alpha"]) / down.shape[0]
    return scale * (up.flatten(1) @ down.flatten(1)).reshape(up.shape[0], *down.shape[1:])
