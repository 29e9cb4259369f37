"""What is shown of an exported file before it counts as done: each proof reads the file itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.export.source import ALPHA, DOWN, UP, Modules, Source, alpha_of, component_of
from wrapper.lora.deltas import delta_error

if TYPE_CHECKING:
    from torch import Tensor

    from wrapper.lora.file import Lora
    from wrapper.lora.layers import Layer

MAX_HEADER_BYTES = 1 << 20
"""ComfyUI's ``/view_metadata`` answers 404 above this (0.3.64, ``server.py``)."""
DELTA_TOLERANCE = 5e-3
"""Largest ‖ΔW − ΔW'‖ / ‖ΔW‖ (Frobenius) that rounding both factors to fp16 may cause."""
MAX_NAMED = 3


@dataclass(frozen=True)
class Proof:
    """One row of the table: ``what`` was asked, whether it ``passed``, and the figures."""

    what: str
    passed: bool
    detail: str


def prove_file(path: Path, source: Source, name: str, layers: Mapping[str, Layer], title: str) -> list[Proof]:
    """Read ``path`` back and hold it against ``layers`` (by Kohya name) and its source.

    ``name`` is what the metadata should call it, ``title`` says whose layers these are.
    """
    from wrapper.lora.file import read_lora
    from wrapper.safetensors_header import read_header

    lora = read_lora(path)
    modules = lora.modules()
    return [
        _keys(modules, layers, title),
        _shapes(modules, layers),
        _finite(modules),
        _alpha(modules),
        _deltas(modules, source.modules),
        _metadata(path, lora, name, read_header(path).data_start),
    ]


def _keys(modules: Modules, layers: Mapping[str, Layer], title: str) -> Proof:
    unknown = sorted(set(modules) - set(layers))
    halves = sorted(_half_attentions(modules))
    counts = ", ".join(f"{count} {component}" for component, count in _by_component(modules).items())
    detail = f"{len(modules)} modules ({counts}), all in the table of {title}"
    if unknown:
        detail = f"{len(unknown)} of {len(modules)} have no layer in {title}: {_some(unknown)}"
    elif halves:
        detail = f"q, k, v and out are not all there (A1111 drops such): {_some(halves)}"
    return Proof("every key has its layer", not unknown and not halves and bool(modules), detail)


def _by_component(modules: Modules) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in modules:
        counts[component_of(name)] = counts.get(component_of(name), 0) + 1
    return counts


def _half_attentions(modules: Modules) -> Iterator[str]:
    """Attentions of SDXL's second text encoder, which A1111 applies only as a whole."""
    found: dict[str, int] = {}
    for name in modules:
        if name.startswith("lora_te2_") and "_self_attn_" in name:
            attention = name.partition("_self_attn_")[0]
            found[attention] = found.get(attention, 0) + 1
    return (name for name, count in found.items() if count != 4)


def _shapes(modules: Modules, layers: Mapping[str, Layer]) -> Proof:
    wrong = [
        name
        for name, parts in modules.items()
        if name in layers and not _fits(parts, layers[name].weight_shape)
    ]
    ranks = sorted({parts[DOWN].shape[0] for parts in modules.values()})
    shown = f"{ranks[0]}" if len(ranks) == 1 else f"{ranks[0]} to {ranks[-1]}"
    detail = f"{len(wrong)} do not fit: {_some(wrong)}" if wrong else f"rank {shown}"
    return Proof("shapes fit the layers", not wrong, detail)


def fits(modules: Modules, layers: Mapping[str, Layer]) -> bool:
    """Whether every module has its layer in ``layers``, of the right size."""
    return all(name in layers and _fits(parts, layers[name].weight_shape) for name, parts in modules.items())


def _fits(parts: dict[str, Tensor], layer: tuple[int, ...]) -> bool:
    """Linear: down [r, in], up [out, r]. Conv: down [r, in, kh, kw], up [out, r, 1, 1]."""
    rank = parts[DOWN].shape[0]
    up = (layer[0], rank, 1, 1) if len(layer) == 4 else (layer[0], rank)
    return tuple(parts[DOWN].shape) == (rank, *layer[1:]) and tuple(parts[UP].shape) == up


def _finite(modules: Modules) -> Proof:
    broken = [
        name for name, parts in modules.items() if not all(bool(t.isfinite().all()) for t in parts.values())
    ]
    idle = [name for name, parts in modules.items() if not (parts[DOWN].any() and parts[UP].any())]
    working = len(modules) - len(idle)
    if broken:
        return Proof("finite and not zero", False, f"not finite: {_some(broken)}")
    return Proof("finite and not zero", working > 0, f"{working} of {len(modules)} modules change something")


def _alpha(modules: Modules) -> Proof:
    without = [name for name, parts in modules.items() if ALPHA not in parts]
    values: dict[str, set[float]] = {}
    for name, parts in modules.items():
        values.setdefault(component_of(name), set()).add(alpha_of(parts))
    mixed = [component for component, found in values.items() if len(found) > 1]
    detail = ", ".join(f"{component} {min(found):g}" for component, found in values.items())
    if without or mixed:
        detail = f"missing on {len(without)} modules, mixed in {', '.join(mixed) or 'none'}"
    return Proof("alpha on every module, one a component", not without and not mixed, detail)


def _deltas(modules: Modules, source: Modules) -> Proof:
    what = "same change of the weights as the source"
    if set(modules) != set(source):
        return Proof(what, False, f"other modules: {_some(sorted(set(modules) ^ set(source)))}")
    errors = {name: delta_error(source[name], parts) for name, parts in modules.items()}
    worst = max(errors, key=lambda name: errors[name])
    passed = errors[worst] <= DELTA_TOLERANCE
    detail = f"largest relative difference {errors[worst]:.1e}" + ("" if passed else f" in {worst}")
    return Proof(what, passed, detail)


def _metadata(path: Path, lora: Lora, name: str, header_bytes: int) -> Proof:
    from wrapper.lora.hashes import model_hash

    true_hash = model_hash(path)
    right = lora.metadata.get("sshs_model_hash") == true_hash
    named = lora.metadata.get("ss_output_name") == name
    small = header_bytes <= MAX_HEADER_BYTES
    detail = f"hash {true_hash[:12]}, header {header_bytes // 1024 + 1} KiB"
    if not right:
        detail = "sshs_model_hash is not the hash of the weights"
    elif not named:
        detail = f"ss_output_name is {lora.metadata.get('ss_output_name')!r}, the file is called {name!r}"
    elif not small:
        detail = f"the header has {header_bytes} bytes, ComfyUI shows at most {MAX_HEADER_BYTES}"
    return Proof("metadata and hashes are the file's own", right and named and small, detail)


def _some(names: list[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
